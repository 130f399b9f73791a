import type { AuditLine } from "../api/client";

/**
 * One line a call, newest first: an allowed call leaves a line when it begins, and one when it ends. `ended`: the calls
 * whose end was on a page before. Answers the calls whose end is known now, too.
 */
export function calls(lines: readonly AuditLine[], ended: ReadonlySet<string>): { rows: AuditLine[]; ended: ReadonlySet<string> } {
  const known = new Set([...ended, ...lines.filter(({ outcome }) => outcome !== "begun").map(({ call }) => call)]);
  return { rows: lines.filter(({ outcome, call }) => outcome !== "begun" || !known.has(call)), ended: known };
}
