import { expect, test } from "vitest";
import type { Health } from "../api/client";
import { awayIn, outage } from "./outage";

const healthy = { queue: { connected: true } } as Health;
const known = (change: object) => ({ link: "live" as const, health: healthy, unready: null, trouble: null, ...change });

test("an outage names the store that does not answer, and keeps the driver's words apart", () => {
  expect(awayIn("MongoDB cannot be reached: Kind: Server selection timeout: No available servers; Topology: {…}")).toBe("mongo");
  expect(awayIn("MongoDB did not acknowledge a write within a second; Redis did not answer within a second")).toBe("both");
  expect(awayIn("Redis refused: OOM command not allowed when used memory > 'maxmemory'.")).toBe("redis");
  expect(awayIn("Redis has version 5 of the control document, MongoDB has 4: wait while MongoDB catches up")).toBeNull();
  expect(awayIn("control was not compared with Redis within a second")).toBeNull();
});

test("an outage is that of a store, or of the API, or of what is before it", () => {
  const away = (change: object) => outage(known(change))?.away ?? null;
  expect(away({})).toBeNull();
  expect(outage(known({ health: { queue: { connected: false }, error: "connection refused" } }))).toEqual({ away: "redis", detail: "connection refused" });
  expect(away({ unready: "MongoDB did not acknowledge a write within a second" })).toBe("mongo");
  expect(away({ unready: "control was not compared with Redis within a second" })).toBe("stores");
  expect(away({ link: "offline", trouble: "no connection", unready: "MongoDB did not acknowledge" })).toBe("offline");
  expect(away({ link: "polling", trouble: "HTTP 502 Bad Gateway" })).toBe("api");
  expect(away({ link: "polling" })).toBeNull();
});
