import { useCallback, useState } from "react";
import { get, type AuditLine } from "../api/client";
import { useTranslation, type Key } from "../i18n";
import { useAgain } from "../live/again";
import { useLive } from "../live/use";
import { errorText } from "../api/error-text";
import { forbidden } from "../commands/command";
import { Button } from "../ui/button";
import { Empty } from "../ui/panel";
import { calls } from "./calls";

/** Lines, of which a call has two. */
const PAGE = 50;
const STYLES = { begun: "text-soft", done: "text-good", refused: "text-warn", failed: "text-bad" } as const;

interface Start {
  cursor: string | null;
  /** The calls whose end was on a page before. */
  ended: ReadonlySet<string>;
}

/** The audit trail, newest first. */
export function Audit() {
  const { t } = useTranslation();
  const session = useLive((state) => state.session);
  const why = forbidden("listAudit", { session });
  return (
    <div className="space-y-4">
      <h1 className="text-2xl font-semibold tracking-tight">{t("audit")}</h1>
      <p className="text-sm text-soft">{t("audit.hint")}</p>
      {why ? <Empty>{t(...why)}</Empty> : <Trail />}
    </div>
  );
}

function Trail() {
  const { t, moment } = useTranslation();
  // Where this page and the ones before it begin.
  const [starts, setStarts] = useState<readonly Start[]>([{ cursor: null, ended: new Set() }]);
  const [page, setPage] = useState<{ rows: readonly AuditLine[]; next: Start | null } | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const start = starts.at(-1)!;
  const load = useCallback(
    async (signal: AbortSignal) => {
      const { cursor } = start;
      try {
        const { lines, nextCursor } = await get("/pedidos/audit", { query: { limit: PAGE, ...(cursor && { cursor }) }, signal });
        const { rows, ended } = calls(lines, start.ended);
        setPage({ rows, next: nextCursor ? { cursor: nextCursor, ended } : null });
        setTrouble(null);
      } catch (error) {
        if (!signal.aborted) setTrouble(errorText(error));
      }
    },
    [start],
  );
  useAgain(load);
  const head = "px-3 py-2.5 text-xs font-medium text-soft text-start whitespace-nowrap";
  const cell = "px-3 py-2.5 align-top whitespace-nowrap";
  const empty = page !== null && page.rows.length === 0;
  return (
    <>
      {trouble && (
        <p role="alert" className="rounded-lg bg-bad-wash px-4 py-3 text-sm text-bad">
          {trouble}
        </p>
      )}
      {page === null || empty ? (
        <Empty>{t(page === null ? "loading" : "audit.none")}</Empty>
      ) : (
        <div className="panel overflow-x-auto" tabIndex={0} role="region" aria-label={t("audit")}>
          <table className="w-full text-sm">
            <thead className="border-b border-line">
              <tr>
                <th className={`${head} hidden md:table-cell`}>{t("audit.at")}</th>
                <th className={head}>{t("audit.who")}</th>
                <th className={head}>{t("audit.what")}</th>
                <th className={head}>{t("audit.outcome")}</th>
                <th className={`${head} hidden md:table-cell`}>{t("audit.address")}</th>
                <th className={`${head} hidden lg:table-cell`}>{t("audit.request")}</th>
              </tr>
            </thead>
            <tbody className="divide-y divide-line">
              {page.rows.map((line) => (
                <tr key={line.id} className="hover:bg-sunk/60">
                  <td className={`${cell} hidden text-soft md:table-cell`}>{moment(line.at)}</td>
                  <td className={`${cell} !whitespace-normal md:!whitespace-nowrap`}>
                    {line.name} <span className="text-soft">
                      {line.role} {line.via && line.via !== line.name && <span className="max-md:hidden">· {line.via}</span>}
                    </span>
                    <span className="mt-0.5 block text-xs text-soft md:hidden">{moment(line.at)}</span>
                  </td>
                  <td className={`${cell} !whitespace-normal`}>
                    {line.operation} <span className="break-words text-soft">{line.parameters.map(({ name, value }) => `${name}=${value}`).join(" ")}</span>
                  </td>
                  <td className={`${cell} !whitespace-normal`}>
                    <span className={STYLES[line.outcome]}>{t(`outcome.${line.outcome}` as Key)}</span>{" "}
                    <span className="text-soft">{[line.status, line.detail].filter(Boolean).join(" ")}</span>
                  </td>
                  <td className={`${cell} hidden text-soft md:table-cell`}>{line.address}</td>
                  <td className={`${cell} hidden lg:table-cell`}>
                    <code>{line.requestId}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <div className="flex items-center justify-between text-sm text-soft">
        <span>{t("page", { n: starts.length })}</span>
        <span className="flex gap-2">
          <Button icon="left" label={t("page.before")} tipEnd reason={starts.length === 1 ? t("page.first") : null} onClick={() => setStarts(starts.slice(0, -1))} />
          <Button icon="right" label={t("page.next")} tipEnd reason={page?.next ? null : t("page.last")} onClick={() => page?.next && setStarts([...starts, page.next])} />
        </span>
      </div>
    </>
  );
}
