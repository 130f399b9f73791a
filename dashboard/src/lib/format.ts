import type { Language } from "./prefs";

const locale = (language: Language) => (language === "pt" ? "pt-BR" : "en-GB");

const numbers = new Map<string, Intl.NumberFormat>();

function formatter(language: Language, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = language + JSON.stringify(options);
  let format = numbers.get(key);
  if (!format) numbers.set(key, (format = new Intl.NumberFormat(locale(language), options)));
  return format;
}

export const whole = (n: number, language: Language): string =>
  formatter(language, { maximumFractionDigits: 0 }).format(n);

/** What a person typed for a whole number, without the separators that this language puts between thousands. */
export function wholeNumber(text: string, language: Language): string {
  const typed = text.trim();
  const grouped = language === "pt" ? /^\d{1,3}([.\s]\d{3})+$/ : /^\d{1,3}([,\s]\d{3})+$/;
  return grouped.test(typed) ? typed.replace(/\D/g, "") : typed;
}

export const percent = (n: number, language: Language, digits = 1): string =>
  `${formatter(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(floor(n, digits))} %`;

/** Rounded down: 99.97 % must not show as 100 %. */
function floor(n: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.floor(n * scale + 1e-9) / scale;
}

export const price = (n: number, language: Language): string =>
  formatter(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(n);

/** 845 bytes, 12.3 kB, 4.0 MB. */
export function size(bytes: number, language: Language): string {
  const power = bytes < 1_000 ? 0 : bytes < 1_000_000 ? 1 : bytes < 1_000_000_000 ? 2 : 3;
  const digits = power === 0 ? 0 : 1;
  const value = formatter(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(bytes / 1_000 ** power);
  return `${value} ${["bytes", "kB", "MB", "GB"][power]}`;
}

/** 845 ms, 12.3 s, 2 min 05 s, 1 h 04 min. */
export function duration(ms: number, language: Language): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) {
    const tenths = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
    return `${formatter(language, tenths).format(ms / 1000)} s`;
  }
  const seconds = Math.round(ms / 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3_600)} h ${two(Math.floor((seconds % 3_600) / 60))} min`;
}

/** A duration in whole seconds, for what counts down or up. */
export const clock = (ms: number, language: Language): string =>
  ms < 59_500 ? `${whole(Math.max(0, Math.round(ms / 1000)), language)} s` : duration(ms, language);

export function time(at: string | number, language: Language): string {
  return new Date(at).toLocaleTimeString(locale(language), { hour12: false });
}

export function moment(at: string | number, language: Language): string {
  return new Date(at).toLocaleString(locale(language), { dateStyle: "medium", timeStyle: "medium" });
}

export const shortId = (id: string): string => id.slice(0, 8);
