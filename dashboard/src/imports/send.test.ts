import { describe, expect, test } from "vitest";
import { Problem } from "../api/client";
import { nextTry, type Try } from "./send";

const after = (status: number, change: Partial<Try> = {}) => nextTry({ problem: new Problem(status, "", "why"), retryAfter: null, failed: 1, reached: 0, ...change });

describe("the whole file is sent again", () => {
  test("after what passes", () => {
    for (const status of [0, 408, 429, 500, 502, 503, 504]) expect(after(status), `${status}`).toBe(1_000);
  });

  test("but not after a refusal, which would only come again", () => {
    for (const status of [400, 401, 403, 404, 409, 413, 415, 422]) expect(after(status), `${status}`).toBeNull();
  });

  test("after pauses that grow, up to half a minute, however long the connection is away", () => {
    expect([1, 2, 3, 4, 5, 6, 7, 100].map((failed) => after(0, { failed }))).toEqual([1, 2, 4, 8, 16, 30, 30, 30].map((s) => s * 1_000));
  });

  test("not sooner than the API asks for, up to the same limit", () => {
    expect(after(503, { retryAfter: 5 })).toBe(5_000);
    expect(after(429, { retryAfter: 600 })).toBe(30_000);
    expect(after(503, { retryAfter: 1, failed: 4 })).toBe(8_000);
  });

  test("not for ever if the API can be reached and no line more is stored", () => {
    expect(after(0, { failed: 4, reached: 4 })).toBe(8_000);
    expect(after(0, { failed: 9, reached: 5 })).toBeNull();
    // It says that it is busy: that passes.
    expect(after(429, { failed: 9, reached: 9 })).toBe(30_000);
  });
});
