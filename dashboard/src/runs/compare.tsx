import { useCallback, useEffect, useMemo, useState } from "react";
import { get, Problem, type Run } from "../api/client";
import { useTranslation, type Key } from "../i18n";
import { useAgain } from "../live/again";
import { BUILTIN } from "../live/holds";
import { rates, samplesOfLog, type Sample } from "../live/series";
import { shortId } from "../lib/format";
import { errorText } from "../api/error-text";
import { PhaseBadge } from "../overview/phase-badge";
import { Button } from "../ui/button";
import { Chart } from "../ui/chart";
import { Gantt } from "../ui/gantt";
import { Panel } from "../ui/panel";
import { aligned, better, dead, difference, MEASURES } from "./figures";
import { Source } from "./source";

/** One run, or two side by side. */
export function Compare({ ids, onClear }: { ids: readonly string[]; onClear: () => void }) {
  const { t } = useTranslation();
  const [runs, setRuns] = useState<readonly Run[]>([]);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [log, setLog] = useState<readonly string[]>([]);
  const wanted = ids.join(",");
  const load = useCallback(
    async (signal: AbortSignal) => {
      try {
        const found = await Promise.all(wanted.split(",").map((runId) => get("/pedidos/runs/{runId}", { path: { runId }, signal })));
        // What has not changed is not drawn again.
        setRuns((known) => (JSON.stringify(known) === JSON.stringify(found) ? known : found));
        setTrouble(null);
      } catch (error) {
        if (signal.aborted) return;
        // One of them is deleted: what is known of it is no longer true.
        if (error instanceof Problem && error.status === 404) setRuns([]);
        setTrouble(errorText(error));
      }
    },
    [wanted],
  );
  useAgain(load);
  useEffect(() => {
    const stop = new AbortController();
    get("/pedidos/logs", { query: { lines: 5000, level: "info" }, signal: stop.signal }).then(
      ({ logs }) => setLog(logs.logMessages),
      () => {},
    );
    return () => stop.abort();
  }, [wanted]);
  const [one, other] = runs;
  if (!one && !trouble) return null;
  return (
    <Panel
      title={other ? t("compare.two") : t("compare.one")}
      aside={
        <Button icon="close" kind="ghost" tipEnd onClick={onClear}>
          {t("compare.clear")}
        </Button>
      }
    >
      {trouble && (
        <p role="alert" className="mb-4 rounded-lg bg-bad-wash px-4 py-3 text-sm text-bad">
          {trouble}
        </p>
      )}
      {one && <Both one={one} other={other} log={log} />}
    </Panel>
  );
}

function Both({ one, other, log }: { one: Run; other: Run | undefined; log: readonly string[] }) {
  const { t } = useTranslation();
  const runs = useMemo(() => (other ? [one, other] : [one]), [one, other]);
  return (
    <>
      <div className="grid gap-x-10 gap-y-6 lg:grid-cols-2">
        {[one, other].map((run, i) =>
          run ? (
            <Windows key={run.runId} run={run} name={i === 0 ? "A" : "B"} length={Math.max(one.wallClockMs, other?.wallClockMs ?? 0, 1)} />
          ) : (
            <p key="none" className="self-center text-sm text-soft">
              {t("compare.more")}
            </p>
          ),
        )}
      </div>
      <Curves runs={runs} log={log} />
      <Figures one={one} other={other} />
    </>
  );
}

function Windows({ run, name, length }: { run: Run; name: string; length: number }) {
  const { t, moment, n } = useTranslation();
  const start = Date.parse(run.createdAt);
  const span = (from: string | null, ms: number) => (from ? { from: Date.parse(from) - start, length: ms } : null);
  return (
    <div className="min-w-0">
      <h3 className="mb-3 flex flex-wrap items-center gap-2 text-sm">
        <span className="flex size-6 items-center justify-center rounded-md bg-ink text-xs font-bold text-panel">{name}</span>
        <code className="font-semibold">{shortId(run.runId)}</code>
        <PhaseBadge phase={run.phase} dead={dead(run)} />
        <span className="text-soft">
          {n(run.quantity)} · {run.source === "import" ? <Source of={run} /> : `${t("seed")} ${run.seed}`}
          {run.processor !== BUILTIN && ` · ${t("processor")} ${run.processor}`} · {moment(run.createdAt)}
        </span>
      </h3>
      <Gantt
        length={length}
        bars={[
          { name: t("timeline.generation"), colour: "bg-ink", span: run.generationTimeMs > 0 ? { from: 0, length: run.generationTimeMs } : null, ms: run.generationTimeMs },
          { name: t("timeline.vip"), colour: "bg-vip", span: span(run.startVIP, run.processingTimeVIPMs), ms: run.processingTimeVIPMs },
          { name: t("timeline.normal"), colour: "bg-normal", span: span(run.startNormal, run.processingTimeNormalMs), ms: run.processingTimeNormalMs },
        ]}
      />
    </div>
  );
}

/** The progress of both runs, if the log still has the lines that workers wrote. */
function Curves({ runs, log }: { runs: readonly Run[]; log: readonly string[] }) {
  const { t } = useTranslation();
  const points = useMemo(
    () =>
      runs.map((run) => {
        const end = run.finishedAt === null ? Infinity : Date.parse(run.finishedAt) + 1;
        const origin: Sample = { t: 0, generated: 0, vip: 0, normal: 0 };
        const last: Sample = {
          t: run.wallClockMs / 1000,
          generated: run.quantity,
          vip: run.totalProcessedVIP,
          normal: run.totalProcessedNormal,
        };
        const logged = samplesOfLog(log, Date.parse(run.createdAt), end);
        if (logged.length < 2) return [];
        const [at, , , overall] = rates([origin, ...logged.filter(({ t }) => t < last.t), last]);
        return at.map((t, i) => [t, overall[i]!] as const);
      }),
    [runs, log],
  );
  const data = useMemo(() => aligned(points[0] ?? [], points[1] ?? []), [points]);
  if (points.every((line) => line.length === 0)) return <p className="mt-6 text-sm text-soft">{t("compare.noLog")}</p>;
  return (
    <div className="mt-6">
      <h3 className="mb-2 text-sm font-semibold">{t("compare.curves")}</h3>
      <Chart
        height={180}
        data={data as number[][]}
        label={t("compare.curves")}
        lines={[
          { colour: "--ink", width: 2 },
          { colour: "--focus", width: 2, dash: [6, 4], hidden: runs.length < 2 },
        ]}
      />
      <ul className="mt-1 flex gap-6 text-sm text-soft">
        {runs.map((run, i) => (
          <li key={run.runId} className="flex items-center gap-2">
            <span aria-hidden="true" className={`w-5 border-t-2 ${i === 0 ? "border-ink" : "border-dashed border-focus"}`} />
            {i === 0 ? "A" : "B"} {points[i]?.length === 0 && t("compare.noLogOf")}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Figures({ one, other }: { one: Run; other: Run | undefined }) {
  const { t, n, duration, percent } = useTranslation();
  const show = (unit: "ms" | "rate", value: number) => (unit === "ms" ? duration(value) : `${n(value)}/s`);
  return (
    <div className="mt-6 overflow-x-auto" tabIndex={0} role="region" aria-label={t("compare.figures")}>
      <table className="w-full text-sm">
        <thead>
          <tr className="border-b border-line text-xs text-soft">
            <th className="py-2 text-start font-medium">{t("compare.figures")}</th>
            <th className="py-2 ps-3 text-end font-medium">A</th>
            {other && <th className="py-2 ps-3 text-end font-medium">B</th>}
            {other && <th className="py-2 ps-3 text-end font-medium">{t("compare.difference")}</th>}
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {MEASURES.map(({ key, unit, of }) => {
            const by = other ? difference(of(one), of(other)) : null;
            return (
              <tr key={key}>
                <th scope="row" className="py-2 text-start font-normal">
                  {t(`compare.${key}` as Key)}
                </th>
                <td className="py-2 ps-3 text-end font-medium whitespace-nowrap">{show(unit, of(one))}</td>
                {other && <td className="py-2 ps-3 text-end font-medium whitespace-nowrap">{show(unit, of(other))}</td>}
                {other && (
                  <td className={`py-2 ps-3 text-end whitespace-nowrap ${by === null || Math.abs(by) < 0.5 ? "text-soft" : better(unit, by) ? "text-good" : "text-bad"}`}>
                    {by === null ? "—" : `${by > 0 ? "+" : by < 0 ? "−" : ""}${percent(Math.abs(by))}`}
                  </td>
                )}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
