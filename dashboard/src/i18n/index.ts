import { useSyncExternalStore } from "react";
import { prefs, type Language, type Zone } from "../lib/prefs";
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
  /** `digits`: of the fraction of a second. */
  time: (at: string | number, digits?: 3) => string;
  moment: (at: string | number) => string;
}

function translation(language: Language, zone: Zone): Translation {
  return {
    language,
    t: (key, values) => translate(language, key, values),
    n: (n) => format.whole(n, language),
    percent: (n, digits) => format.percent(n, language, digits),
    duration: (ms) => format.duration(ms, language),
    clock: (ms) => format.clock(ms, language),
    time: (at, digits) => format.time(at, language, zone, digits),
    moment: (at) => format.moment(at, language, zone),
  };
}

const of = (language: Language) => ({ local: translation(language, "local"), utc: translation(language, "utc") });
const translations: Record<Language, Record<Zone, Translation>> = { en: of("en"), pt: of("pt") };

/** In the language and by the clock that are chosen now: for text that is made outside of a component. */
export function currentTranslation(): Translation {
  const { language, zone } = prefs.get();
  return translations[language][zone];
}

export function useTranslation(): Translation {
  return useSyncExternalStore(prefs.subscribe, currentTranslation);
}
