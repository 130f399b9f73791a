import { Store } from "./store";

export type Language = "en" | "pt";
export type Theme = "system" | "light" | "dark";
/** Whose clock all times are shown by. */
export type Zone = "local" | "utc";

interface Prefs {
  language: Language;
  theme: Theme;
  zone: Zone;
  notify: boolean;
}

const KEY = "pedidos";

function read(): Prefs {
  let kept: Partial<Prefs> = {};
  try {
    kept = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Prefs>;
  } catch {
    // Storage is not permitted, or holds something else: the defaults apply.
  }
  const portuguese = typeof navigator !== "undefined" && navigator.language.toLowerCase().startsWith("pt");
  return {
    language: kept.language === "en" || kept.language === "pt" ? kept.language : portuguese ? "pt" : "en",
    theme: kept.theme === "light" || kept.theme === "dark" ? kept.theme : "system",
    zone: kept.zone === "utc" ? "utc" : "local",
    notify: kept.notify === true,
  };
}

export const prefs = new Store<Prefs>(read());

export function choose(change: Partial<Prefs>): void {
  prefs.set(change);
  try {
    localStorage.setItem(KEY, JSON.stringify(prefs.get()));
  } catch {
    // Storage is not permitted: the choice is not kept.
  }
}

/** Applies language and theme to the document. Without a choice, the theme is the system's. */
export function apply(): void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    const { theme, language } = prefs.get();
    const root = document.documentElement;
    root.dataset["theme"] = theme === "system" ? (dark.matches ? "dark" : "light") : theme;
    root.lang = language === "pt" ? "pt-BR" : "en-GB";
  };
  show();
  dark.addEventListener("change", show);
  prefs.subscribe(show);
}
