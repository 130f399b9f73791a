import { useState } from "react";
import { post } from "../api/client";
import { currentTranslation, useTranslation, type Key } from "../i18n";
import { shortId } from "../lib/format";
import { pending, total } from "../live/ledger";
import { isActive } from "../live/phases";
import { useLive } from "../live/use";
import { Confirm } from "../ui/dialog";
import { unavailable, type Command } from "./command";
import { Check, Count, Counts, type DialogProps } from "./parts";
import { useBound, usePerform } from "./perform";

const OPTIONS = ["purge", "removePending", "resetLogs"] as const;
type Options = Record<(typeof OPTIONS)[number], boolean>;

export const cancel: Command<Options & { runId: string }> = {
  operation: "cancel",
  whyDisabled(state) {
    const reason = unavailable(cancel.operation, state);
    if (reason) return reason;
    if (state.health?.processor.aborting) return ["cannot.aborting"];
    return state.status && isActive(state.status.phase) ? null : ["cannot.noRun"];
  },
  async perform(query) {
    const answer = await post("/pedidos/cancel", { query, timeout: 60_000 });
    return answer.aborted && answer.summary?.stillPending === 0
      ? currentTranslation().t("did.cancelled", { removed: answer.removedPending, processed: answer.summary.processed })
      : answer.message;
  },
};

export function CancelDialog({ onClose }: DialogProps) {
  const { t, n } = useTranslation();
  const { busy, error, run } = usePerform(true);
  const { runId, whyDisabled } = useBound(cancel);
  const status = useLive((state) => state.status);
  const [options, setOptions] = useState<Options>({ purge: true, removePending: true, resetLogs: false });
  if (!status) return null;
  const { stored, notGenerated } = pending(status);
  const dead = total(status, "dead");
  const confirm = () => run(() => cancel.perform({ ...options, runId }), onClose);
  return (
    <Confirm title={t("cancel.title", { run: shortId(runId) })} reason={whyDisabled} verb={t("do.cancel")} danger busy={busy} error={error} onConfirm={confirm} onClose={onClose}>
      <p>{t("cancel.words")}</p>
      <Counts>
        <Count name={t("cancel.stored")} value={n(stored)} bad={stored > 0} />
        <Count name={t("cancel.notGenerated")} value={n(notGenerated)} bad={notGenerated > 0} />
        <Count name={t("cancel.dead")} value={n(dead)} bad={dead > 0 && options.purge} />
        <Count name={t("cancel.kept")} value={n(total(status, "processed"))} />
      </Counts>
      <fieldset className="space-y-2.5">
        <legend className="sr-only">{t("options")}</legend>
        {OPTIONS.map((name) => (
          <Check
            key={name}
            name={t(`cancel.${name}` as Key)}
            hint={t(`cancel.${name}.hint` as Key)}
            checked={options[name]}
            onChange={(checked) => setOptions({ ...options, [name]: checked })}
          />
        ))}
      </fieldset>
    </Confirm>
  );
}
