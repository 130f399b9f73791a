import type { Import, ImportState } from "../api/client";
import { useTranslation } from "../i18n";
import { shortId } from "../lib/format";
import { link } from "../lib/router";
import { isPending, StateBadge } from "./state";

interface Props {
  imports: readonly Import[];
  chosen: string | null;
  state: ImportState | undefined;
}

export function Table({ imports, chosen, state }: Props) {
  const { t, n, moment } = useTranslation();
  const head = "px-3 py-2.5 text-xs font-medium text-soft whitespace-nowrap";
  const cell = "px-3 py-2.5 whitespace-nowrap";
  return (
    <div className="panel overflow-x-auto" tabIndex={0} role="region" aria-label={t("imports")}>
      <table className="w-full text-sm">
        <thead className="border-b border-line">
          <tr>
            <th className={`${head} text-start`}>{t("import.name")}</th>
            <th className={`${head} text-start`}>{t("import.state")}</th>
            <th className={`${head} hidden text-end md:table-cell`}>{t("import.lines")}</th>
            <th className={`${head} text-end`}>{t("import.accepted")}</th>
            <th className={`${head} hidden text-end sm:table-cell`}>{t("import.rejected")}</th>
            <th className={`${head} hidden text-start md:table-cell`}>{t("import.created")}</th>
            <th className={`${head} hidden text-start lg:table-cell`}>{t("import.expires")}</th>
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {imports.map((one) => (
            <tr key={one.importId} data-row={one.importId} className={one.importId === chosen ? "bg-sunk" : "hover:bg-sunk/60"}>
              <td className={cell}>
                <a href={link("imports", { id: one.importId ?? "", state })} className="block max-w-32 truncate underline underline-offset-4 sm:max-w-64">
                  {one.name ?? shortId(one.importId ?? "")}
                </a>
              </td>
              <td className={cell}>
                <StateBadge state={one.state} />
              </td>
              <td className={`${cell} hidden text-end md:table-cell`}>{n(one.lines)}</td>
              <td className={`${cell} text-end`}>{n(one.accepted)}</td>
              <td className={`${cell} hidden text-end sm:table-cell ${one.rejected > 0 ? "text-bad" : ""}`}>{n(one.rejected)}</td>
              <td className={`${cell} hidden text-soft md:table-cell`}>{moment(one.createdAt)}</td>
              <td className={`${cell} hidden text-soft lg:table-cell`}>{isPending(one.state) && one.expiresAt ? moment(one.expiresAt) : "—"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
