import type { BreakerState, Status } from "../api/client";
import { isActive } from "./phases";

/** The processor that every worker has. */
export const BUILTIN = "builtin";
/** The processor of an import, unless its start names another. */
export const DEFAULT = "default";

/** Has the run paused by itself, as it was told to? */
export const isCanary = (status: Status): boolean => status.paused && status.pausedBy === "pauseAfter";

/** How many dead VIP orders keep the fence shut, although no other VIP order is open. */
export function deadThatHold({ phase, onVipFailure, ledger: { vip } }: Status): number {
  const open = vip.deferred + vip.waiting + vip.leased + vip.delayed;
  return phase === "WAITING_VIP_DRAIN" && onVipFailure === "hold" && open === 0 ? vip.dead : 0;
}

/** Why the processor of an active run takes no calls; null if it does. */
export function processorTrouble({ phase, processor }: Status): Exclude<BreakerState, "closed"> | null {
  const waits = isActive(phase) && phase !== "ERROR" && processor.name !== BUILTIN;
  return waits && processor.state !== "closed" ? processor.state : null;
}

/** The processors that a run can have: the built-in one, and those that live workers show. */
export function processors(status: Status | null): string[] {
  const named = (status?.workers.list ?? []).flatMap(({ processor }) => processor ?? []);
  return [BUILTIN, ...[...new Set(named)].filter((name) => name !== BUILTIN).sort()];
}

/** Would a run with this processor wait for a worker? Of more workers than are listed nobody knows. */
export function lacksWorker(name: string, status: Status | null): boolean {
  if (!status || status.workers.alive > status.workers.list.length) return false;
  return name !== "" && !processors(status).includes(name);
}
