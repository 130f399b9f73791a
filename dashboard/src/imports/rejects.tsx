import type { Import } from "../api/client";
import { useTranslation } from "../i18n";

/** The first lines that are no orders, and why. */
export function FirstRejects({ of }: { of: Import }) {
  const { t } = useTranslation();
  if (of.firstRejects.length === 0) return null;
  const head = "px-3 py-2 text-start text-xs font-medium text-soft whitespace-nowrap";
  const cell = "px-3 py-2 align-top";
  return (
    <div>
      <h3 className="mb-1.5 text-sm font-medium">{t("import.firstRejects", { n: of.firstRejects.length, of: of.rejected })}</h3>
      <div className="max-h-64 overflow-auto rounded-xl border border-line" tabIndex={0} role="region" aria-label={t("import.rejects")}>
        <table className="w-full text-sm">
          <thead className="border-b border-line">
            <tr>
              <th className={`${head} w-14 !text-end`}>{t("import.line")}</th>
              <th className={head}>{t("import.field")}</th>
              <th className={head}>{t("import.why")}</th>
            </tr>
          </thead>
          <tbody className="divide-y divide-line">
            {of.firstRejects.map(({ line, field, message, original }) => (
              <tr key={line} data-reject={line}>
                <td className={`${cell} text-end`}>{line}</td>
                <td className={cell}>
                  <code>{field ?? "—"}</code>
                </td>
                <td className={cell}>
                  {message}
                  <code className="mt-0.5 block max-h-16 overflow-hidden text-xs break-all text-soft">{original.slice(0, 300)}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
