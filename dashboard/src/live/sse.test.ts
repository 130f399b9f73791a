import { describe, expect, test } from "vitest";
import { EventParser } from "./sse";

const STREAM = [
  ": a comment\n\n",
  "id: 1-0.2-0\nevent: log\ndata: {\"line\":\"a: b\"}\n\n",
  "event: phase\r\ndata: one\r\ndata: two\r\n\r\n",
  "data:no space\n\n",
].join("");

const EVENTS = [
  { id: "1-0.2-0", event: "log", data: '{"line":"a: b"}' },
  { id: "1-0.2-0", event: "phase", data: "one\ntwo" },
  { id: "1-0.2-0", event: "message", data: "no space" },
];

describe("a stream of events", () => {
  test("is parsed", () => {
    expect(new EventParser().push(STREAM)).toEqual(EVENTS);
  });

  test("is the same in pieces of any size", () => {
    for (let size = 1; size < STREAM.length; size += 1) {
      const parser = new EventParser();
      const events = [];
      for (let at = 0; at < STREAM.length; at += size) events.push(...parser.push(STREAM.slice(at, at + size)));
      expect(events, `pieces of ${size}`).toEqual(EVENTS);
    }
  });

  test("holds back an incomplete event", () => {
    const parser = new EventParser();
    expect(parser.push("data: half")).toEqual([]);
    expect(parser.push("\n")).toEqual([]);
    expect(parser.push("\n")).toEqual([{ id: "", event: "message", data: "half" }]);
  });
});
