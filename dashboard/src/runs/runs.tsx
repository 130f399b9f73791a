import { useCallback, useState } from "react";
import { get, Problem, type Run } from "../api/client";
import { useTranslation } from "../i18n";
import { useAgain } from "../live/again";
import { useLive } from "../live/use";
import { csv, download } from "../lib/table";
import { go, link, parse, usePlace } from "../lib/router";
import { shortId } from "../lib/format";
import { errorText } from "../api/error-text";
import { PhaseBadge } from "../overview/phase-badge";
import { Button } from "../ui/button";
import { Empty } from "../ui/panel";
import { toast } from "../ui/toasts";
import { Compare } from "./compare";
import { dead, processed, rate } from "./figures";
import { Source } from "./source";

const PAGE = 15;
/** How many runs are compared. */
const MOST = 2;

const compared = (query: URLSearchParams): string[] => query.get("compare")?.split(",").filter(Boolean).slice(0, MOST) ?? [];

export function Runs() {
  const { t, n, duration, moment } = useTranslation();
  const { query } = usePlace();
  const chosen = compared(query);
  // The cursors of the previous pages. The first page has none.
  const [cursors, setCursors] = useState<readonly (string | null)[]>([null]);
  const [page, setPage] = useState<{ runs: readonly Run[]; next: string | null } | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [exporting, setExporting] = useState(false);
  // The history changes when the run changes.
  const phase = useLive((state) => state.status?.phase);
  const runId = useLive((state) => state.status?.runId);
  const cursor = cursors.at(-1) ?? null;
  const load = useCallback(
    async (signal: AbortSignal) => {
      try {
        const { runs, nextCursor } = await get("/pedidos/runs", { query: { limit: PAGE, ...(cursor && { cursor }) }, signal });
        setPage({ runs, next: nextCursor });
        setTrouble(null);
      } catch (error) {
        if (signal.aborted) return;
        // The run that this page began after is deleted.
        if (cursor && error instanceof Problem && error.status === 400) setCursors([null]);
        else setTrouble(errorText(error));
      }
    },
    [cursor],
  );
  useAgain(load, `${runId} ${phase}`);

  const choose = (id: string) => {
    // As the address is now: two clicks may come before the page shows the first.
    const now = compared(parse(window.location.hash).query);
    const next = now.includes(id) ? now.filter((other) => other !== id) : [...now, id];
    if (next.length > MOST) toast("info", t("runs.enough"));
    else go(link("runs", { compare: next.join(",") }));
  };
  const save = async (form: "csv" | "json") => {
    setExporting(true);
    try {
      const runs = await everything();
      const name = `pedidos-runs.${form}`;
      if (form === "csv") download(name, "text/csv;charset=utf-8", csv(runs));
      else download(name, "application/json", JSON.stringify(runs, null, 2));
      toast("good", t("did.exported", { n: runs.length, name }));
    } catch (error) {
      toast("bad", errorText(error));
    } finally {
      setExporting(false);
    }
  };
  const head = "px-3 py-2.5 text-xs font-medium text-soft whitespace-nowrap";
  const cell = "px-3 py-2.5 whitespace-nowrap";
  const empty = page !== null && page.runs.length === 0;
  return (
    <div className="space-y-4">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-2xl font-semibold tracking-tight">{t("runs")}</h1>
        <div className="flex gap-2">
          {(["csv", "json"] as const).map((form) => (
            <Button key={form} icon="down" tipEnd busy={exporting} reason={empty ? t("runs.none") : null} onClick={() => void save(form)}>
              {form.toUpperCase()}
            </Button>
          ))}
        </div>
      </div>
      <p className="text-sm text-soft">{t("runs.hint")}</p>
      {chosen.length > 0 && <Compare ids={chosen} onClear={() => go(link("runs"))} />}
      {trouble && (
        <p role="alert" className="rounded-lg bg-bad-wash px-4 py-3 text-sm text-bad">
          {trouble}
        </p>
      )}
      {page === null || empty ? (
        <Empty>{page === null ? t("loading") : t("runs.none")}</Empty>
      ) : (
        <div className="panel overflow-x-auto" tabIndex={0} role="region" aria-label={t("runs")}>
          <table className="w-full text-sm">
            <thead className="border-b border-line">
              <tr>
                <th className={`${head} text-start`}>
                  <span className="max-sm:sr-only">{t("runs.compare")}</span>
                </th>
                <th className={`${head} text-start`}>{t("run")}</th>
                <th className={`${head} text-start`}>{t("runs.state")}</th>
                <th className={`${head} hidden text-start md:table-cell`}>{t("source")}</th>
                <th className={`${head} text-end`}>{t("orders")}</th>
                <th className={`${head} hidden text-end sm:table-cell`}>{t("runs.wall")}</th>
                <th className={`${head} hidden text-end sm:table-cell`}>{t("perSecond")}</th>
                <th className={`${head} hidden text-end lg:table-cell`}>{t("ledger.dead")}</th>
                <th className={`${head} text-start hidden md:table-cell`}>{t("runs.started")}</th>
              </tr>
            </thead>
            <tbody className="divide-y divide-line">
              {page.runs.map((run) => (
                <tr key={run.runId} className={chosen.includes(run.runId) ? "bg-sunk" : "hover:bg-sunk/60"}>
                  <td className={cell}>
                    <input
                      type="checkbox"
                      className="block size-4 accent-ink"
                      aria-label={t("runs.choose", { run: shortId(run.runId) })}
                      checked={chosen.includes(run.runId)}
                      onChange={() => choose(run.runId)}
                    />
                  </td>
                  <td className={cell}>
                    <code title={run.runId}>{shortId(run.runId)}</code>
                  </td>
                  <td className={cell}>
                    <PhaseBadge phase={run.phase} dead={dead(run)} />
                  </td>
                  <td className={`${cell} hidden md:table-cell`}>
                    <Source of={run} />
                  </td>
                  <td className={`${cell} text-end`}>
                    {processed(run) !== run.quantity && <span className="text-soft max-sm:hidden">{n(processed(run))} / </span>}
                    {n(run.quantity)}
                  </td>
                  <td className={`${cell} hidden text-end sm:table-cell`}>{duration(run.wallClockMs)}</td>
                  <td className={`${cell} hidden text-end sm:table-cell`}>{n(rate(processed(run), run.wallClockMs))}</td>
                  <td className={`${cell} hidden text-end lg:table-cell`}>{n(dead(run))}</td>
                  <td className={`${cell} hidden text-soft md:table-cell`}>{moment(run.createdAt)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <div className="flex items-center justify-between text-sm text-soft">
        <span>{t("page", { n: cursors.length })}</span>
        <span className="flex gap-2">
          <Button icon="left" label={t("page.before")} tipEnd reason={cursors.length === 1 ? t("page.first") : null} onClick={() => setCursors(cursors.slice(0, -1))} />
          <Button icon="right" label={t("page.next")} tipEnd reason={page?.next ? null : t("page.last")} onClick={() => setCursors([...cursors, page?.next ?? null])} />
        </span>
      </div>
    </div>
  );
}

async function everything(): Promise<Run[]> {
  const runs: Run[] = [];
  let cursor: string | null = null;
  do {
    const answer: Awaited<ReturnType<typeof page>> = await page(cursor);
    runs.push(...answer.runs);
    cursor = answer.nextCursor;
  } while (cursor !== null);
  return runs;
}

const page = (cursor: string | null) => get("/pedidos/runs", { query: { limit: 200, ...(cursor && { cursor }) } });
