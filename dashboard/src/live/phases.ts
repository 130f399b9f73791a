import type { Phase } from "../api/client";

/** The phases of a run, in the order in which it goes through them. */
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

/** Is there a run that has not ended? In ERROR there is one, and it waits for a person. */
export const isActive = (phase: Phase): boolean => !ENDED.includes(phase);

export const isMoving = (phase: Phase): boolean => isActive(phase) && phase !== "ERROR";

/** How far a phase is; -1 for those that are no step of a run. */
export const rank = (phase: Phase): number => (STEPS as readonly Phase[]).indexOf(phase);

export interface PhaseTimes {
  runId: string | null;
  current: Phase;
  /** Since when, by the server's clock. */
  since: number;
  /** When the run was first seen in a phase. */
  first: number;
  /** Time spent in each phase that was left, ms. */
  spent: Partial<Record<Phase, number>>;
  /** When each was last entered. */
  entered: Partial<Record<Phase, number>>;
}

/**
 * Takes in one change of phase. GENERATING and ENQUEUE_VIP alternate hundreds of times in
 * a run, and a replay begins again: so times are added up, and the changes are not kept.
 */
export function entered(
  times: PhaseTimes | null,
  change: { phase: Phase; runId: string | null; at: number },
): PhaseTimes {
  const { phase, runId, at } = change;
  if (times?.runId !== runId) {
    return { runId, current: phase, since: at, first: at, spent: {}, entered: { [phase]: at } };
  }
  // Told once more, after a reconnection.
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

/** Time in a phase so far; `now` by the server's clock. Null: it was not seen in it. */
export function timeIn(times: PhaseTimes | null, phase: Phase, now: number): number | null {
  if (!times) return null;
  const spent = times.spent[phase];
  if (times.current === phase && isActive(phase)) {
    return (spent ?? 0) + Math.max(0, now - times.since);
  }
  return spent ?? null;
}

/**
 * Which changes are worth a word: a run's first time in a phase, and its end. Answers the
 * rank to remember, or null if this one is not.
 */
export function milestone(reached: { runId: string | null; rank: number }, runId: string | null, phase: Phase) {
  if (phase === "IDLE") return null;
  const at = phase === "ABORTED" || phase === "ERROR" ? STEPS.length : rank(phase);
  if (reached.runId === runId && at <= reached.rank) return null;
  return { runId, rank: at };
}
