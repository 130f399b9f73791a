import type { Ledger, Status } from "../api/client";

export const PARTS = ["deferred", "waiting", "leased", "delayed", "processed", "dead", "removed"] as const;
export type Part = (typeof PARTS)[number];

/** The difference between the ledger's parts and what was generated: always 0. */
export const balance = (ledger: Ledger): number =>
  PARTS.reduce((sum, part) => sum + ledger[part], 0) - ledger.generated;

/** One part, of both priorities. */
export const total = (status: Status, part: Part): number => status.ledger.vip[part] + status.ledger.normal[part];

/** What a cancel stops: orders that are stored and not terminal, and orders that are not generated yet. */
export function pending(status: Status): { stored: number; notGenerated: number } {
  const stored = (["deferred", "waiting", "leased", "delayed"] as const).reduce((sum, part) => sum + total(status, part), 0);
  return { stored, notGenerated: Math.max(0, status.progress.target - status.progress.generated) };
}
