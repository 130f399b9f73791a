import { useTranslation } from "../i18n";
import { wallClock } from "../live/store";
import { useLive, useNow } from "../live/use";
import { Empty, Panel } from "../ui/panel";
import { Gantt, type Bar } from "../ui/gantt";

/** The time windows of `GET /pedidos` on one axis. They overlap, which their sum does not show. */
export function Timeline() {
  const { t, duration } = useTranslation();
  const state = useLive((state) => state);
  const now = useNow();
  const { status, run } = state;
  if (!status) return null;
  const start = run && run.runId === status.runId ? Date.parse(run.createdAt) : null;
  const wall = wallClock(state, now);
  const windowOf = ({ start: from, end, timeMs }: typeof status.processing.vip) =>
    from && start !== null ? { from: Date.parse(from) - start, length: end ? timeMs : 0 } : null;
  const entered = state.times?.runId === status.runId ? state.times.first : null;
  const [vip, normal] = [windowOf(status.processing.vip), windowOf(status.processing.normal)];
  // A page that was opened late knows the first phase only from then on. But generation starts
  // before the first VIP order is processed, and ends before the first NORMAL order is.
  const seen = (entered ?? 0) - (start ?? 0);
  const began = Math.min(seen, vip?.from ?? seen, (normal?.from ?? wall) - status.generationTimeMs);
  const generation =
    start !== null && status.generationTimeMs > 0
      ? { from: Math.max(0, began), length: status.generationTimeMs }
      : null;
  const bars: Bar[] = [
    { name: t("timeline.generation"), colour: "bg-ink", span: generation, ms: status.generationTimeMs },
    { name: t("timeline.vip"), colour: "bg-vip", span: vip, ms: status.processing.vip.timeMs },
    { name: t("timeline.normal"), colour: "bg-normal", span: normal, ms: status.processing.normal.timeMs },
  ];
  return (
    <Panel
      title={t("timeline")}
      aside={
        <span className="text-xs text-soft">
          {t("timeline.sum")} {duration(status.totalTimeMs)} · {t("timeline.wall")} {duration(wall)}
        </span>
      }
    >
      {start === null ? (
        <Empty>{t("timeline.none")}</Empty>
      ) : (
        <>
          <Gantt bars={bars} length={Math.max(wall, 1)} />
          <dl className="mt-4 flex flex-wrap gap-x-8 gap-y-1 text-sm">
            <Spent name={t("timeline.enqueueVip")} value={duration(status.enqueueVipTimeMs)} />
            <Spent name={t("timeline.enqueueNormal")} value={duration(status.enqueueNormalTimeMs)} />
          </dl>
        </>
      )}
    </Panel>
  );
}

function Spent({ name, value }: { name: string; value: string }) {
  return (
    <div className="flex gap-2">
      <dt className="text-soft">{name}</dt>
      <dd className="font-medium">{value}</dd>
    </div>
  );
}
