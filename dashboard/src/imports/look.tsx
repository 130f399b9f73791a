import type { Import } from "../api/client";
import { Field as TextField, Note } from "../commands/parts";
import { upload } from "../commands/upload";
import { useTranslation, type Key } from "../i18n";
import { useLive } from "../live/use";
import { Button } from "../ui/button";
import { Columns } from "./columns";
import { ImportCounts } from "./counts";
import type { Field, Mapping } from "./fields";
import { FirstLines } from "./first-lines";
import { FirstRejects } from "./rejects";
import { Bar } from "./sending";
import type { Source } from "./source";
import type { Progress } from "./upload";

export type DefaultPriority = "VIP" | "NORMAL" | "";
const PRIORITIES: readonly DefaultPriority[] = ["", "NORMAL", "VIP"];

interface Props {
  source: Source;
  mapping: Mapping;
  name: string;
  defaultPriority: DefaultPriority;
  into?: Import | undefined;
  /** How far the dry run is. */
  checked: Progress | null;
  onMap: (field: Field, column: string | null) => void;
  onName: (name: string) => void;
  onDefaultPriority: (priority: DefaultPriority) => void;
  onCheck: () => void;
  onUpload: () => void;
  onOther: () => void;
}

/** A file, before it is sent: how it is understood, and what the API says of it. */
export function Look({ source, mapping, name, defaultPriority, into, checked, onMap, onName, onDefaultPriority, onCheck, onUpload, onOther }: Props) {
  const { t } = useTranslation();
  const state = useLive((state) => state);
  const reason = upload.whyDisabled(state);
  const why = reason && t(...reason);
  const { sample, file } = source;
  const checking = checked !== null && ["preparing", "sending", "waiting"].includes(checked.stage);
  const counted = checked?.stage === "done" ? checked.import : null;
  return (
    <div className="space-y-5">
      <p className="text-sm break-words text-soft">
        {file.name} · {t(`import.format.${sample.format}` as Key)}
        {source.gzip && ", gzip"}
      </p>
      <FirstLines sample={sample} mapping={mapping} defaultPriority={defaultPriority} />
      <Columns columns={sample.columns} mapping={mapping} onMap={onMap} />
      {into ? (
        <Note>{t("import.again")}</Note>
      ) : (
        <>
          <fieldset>
            <legend className="text-sm font-medium">{t("import.defaultPriority")}</legend>
            <p className="mb-2 text-sm text-soft">{t("import.defaultPriority.hint")}</p>
            <div className="flex flex-wrap gap-2">
              {PRIORITIES.map((some) => (
                <label key={some} className="flex items-center gap-2 rounded-lg border border-line px-3 py-1.5 text-sm has-checked:border-ink">
                  <input type="radio" name="default-priority" checked={defaultPriority === some} onChange={() => onDefaultPriority(some)} className="accent-ink" />
                  {some || t("import.defaultPriority.none")}
                </label>
              ))}
            </div>
          </fieldset>
          <TextField name={t("import.name")} hint={t("import.name.hint")} value={name} onChange={(name) => onName(name.slice(0, 128))} />
        </>
      )}
      {checking && <Bar progress={checked} />}
      {checked?.stage === "failed" && (
        <p role="alert" className="rounded-lg bg-bad-wash px-3 py-2 text-sm break-words text-bad">
          {checked.error}
        </p>
      )}
      {counted && (
        <section aria-label={t("do.check")} data-testid="checked" className="space-y-3">
          <p role="status" className="text-sm">
            {t("import.checked", { n: counted.lines })}
          </p>
          <ImportCounts of={counted} />
          <FirstRejects of={counted} />
        </section>
      )}
      <div className="flex flex-wrap justify-end gap-2">
        <Button onClick={onOther}>{t("do.otherFile")}</Button>
        <Button icon="check" busy={checking} reason={why} hint={t("do.check.words")} onClick={onCheck}>
          {t("do.check")}
        </Button>
        <Button kind="primary" icon="up" tipEnd reason={why} busy={checking} onClick={onUpload}>
          {t("do.upload")}
        </Button>
      </div>
    </div>
  );
}
