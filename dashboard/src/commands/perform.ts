import { useState } from "react";
import { errorText } from "../api/error-text";
import { useTranslation } from "../i18n";
import { connection } from "../live/page";
import type { Live } from "../live/store";
import { useLive } from "../live/use";
import { toast } from "../ui/toasts";
import { replaced, type Command } from "./command";

interface Performing {
  busy: boolean;
  /** Why the last one failed. */
  error: string | null;
  /** Runs what is given, and shows the text that it answers with. */
  run: (action: () => Promise<string>, after?: () => void) => void;
}

/**
 * Performs one action at a time, shows its result and refreshes the page's data. In a dialog
 * that stays open the error is shown there, because toasts are behind it.
 */
export function usePerform(inDialog = false): Performing {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const run = (action: () => Promise<string>, after?: () => void) => {
    setBusy(true);
    setError(null);
    action()
      .then((text) => {
        toast("good", text);
        after?.();
      })
      .catch((error: unknown) => (inDialog ? setError(errorText(error)) : toast("bad", errorText(error))))
      .finally(() => {
        setBusy(false);
        connection.refresh();
      });
  };
  return { busy, error, run };
}

const everything = (state: Live) => state;

/** Why this command is disabled now, as text; null if it is not. */
export function useWhyDisabled<Input>(command: Command<Input>): string | null {
  const { t } = useTranslation();
  const reason = command.whyDisabled(useLive(everything));
  return reason && t(...reason);
}

/** The run that a dialog was opened for, and why the command is disabled now: also because another run is the current one. */
export function useBound<Input>(command: Pick<Command<Input>, "whyDisabled">): { runId: string; whyDisabled: string | null } {
  const { t } = useTranslation();
  const state = useLive(everything);
  const [runId] = useState(state.status?.runId ?? "");
  const reason = replaced(runId, state) ?? command.whyDisabled(state);
  return { runId, whyDisabled: reason && t(...reason) };
}
