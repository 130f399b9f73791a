import type { Import } from "../api/client";
import { Count, Counts } from "../commands/parts";
import { useTranslation } from "../i18n";

/** What an import has, or would have. */
export function ImportCounts({ of }: { of: Import }) {
  const { t, n } = useTranslation();
  return (
    <Counts>
      <Count name={t("import.vip")} value={n(of.vip)} />
      <Count name={t("import.normal")} value={n(of.normal)} />
      <Count name={t("import.rejected")} value={n(of.rejected)} bad={of.rejected > 0} />
    </Counts>
  );
}
