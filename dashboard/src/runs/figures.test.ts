import { expect, test } from "vitest";
import { aligned, better, difference, rate } from "./figures";

test("two runs are sampled at the same times", () => {
  const [t, one, other] = aligned([[0, 0], [10, 100]], [[0, 0], [5, 10], [20, 40]]);
  expect(t).toEqual([0, 5, 10, 20]);
  expect(one).toEqual([0, 50, 100, null]);
  expect(other).toEqual([0, 10, 20, 40]);
  expect(aligned([], [])).toEqual([[], [], []]);
});

test("a run that started later has no earlier values", () => {
  expect(aligned([[0, 1], [2, 3]], [[2, 9]])[2]).toEqual([null, 9]);
});

test("larger is better for rates, smaller for times", () => {
  expect(difference(200, 150)).toBe(-25);
  expect(difference(0, 150)).toBeNull();
  expect([better("ms", -25), better("rate", -25), better("rate", 5)]).toEqual([true, false, true]);
  expect([rate(1_000, 500), rate(5, 0)]).toEqual([2_000, 0]);
});
