import { currentTranslation } from "../i18n";
import { Problem } from "./client";

/** An error as the API words it, without what a driver said; in our words only if the API did not answer. */
export function errorText(error: unknown): string {
  if (error instanceof Problem) {
    const said = error.message.replace(/(cannot be reached): .*$/s, "$1");
    if (error.status > 0) return error.title ? `${error.title}: ${said}` : said;
    return currentTranslation().t("unreachable", { why: error.message });
  }
  return error instanceof Error ? error.message : String(error);
}
