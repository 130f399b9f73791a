import { useRef, useState, type DragEvent } from "react";
import { useTranslation } from "../i18n";
import { Button } from "../ui/button";

interface Props {
  error: string | null;
  onFile: (file: File) => void;
  onClose: () => void;
}

/** Takes a file that is dropped or chosen. */
export function Choose({ error, onFile, onClose }: Props) {
  const { t } = useTranslation();
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file) onFile(file);
  };
  return (
    <>
      <div
        data-testid="drop"
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
        className={`flex flex-col items-center gap-3 rounded-xl border-2 border-dashed px-4 py-10 text-center ${over ? "border-ink bg-sunk" : "border-quiet"}`}
      >
        <p className="font-medium">{t("import.drop")}</p>
        <Button onClick={() => input.current?.click()}>{t("do.choose")}</Button>
        <input
          ref={input}
          type="file"
          hidden
          aria-label={t("import.file")}
          accept=".csv,.ndjson,.jsonl,.gz,text/csv,application/x-ndjson,application/gzip"
          onChange={({ target }) => target.files?.[0] && onFile(target.files[0])}
        />
        <p className="text-sm text-soft">{t("import.drop.hint")}</p>
      </div>
      {error && (
        <p role="alert" className="mt-4 rounded-lg bg-bad-wash px-3 py-2 text-sm break-words text-bad">
          {error}
        </p>
      )}
      <div className="mt-6 flex justify-end">
        <Button onClick={onClose}>{t("close")}</Button>
      </div>
    </>
  );
}
