import { useId, useState, type FormEvent } from "react";
import { useTranslation } from "../i18n";
import { connection } from "../live/page";
import { useLive } from "../live/use";
import { signIn } from "../live/session";
import { errorText } from "../api/error-text";

/** Replaces every view while the API requires authentication. */
export function SignIn() {
  const { t } = useTranslation();
  const id = useId();
  const ended = useLive((state) => state.sessionEnded);
  const [key, setKey] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    signIn(key.trim())
      .then(connection.refresh)
      .catch((error: unknown) => setError(errorText(error)))
      .finally(() => setBusy(false));
  };
  return (
    <form onSubmit={submit} className="panel mx-auto max-w-md space-y-4 p-5 sm:p-6">
      <h1 className="text-2xl font-semibold tracking-tight">{t("signIn")}</h1>
      {ended && (
        <p role="status" className="rounded-lg bg-warn-wash px-4 py-3 text-sm text-warn">
          {t("signIn.ended")}
        </p>
      )}
      <div>
        <label htmlFor={id} className="mb-1 block text-sm font-medium">
          {t("signIn.key")}
        </label>
        <input
          id={id}
          className="field"
          type="password"
          autoComplete="current-password"
          required
          value={key}
          aria-describedby={`${id}-hint`}
          onChange={(event) => setKey(event.target.value)}
        />
        <p id={`${id}-hint`} className="mt-1 text-sm text-soft">
          {t("signIn.hint")}
        </p>
      </div>
      {error && (
        <p role="alert" className="rounded-lg bg-bad-wash px-4 py-3 text-sm text-bad">
          {error}
        </p>
      )}
      <button
        type="submit"
        disabled={busy}
        className="inline-flex min-h-10 w-full items-center justify-center rounded-[10px] bg-ink px-3 text-sm font-medium text-panel hover:opacity-90"
      >
        {t("signIn.do")}
      </button>
    </form>
  );
}
