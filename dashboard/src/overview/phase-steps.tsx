import { useTranslation, type Key } from "../i18n";
import { total } from "../live/ledger";
import { fenceOpened, isActive, isMoving, STEPS, stepState, timeIn, type Step, type StepState } from "../live/phases";
import { serverNow } from "../live/store";
import { useLive, useNow } from "../live/use";
import { Icon } from "../ui/icons";
import { Panel } from "../ui/panel";

const VIP = STEPS.slice(0, 3);
const NORMAL = STEPS.slice(3, 5);

/** Every phase, the time spent in each, and the fence between VIP and NORMAL. */
export function PhaseSteps() {
  const { t, duration } = useTranslation();
  const state = useLive((state) => state);
  const now = serverNow(state, useNow(500));
  const { status, times: known } = state;
  if (!status) return null;
  const times = known?.runId === status.runId ? known : null;
  const { phase, fence } = status;
  const opened = fenceOpened(status);
  const dead = total(status, "dead");
  const chip = (step: Step, colours: Colours) => {
    const time = step === "DONE" ? null : timeIn(times, step, now);
    return (
      <Chip key={step} step={step} state={stepState(step, status, times)} colours={colours} moves={isActive(phase)}>
        {time !== null ? duration(time) : step !== "DONE" ? "—" : phase !== "DONE" ? "" : dead > 0 ? t("steps.failed", { n: dead }) : t("steps.end")}
      </Chip>
    );
  };
  const gap = fence.lastVipAt && fence.firstNormalAt ? Date.parse(fence.firstNormalAt) - Date.parse(fence.lastVipAt) : null;
  const kept = opened && gap !== null && gap >= 0;
  return (
    <Panel title={t("steps")} aside={<span className="text-xs text-soft">{t("steps.hint")}</span>}>
      <div className="flex flex-col gap-2 sm:flex-row sm:items-stretch">
        <Group name={t("steps.vip")} className="sm:flex-3">
          {VIP.map((step) => chip(step, COLOURS.vip))}
        </Group>
        <p
          data-fence={opened ? "open" : "shut"}
          className={`flex items-center justify-center gap-2 rounded-xl px-3 py-2 text-xs font-semibold sm:w-18 sm:flex-col sm:gap-1 sm:px-1 sm:text-center lg:w-26 ${
            opened ? "text-good" : "bg-sunk text-ink"
          }`}
        >
          <Icon name={opened ? "unlock" : "lock"} size={20} />
          {t(opened ? "fence.open" : "fence.shut")}
        </p>
        <Group name={t("steps.normal")} className="sm:flex-2">
          {NORMAL.map((step) => chip(step, COLOURS.normal))}
        </Group>
        <ul className="flex sm:flex-1">{chip("DONE", dead > 0 ? COLOURS.failed : COLOURS.done)}</ul>
      </div>
      <p className="mt-3 text-sm text-soft">
        {fence.violations > 0 ? (
          <strong className="text-bad">{t("fence.violated", { n: fence.violations })}</strong>
        ) : kept ? (
          t("fence.kept", { gap: duration(gap) })
        ) : opened ? (
          t("fence.opened")
        ) : (
          t(isMoving(phase) || phase === "IDLE" ? "fence.waits" : "fence.stayed")
        )}
        {fence.lateVip > 0 && ` ${t("fence.late", { n: fence.lateVip })}`}
      </p>
    </Panel>
  );
}

interface Colours {
  here: string;
  dot: string;
}

const COLOURS = {
  vip: { here: "border-vip bg-vip-wash", dot: "bg-vip" },
  normal: { here: "border-normal bg-normal-wash", dot: "bg-normal" },
  done: { here: "border-good bg-panel", dot: "bg-good" },
  failed: { here: "border-warn bg-warn-wash", dot: "bg-warn" },
} as const satisfies Record<string, Colours>;

/** Phases that alternate: their order is no sequence. */
function Group({ name, className, children }: { name: string; className: string; children: React.ReactNode }) {
  return (
    <div className={`min-w-0 rounded-xl bg-sunk p-1.5 ${className}`}>
      <ul aria-label={name} className="flex flex-col gap-1.5 sm:flex-row">
        {children}
      </ul>
      <p aria-hidden="true" className="px-1 pt-1 text-xs text-soft">
        {name}
      </p>
    </div>
  );
}

function Chip({ step, state, colours, moves, children }: { step: Step; state: StepState; colours: Colours; moves: boolean; children: React.ReactNode }) {
  const { t } = useTranslation();
  const here = state === "here";
  const look =
    here ? colours.here : state === "stopped" ? "border-bad bg-bad-wash" : state === "ahead" ? "border-dashed border-quiet text-soft" : "border-line bg-panel";
  return (
    <li
      aria-current={here ? "step" : undefined}
      data-step={step}
      data-state={state}
      className={`relative flex min-w-0 items-center gap-3 rounded-xl border px-3 py-2.5 sm:flex-1 sm:basis-0 sm:flex-col sm:items-start sm:gap-1 sm:px-2.5 ${look}`}
    >
      <span className="flex items-center gap-1.5 text-[0.82rem] leading-tight font-medium">
        {state === "over" ? (
          <Icon name="check" size={15} className="text-good" />
        ) : state === "stopped" ? (
          <Icon name="close" size={15} className="text-bad" />
        ) : (
          <span aria-hidden="true" className={`size-2 shrink-0 rounded-full ${here && moves ? "breathing" : ""} ${state === "ahead" ? "bg-quiet" : colours.dot}`} />
        )}
        {t(`phase.${step}` as Key)}
      </span>
      <span className={`ms-auto text-sm sm:ms-0 ${here && moves ? "font-semibold text-ink" : "text-soft"}`}>{children}</span>
      <span className="sr-only">{t(`steps.${state}` as Key)}</span>
    </li>
  );
}
