import { currentTranslation } from "../i18n";
import { Problem } from "./client";

/** An error as the API words it; in our words only if the API did not answer. */
export function errorText(error: unknown): string {
  if (error instanceof Problem) {
    if (error.status > 0) return error.title ? `${error.title}: ${error.message}` : error.message;
    return currentTranslation().t("unreachable", { why: error.message });
  }
  return error instanceof Error ? error.message : String(error);
}
