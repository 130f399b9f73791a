import type { Phase } from "../api/client";
import { useTranslation } from "../i18n";
import { phaseName } from "../live/phase-words";

const STYLES: Record<Phase, string> = {
  IDLE: "bg-sunk text-soft",
  GENERATING: "bg-vip-wash text-vip",
  ENQUEUE_VIP: "bg-vip-wash text-vip",
  WAITING_VIP_DRAIN: "bg-vip-wash text-vip",
  ENQUEUE_NORMAL: "bg-normal-wash text-normal",
  WAITING_NORMAL_DRAIN: "bg-normal-wash text-normal",
  DONE: "bg-good text-panel",
  ABORTED: "bg-warn-wash text-warn",
  ERROR: "bg-bad-wash text-bad",
};

/** `dead`: how many of the run's orders are dead letters. */
export function PhaseBadge({ phase, dead }: { phase: Phase; dead: number }) {
  const translation = useTranslation();
  const look = phase === "DONE" && dead > 0 ? "bg-warn-wash text-warn" : STYLES[phase];
  return (
    <span data-phase={phase} className={`rounded-full px-2.5 py-1 text-xs font-semibold whitespace-nowrap ${look}`}>
      {phaseName(phase, dead, translation)}
    </span>
  );
}
