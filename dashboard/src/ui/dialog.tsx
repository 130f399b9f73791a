import { useEffect, useId, useRef, type ReactNode } from "react";
import { useSpeech } from "../i18n";
import { UNABLE } from "./button";
import { Icon } from "./icons";

interface Props {
  title: string;
  children: ReactNode;
  wide?: boolean;
  onClose: () => void;
}

/** The browser's own: it keeps the focus inside, closes on Escape, and gives the focus back. */
export function Dialog({ title, children, wide, onClose }: Props) {
  const { t } = useSpeech();
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
      onClose={onClose}
      onCancel={onClose}
      onPointerDown={(event) => {
        pressed.current = event.target;
      }}
      // Beside it: pressed and let go there. Who marks a text may end outside.
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

interface ConfirmProps {
  title: string;
  children: ReactNode;
  verb: string;
  danger?: boolean;
  busy?: boolean;
  /** Why it cannot be done now. */
  reason?: string | null;
  /** Why it could not be done. */
  error?: string | null;
  onConfirm: () => void;
  onClose: () => void;
}

export function Confirm({ title, children, verb, danger, busy, reason, error, onConfirm, onClose }: ConfirmProps) {
  const { t } = useSpeech();
  const said = useId();
  // What is being done makes itself impossible: a run that begins is active.
  const why = busy ? null : reason;
  return (
    <Dialog title={title} onClose={onClose}>
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
        <p id={said} role="status" className={why ? "mt-4 rounded-lg bg-warn-wash px-3 py-2 text-sm text-warn" : "sr-only"}>
          {why}
        </p>
        <div className="mt-6 flex flex-wrap justify-end gap-2">
          <button type="button" onClick={onClose} className="min-h-10 rounded-[10px] border border-quiet px-4 text-sm font-medium hover:bg-sunk">
            {t("back")}
          </button>
          <button
            type="submit"
            aria-busy={busy || undefined}
            aria-disabled={Boolean(why) || undefined}
            aria-describedby={why ? said : undefined}
            className={`min-h-10 rounded-[10px] px-4 text-sm font-semibold ${busy ? "breathing" : ""} ${
              why ? UNABLE : danger ? "bg-bad text-panel" : "bg-ink text-panel"
            }`}
          >
            {verb}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
