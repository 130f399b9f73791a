import { useState } from "react";
import { patch, type Run, type Status } from "../api/client";
import { currentTranslation, useTranslation, type Translation } from "../i18n";
import { shortId } from "../lib/format";
import { isCanary } from "../live/holds";
import { isActive } from "../live/phases";
import { useLive } from "../live/use";
import { Confirm } from "../ui/dialog";
import { unavailable, type Command } from "./command";
import { Note, type DialogProps } from "./parts";
import { useBound, usePerform } from "./perform";
import { FlowFields, type FlowChoice } from "./run-options";
import { typedOrNone } from "./typed";

type Flow = Pick<Status | Run, "pauseAfter" | "maxFailedPercent" | "onVipFailure">;

interface Input {
  runId: string;
  change: Partial<FlowChoice>;
}

/** What holds the run back, in words; empty: nothing. */
export function flowText({ pauseAfter, maxFailedPercent, onVipFailure }: Flow, { t }: Pick<Translation, "t">): string {
  const parts = [
    pauseAfter != null && t("flow.pauseAfter", { n: pauseAfter }),
    maxFailedPercent != null && t("flow.maxFailedPercent", { n: maxFailedPercent }),
    onVipFailure === "hold" && t("flow.hold"),
  ];
  return parts.filter((part) => part !== false).join(", ");
}

/** The body of the request: a field that is empty lifts its option. */
export function changeOf({ pauseAfter, maxFailedPercent, onVipFailure }: Partial<FlowChoice>) {
  return {
    ...(pauseAfter !== undefined && { pauseAfter: typedOrNone(pauseAfter) }),
    ...(maxFailedPercent !== undefined && { maxFailedPercent: typedOrNone(maxFailedPercent) }),
    ...(onVipFailure && { onVipFailure }),
  };
}

/** Changes what holds the active run back. */
export const changeRun: Command<Input> = {
  operation: "changeRun",
  whyDisabled(state) {
    const reason = unavailable(changeRun.operation, state);
    if (reason) return reason;
    if (!state.status || !isActive(state.status.phase)) return ["cannot.noRun"];
    return state.health?.processor.aborting ? ["cannot.aborting"] : null;
  },
  async perform({ runId, change }) {
    const run = await patch("/pedidos/runs/{runId}", changeOf(change), { path: { runId } });
    const { t } = currentTranslation();
    const text = flowText(run, { t });
    return text ? t("did.changedRun", { options: text }) : t("did.freedRun");
  },
};

export function ChangeRunDialog({ onClose }: DialogProps) {
  const { t } = useTranslation();
  const { busy, error, run } = usePerform(true);
  const { runId, whyDisabled } = useBound(changeRun);
  const status = useLive((state) => state.status);
  const [choice, setChoice] = useState<FlowChoice>({
    pauseAfter: String(status?.pauseAfter ?? ""),
    maxFailedPercent: String(status?.maxFailedPercent ?? ""),
    onVipFailure: status?.onVipFailure ?? "continue",
  });
  const confirm = () => run(() => changeRun.perform({ runId, change: choice }), onClose);
  return (
    <Confirm title={t("changeRun.title", { run: shortId(runId) })} reason={whyDisabled} verb={t("do.changeRun")} busy={busy} error={error} onConfirm={confirm} onClose={onClose}>
      <p>{t("changeRun.words")}</p>
      <FlowFields choice={choice} onChange={(change) => setChoice({ ...choice, ...change })} />
      {status?.phase === "ERROR" && <Note>{t("changeRun.error")}</Note>}
      {status && isCanary(status) && <Note>{t("changeRun.paused")}</Note>}
    </Confirm>
  );
}
