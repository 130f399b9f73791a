import type { CleanState } from "../api/client";
import type { Key } from "../i18n";
import { isActive } from "../live/phases";
import { isFresh, type Live } from "../live/store";
import { shortId } from "../lib/format";
import { both, type Part } from "./balance";

export type Verb = "generate" | "pause" | "resume" | "cancel" | "reset" | "retry" | "clean" | "close";

/** What each calls, by its `operationId`. */
const OPERATIONS: Record<Verb, string> = {
  generate: "generate",
  pause: "pauseQueue",
  resume: "resumeQueue",
  cancel: "cancel",
  reset: "reset",
  retry: "retryFailed",
  clean: "cleanQueue",
  close: "closeQueue",
};

type Why = [Key, Record<string, string | number>?];

export const CLEANED: Record<CleanState, Part> = {
  wait: "waiting",
  active: "leased",
  delayed: "delayed",
  completed: "processed",
  failed: "dead",
};

function unreachable(state: Live): Why | null {
  if (!state.status || state.link === "connecting") return ["cannot.loading"];
  if (state.link === "offline") return ["cannot.offline"];
  if (!isFresh(state)) return ["cannot.redis"];
  if (state.unready !== null) return ["cannot.store"];
  return null;
}

/** Why this dead letter cannot be retried; null if it can. Only the current run's are. */
export function cannotRetry(runId: string | null | undefined, state: Live): Why | null {
  const reason = cannot("retry", state);
  if (reason && reason[0] !== "cannot.noDead") return reason;
  return runId && runId !== state.status?.runId ? ["cannot.otherRun", { run: shortId(runId) }] : reason;
}

/** Why the role of who has signed in does not do for this operation; null if it does. */
export function forbidden(operation: string, { session }: Pick<Live, "session">): Why | null {
  const permission = session?.operations.find((some) => some.operation === operation);
  if (!session || !permission || permission.allowed) return null;
  return ["cannot.role", { role: session.role, needed: permission.role }];
}

/** Why this cannot be done now; null if it can. */
export function cannot(verb: Verb, state: Live): Why | null {
  const denied = forbidden(OPERATIONS[verb], state);
  if (denied) return denied;
  const away = unreachable(state);
  // New connections are what may help.
  if (away && !(verb === "close" && (away[0] === "cannot.redis" || away[0] === "cannot.store"))) return away;
  const { status } = state;
  if (!status) return ["cannot.loading"];
  const active = isActive(status.phase);
  switch (verb) {
    case "generate":
      return active ? ["cannot.active", { run: shortId(status.runId ?? "") }] : null;
    case "cancel":
      if (state.health?.processor.aborting) return ["cannot.aborting"];
      return active ? null : ["cannot.noRun"];
    case "pause":
      return status.paused ? ["cannot.isPaused"] : null;
    case "resume":
      return status.paused ? null : ["cannot.notPaused"];
    case "retry":
      if (status.phase === "ABORTED") return ["cannot.retryAborted"];
      return both(status, "dead") === 0 ? ["cannot.noDead"] : null;
    case "clean":
      return Object.values(CLEANED).every((part) => both(status, part) === 0) ? ["cannot.noneAtAll"] : null;
    case "reset":
    case "close":
      return null;
  }
}

export function cannotClean(what: CleanState, state: Live): Why | null {
  const away = forbidden(OPERATIONS.clean, state) ?? unreachable(state);
  if (away || !state.status) return away;
  return both(state.status, CLEANED[what]) === 0 ? ["cannot.noneOf"] : null;
}
