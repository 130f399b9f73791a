import { describe, expect, test } from "vitest";
import type { Health, Ledger, Phase, Status } from "../api/client";
import { unknown, type Live } from "../live/store";
import { balance, pending } from "./balance";
import { cannot, cannotClean, cannotRetry, type Verb } from "./can";

const empty: Ledger = { generated: 0, deferred: 0, waiting: 0, leased: 0, delayed: 0, processed: 0, dead: 0, removed: 0 };

const known = (phase: Phase, change: { paused?: boolean; normal?: Partial<Ledger>; connected?: boolean; unready?: string; link?: Live["link"]; aborting?: boolean } = {}): Live => ({
  ...unknown,
  link: change.link ?? "live",
  unready: change.unready ?? null,
  health: { queue: { connected: change.connected ?? true }, processor: { aborting: change.aborting ?? false } } as Health,
  status: {
    phase,
    runId: "0123456789",
    paused: change.paused ?? false,
    ledger: { vip: empty, normal: { ...empty, ...change.normal } },
    progress: { target: 100, generated: 60, processedTotal: 0 },
  } as Status,
});

const VERBS: Verb[] = ["generate", "pause", "resume", "cancel", "reset", "retry", "clean", "close"];
const able = (state: Live) => VERBS.filter((verb) => cannot(verb, state) === null);

describe("what can be done", () => {
  test("without a run", () => expect(able(known("IDLE"))).toEqual(["generate", "pause", "reset", "close"]));
  test("while one goes on", () => expect(able(known("GENERATING"))).toEqual(["pause", "cancel", "reset", "close"]));
  test("while it is paused", () => expect(able(known("GENERATING", { paused: true }))).toEqual(["resume", "cancel", "reset", "close"]));
  test("with dead letters", () => expect(able(known("DONE", { normal: { dead: 2 } }))).toEqual(["generate", "pause", "reset", "retry", "clean", "close"]));
  test("in error, which only a person ends", () => expect(able(known("ERROR", { normal: { dead: 2 } }))).toEqual(["pause", "cancel", "reset", "retry", "clean", "close"]));
  test("of a cancelled run nothing is retried", () => expect(able(known("ABORTED", { normal: { dead: 2 } }))).toEqual(["generate", "pause", "reset", "clean", "close"]));
  test("without Redis only the connections can be renewed", () => expect(able(known("GENERATING", { connected: false }))).toEqual(["close"]));
  test("nor without MongoDB", () => expect(able(known("GENERATING", { unready: "MongoDB", normal: { waiting: 1 } }))).toEqual(["close"]));
  test("offline nothing can", () => expect(able(known("GENERATING", { link: "offline" }))).toEqual([]));
  test("and a cancel is not asked for twice", () => expect(able(known("GENERATING", { aborting: true }))).not.toContain("cancel"));
  test("and why not is said with the run's name", () => expect(cannot("generate", known("GENERATING"))).toEqual(["cannot.active", { run: "01234567" }]));
});

test("a dead letter of another run is not retried, and that run is named", () => {
  const state = known("DONE", { normal: { dead: 2 } });
  expect(cannotRetry("0123456789", state)).toBeNull();
  expect(cannotRetry("9876543210", state)).toEqual(["cannot.otherRun", { run: "98765432" }]);
  expect(cannotRetry("9876543210", known("DONE"))).toEqual(["cannot.otherRun", { run: "98765432" }]);
  expect(cannotRetry("0123456789", known("DONE"))).toEqual(["cannot.noDead"]);
  expect(cannotRetry("0123456789", known("DONE", { link: "offline", normal: { dead: 2 } }))).toEqual(["cannot.offline"]);
});

test("what a role may not do is not offered, and the role that may is named", () => {
  const operations = [
    { operation: "generate", role: "operator" as const, allowed: true },
    { operation: "reset", role: "admin" as const, allowed: false },
    { operation: "cleanQueue", role: "admin" as const, allowed: false },
  ];
  const session = { name: "painel", role: "operator" as const, via: "session" as const, expiresAt: null, operations };
  const state: Live = { ...known("IDLE", { normal: { waiting: 3 } }), session };
  expect(cannot("generate", state)).toBeNull();
  expect(cannot("reset", state)).toEqual(["cannot.role", { role: "operator", needed: "admin" }]);
  expect(cannotClean("wait", state)).toEqual(["cannot.role", { role: "operator", needed: "admin" }]);
});

test("only states that hold something can be cleaned", () => {
  const state = known("GENERATING", { normal: { waiting: 3, dead: 1 } });
  const states = (["wait", "active", "delayed", "completed", "failed"] as const).filter((some) => cannotClean(some, state) === null);
  expect(states).toEqual(["wait", "failed"]);
});

test("a ledger that does not add up is told, and by how much", () => {
  expect(balance({ ...empty, generated: 10, deferred: 4, processed: 5, dead: 1 })).toBe(0);
  expect(balance({ ...empty, generated: 10, waiting: 12 })).toBe(2);
});

test("what a cancel would stop is what is stored and open, and what is not stored", () => {
  const { status } = known("GENERATING", { normal: { generated: 60, deferred: 10, waiting: 5, leased: 4, delayed: 1, processed: 40 } });
  expect(pending(status!)).toEqual({ stored: 20, unborn: 40 });
});
