import { describe, expect, test } from "vitest";
import type { Phase } from "../api/client";
import { entered, isActive, milestone, rank, timeIn, type PhaseTimes } from "./phases";

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
  expect([rank("GENERATING"), rank("DONE"), rank("ABORTED")]).toEqual([0, 5, -1]);
});

describe("milestones", () => {
  const announced = (phases: Phase[], runId = "a") => {
    let reached = { runId: null as string | null, rank: -1 };
    return phases.filter((phase) => {
      const next = milestone(reached, runId, phase);
      if (next) reached = next;
      return next !== null;
    });
  };

  test("are a run's first time in each phase, and its end", () => {
    const phases: Phase[] = ["GENERATING", "ENQUEUE_VIP", "GENERATING", "ENQUEUE_VIP", "WAITING_VIP_DRAIN", "ENQUEUE_NORMAL", "WAITING_NORMAL_DRAIN", "ENQUEUE_NORMAL", "DONE", "DONE"];
    expect(announced(phases)).toEqual(["GENERATING", "ENQUEUE_VIP", "WAITING_VIP_DRAIN", "ENQUEUE_NORMAL", "WAITING_NORMAL_DRAIN", "DONE"]);
  });

  test("are errors and cancels in any phase, and never IDLE", () => {
    expect(announced(["IDLE", "GENERATING", "ERROR"])).toEqual(["GENERATING", "ERROR"]);
    expect(announced(["GENERATING", "ABORTED", "GENERATING"])).toEqual(["GENERATING", "ABORTED"]);
  });

  test("begin again with another run", () => {
    expect(milestone({ runId: "a", rank: 5 }, "b", "GENERATING")).toEqual({ runId: "b", rank: 0 });
  });
});
