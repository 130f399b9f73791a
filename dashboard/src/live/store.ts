import type { Health, Run, Session, Status } from "../api/client";
import { isActive, type PhaseTimes } from "./phases";
import { Lines } from "./lines";
import { Series } from "./series";

/** live: the stream is open; polling: it is not, but the API answers; offline: it does not. */
export type Link = "connecting" | "live" | "polling" | "offline";

export interface Live {
  link: Link;
  /** Why it is not live. */
  trouble: string | null;
  status: Status | null;
  /** When that came, by this machine's clock. */
  statusAt: number;
  health: Health | null;
  /** Which store does not answer the API, and why: MongoDB is none of the queue's health. */
  unready: string | null;
  times: PhaseTimes | null;
  /** The current run, as the history has it: its seed, and when it was accepted. */
  run: Run | null;
  workers: readonly WorkerSeen[];
  /** How far the server's clock is ahead of this machine's, ms. */
  ahead: number;
  /** Who this browser is to the API, and what it may do; null: not known. */
  session: Session | null;
  /** The API wants to know who calls, and nobody has said. */
  mustSignIn: boolean;
}

export type Worker = Status["workers"]["list"][number];

export interface WorkerSeen {
  worker: Worker;
  /** When it was last listed, by this machine's clock. */
  seen: number;
  /** It is not listed any more. */
  gone: boolean;
}

export class Store<T extends object> {
  #state: T;
  #listeners = new Set<() => void>();

  constructor(state: T) {
    this.#state = state;
  }

  get = (): T => this.#state;

  set(change: Partial<T>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

export const unknown: Live = {
  link: "connecting",
  trouble: null,
  status: null,
  statusAt: 0,
  health: null,
  unready: null,
  times: null,
  run: null,
  workers: [],
  ahead: 0,
  session: null,
  mustSignIn: false,
};

export const live = new Store<Live>(unknown);
export const series = new Series();
export const lines = new Lines();

/** Workers that went are remembered for so long, ms, and so many of them. */
const REMEMBERED = 120_000;
const AT_MOST = 100;

export function seen(before: readonly WorkerSeen[], list: readonly Worker[], now: number): WorkerSeen[] {
  const here = new Set(list.map((worker) => worker.id));
  const went = before
    .filter(({ worker, seen }) => !here.has(worker.id) && now - seen < REMEMBERED)
    .map((entry) => ({ ...entry, gone: true }));
  const alive = list.map((worker) => ({ worker, seen: now, gone: false }));
  return [...alive.sort((a, b) => (a.worker.id < b.worker.id ? -1 : 1)), ...went].slice(0, AT_MOST);
}

/** Ms since a worker's last heartbeat, however this machine's clock goes. */
export const silentFor = ({ ahead }: Live, worker: Worker, now: number): number =>
  Math.max(0, now + ahead - Date.parse(worker.lastSeen));

/** Does the page know how it is right now? */
export const isFresh = ({ link, health }: Live): boolean =>
  (link === "live" || link === "polling") && health?.queue.connected !== false;

/** What a store's absence is called, if one is away. */
export function outage({ health, unready, trouble, link }: Live): string | null {
  if (link === "offline") return trouble;
  if (health && !health.queue.connected) return health.error ?? "";
  if (unready !== null) return unready;
  return link === "polling" ? trouble : null;
}

/** Ms since the run was accepted; goes on between two answers, if they can be trusted. */
export function wallClock(state: Live, now: number): number {
  const { status, statusAt } = state;
  if (!status) return 0;
  const moves = isActive(status.phase) && isFresh(state);
  return status.wallClockMs + (moves ? Math.max(0, now - statusAt) : 0);
}

/** The server's clock, as far as the run tells it; else this machine's. */
export function serverNow(state: Live, now: number): number {
  const { run, status } = state;
  return run && run.runId === status?.runId ? Date.parse(run.createdAt) + wallClock(state, now) : now;
}
