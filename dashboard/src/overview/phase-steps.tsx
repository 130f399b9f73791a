import { useTranslation, type Key } from "../i18n";
import { isActive, rank, STEPS, timeIn, type Step } from "../live/phases";
import { serverNow } from "../live/store";
import { useLive, useNow } from "../live/use";
import { Icon } from "../ui/icons";
import { Panel } from "../ui/panel";

/** Every phase, the time spent in each, and the fence between VIP and NORMAL. */
export function PhaseSteps() {
  const { t, duration } = useTranslation();
  const state = useLive((state) => state);
  const now = serverNow(state, useNow(500));
  const { status, times: known } = state;
  if (!status) return null;
  const times = known?.runId === status.runId ? known : null;
  const { phase, fence } = status;
  // An aborted or failed run stopped in the last phase that was seen.
  const left = times ? STEPS.filter((step) => times.spent[step] !== undefined) : [];
  const reached = rank(phase) >= 0 ? rank(phase) : Math.max(-1, ...left.map(rank));
  const step = (name: Step) => {
    const at = rank(name);
    const here = phase === name;
    const time = name === "DONE" ? null : timeIn(times, name, now);
    const done = at < reached || phase === "DONE";
    // GENERATING and ENQUEUE_VIP alternate: a phase that was left can be entered again.
    const begun = time !== null && !here && !done;
    const stopped = (phase === "ABORTED" || phase === "ERROR") && at === reached;
    return (
      <li
        key={name}
        aria-current={here ? "step" : undefined}
        data-step={name}
        className={`relative flex min-w-0 items-center gap-3 rounded-xl border px-3 py-2.5 sm:flex-1 sm:basis-0 sm:px-2.5 sm:flex-col sm:items-start sm:gap-1 ${
          here
            ? phase === "DONE"
              ? "border-good bg-panel"
              : at < 3
                ? "border-vip bg-vip-wash"
                : "border-normal bg-normal-wash"
            : stopped
              ? "border-bad bg-bad-wash"
              : done || begun
                ? "border-line bg-panel"
                : "border-dashed border-line text-soft"
        }`}
      >
        <span className="flex items-center gap-1.5 text-[0.82rem] leading-tight font-medium">
          {done ? (
            <Icon name="check" size={15} className="text-good" />
          ) : stopped ? (
            <Icon name="close" size={15} className="text-bad" />
          ) : (
            <span aria-hidden="true" className={`size-2 shrink-0 rounded-full ${here ? "breathing" : ""} ${here || begun ? (at < 3 ? "bg-vip" : "bg-normal") : "bg-quiet"}`} />
          )}
          {t(`phase.${name}` as Key)}
        </span>
        <span className={`ms-auto text-sm sm:ms-0 ${here && isActive(phase) ? "font-semibold text-ink" : "text-soft"}`}>
          {time !== null ? duration(time) : name === "DONE" ? (phase === "DONE" ? t("steps.end") : "") : "—"}
        </span>
        <span className="sr-only">{here ? t("steps.here") : done ? t("steps.done") : stopped ? t("steps.stopped") : t("steps.ahead")}</span>
      </li>
    );
  };
  const gap = fence.lastVipAt && fence.firstNormalAt ? Date.parse(fence.firstNormalAt) - Date.parse(fence.lastVipAt) : null;
  return (
    <Panel title={t("steps")} aside={<span className="text-xs text-soft">{t("steps.hint")}</span>}>
      <ol className="flex flex-col gap-2 sm:flex-row sm:items-stretch">
        {STEPS.slice(0, 3).map(step)}
        <li
          data-fence={fence.open ? "open" : "shut"}
          className={`flex items-center justify-center gap-2 rounded-xl px-3 py-2 text-xs font-semibold sm:w-18 sm:flex-col sm:gap-1 sm:px-1 sm:text-center lg:w-26 ${
            fence.open ? "text-good" : "bg-sunk text-ink"
          }`}
        >
          <Icon name={fence.open ? "unlock" : "lock"} size={20} />
          {fence.open ? t("fence.open") : t("fence.shut")}
        </li>
        {STEPS.slice(3).map(step)}
      </ol>
      <p className="mt-3 text-sm text-soft">
        {fence.violations > 0 ? (
          <strong className="text-bad">{t("fence.violated", { n: fence.violations })}</strong>
        ) : gap !== null && gap >= 0 ? (
          t("fence.kept", { gap: duration(gap) })
        ) : (
          t(fence.open ? "fence.opened" : "fence.waits")
        )}
        {fence.lateVip > 0 && ` ${t("fence.late", { n: fence.lateVip })}`}
      </p>
    </Panel>
  );
}
