import type { Phase } from "../api/client";
import { useTranslation, type Key } from "../i18n";

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

export function PhaseBadge({ phase }: { phase: Phase }) {
  const { t } = useTranslation();
  return (
    <span data-phase={phase} className={`rounded-full px-2.5 py-1 text-xs font-semibold whitespace-nowrap ${STYLES[phase]}`}>
      {t(`phase.${phase}` as Key)}
    </span>
  );
}
