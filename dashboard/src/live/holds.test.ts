import { describe, expect, test } from "vitest";
import type { Ledger, Status } from "../api/client";
import { deadThatHold, isCanary, lacksWorker, processors, processorTrouble } from "./holds";

const empty: Ledger = { generated: 0, deferred: 0, waiting: 0, leased: 0, delayed: 0, processed: 0, dead: 0, removed: 0 };

const known = (change: object): Status =>
  ({
    phase: "WAITING_VIP_DRAIN",
    paused: false,
    pausedBy: null,
    onVipFailure: "hold",
    processor: { name: "refunds", state: "closed", since: null, lastError: null, workers: 1 },
    ledger: { vip: { ...empty, dead: 2 }, normal: empty },
    workers: { alive: 3, slots: 6, busy: 0, list: [{ processor: "refunds" }, { processor: null }, { processor: "mail" }] },
    ...change,
  }) as Status;

test("a canary is no pause of a person", () => {
  expect(isCanary(known({ paused: true, pausedBy: "pauseAfter" }))).toBe(true);
  expect(isCanary(known({ paused: true, pausedBy: "person" }))).toBe(false);
  expect(isCanary(known({}))).toBe(false);
});

test("dead VIP orders hold a run once no other VIP order is open", () => {
  expect(deadThatHold(known({}))).toBe(2);
  expect(deadThatHold(known({ onVipFailure: "continue" }))).toBe(0);
  expect(deadThatHold(known({ phase: "GENERATING" }))).toBe(0);
  expect(deadThatHold(known({ ledger: { vip: { ...empty, dead: 2, delayed: 1 }, normal: empty } }))).toBe(0);
  expect(deadThatHold(known({ ledger: { vip: empty, normal: { ...empty, dead: 5 } } }))).toBe(0);
});

describe("a processor", () => {
  const processor = (state: string, name = "refunds") => ({ processor: { name, state, since: null, lastError: null, workers: 0 } });
  test("is in trouble while a run needs it and its breaker is not closed", () => {
    expect(processorTrouble(known({}))).toBeNull();
    for (const state of ["open", "halfOpen", "none"]) expect(processorTrouble(known(processor(state)))).toBe(state);
    expect(processorTrouble(known({ ...processor("none"), phase: "DONE" }))).toBeNull();
    expect(processorTrouble(known({ ...processor("open"), phase: "ERROR" }))).toBeNull();
    expect(processorTrouble(known(processor("none", "builtin")))).toBeNull();
  });

  test("is suggested if a worker has it", () => {
    expect(processors(known({}))).toEqual(["builtin", "mail", "refunds"]);
    expect(processors(null)).toEqual(["builtin"]);
  });

  test("is missed if no worker has it, as far as workers are listed", () => {
    expect(lacksWorker("default", known({}))).toBe(true);
    expect(["builtin", "refunds", ""].map((name) => lacksWorker(name, known({})))).toEqual([false, false, false]);
    expect(lacksWorker("default", known({ workers: { alive: 150, slots: 1, busy: 0, list: [] } }))).toBe(false);
    expect(lacksWorker("default", null)).toBe(false);
  });
});
