import { describe, expect, test } from "vitest";
import type { Phase, Status } from "../api/client";
import { entered, fenceOpened, isActive, STEPS, stepState, timeIn, type PhaseTimes } from "./phases";

const timesAfter = (changes: [Phase, number, string?][]): PhaseTimes => {
  let times: PhaseTimes | null = null;
  for (const [phase, at, runId = "a"] of changes) times = entered(times, { phase, runId, at });
  return times!;
};

describe("time in phases", () => {
  test("is the sum of all visits", () => {
    const times = timesAfter([
      ["GENERATING", 100],
      ["ENQUEUE_VIP", 150],
      ["GENERATING", 170],
      ["ENQUEUE_VIP", 270],
    ]);
    expect(timeIn(times, "GENERATING", 999)).toBe(150);
    expect(timeIn(times, "ENQUEUE_VIP", 300)).toBe(50);
    expect(timeIn(times, "WAITING_VIP_DRAIN", 300)).toBeNull();
    expect(times.first).toBe(100);
  });

  test("stands still once a run has ended", () => {
    const times = timesAfter([["WAITING_NORMAL_DRAIN", 10], ["DONE", 60]]);
    expect(timeIn(times, "WAITING_NORMAL_DRAIN", 1_000_000)).toBe(50);
    expect(timeIn(times, "DONE", 1_000_000)).toBeNull();
  });

  test("counts a repeated event once", () => {
    const once = timesAfter([["GENERATING", 0], ["ENQUEUE_VIP", 50], ["WAITING_VIP_DRAIN", 80]]);
    const twice = timesAfter([["GENERATING", 0], ["ENQUEUE_VIP", 50], ["WAITING_VIP_DRAIN", 80], ["ENQUEUE_VIP", 50], ["WAITING_VIP_DRAIN", 80]]);
    expect(twice).toEqual(once);
  });

  test("starts anew with another run", () => {
    const times = timesAfter([["DONE", 500], ["GENERATING", 900, "b"]]);
    expect(times).toMatchObject({ runId: "b", first: 900, spent: {} });
  });

  test("is never negative, whatever the clocks say", () => {
    expect(timeIn(timesAfter([["GENERATING", 500]]), "GENERATING", 100)).toBe(0);
  });
});

test("a run in ERROR is active", () => {
  const active = (["IDLE", "GENERATING", "ERROR", "DONE", "ABORTED"] as Phase[]).map(isActive);
  expect(active).toEqual([false, true, true, false, false]);
});

describe("the phases of a run", () => {
  const run = (phase: Phase, change: { generated?: number; deferred?: number; open?: boolean; firstNormalAt?: string } = {}) =>
    ({
      phase,
      progress: { target: 100, generated: change.generated ?? 100, processedTotal: 0 },
      ledger: { vip: {}, normal: { deferred: change.deferred ?? 0 } },
      fence: { open: change.open ?? false, firstNormalAt: change.firstNormalAt ?? null },
    }) as Status;
  const states = (status: Status, seen: [Phase, number][] = []) => STEPS.map((step) => stepState(step, status, seen.length > 0 ? timesAfter(seen) : null)).join(" ");

  test("are not over because a later one was entered: they alternate", () => {
    const seen: [Phase, number][] = [["GENERATING", 1], ["ENQUEUE_VIP", 2], ["GENERATING", 3]];
    expect(states(run("ENQUEUE_VIP", { generated: 60 }), seen.slice(0, 2))).toBe("begun here ahead ahead ahead ahead");
    expect(states(run("GENERATING", { generated: 60 }), seen)).toBe("here begun ahead ahead ahead ahead");
    expect(states(run("WAITING_VIP_DRAIN", { deferred: 70 }))).toBe("over over here ahead ahead ahead");
    expect(states(run("ENQUEUE_NORMAL", { deferred: 50, open: true }))).toBe("over over over here ahead ahead");
    expect(states(run("WAITING_NORMAL_DRAIN", { deferred: 50, open: true }), [["ENQUEUE_NORMAL", 4], ["WAITING_NORMAL_DRAIN", 5]])).toBe("over over over begun here ahead");
    expect(states(run("DONE", { open: true }))).toBe("over over over over over here");
  });

  test("of a cancelled run are over only if the figures say so", () => {
    const seen: [Phase, number][] = [["GENERATING", 1], ["ENQUEUE_VIP", 2], ["ABORTED", 3]];
    expect(states(run("ABORTED", { generated: 60 }), seen)).toBe("begun stopped ahead ahead ahead ahead");
    expect(states(run("ABORTED", { generated: 60 }), [["GENERATING", 1], ["ABORTED", 3]])).toBe("stopped ahead ahead ahead ahead ahead");
    const late: [Phase, number][] = [["ENQUEUE_NORMAL", 4], ["WAITING_NORMAL_DRAIN", 5], ["ABORTED", 6]];
    expect(states(run("ABORTED", { firstNormalAt: "2026-11-23T00:00:00.000Z" }), late)).toBe("over over over begun stopped ahead");
  });

  test("have a fence that stays open when the run stops, and is shut in a replay", () => {
    const at = "2026-11-23T00:00:00.000Z";
    expect(fenceOpened(run("ERROR", { firstNormalAt: at }))).toBe(true);
    expect(fenceOpened(run("ERROR"))).toBe(false);
    expect(fenceOpened(run("ABORTED", { firstNormalAt: at }))).toBe(true);
    expect(fenceOpened(run("GENERATING", { firstNormalAt: at }))).toBe(false);
    expect(fenceOpened(run("ENQUEUE_NORMAL", { open: true }))).toBe(true);
  });
});
