import type { Ledger, Status } from "../api/client";

export const PARTS = ["deferred", "waiting", "leased", "delayed", "processed", "dead", "removed"] as const;
export type Part = (typeof PARTS)[number];

/** By how much the ledger does not add up: 0, always. */
export const balance = (ledger: Ledger): number =>
  PARTS.reduce((sum, part) => sum + ledger[part], 0) - ledger.generated;

/** One part, of both priorities. */
export const both = (status: Status, part: Part): number => status.ledger.vip[part] + status.ledger.normal[part];

/** What a cancel would stop: stored and not terminal, and not even stored. */
export function pending(status: Status): { stored: number; unborn: number } {
  const stored = (["deferred", "waiting", "leased", "delayed"] as const).reduce((sum, part) => sum + both(status, part), 0);
  return { stored, unborn: Math.max(0, status.progress.target - status.progress.generated) };
}
