import { describe, expect, test } from "vitest";
import type { Health, Run, Status } from "../api/client";
import { isFresh, seen, serverNow, silentFor, unknown, wallClock, type Live, type Worker } from "./store";
import { backoff, pause } from "./waiting";

const worker = (id: string): Worker => ({ id, host: "h", pid: 1, version: "0", slots: 25, busy: 0, processor: null, breaker: "closed", lastSeen: "2026-11-23T00:00:00.000Z" });

describe("workers", () => {
  test("that are gone stay listed for a while, with the time of their last heartbeat", () => {
    const before = seen([], [worker("b"), worker("a")], 1_000);
    expect(before.map(({ worker }) => worker.id)).toEqual(["a", "b"]);
    const after = seen(before, [worker("b")], 5_000);
    expect(after.map(({ worker, gone, seen }) => [worker.id, gone, seen])).toEqual([
      ["b", false, 5_000],
      ["a", true, 1_000],
    ]);
    expect(seen(after, [worker("b")], 1_000_000).map(({ worker }) => worker.id)).toEqual(["b"]);
    expect(seen(after, [worker("a"), worker("b")], 6_000).every(({ gone }) => !gone)).toBe(true);
  });

  test("are as old as their heartbeat, by the server's clock", () => {
    const now = Date.parse("2026-11-23T01:00:07.000Z");
    expect(silentFor({ ...unknown, ahead: -3_600_000 }, worker("a"), now)).toBe(7_000);
    expect(silentFor({ ...unknown, ahead: -7_200_000 }, worker("a"), now)).toBe(0);
  });

  test("are bounded", () => {
    let known = seen([], [], 0);
    for (let i = 0; i < 500; i += 1) known = seen(known, [worker(`w${i}`)], i);
    expect(known.length).toBe(100);
  });
});

describe("the live data", () => {
  const status = (phase: string) => ({ phase, runId: "a", wallClockMs: 5_000 }) as Status;
  const healthy = { queue: { connected: true } } as Health;
  const away = { queue: { connected: false }, error: "connection refused" } as unknown as Health;
  const state = (change: Partial<Live>): Live => ({ ...unknown, link: "live", health: healthy, statusAt: 1_000, ...change });

  test("advance between two answers while they are current", () => {
    expect(wallClock(state({ status: status("GENERATING") }), 3_000)).toBe(7_000);
    expect(wallClock(state({ status: status("DONE") }), 3_000)).toBe(5_000);
    expect(wallClock(state({ status: status("GENERATING"), link: "offline" }), 3_000)).toBe(5_000);
    expect(wallClock(state({ status: status("GENERATING"), health: away }), 3_000)).toBe(5_000);
    expect(wallClock(unknown, 3_000)).toBe(0);
  });

  test("give the server's time, whatever this machine's clock shows", () => {
    const run = { runId: "a", createdAt: "2026-11-23T00:00:00.000Z" } as Run;
    const known = state({ status: status("GENERATING"), run });
    expect(serverNow(known, 3_000)).toBe(Date.parse("2026-11-23T00:00:07.000Z"));
    expect(serverNow(state({ status: status("GENERATING") }), 3_000)).toBe(3_000);
  });

  test("are current while the API and Redis answer", () => {
    expect([isFresh(state({})), isFresh(state({ health: away })), isFresh(state({ link: "offline" }))]).toEqual([true, false, false]);
  });
});

describe("waiting", () => {
  test("is exponential with jitter, and bounded", () => {
    const longest = [0, 1, 2, 3, 50].map((failures) => backoff(failures, () => 1));
    expect(longest).toEqual([500, 1_000, 2_000, 4_000, 15_000]);
    expect(backoff(3, () => 0)).toBe(2_000);
  });

  test("ends when woken", async () => {
    const wake = new AbortController();
    const waited = pause(60_000, wake.signal);
    wake.abort();
    expect(await waited).toBe(true);
    expect(await pause(60_000, wake.signal)).toBe(true);
    expect(await pause(1, new AbortController().signal)).toBe(false);
  });
});
