import { useId } from "react";
import { useTranslation, type Key } from "../i18n";
import { FIELDS, type Field, type Mapping } from "./fields";

interface Props {
  columns: readonly string[];
  mapping: Mapping;
  onMap: (field: Field, column: string | null) => void;
}

/** From which column of the file each field is taken. */
export function Columns({ columns, mapping, onMap }: Props) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <fieldset>
      <legend className="text-sm font-medium">{t("import.columns")}</legend>
      <p className="mb-2 text-sm text-soft">{t("import.columns.hint")}</p>
      <div className="grid gap-x-4 gap-y-2 sm:grid-cols-2">
        {FIELDS.map((field) => (
          <div key={field} className="flex items-center gap-2">
            <label htmlFor={`${id}-${field}`} className="w-28 shrink-0 font-mono text-sm">
              {field}
            </label>
            <select
              id={`${id}-${field}`}
              className="field min-w-0 !py-1.5 text-sm"
              title={t(`import.field.${field}` as Key)}
              value={mapping[field] ?? ""}
              onChange={({ target }) => onMap(field, target.value || null)}
            >
              <option value="">{t("import.noColumn")}</option>
              {columns.map((column) => (
                <option key={column} value={column}>
                  {column}
                </option>
              ))}
            </select>
          </div>
        ))}
      </div>
    </fieldset>
  );
}
