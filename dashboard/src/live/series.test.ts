import { describe, expect, test } from "vitest";
import { rates, samplesOfLog, Series, type Sample } from "./series";

const sample = (t: number, vip: number, normal = 0, generated = 0): Sample => ({ t, vip, normal, generated });

describe("a series", () => {
  test("is bounded, and its figures stay exact", () => {
    const series = new Series(100);
    series.begin("a");
    for (let t = 0.25; t < 10_000; t += 0.25) series.add(sample(t, t * 1_000));
    expect(series.samples.length).toBeLessThanOrEqual(100);
    expect(series.samples.length).toBeGreaterThan(40);
    expect(series.samples[0]!.t).toBe(0);
    expect(series.samples.at(-1)!.t).toBe(9_999.75);
    const [, vip] = rates(series.samples);
    for (const rate of vip.slice(1)) expect(rate).toBeCloseTo(1_000, 6);
  });

  test("keeps late samples in order, and none twice", () => {
    const series = new Series();
    series.begin("a");
    series.add(sample(10, 100), sample(20, 200));
    series.add(sample(15, 150), sample(10, 100), sample(5, 50), sample(0, 0));
    expect(series.samples.map(({ t }) => t)).toEqual([0, 5, 10, 15, 20]);
  });

  test("is cleared by another run", () => {
    const series = new Series();
    series.begin("a");
    series.add(sample(1, 10));
    series.begin("b");
    expect(series.samples).toEqual([sample(0, 0)]);
    series.begin(null);
    expect(series.samples).toEqual([]);
  });

  test("ends with the last sample", () => {
    const series = new Series();
    series.begin("a");
    series.add(sample(1, 10), sample(2, 20), sample(2.4, 22));
    series.end(sample(2.3, 25));
    expect(series.samples.map(({ t, vip }) => [t, vip])).toEqual([[0, 0], [1, 10], [2, 20], [2.3, 25]]);
  });

  test("notifies listeners until they unsubscribe", () => {
    const series = new Series();
    let calls = 0;
    const stop = series.subscribe(() => (calls += 1));
    series.begin("a");
    series.add(sample(1, 1));
    stop();
    series.add(sample(2, 2));
    expect(calls).toBe(2);
  });
});

describe("rates", () => {
  test("are averages over seconds, so that batches are no spikes", () => {
    const bursts = Array.from({ length: 41 }, (_, i) => sample(i * 0.25, Math.floor(i / 4) * 1_000, i * 10, i * 20));
    const [t, vip, normal, overall, generated] = rates(bursts);
    expect(t.at(-1)).toBe(10);
    for (const rate of vip.slice(12)) expect(Math.abs(rate - 1_000)).toBeLessThanOrEqual(500);
    expect(normal.at(-1)).toBeCloseTo(40);
    expect(generated.at(-1)).toBeCloseTo(80);
    expect(overall.at(-1)).toBeCloseTo(vip.at(-1)! + normal.at(-1)!);
  });

  test("are not negative after a replay", () => {
    const [, vip] = rates([sample(0, 0), sample(10, 5_000), sample(20, 100), sample(30, 5_000)]);
    expect(Math.min(...vip)).toBe(0);
  });

  test("of no samples are empty", () => {
    expect(rates([])).toEqual([[], [], [], [], []]);
    expect(rates([sample(0, 0)])).toEqual([[0], [0], [0], [0], [0]]);
  });
});

test("the log gives the samples of this run only", () => {
  const lines = [
    "2026-11-23T02:34:50.000Z INFO worker:2eee20a5 progress phase=GENERATING generated=20 vip=2 normal=1 here_generated_per_s=4.0",
    "2026-11-23T02:34:45.000Z INFO worker:2eee20a5 progress phase=GENERATING generated=10 vip=1 normal=0 here_generated_per_s=2.0",
    "2026-11-23T02:34:46.000Z INFO worker:2eee20a5 phase phase=ENQUEUE_VIP",
    "2026-11-23T01:00:00.000Z INFO worker:2eee20a5 progress phase=DONE generated=99 vip=9 normal=9 here_generated_per_s=0.0",
  ];
  const start = Date.parse("2026-11-23T02:34:40.000Z");
  expect(samplesOfLog(lines, start)).toEqual([sample(5, 1, 0, 10), sample(10, 2, 1, 20)]);
  expect(samplesOfLog(lines, start, start + 6_000)).toEqual([sample(5, 1, 0, 10)]);
});
