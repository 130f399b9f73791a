import type { Health, Run, Session, Status } from "../api/client";
import { Store } from "../lib/store";
import { isActive, type PhaseTimes } from "./phases";
import { Lines } from "./lines";
import { Series } from "./series";

/** live: the stream is open; polling: it is closed, but the API answers; offline: the API does not answer. */
export type Link = "connecting" | "live" | "polling" | "offline";

export interface Live {
  link: Link;
  /** Why the link is not live. */
  trouble: string | null;
  status: Status | null;
  /** When the status arrived, by this machine's clock. */
  statusAt: number;
  /** When the run last moved, by this machine's clock. */
  movedAt: number;
  health: Health | null;
  /** Which store the API does not reach, and why. The health of the queue does not cover MongoDB. */
  unready: string | null;
  times: PhaseTimes | null;
  /** The current run in the history: its seed, and when it was accepted. */
  run: Run | null;
  workers: readonly WorkerSeen[];
  /** The server's clock minus this machine's, ms. */
  ahead: number;
  /** Who has signed in, with which permissions; null: not known. */
  session: Session | null;
  /** The API requires authentication, and nobody has signed in. */
  mustSignIn: boolean;
  /** Somebody had signed in, and their session or key is no longer valid. */
  sessionEnded: boolean;
}

export type Worker = Status["workers"]["list"][number];

export interface WorkerSeen {
  worker: Worker;
  /** When the API last listed it, by this machine's clock. */
  seen: number;
  /** The API no longer lists it. */
  gone: boolean;
}

export const unknown: Live = {
  link: "connecting",
  trouble: null,
  status: null,
  statusAt: 0,
  movedAt: 0,
  health: null,
  unready: null,
  times: null,
  run: null,
  workers: [],
  ahead: 0,
  session: null,
  mustSignIn: false,
  sessionEnded: false,
};

export const live = new Store<Live>(unknown);
export const series = new Series();
export const lines = new Lines();

/** Workers that are gone stay listed for so long, ms. */
const KEEP_GONE = 120_000;
const MAX_WORKERS = 100;

export function seen(before: readonly WorkerSeen[], list: readonly Worker[], now: number): WorkerSeen[] {
  const here = new Set(list.map((worker) => worker.id));
  const went = before
    .filter(({ worker, seen }) => !here.has(worker.id) && now - seen < KEEP_GONE)
    .map((entry) => ({ ...entry, gone: true }));
  const alive = list.map((worker) => ({ worker, seen: now, gone: false }));
  return [...alive.sort((a, b) => (a.worker.id < b.worker.id ? -1 : 1)), ...went].slice(0, MAX_WORKERS);
}

/** Ms since a worker's last heartbeat, whatever this machine's clock shows. */
export const silentFor = ({ ahead }: Live, worker: Worker, now: number): number =>
  Math.max(0, now + ahead - Date.parse(worker.lastSeen));

/** Are the data current? */
export const isFresh = ({ link, health }: Live): boolean =>
  (link === "live" || link === "polling") && health?.queue.connected !== false;

/** Ms since the run was accepted. It advances between two answers while the data are current. */
export function wallClock(state: Live, now: number): number {
  const { status, statusAt } = state;
  if (!status) return 0;
  const moves = isActive(status.phase) && isFresh(state);
  return status.wallClockMs + (moves ? Math.max(0, now - statusAt) : 0);
}

/** The server's clock, if the run shows it; else this machine's. */
export function serverNow(state: Live, now: number): number {
  const { run, status } = state;
  return run && run.runId === status?.runId ? Date.parse(run.createdAt) + wallClock(state, now) : now;
}
