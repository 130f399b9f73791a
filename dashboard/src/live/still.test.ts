import { expect, test } from "vitest";
import type { Ledger, Status } from "../api/client";
import { reached, standsStill } from "./still";

const empty: Ledger = { generated: 0, deferred: 0, waiting: 0, leased: 0, delayed: 0, processed: 0, dead: 0, removed: 0 };

const known = (change: object = {}): Status =>
  ({
    runId: "a",
    phase: "WAITING_VIP_DRAIN",
    paused: false,
    onVipFailure: "continue",
    processor: { name: "refunds", state: "closed" },
    progress: { target: 100, generated: 100, processedTotal: 0 },
    ledger: { vip: { ...empty, waiting: 10 }, normal: { ...empty, deferred: 90 } },
    workers: { alive: 1, slots: 2, busy: 1, list: [] },
    ...change,
  }) as unknown as Status;

test("a run stands still while something holds it, or after nothing has changed for a while", () => {
  const still = (change: object, now = 1_000) => standsStill({ status: known(change), movedAt: 0 }, now);
  expect(still({})).toBe(false);
  expect(still({}, 11_000)).toBe(true);
  expect(still({ paused: true })).toBe(true);
  expect(still({ phase: "ERROR" })).toBe(true);
  expect(still({ workers: { alive: 0, slots: 0, busy: 0, list: [] } })).toBe(true);
  expect(still({ processor: { name: "refunds", state: "open" } })).toBe(true);
  expect(still({ onVipFailure: "hold", ledger: { vip: { ...empty, dead: 1 }, normal: empty } })).toBe(true);
});

test("a run moves when an order is stored, queued or ended", () => {
  const before = reached(known());
  expect(reached(known({ workers: { alive: 2 } }))).toBe(before);
  expect(reached(known({ ledger: { vip: { ...empty, waiting: 9, leased: 1 }, normal: { ...empty, deferred: 90 } } }))).toBe(before);
  for (const change of [
    { progress: { generated: 101 } },
    { ledger: { vip: { ...empty, waiting: 9, processed: 1 }, normal: { ...empty, deferred: 90 } } },
    { ledger: { vip: { ...empty, waiting: 10 }, normal: { ...empty, deferred: 80, waiting: 10 } } },
    { runId: "b" },
  ]) {
    expect(reached(known(change)), JSON.stringify(change)).not.toBe(before);
  }
});
