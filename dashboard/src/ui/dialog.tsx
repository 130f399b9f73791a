import { useEffect, useId, useRef, type ReactNode } from "react";
import { useTranslation } from "../i18n";
import { DISABLED } from "./button";
import { Icon } from "./icons";

interface Props {
  title: string;
  children: ReactNode;
  wide?: boolean;
  /** `onClose` is only a wish: the dialog stays open until it is removed. */
  stays?: boolean;
  onClose: () => void;
}

/** The browser's own dialog: it keeps the focus inside and closes on Escape. */
export function Dialog({ title, children, wide, stays, onClose }: Props) {
  const { t } = useTranslation();
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const pressed = useRef<EventTarget | null>(null);
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={heading}
      onClose={() => {
        // A second Escape closes it, whatever the page says.
        if (stays) dialog.current?.showModal();
        onClose();
      }}
      onCancel={(event) => {
        // That of a file picker comes here, too.
        if (event.target !== dialog.current) return;
        if (stays) event.preventDefault();
        onClose();
      }}
      onPointerDown={(event) => {
        pressed.current = event.target;
      }}
      // Closes on a click outside. A selection of text that only ends outside is no such click.
      onClick={(event) => event.target === dialog.current && pressed.current === dialog.current && onClose()}
      className={`panel w-[calc(100vw-1.5rem)] p-0 shadow-2xl ${wide ? "max-w-3xl" : "max-w-lg"}`}
    >
      <div className="max-h-[85dvh] overflow-y-auto p-5 sm:p-6">
        <div className="mb-4 flex items-start justify-between gap-4">
          <h2 id={heading} className="text-lg font-semibold text-balance">
            {title}
          </h2>
          <button type="button" aria-label={t("close")} onClick={onClose} className="-m-2 rounded-lg p-2 text-soft hover:text-ink">
            <Icon name="close" />
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}

interface FormProps {
  children: ReactNode;
  verb: string;
  danger?: boolean;
  busy?: boolean;
  /** Why it is disabled. */
  reason?: string | null;
  /** Why it failed. */
  error?: string | null;
  onConfirm: () => void;
  onClose: () => void;
}

/** A dialog that does something once it is confirmed. */
export function Confirm({ title, ...form }: FormProps & { title: string }) {
  return (
    <Dialog title={title} onClose={form.onClose}>
      <ConfirmForm {...form} />
    </Dialog>
  );
}

export function ConfirmForm({ children, verb, danger, busy, reason, error, onConfirm, onClose }: FormProps) {
  const { t } = useTranslation();
  const reasonId = useId();
  // A command can disable itself while it is performed: a run that starts is active.
  const why = busy ? null : reason;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy && !why) onConfirm();
      }}
    >
      <div className="space-y-4 text-[0.95rem]">{children}</div>
      {error && (
        <p role="alert" className="mt-4 rounded-lg bg-bad-wash px-3 py-2 text-sm break-words text-bad">
          {error}
        </p>
      )}
      <p id={reasonId} role="status" className={why ? "mt-4 rounded-lg bg-warn-wash px-3 py-2 text-sm text-warn" : "sr-only"}>
        {why}
      </p>
      <div className="mt-6 flex flex-wrap justify-end gap-2">
        <button type="button" onClick={onClose} className="min-h-10 rounded-[10px] border border-quiet px-4 text-sm font-medium hover:bg-sunk">
          {t("close")}
        </button>
        <button
          type="submit"
          aria-busy={busy || undefined}
          aria-disabled={Boolean(why) || undefined}
          aria-describedby={why ? reasonId : undefined}
          className={`min-h-10 rounded-[10px] px-4 text-sm font-semibold ${busy ? "breathing" : ""} ${
            why ? DISABLED : danger ? "bg-bad text-panel" : "bg-ink text-panel"
          }`}
        >
          {verb}
        </button>
      </div>
    </form>
  );
}
