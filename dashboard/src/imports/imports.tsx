import { useCallback, useState } from "react";
import { get, type Import, type ImportState } from "../api/client";
import { errorText } from "../api/error-text";
import { ImportDialog } from "../commands/import";
import { upload } from "../commands/upload";
import { useTranslation, type Key } from "../i18n";
import { go, link, usePlace } from "../lib/router";
import { useLive } from "../live/use";
import { Button } from "../ui/button";
import { Empty } from "../ui/panel";
import { One } from "./one";
import { STATES } from "./state";
import { Table } from "./table";
import { useAgain } from "../live/again";

const PAGE = 15;

/** The imports, newest first, and one of them. */
export function Imports() {
  const { t } = useTranslation();
  const { query } = usePlace();
  const id = query.get("id");
  const asked = query.get("state");
  const state = STATES.find((some) => some === asked);
  const live = useLive((state) => state);
  const reason = upload.whyDisabled(live);
  const [adding, setAdding] = useState(false);
  // Counts what this page changes, to load it again at once.
  const [changes, setChanges] = useState(0);
  const changed = useCallback(() => setChanges((n) => n + 1), []);
  return (
    <div className="space-y-4">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-2xl font-semibold tracking-tight">{t("imports")}</h1>
        <div className="flex flex-wrap items-center gap-2">
          <select
            className="field !w-auto !py-2 text-sm"
            aria-label={t("import.state")}
            value={state ?? ""}
            onChange={({ target }) => go(link("imports", { id: id ?? undefined, state: target.value }))}
          >
            <option value="">{t("imports.all")}</option>
            {STATES.map((some) => (
              <option key={some} value={some}>
                {t(`import.state.${some}` as Key)}
              </option>
            ))}
          </select>
          <Button kind="primary" icon="up" tipEnd reason={reason && t(...reason)} onClick={() => setAdding(true)}>
            {t("do.import")}
          </Button>
        </div>
      </div>
      <p className="text-sm text-soft">{t("imports.hint")}</p>
      {id && <One key={id} id={id} changes={changes} onChange={changed} onClose={() => go(link("imports", { state }))} />}
      <List key={state ?? ""} state={state} chosen={id} changes={changes} />
      {adding && (
        <ImportDialog
          onClose={() => {
            setAdding(false);
            changed();
          }}
        />
      )}
    </div>
  );
}

function List({ state, chosen, changes }: { state: ImportState | undefined; chosen: string | null; changes: number }) {
  const { t } = useTranslation();
  // The cursors of the previous pages. The first page has none.
  const [cursors, setCursors] = useState<readonly (string | null)[]>([null]);
  const [page, setPage] = useState<{ imports: readonly Import[]; next: string | null } | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const cursor = cursors.at(-1) ?? null;
  const load = useCallback(
    async (signal: AbortSignal) => {
      const query = { limit: PAGE, ...(cursor && { cursor }), ...(state && { state }) };
      try {
        const { imports, nextCursor } = await get("/pedidos/imports", { query, signal });
        setPage({ imports, next: nextCursor ?? null });
        setTrouble(null);
      } catch (error) {
        if (!signal.aborted) setTrouble(errorText(error));
      }
    },
    [cursor, state],
  );
  useAgain(load, changes);
  const empty = page !== null && page.imports.length === 0;
  return (
    <>
      {trouble && (
        <p role="alert" className="rounded-lg bg-bad-wash px-4 py-3 text-sm text-bad">
          {trouble}
        </p>
      )}
      {page === null || empty ? <Empty>{t(page === null ? "loading" : "imports.none")}</Empty> : <Table imports={page.imports} chosen={chosen} state={state} />}
      <div className="flex items-center justify-between text-sm text-soft">
        <span>{t("page", { n: cursors.length })}</span>
        <span className="flex gap-2">
          <Button icon="left" label={t("page.before")} tipEnd reason={cursors.length === 1 ? t("page.first") : null} onClick={() => setCursors(cursors.slice(0, -1))} />
          <Button icon="right" label={t("page.next")} tipEnd reason={page?.next ? null : t("page.last")} onClick={() => setCursors([...cursors, page?.next ?? null])} />
        </span>
      </div>
    </>
  );
}
