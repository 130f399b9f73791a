import { useState } from "react";
import { Problem } from "../api/client";
import { say, useSpeech } from "../i18n";
import { toast } from "../ui/toasts";
import { connection } from "../live/page";
import { useLive } from "../live/use";
import { cannot, type Verb } from "./can";

/** What a person has done, as words; null if there is nothing to say. */
type Deed = () => Promise<string>;

interface Doing {
  busy: boolean;
  /** Why the last one failed. */
  error: string | null;
  run: (deed: Deed, after?: () => void) => void;
}

/**
 * Runs one deed at a time: says how it ended, and has everything looked at anew. In a dialog
 * that stays open a failure is shown there: messages are behind it.
 */
export function useDeed(inDialog = false): Doing {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const run = (deed: Deed, after?: () => void) => {
    setBusy(true);
    setError(null);
    deed()
      .then((text) => {
        toast("good", text);
        after?.();
      })
      .catch((error: unknown) => (inDialog ? setError(told(error)) : toast("bad", told(error))))
      .finally(() => {
        setBusy(false);
        connection.refresh();
      });
  };
  return { busy, error, run };
}

/** The API's own words; ours only if it could not be asked. */
export function told(error: unknown): string {
  if (error instanceof Problem) {
    if (error.status > 0) return error.title ? `${error.title}: ${error.message}` : error.message;
    return say().t("unreachable", { why: error.message });
  }
  return error instanceof Error ? error.message : String(error);
}

/** Why this cannot be done now, as words; null if it can. */
export function useWhyNot(verb: Verb): string | null {
  const { t } = useSpeech();
  const reason = cannot(verb, useLive((state) => state));
  return reason && t(...reason);
}
