import { useCallback, useState, type ReactNode } from "react";
import { get, url, type Import } from "../api/client";
import { errorText } from "../api/error-text";
import { forbidden } from "../commands/command";
import { discardImport, DiscardDialog } from "../commands/discard-import";
import { ImportDialog } from "../commands/import";
import { startImport, StartDialog } from "../commands/start-import";
import { upload } from "../commands/upload";
import { useTranslation, type Key } from "../i18n";
import { shortId, size } from "../lib/format";
import { at } from "../lib/meta";
import { link } from "../lib/router";
import { useLive } from "../live/use";
import { Button } from "../ui/button";
import { Empty, Panel } from "../ui/panel";
import { useAgain } from "../live/again";
import { FirstRejects } from "./rejects";
import { isPending, StateBadge } from "./state";

interface Props {
  id: string;
  changes: number;
  onChange: () => void;
  onClose: () => void;
}

/** One import, and what can be done with it. */
export function One({ id, changes, onChange, onClose }: Props) {
  const { t } = useTranslation();
  const [one, setOne] = useState<Import | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const load = useCallback(
    async (signal: AbortSignal) => {
      try {
        setOne(await get("/pedidos/imports/{importId}", { path: { importId: id }, signal }));
        setTrouble(null);
      } catch (error) {
        if (!signal.aborted) setTrouble(errorText(error));
      }
    },
    [id],
  );
  useAgain(load, changes);
  return (
    <Panel title={one?.name ?? t("import.one", { id: shortId(id) })} aside={<Button icon="close" kind="ghost" label={t("close")} tipEnd onClick={onClose} />}>
      {trouble && (
        <p role="alert" className="mb-3 rounded-lg bg-bad-wash px-4 py-3 text-sm text-bad">
          {trouble}
        </p>
      )}
      {one ? <Details one={one} onChange={onChange} /> : !trouble && <Empty>{t("loading")}</Empty>}
    </Panel>
  );
}

const DIALOGS = { start: StartDialog, discard: DiscardDialog };
const FORMATS = ["csv", "ndjson"] as const;

function Details({ one, onChange }: { one: Import; onChange: () => void }) {
  const { t, n, moment, language } = useTranslation();
  const live = useLive((state) => state);
  const [open, setOpen] = useState<keyof typeof DIALOGS | "upload" | null>(null);
  const why = (command: Pick<typeof startImport, "whyDisabled">) => {
    const reason = command.whyDisabled(live);
    return reason && t(...reason);
  };
  const denied = forbidden("listRejects", live);
  const close = () => {
    setOpen(null);
    onChange();
  };
  const Dialog = open && open !== "upload" ? DIALOGS[open] : null;
  return (
    <div className="space-y-4" data-import={one.importId}>
      <p className="flex flex-wrap items-center gap-2 text-sm">
        <StateBadge state={one.state} />
        <span className="text-soft">{t(`import.state.${one.state}.words` as Key)}</span>
        {one.state === "started" && one.runId && (
          <a href={link("runs", { compare: one.runId })} className="underline underline-offset-4">
            {t("import.toRun", { run: shortId(one.runId) })}
          </a>
        )}
      </p>
      <dl className="grid grid-cols-2 gap-x-8 sm:grid-cols-4">
        <Row name={t("import.lines")}>{n(one.lines)}</Row>
        <Row name={t("import.vip")}>{n(one.vip)}</Row>
        <Row name={t("import.normal")}>{n(one.normal)}</Row>
        <Row name={t("import.rejected")}>{n(one.rejected)}</Row>
        <Row name={t("import.size")}>{size(one.bytes, language)}</Row>
        <Row name={t("import.created")}>{moment(one.createdAt)}</Row>
        <Row name={t("import.sealed")}>{one.sealedAt ? moment(one.sealedAt) : "—"}</Row>
        <Row name={t("import.expires")}>{isPending(one.state) && one.expiresAt ? moment(one.expiresAt) : "—"}</Row>
      </dl>
      <FirstRejects of={one} />
      <div className="flex flex-wrap justify-end gap-2">
        {one.rejected > 0 &&
          FORMATS.map((format) => (
            <Button key={format} icon="down" reason={denied && t(...denied)} onClick={() => save(one, format)}>
              {t("do.rejects", { format: format.toUpperCase() })}
            </Button>
          ))}
        {isPending(one.state) && (
          <Button icon="trash" kind="danger" tipEnd reason={why(discardImport)} onClick={() => setOpen("discard")}>
            {t("do.discard")}
          </Button>
        )}
        {one.state === "open" && (
          <Button icon="up" tipEnd reason={why(upload)} hint={t("do.uploadAgain.words")} onClick={() => setOpen("upload")}>
            {t("do.uploadAgain")}
          </Button>
        )}
        {isPending(one.state) && (
          <Button icon="play" kind="primary" tipEnd reason={why(startImport)} onClick={() => setOpen("start")}>
            {t("do.start")}
          </Button>
        )}
      </div>
      {Dialog && <Dialog of={one} onClose={close} />}
      {open === "upload" && <ImportDialog into={one} onClose={close} />}
    </div>
  );
}

/** Has the browser download all rejects: a stream, however many they are. */
function save({ importId }: Import, format: (typeof FORMATS)[number]): void {
  const anchor = document.createElement("a");
  anchor.href = at(url("/pedidos/imports/{importId}/rejects", { importId }, { format }));
  anchor.download = "";
  anchor.click();
}

function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="border-b border-line py-2">
      <dt className="text-xs text-soft">{name}</dt>
      <dd className="text-sm font-medium">{children}</dd>
    </div>
  );
}
