import { describe, expect, test } from "vitest";
import { Lines, matches, parse } from "./lines";

const LINE = "2026-11-23T02:34:54.173Z INFO worker:2eee20a5 phase phase=ENQUEUE_VIP";

test("a line has a time, a level, a process and a text", () => {
  expect(parse(LINE, "INFO")).toMatchObject({
    time: "2026-11-23T02:34:54.173Z",
    level: "INFO",
    process: "worker:2eee20a5",
    text: "phase phase=ENQUEUE_VIP",
  });
  expect(parse("no form at all", "WARN")).toMatchObject({ level: "WARN", text: "no form at all", time: "" });
  expect(parse(LINE, "DEBUG").level).toBe("INFO");
});

describe("the last lines", () => {
  const at = (second: number, level: string) => `2026-11-23T02:34:${String(second).padStart(2, "0")}.000Z ${level} api:1 line ${second}`;

  test("are those of all levels, in order of time", () => {
    const lines = new Lines();
    lines.replace({ logMessages: [at(1, "INFO"), at(4, "INFO")], warnMessages: [at(3, "WARN")], errorMessages: [at(2, "ERROR")] });
    expect(lines.get().map(({ text }) => text)).toEqual(["line 1", "line 2", "line 3", "line 4"]);
    expect(lines.counts).toEqual({ INFO: 2, WARN: 1, ERROR: 1 });
  });

  test("are bounded; all are counted", () => {
    const lines = new Lines(10);
    for (let i = 0; i < 50; i += 1) lines.add({ level: "WARN", line: at(i, "WARN") });
    expect(lines.get().map(({ text }) => text)).toEqual(Array.from({ length: 10 }, (_, i) => `line ${40 + i}`));
    expect(lines.counts.WARN).toBe(50);
  });
});

test("lines are found by level and by every word, in any case", () => {
  const line = parse(LINE, "INFO");
  expect(matches(line, "all", "")).toBe(true);
  expect(matches(line, "INFO", "worker enqueue_vip")).toBe(true);
  expect(matches(line, "WARN", "")).toBe(false);
  expect(matches(line, "all", "worker absent")).toBe(false);
});
