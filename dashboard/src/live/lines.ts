import type { LogEvent } from "../api/client";

export type LineLevel = "INFO" | "WARN" | "ERROR";

export interface Line {
  key: number;
  time: string;
  level: LineLevel;
  process: string;
  text: string;
  /** The whole line, as it was logged. */
  whole: string;
}

const FORM = /^(\S+Z) +(\w+) +(\S+) (.*)$/s;

let made = 0;

export function parse(whole: string, level: string): Line {
  made += 1;
  const [, time = "", , process = "", text = whole] = FORM.exec(whole) ?? [];
  const known = level.toUpperCase();
  return { key: made, time, level: known === "WARN" || known === "ERROR" ? known : "INFO", process, text, whole };
}

/** The last lines of the log, a bounded number of them. */
export class Lines {
  readonly most: number;
  #lines: readonly Line[] = [];
  #counts = { INFO: 0, WARN: 0, ERROR: 0 };
  #listeners = new Set<() => void>();

  constructor(most = 2_000) {
    this.most = most;
  }

  get = (): readonly Line[] => this.#lines;

  /** The number of lines since the page was opened, by level. */
  get counts(): Readonly<Record<LineLevel, number>> {
    return this.#counts;
  }

  /** Replaces all lines by those that the API has kept. */
  replace(logs: { logMessages: string[]; warnMessages: string[]; errorMessages: string[] }): void {
    this.#counts = { INFO: 0, WARN: 0, ERROR: 0 };
    const of = (lines: string[], level: LineLevel) => lines.map((line) => parse(line, level));
    const all = [
      ...of(logs.logMessages, "INFO"),
      ...of(logs.warnMessages, "WARN"),
      ...of(logs.errorMessages, "ERROR"),
    ];
    this.#lines = [];
    this.#take(all.sort((one, other) => (one.time < other.time ? -1 : one.time > other.time ? 1 : 0)));
  }

  add(event: LogEvent): void {
    this.#take([parse(event.line, event.level)]);
  }

  #take(lines: Line[]): void {
    for (const line of lines) this.#counts[line.level] += 1;
    this.#counts = { ...this.#counts };
    this.#lines = [...this.#lines, ...lines].slice(-this.most);
    for (const listener of this.#listeners) listener();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

export function matches(line: Line, level: LineLevel | "all", words: string): boolean {
  if (level !== "all" && line.level !== level) return false;
  const whole = line.whole.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => whole.includes(word));
}
