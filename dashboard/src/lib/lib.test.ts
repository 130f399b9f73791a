import { describe, expect, test } from "vitest";
import { Problem, url, type Phase } from "../api/client";
import { step } from "../ui/gantt";
import { icon, title } from "../shell/title";
import * as format from "./format";
import { choose } from "./prefs";
import { link, parse } from "./router";
import { csv } from "./table";

describe("figures", () => {
  test("have the format of each language", () => {
    expect(format.whole(1_234_567.4, "en")).toBe("1,234,567");
    expect(format.whole(1_234_567.4, "pt")).toBe("1.234.567");
    expect(format.percent(45.67, "pt")).toBe("45,6 %");
  });

  test("are read as people write them", () => {
    const read = (language: "en" | "pt") => ["2000", " 2,000 ", "2.000", "1 000 000", "2,00", "1e6", ""].map((text) => format.wholeNumber(text, language));
    expect(read("en")).toEqual(["2000", "2000", "2.000", "1000000", "2,00", "1e6", ""]);
    expect(read("pt")).toEqual(["2000", "2,000", "2000", "1000000", "2,00", "1e6", ""]);
  });

  test("never show 100 % too early", () => {
    expect(format.percent(99.97, "en")).toBe("99.9 %");
    expect(format.percent(99.999, "en", 0)).toBe("99 %");
    expect(format.percent(100, "en")).toBe("100.0 %");
    expect(format.percent(19.3, "en")).toBe("19.3 %");
  });

  test("of time have a fitting precision", () => {
    const all = [0, 845, 12_345, 59_960, 125_000, 3_840_000].map((ms) => format.duration(ms, "en"));
    expect(all).toEqual(["0 ms", "845 ms", "12.3 s", "1 min 00 s", "2 min 05 s", "1 h 04 min"]);
    expect([-5, 1_400, 61_000].map((ms) => format.clock(ms, "en"))).toEqual(["0 s", "1 s", "1 min 01 s"]);
  });
});

describe("addresses of views", () => {
  test("are read from the hash, and anything unknown is the overview", () => {
    expect(parse("").view).toBe("overview");
    expect(parse("#/nothing").view).toBe("overview");
    const { view, query } = parse("#/jobs?state=failed");
    expect([view, query.get("state")]).toEqual(["jobs", "failed"]);
  });

  test("are written as they are read", () => {
    expect(link("overview")).toBe("#/");
    expect(link("runs", { compare: "" })).toBe("#/runs");
    expect(parse(link("jobs", { state: "a&b" })).query.get("state")).toBe("a&b");
  });
});

test("addresses hold the given values, encoded, and what is empty is no default", () => {
  expect(url("/pedidos/orders/{id}", { id: "a/b" })).toBe("/pedidos/orders/a%2Fb");
  expect(url("/pedidos/queue/jobs", {}, { types: "waiting,active", start: 0, id: undefined, limit: "" })).toBe(
    "/pedidos/queue/jobs?types=waiting%2Cactive&start=0&limit=",
  );
  expect(new Problem(409, "A run is active", "wait", "x").runId).toBe("x");
});

test("CSV is quoted where it must be, and holds no formulas", () => {
  expect(csv([{ a: 1, b: 'say "hi", all' }, { a: null, c: "=1+1" }, { a: -5, b: "x\ny" }])).toBe(
    'a,b,c\r\n1,"say ""hi"", all",\r\n,,\'=1+1\r\n-5,"x\ny",\r\n',
  );
});

test("an axis has four to eight steps", () => {
  for (const length of [50, 900, 4_000, 17_200, 59_000, 61_000, 100_000, 500_000, 3_000_000]) {
    const steps = length / step(length);
    expect(steps, `${length}`).toBeGreaterThan(2.9);
    expect(steps, `${length}`).toBeLessThanOrEqual(8);
  }
});

describe("title and icon", () => {
  const of = (percent: number, phase: Phase, away = false, dead = 0) => ({ percent, phase, dead, away });

  test("show phase and percent", () => {
    choose({ language: "en" });
    expect(title(of(45.9, "ENQUEUE_NORMAL"))).toBe("45 % · Enqueue NORMAL · Pedidos");
    expect(title(of(100, "DONE"))).toBe("Done · Pedidos");
    expect(title(of(100, "DONE", false, 30))).toBe("Done, 30 failed · Pedidos");
    expect(title(of(0, "IDLE"))).toBe("Pedidos");
    expect(title(of(45, "GENERATING", true))).toBe("Offline · 45 % · Generating · Pedidos");
    choose({ language: "pt" });
    expect(title(of(45, "GENERATING"))).toBe("45 % · Gerando · Pedidos");
  });

  test("the ring shows the percent", () => {
    const drawn = (percent: number) => Number(/dasharray%3D%22([\d.]+)/.exec(icon(of(percent, "GENERATING")))![1]);
    expect(drawn(0)).toBe(0);
    expect(drawn(50)).toBeCloseTo(drawn(100) / 2, 0);
  });
});
