import { patch } from "../api/client";
import { currentTranslation, useTranslation } from "../i18n";
import { deadThatHold } from "../live/holds";
import { isActive } from "../live/phases";
import { useLive } from "../live/use";
import { Confirm } from "../ui/dialog";
import { unavailable, type Command } from "./command";
import { Count, Counts, type DialogProps } from "./parts";
import { usePerform, useWhyDisabled } from "./perform";

/** Lets a run go on that dead VIP orders hold. */
export const goOn: Command<string> = {
  operation: "changeRun",
  whyDisabled(state) {
    const reason = unavailable(goOn.operation, state);
    return reason ?? (state.status && isActive(state.status.phase) ? null : ["cannot.noRun"]);
  },
  async perform(runId) {
    await patch("/pedidos/runs/{runId}", { onVipFailure: "continue" }, { path: { runId } });
    return currentTranslation().t("did.goOn");
  },
};

export function GoOnDialog({ onClose }: DialogProps) {
  const { t, n } = useTranslation();
  const { busy, error, run } = usePerform(true);
  const whyDisabled = useWhyDisabled(goOn);
  const status = useLive((state) => state.status);
  if (!status) return null;
  const confirm = () => run(() => goOn.perform(status.runId ?? ""), onClose);
  return (
    <Confirm title={t("goOn.title")} reason={whyDisabled} verb={t("do.goOnWithout")} busy={busy} error={error} onConfirm={confirm} onClose={onClose}>
      <Counts>
        <Count name={t("goOn.dead")} value={n(deadThatHold(status))} />
      </Counts>
      <p>{t("goOn.words")}</p>
    </Confirm>
  );
}
