import { useState } from "react";
import { post, type CleanState } from "../api/client";
import { currentTranslation, useTranslation, type Key } from "../i18n";
import { total, type Part } from "../live/ledger";
import type { Live } from "../live/store";
import { useLive } from "../live/use";
import { Confirm } from "../ui/dialog";
import { unavailable, type Command, type Reason } from "./command";
import { Note, type DialogProps } from "./parts";
import { useBound, usePerform } from "./perform";

const PARTS: Record<CleanState, Part> = {
  wait: "waiting",
  active: "leased",
  delayed: "delayed",
  completed: "processed",
  failed: "dead",
};
const STATES = Object.keys(PARTS) as CleanState[];

interface Input {
  state: CleanState;
  runId: string;
}

export const clean: Command<Input> = {
  operation: "cleanQueue",
  whyDisabled(state) {
    const reason = unavailable(clean.operation, state);
    const { status } = state;
    if (reason || !status) return reason;
    return STATES.every((some) => total(status, PARTS[some]) === 0) ? ["cannot.noneAtAll"] : null;
  },
  async perform({ state, runId }) {
    // Dead letters belong to a run; everything else is what the queue has.
    const query = { state, ...(state === "failed" && { runId }) };
    const { removed } = await post("/pedidos/queue/clean", { query, timeout: 120_000 });
    return currentTranslation().t(state === "completed" ? "did.hidden" : "did.cleaned", { n: removed });
  },
};

/** Why jobs of this state cannot be cleaned. */
export function whyNotClean(what: CleanState, state: Live): Reason | null {
  const reason = unavailable(clean.operation, state);
  if (reason || !state.status) return reason;
  return total(state.status, PARTS[what]) === 0 ? ["cannot.noneOf"] : null;
}

export function CleanDialog({ first = "wait", onClose }: DialogProps & { first?: CleanState }) {
  const { t, n } = useTranslation();
  const { busy, error, run } = usePerform(true);
  const [what, setWhat] = useState<CleanState>(first);
  const status = useLive((state) => state.status);
  const { runId, whyDisabled } = useBound({ whyDisabled: (state) => whyNotClean(what, state) });
  if (!status) return null;
  const confirm = () => run(() => clean.perform({ state: what, runId }), onClose);
  return (
    <Confirm title={t("clean.title")} reason={whyDisabled} verb={t("do.clean")} danger busy={busy} error={error} onConfirm={confirm} onClose={onClose}>
      <fieldset className="space-y-1.5">
        <legend className="mb-2 text-sm text-soft">{t("clean.which")}</legend>
        {STATES.map((some) => (
          <label key={some} className="flex items-baseline gap-3 rounded-lg border border-line px-3 py-2 has-checked:border-ink">
            <input type="radio" name="state" checked={what === some} onChange={() => setWhat(some)} className="accent-ink" />
            <span className="flex-1">{t(`state.${some}` as Key)}</span>
            <span className="font-semibold">{n(total(status, PARTS[some]))}</span>
          </label>
        ))}
      </fieldset>
      {!whyDisabled && <Note>{t(`clean.${what}` as Key, { n: total(status, PARTS[what]) })}</Note>}
    </Confirm>
  );
}
