import { useSyncExternalStore } from "react";
import { prefs, type Language } from "../lib/prefs";
import * as format from "../lib/format";
import { en, type Key } from "./en";
import { pt } from "./pt";

export type { Key } from "./en";

const texts: Record<Language, Record<Key, string>> = { en, pt };

export function translate(language: Language, key: Key, values: Record<string, string | number> = {}): string {
  return texts[language][key].replace(/\{(\w+)(?:\|([^|}]*)\|([^|}]*))?\}/g, (all, name: string, one?: string, more?: string) => {
    const value = values[name];
    if (one !== undefined && more !== undefined) return value === 1 ? one : more;
    return value === undefined ? all : typeof value === "number" ? format.whole(value, language) : value;
  });
}

export interface Translation {
  language: Language;
  t: (key: Key, values?: Record<string, string | number>) => string;
  n: (n: number) => string;
  percent: (n: number, digits?: number) => string;
  duration: (ms: number) => string;
  clock: (ms: number) => string;
  time: (at: string | number) => string;
  moment: (at: string | number) => string;
}

function translation(language: Language): Translation {
  return {
    language,
    t: (key, values) => translate(language, key, values),
    n: (n) => format.whole(n, language),
    percent: (n, digits) => format.percent(n, language, digits),
    duration: (ms) => format.duration(ms, language),
    clock: (ms) => format.clock(ms, language),
    time: (at) => format.time(at, language),
    moment: (at) => format.moment(at, language),
  };
}

const translations: Record<Language, Translation> = { en: translation("en"), pt: translation("pt") };

/** In the language that is chosen now: for text that is made outside of a component. */
export const currentTranslation = (): Translation => translations[prefs.get().language];

export function useTranslation(): Translation {
  return translations[useSyncExternalStore(prefs.subscribe, () => prefs.get().language)];
}
