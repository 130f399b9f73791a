import type { Phase } from "../api/client";

/** The phases of a run, in order. */
export const STEPS = [
  "GENERATING",
  "ENQUEUE_VIP",
  "WAITING_VIP_DRAIN",
  "ENQUEUE_NORMAL",
  "WAITING_NORMAL_DRAIN",
  "DONE",
] as const satisfies readonly Phase[];

export type Step = (typeof STEPS)[number];

const ENDED: readonly Phase[] = ["IDLE", "DONE", "ABORTED"];

/** Has the run not ended? A run in ERROR has not: it needs an operator. */
export const isActive = (phase: Phase): boolean => !ENDED.includes(phase);

export const isMoving = (phase: Phase): boolean => isActive(phase) && phase !== "ERROR";

/** The position of a phase in a run; -1 for phases that are no step of it. */
export const rank = (phase: Phase): number => (STEPS as readonly Phase[]).indexOf(phase);

export interface PhaseTimes {
  runId: string | null;
  current: Phase;
  /** When the current phase was entered, by the server's clock. */
  since: number;
  /** When the run was first seen. */
  first: number;
  /** The time spent in each phase that was left, ms. */
  spent: Partial<Record<Phase, number>>;
  /** When each phase was last entered. */
  entered: Partial<Record<Phase, number>>;
}

/**
 * Adds one change of phase. GENERATING and ENQUEUE_VIP alternate hundreds of times in a
 * run, and a replay starts over: so times are summed, and single changes are not kept.
 */
export function entered(
  times: PhaseTimes | null,
  change: { phase: Phase; runId: string | null; at: number },
): PhaseTimes {
  const { phase, runId, at } = change;
  if (times?.runId !== runId) {
    return { runId, current: phase, since: at, first: at, spent: {}, entered: { [phase]: at } };
  }
  // The stream repeats events after a reconnection.
  if (at < times.since || (at === times.since && phase === times.current)) return times;
  const before = times.spent[times.current] ?? 0;
  return {
    ...times,
    current: phase,
    since: at,
    spent: { ...times.spent, [times.current]: before + (at - times.since) },
    entered: { ...times.entered, [phase]: at },
  };
}

/** The time in a phase so far; null if the run was not seen in it. `now` is by the server's clock. */
export function timeIn(times: PhaseTimes | null, phase: Phase, now: number): number | null {
  if (!times) return null;
  const spent = times.spent[phase];
  if (times.current === phase && isActive(phase)) {
    return (spent ?? 0) + Math.max(0, now - times.since);
  }
  return spent ?? null;
}

/**
 * Which changes of phase are announced: the first time a run is in a phase, and its end.
 * Answers the rank to remember, or null for a change that is not announced.
 */
export function milestone(reached: { runId: string | null; rank: number }, runId: string | null, phase: Phase) {
  if (phase === "IDLE") return null;
  const at = phase === "ABORTED" || phase === "ERROR" ? STEPS.length : rank(phase);
  if (reached.runId === runId && at <= reached.rank) return null;
  return { runId, rank: at };
}
