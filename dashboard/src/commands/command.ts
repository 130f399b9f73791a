import type { Key } from "../i18n";
import { shortId } from "../lib/format";
import { isFresh, type Live } from "../live/store";

/** A text and what to fill in. */
export type Reason = [Key, Record<string, string | number>?];

/** What a person can have the API do. Each has a file in this folder. */
export interface Command<Input = void> {
  /** The `operationId` of the API that it calls. */
  operation: string;
  /** Why it is disabled in this state; null if it is not. */
  whyDisabled: (state: Live) => Reason | null;
  /** Does it, and says what was done. */
  perform: (input: Input) => Promise<string>;
}

/** Why the role of this session does not allow the operation; null if it does. */
export function forbidden(operation: string, { session }: Pick<Live, "session">): Reason | null {
  const permission = session?.operations.find((some) => some.operation === operation);
  if (!session || !permission || permission.allowed) return null;
  return ["cannot.role", { role: session.role, needed: permission.role }];
}

/** Why nothing can be changed now: the API or a store does not answer. */
export function unreachable(state: Live): Reason | null {
  if (!state.status || state.link === "connecting") return ["cannot.loading"];
  if (state.link === "offline") return ["cannot.offline"];
  if (!isFresh(state)) return ["cannot.redis"];
  if (state.unready !== null) return ["cannot.store"];
  return null;
}

/** Why a dialog that was opened for this run must not change the current one. */
export const replaced = (runId: string, { status }: Live): Reason | null =>
  status && (status.runId ?? "") !== runId ? ["cannot.replaced", { run: shortId(runId) }] : null;

/** Why the operation is not available, whatever the state of the run. */
export const unavailable = (operation: string, state: Live): Reason | null =>
  forbidden(operation, state) ?? unreachable(state);
