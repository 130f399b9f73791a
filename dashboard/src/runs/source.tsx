import type { Run } from "../api/client";
import { useTranslation } from "../i18n";
import { link } from "../lib/router";

/** Where the orders of a run come from. An import has the id of its run. */
export function Source({ of: { source, runId } }: { of: Pick<Run, "source" | "runId"> }) {
  const { t } = useTranslation();
  if (source !== "import") return t("source.generated");
  return (
    <a href={link("imports", { id: runId })} className="underline underline-offset-4">
      {t("source.import")}
    </a>
  );
}
