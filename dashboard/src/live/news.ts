import type { Status } from "../api/client";
import { isCanary } from "./holds";

/** What a person is told of, wherever they look: the end of a run, and that one waits for them. */
export type News = "DONE" | "ABORTED" | "ERROR" | "canary";

/** What is new since the status before; null: nothing of note. */
export function newsOf(before: Status, now: Status): News | null {
  const isOther = before.runId !== now.runId;
  const { phase } = now;
  if (phase === "DONE" || phase === "ABORTED" || phase === "ERROR") return isOther || before.phase !== phase ? phase : null;
  return isCanary(now) && (isOther || !isCanary(before)) ? "canary" : null;
}
