import { useTranslation } from "../i18n";
import { phaseWords } from "../live/phase-words";
import { total } from "../live/ledger";
import { isActive } from "../live/phases";
import { standsStill } from "../live/still";
import { isFresh, wallClock } from "../live/store";
import { useLive, useNow } from "../live/use";
import { shortId } from "../lib/format";
import { Source } from "../runs/source";
import { PhaseBadge } from "./phase-badge";

/** The progress of the current run. */
export function Summary() {
  const { t, n, percent, clock, duration, time } = useTranslation();
  const state = useLive((state) => state);
  const now = useNow();
  const { status, run } = state;
  if (!status) return null;
  const { phase, progress, eta, ledger } = status;
  const active = isActive(phase);
  const dead = total(status, "dead");
  const wall = wallClock(state, now);
  const still = active && standsStill(state, now);
  const left = eta.estimatedMs === null || still ? null : Math.max(0, eta.estimatedMs - (isFresh(state) ? now - state.statusAt : 0));
  const end = run && run.runId === status.runId ? Date.parse(run.createdAt) + wall : null;
  const target = Math.max(1, progress.target);
  const parts = [
    { key: "vip", className: "bg-vip", n: ledger.vip.processed },
    { key: "normal", className: "bg-normal", n: ledger.normal.processed },
    { key: "dead", className: "bg-bad", n: dead },
    { key: "removed", className: "bg-quiet", n: total(status, "removed") },
  ];
  return (
    <section aria-label={t("summary")} className="panel flex min-w-0 flex-col justify-between p-5 sm:p-7">
      <div className="flex flex-wrap items-center gap-2">
        <PhaseBadge phase={phase} dead={dead} />
        {status.paused && <span className="rounded-full bg-warn-wash px-2.5 py-1 text-xs font-semibold text-warn">{t("paused")}</span>}
        <span className="text-sm text-soft">{phaseWords(phase, dead, { t })}</span>
      </div>
      {/* Fixed columns: the figures change all the time, and must not move. */}
      <div className="mt-3 grid items-end gap-x-6 gap-y-5 xl:grid-cols-[minmax(17.5rem,max-content)_minmax(0,1fr)]">
        <p className="text-6xl font-semibold tracking-tight whitespace-nowrap sm:text-7xl" data-testid="percent">
          {phase === "IDLE" ? "—" : percent(eta.progressPercent, phase === "DONE" || eta.progressPercent >= 100 ? 0 : 1)}
        </p>
        <dl className="grid grid-cols-2 gap-x-4 gap-y-3 sm:grid-cols-4">
          <Figure name={t("orders")} value={`${n(progress.processedTotal)}`} more={t("of", { n: progress.target })} />
          <Figure
            name={active ? t("eta") : t("ended")}
            value={active ? (left === null ? "—" : clock(left)) : end === null ? "—" : time(end)}
            more={still ? t("eta.still") : active && left !== null ? t("left") : ""}
          />
          <Figure name={t("elapsed")} value={phase === "IDLE" ? "—" : active ? clock(wall) : duration(wall)} more={t("wall")} />
          <Figure name={t("average")} value={wall > 0 ? n((progress.processedTotal * 1000) / wall) : "—"} more={t("perSecond")} />
        </dl>
      </div>
      <div
        role="progressbar"
        aria-label={t("progress")}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.floor(eta.progressPercent)}
        className="mt-6 flex h-4 overflow-hidden rounded-full bg-sunk"
      >
        {parts.map(({ key, className, n }) => (
          <div key={key} className={className} style={{ width: `${(n / target) * 100}%` }} />
        ))}
      </div>
      <div className="mt-3 flex flex-wrap justify-between gap-x-6 gap-y-1 text-sm text-soft">
        <ul className="flex flex-wrap gap-x-5 gap-y-1">
          <Legend className="bg-vip" name="VIP" n={n(ledger.vip.processed)} />
          <Legend className="bg-normal" name="NORMAL" n={n(ledger.normal.processed)} />
          {parts[2]!.n > 0 && <Legend className="bg-bad" name={t("ledger.dead")} n={n(parts[2]!.n)} />}
          {parts[3]!.n > 0 && <Legend className="bg-quiet" name={t("ledger.removed")} n={n(parts[3]!.n)} />}
        </ul>
        {status.runId && (
          <p>
            {t("run")} <code title={status.runId}>{shortId(status.runId)}</code>
            {run && run.runId === status.runId && (
              <>
                {" · "}
                {run.source === "import" ? (
                  <Source of={run} />
                ) : (
                  <>
                    {t("seed")} <code>{run.seed}</code>
                  </>
                )}
              </>
            )}
          </p>
        )}
      </div>
    </section>
  );
}

function Figure({ name, value, more }: { name: string; value: string; more: string }) {
  return (
    <div>
      <dt className="text-xs text-soft">{name}</dt>
      <dd className="text-xl font-semibold whitespace-nowrap">{value}</dd>
      <dd className="text-xs text-soft">{more || "\u00a0"}</dd>
    </div>
  );
}

function Legend({ className, name, n }: { className: string; name: string; n: string }) {
  return (
    <li className="flex items-center gap-2">
      <span aria-hidden="true" className={`size-2.5 rounded-sm ${className}`} />
      {name} <span className="font-medium text-ink">{n}</span>
    </li>
  );
}
