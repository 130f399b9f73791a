import { post } from "../api/client";
import { currentTranslation, useTranslation } from "../i18n";
import { shortId } from "../lib/format";
import { total } from "../live/ledger";
import type { Live } from "../live/store";
import { useLive } from "../live/use";
import { Confirm } from "../ui/dialog";
import { unavailable, type Command, type Reason } from "./command";
import { Count, Counts, Note, type DialogProps } from "./parts";
import { useBound, usePerform } from "./perform";

const TIMEOUT = 60_000;

/** Every dead letter of the current run, which is named. */
export const retry: Command<string> = {
  operation: "retryFailed",
  whyDisabled(state) {
    const reason = unavailable(retry.operation, state);
    if (reason || !state.status) return reason;
    if (state.status.phase === "ABORTED") return ["cannot.retryAborted"];
    return total(state.status, "dead") === 0 ? ["cannot.noDead"] : null;
  },
  async perform(runId) {
    const { retried } = await post("/pedidos/queue/retry-failed", { query: { runId }, timeout: TIMEOUT });
    return currentTranslation().t("did.retried", { n: retried });
  },
};

/** One dead letter. */
export const retryOne = {
  /** Only dead letters of the current run can be retried. */
  whyDisabled(runId: string | null | undefined, state: Live): Reason | null {
    const reason = retry.whyDisabled(state);
    if (reason && reason[0] !== "cannot.noDead") return reason;
    return runId && runId !== state.status?.runId ? ["cannot.otherRun", { run: shortId(runId) }] : reason;
  },
  async perform(id: string): Promise<string> {
    const { t } = currentTranslation();
    const { retried } = await post("/pedidos/queue/retry-failed", { query: { id }, timeout: TIMEOUT });
    // Another request was first, or the run was cancelled meanwhile.
    if (retried === 0) throw new Error(t("did.retriedNone"));
    return t("did.retried", { n: retried });
  },
};

export function RetryDialog({ onClose }: DialogProps) {
  const { t, n } = useTranslation();
  const { busy, error, run } = usePerform(true);
  const { runId, whyDisabled } = useBound(retry);
  const status = useLive((state) => state.status);
  if (!status) return null;
  const confirm = () => run(() => retry.perform(runId), onClose);
  return (
    <Confirm title={t("retry.title")} reason={whyDisabled} verb={t("do.retryAll")} busy={busy} error={error} onConfirm={confirm} onClose={onClose}>
      <Counts>
        <Count name={t("retry.dead")} value={n(total(status, "dead"))} />
      </Counts>
      <Note>{t("retry.note")}</Note>
    </Confirm>
  );
}
