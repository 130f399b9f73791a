import type { Status } from "../api/client";
import { deadThatHold, processorTrouble } from "./holds";
import { total } from "./ledger";
import { isMoving } from "./phases";
import type { Live } from "./store";

/** A run of which nothing has changed for so long stands still, ms. */
const STILL = 10_000;

/** Changes when an order is stored, queued or ended. */
export const reached = (status: Status): string =>
  [status.runId, status.progress.generated, total(status, "deferred"), total(status, "processed"), total(status, "dead"), total(status, "removed")].join(" ");

/** Does nothing of the active run move, so that its last rate says nothing of the time left? */
export function standsStill({ status, movedAt }: Pick<Live, "status" | "movedAt">, now: number): boolean {
  if (!status) return false;
  const held = status.paused || !isMoving(status.phase) || status.workers.alive === 0 || deadThatHold(status) > 0 || processorTrouble(status) !== null;
  return held || now - movedAt > STILL;
}
