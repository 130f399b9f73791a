import type { Phase, Status } from "../api/client";

/** The phases of a run. Those before the fence alternate, and so do the two after it. */
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

/** Is the fence open, or was it when the run stopped? */
export const fenceOpened = ({ phase, fence }: Pick<Status, "phase" | "fence">): boolean =>
  fence.open || (!isMoving(phase) && fence.firstNormalAt !== null);

/** here: now; over: for good; begun: left, and perhaps entered again; stopped: the run ended there. */
export type StepState = "here" | "over" | "begun" | "stopped" | "ahead";

/** Where a run is in one of its phases. The figures say what is over: the run may be in an earlier phase again. */
export function stepState(step: Step, status: Status, times: PhaseTimes | null): StepState {
  const { phase, progress, ledger } = status;
  if (phase === step) return "here";
  if (phase === "DONE") return "over";
  if ((phase === "ABORTED" || phase === "ERROR") && lastStep(times) === step) return "stopped";
  const stored = progress.target > 0 && progress.generated >= progress.target;
  const opened = fenceOpened(status);
  const over: Record<Step, boolean> = {
    GENERATING: stored,
    ENQUEUE_VIP: stored,
    WAITING_VIP_DRAIN: opened,
    // A cancel leaves none deferred, whether they were enqueued or not.
    ENQUEUE_NORMAL: opened && stored && ledger.normal.deferred === 0 && phase !== "ABORTED",
    WAITING_NORMAL_DRAIN: false,
    DONE: false,
  };
  if (over[step]) return "over";
  return times?.entered[step] === undefined ? "ahead" : "begun";
}

/** The phase that was entered last, and is no end. */
function lastStep(times: PhaseTimes | null): Step | undefined {
  const when = (step: Step) => times?.entered[step] ?? -Infinity;
  return STEPS.slice(0, -1).filter((step) => when(step) > -Infinity).sort((one, other) => when(other) - when(one))[0];
}

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
