import { useSyncExternalStore } from "react";
import { useTranslation } from "../i18n";
import { Store } from "../lib/store";
import { Icon } from "./icons";

type Kind = "info" | "good" | "bad";

interface Toast {
  id: number;
  kind: Kind;
  text: string;
  about: string | undefined;
}

const AT_MOST = 4;
const store = new Store<{ toasts: readonly Toast[] }>({ toasts: [] });
let made = 0;

const drop = (id: number) => store.set({ toasts: store.get().toasts.filter((toast) => toast.id !== id) });

/**
 * Shows a message for a while. The same text is not shown twice at a time, and of messages
 * about one topic only the latest is.
 */
export function toast(kind: Kind, text: string, about?: string): void {
  const { toasts } = store.get();
  const id = (made += 1);
  const others = toasts.filter((other) => other.text !== text && (about === undefined || other.about !== about));
  store.set({ toasts: [...others, { id, kind, text, about }].slice(-AT_MOST) });
  setTimeout(() => drop(id), kind === "bad" ? 15_000 : 7_000);
}

const STYLES: Record<Kind, string> = {
  info: "border-s-quiet",
  good: "border-s-good",
  bad: "border-s-bad",
};

export function Toasts() {
  const { t } = useTranslation();
  const toasts = useSyncExternalStore(store.subscribe, () => store.get().toasts);
  return (
    <div
      role="log"
      aria-live="polite"
      aria-label={t("toasts")}
      className="fixed inset-x-3 bottom-3 z-50 flex flex-col items-start gap-2 sm:inset-x-auto sm:start-5 sm:bottom-5"
    >
      {toasts.map(({ id, kind, text }) => (
        <div
          key={id}
          role={kind === "bad" ? "alert" : undefined}
          data-kind={kind}
          className={`panel flex w-full max-w-md items-start gap-3 border-s-4 px-4 py-3 text-sm shadow-lg sm:w-96 ${STYLES[kind]}`}
        >
          <p className="min-w-0 flex-1 break-words">{text}</p>
          <button type="button" aria-label={t("close")} onClick={() => drop(id)} className="-m-1 rounded p-1 text-soft hover:text-ink">
            <Icon name="close" size={16} />
          </button>
        </div>
      ))}
    </div>
  );
}
