import type { Leaving } from "../commands/leaving";
import { useTranslation, type Key } from "../i18n";
import { size } from "../lib/format";
import { useNow } from "../live/use";
import { Button } from "../ui/button";
import { FirstRejects } from "./rejects";
import type { Progress } from "./upload";

interface Props {
  sent: Progress;
  leaving: Leaving;
  onAgain: () => void;
  onClose: () => void;
}

/** An upload that goes on, or that was refused. */
export function Sending({ sent, leaving, onAgain, onClose }: Props) {
  const { t } = useTranslation();
  const failed = sent.stage === "failed";
  return (
    <div className="space-y-4">
      <Bar progress={sent} />
      {failed && (
        <div role="alert" className="space-y-1 rounded-lg bg-bad-wash px-3 py-2 text-sm break-words text-bad">
          <p>{sent.error}</p>
          {sent.import && <p>{t("import.kept")}</p>}
        </div>
      )}
      {sent.import && <FirstRejects of={sent.import} />}
      {leaving.asked && (
        <div role="alert" className="rounded-lg bg-warn-wash px-3 py-2 text-sm text-warn">
          {t("import.leave")}
        </div>
      )}
      <div className="flex flex-wrap justify-end gap-2">
        {failed && (
          <>
            <Button onClick={onClose}>{t("close")}</Button>
            <Button kind="primary" icon="retry" tipEnd onClick={onAgain}>
              {t("do.sendAgain")}
            </Button>
          </>
        )}
        {!failed && leaving.asked && (
          <>
            <Button onClick={leaving.stay}>{t("do.goOn")}</Button>
            <Button kind="danger" icon="stop" tipEnd onClick={onClose}>
              {t("do.stopUpload")}
            </Button>
          </>
        )}
        {!failed && !leaving.asked && (
          <Button icon="stop" tipEnd onClick={leaving.leave}>
            {t("do.stopUpload")}
          </Button>
        )}
      </div>
    </div>
  );
}

/** How far a file is, in bytes; and of an import, in lines. */
export function Bar({ progress }: { progress: Progress }) {
  const { t, language, percent, n, clock } = useTranslation();
  const now = useNow();
  const { stage, bytes, import: known } = progress;
  const share = progress.size > 0 ? Math.min(100, (bytes / progress.size) * 100) : 100;
  // All is sent, but not yet read.
  const shown = (stage === "sending" && share === 100) || stage === "done" || stage === "stopped" ? "reading" : stage;
  return (
    <div data-upload={stage}>
      <div className="mb-1.5 flex flex-wrap items-baseline justify-between gap-x-4 text-sm">
        <span role="status">{t(`upload.${shown}` as Key)}</span>
        <span className="text-soft">
          {t("import.bytes", { done: size(bytes, language), of: size(progress.size, language) })} · {percent(share)}
        </span>
      </div>
      <div role="progressbar" aria-label={t("do.upload")} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.floor(share)} className="h-3 overflow-hidden rounded-full bg-sunk">
        <div className="h-full bg-normal" style={{ width: `${share}%` }} />
      </div>
      {known && <p className="mt-1.5 text-sm text-soft">{t("import.soFar", { lines: n(known.lines), rejected: n(known.rejected) })}</p>}
      {stage === "waiting" && (
        <p className="mt-2 rounded-lg bg-warn-wash px-3 py-2 text-sm text-warn">
          {t("import.waiting", { why: progress.error ?? "", in: clock(Math.max(0, progress.again - now)) })}
        </p>
      )}
    </div>
  );
}
