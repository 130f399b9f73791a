import { useTranslation } from "../i18n";
import type { Mapping } from "./fields";
import { understand, type Sample } from "./sample";

/** The first lines of a file, as the API will take them. */
export function FirstLines({ sample, mapping, defaultPriority }: { sample: Sample; mapping: Mapping; defaultPriority: string }) {
  const { t } = useTranslation();
  const head = "px-3 py-2 text-start text-xs font-medium text-soft whitespace-nowrap";
  const cell = "px-3 py-2 align-top whitespace-nowrap";
  const wanted = (text: string) => (text ? <span className="block max-w-48 truncate">{text}</span> : <Missing />);
  return (
    <div>
      <h3 className="mb-1.5 text-sm font-medium">{t("import.preview")}</h3>
      <div className="max-h-64 overflow-auto rounded-xl border border-line" tabIndex={0} role="region" aria-label={t("import.preview")}>
        <table className="w-full text-sm">
          <thead className="border-b border-line">
            <tr>
              <th className={`${head} !text-end`}>{t("import.line")}</th>
              <th className={head}>ref</th>
              <th className={head}>cliente</th>
              <th className={`${head} !text-end`}>valor</th>
              <th className={head}>tier</th>
              <th className={head}>priority</th>
              <th className={head}>{t("import.others")}</th>
            </tr>
          </thead>
          <tbody className="divide-y divide-line">
            {sample.rows.map(({ line, values }) => {
              if (!values) {
                return (
                  <tr key={line}>
                    <td className={`${cell} text-end`}>{line}</td>
                    <td className={`${cell} text-bad`} colSpan={6}>
                      {t("import.unreadable")}
                    </td>
                  </tr>
                );
              }
              const { ref, cliente, valor, tier, priority, others } = understand(values, mapping, defaultPriority);
              return (
                <tr key={line}>
                  <td className={`${cell} text-end`}>{line}</td>
                  <td className={cell}>{ref || "—"}</td>
                  <td className={cell}>{wanted(cliente)}</td>
                  <td className={`${cell} text-end`}>{wanted(valor)}</td>
                  <td className={cell}>{tier || "—"}</td>
                  <td className={cell}>{priority ?? <Missing />}</td>
                  <td className={cell}>
                    <span className="block max-w-64 truncate text-soft">{others.map(([name, value]) => `${name}: ${value}`).join(" · ") || "—"}</span>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function Missing() {
  const { t } = useTranslation();
  return <span className="text-bad">{t("import.missing")}</span>;
}
