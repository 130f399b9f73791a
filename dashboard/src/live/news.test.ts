import { expect, test } from "vitest";
import type { Phase, Status } from "../api/client";
import { newsOf } from "./news";

const seen = (phase: Phase, runId = "a", pausedBy: "person" | "pauseAfter" | null = null) => ({ phase, runId, paused: pausedBy !== null, pausedBy }) as Status;
const news = (statuses: Status[]) => statuses.slice(1).flatMap((now, i) => newsOf(statuses[i]!, now) ?? []);

test("the end of a run is news, and no other phase is", () => {
  const phases: Phase[] = ["IDLE", "GENERATING", "ENQUEUE_VIP", "GENERATING", "WAITING_VIP_DRAIN", "ENQUEUE_NORMAL", "WAITING_NORMAL_DRAIN", "DONE", "DONE"];
  expect(news(phases.map((phase) => seen(phase)))).toEqual(["DONE"]);
  expect(news([seen("GENERATING"), seen("ERROR"), seen("ERROR"), seen("ABORTED")])).toEqual(["ERROR", "ABORTED"]);
});

test("the end is news again after a retry, and of every run", () => {
  expect(news([seen("GENERATING"), seen("DONE"), seen("WAITING_NORMAL_DRAIN"), seen("DONE")])).toEqual(["DONE", "DONE"]);
  expect(news([seen("DONE"), seen("DONE", "b"), seen("IDLE")])).toEqual(["DONE"]);
});

test("a run that has paused for a check is news, and a pause of a person is not", () => {
  const phase = "WAITING_VIP_DRAIN";
  expect(news([seen(phase), seen(phase, "a", "pauseAfter"), seen(phase, "a", "pauseAfter"), seen(phase)])).toEqual(["canary"]);
  expect(news([seen(phase), seen(phase, "a", "person")])).toEqual([]);
});
