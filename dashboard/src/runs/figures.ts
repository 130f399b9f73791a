import type { Run } from "../api/client";

export const processed = (run: Run): number => run.totalProcessedVIP + run.totalProcessedNormal;

export const dead = (run: Run): number => run.totalFailedVIP + run.totalFailedNormal;

export const rate = (orders: number, ms: number): number => (ms > 0 ? (orders * 1000) / ms : 0);

export interface Measure {
  key: "wall" | "generation" | "vip" | "normal" | "enqueue" | "rate" | "rateVip" | "rateNormal";
  unit: "ms" | "rate";
  of: (run: Run) => number;
}

/** The figures by which two runs are compared. */
export const MEASURES: readonly Measure[] = [
  { key: "wall", unit: "ms", of: (run) => run.wallClockMs },
  { key: "generation", unit: "ms", of: (run) => run.generationTimeMs },
  { key: "vip", unit: "ms", of: (run) => run.processingTimeVIPMs },
  { key: "normal", unit: "ms", of: (run) => run.processingTimeNormalMs },
  { key: "enqueue", unit: "ms", of: (run) => run.enqueueVipTimeMs + run.enqueueNormalTimeMs },
  { key: "rate", unit: "rate", of: (run) => rate(processed(run), run.wallClockMs) },
  { key: "rateVip", unit: "rate", of: (run) => rate(run.totalProcessedVIP, run.processingTimeVIPMs) },
  { key: "rateNormal", unit: "rate", of: (run) => rate(run.totalProcessedNormal, run.processingTimeNormalMs) },
];

/** The difference of the second from the first, in percent; null if the first is 0. */
export const difference = (one: number, other: number): number | null =>
  one > 0 ? ((other - one) / one) * 100 : null;

/** Is a larger value better? It is for rates, but not for times. */
export const better = (unit: Measure["unit"], percent: number): boolean => (unit === "rate" ? percent > 0 : percent < 0);

/** The counts of both runs at the same times, for one chart: [t, one, other]. */
export function aligned(
  one: readonly (readonly [number, number])[],
  other: readonly (readonly [number, number])[],
): [number[], (number | null)[], (number | null)[]] {
  const times = [...new Set([...one, ...other].map(([t]) => t))].sort((a, b) => a - b);
  const fill = (points: readonly (readonly [number, number])[]) =>
    times.map((t) => {
      const next = points.findIndex(([at]) => at >= t);
      if (next < 0) return null;
      const [at, value] = points[next]!;
      if (at === t || next === 0) return at === t ? value : null;
      const [before, past] = points[next - 1]!;
      return past + ((value - past) * (t - before)) / (at - before);
    });
  return [times, fill(one), fill(other)];
}
