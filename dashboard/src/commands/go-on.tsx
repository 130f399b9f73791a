import { currentTranslation, useTranslation } from "../i18n";
import { deadThatHold } from "../live/holds";
import { useLive } from "../live/use";
import { Confirm } from "../ui/dialog";
import { changeRun } from "./change-run";
import type { Command } from "./command";
import { Count, Counts, type DialogProps } from "./parts";
import { useBound, usePerform } from "./perform";

/** Lets a run go on that dead VIP orders hold. */
export const goOn: Command<string> = {
  operation: changeRun.operation,
  whyDisabled: changeRun.whyDisabled,
  async perform(runId) {
    await changeRun.perform({ runId, change: { onVipFailure: "continue" } });
    return currentTranslation().t("did.goOn");
  },
};

export function GoOnDialog({ onClose }: DialogProps) {
  const { t, n } = useTranslation();
  const { busy, error, run } = usePerform(true);
  const { runId, whyDisabled } = useBound(goOn);
  const status = useLive((state) => state.status);
  if (!status) return null;
  const confirm = () => run(() => goOn.perform(runId), onClose);
  return (
    <Confirm title={t("goOn.title")} reason={whyDisabled} verb={t("do.goOnWithout")} busy={busy} error={error} onConfirm={confirm} onClose={onClose}>
      <Counts>
        <Count name={t("goOn.dead")} value={n(deadThatHold(status))} />
      </Counts>
      <p>{t("goOn.words")}</p>
    </Confirm>
  );
}
