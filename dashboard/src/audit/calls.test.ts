import { expect, test } from "vitest";
import type { AuditLine } from "../api/client";
import { calls } from "./calls";

const line = (call: string, outcome: AuditLine["outcome"]) => ({ id: `${call} ${outcome}`, call, outcome }) as AuditLine;
const shown = (lines: AuditLine[], ended: ReadonlySet<string> = new Set()) => calls(lines, ended).rows.map(({ id }) => id);

test("a call is one row, and one that has not ended stays as begun", () => {
  expect(shown([line("c", "begun"), line("b", "failed"), line("a", "done"), line("b", "begun"), line("a", "begun"), line("r", "refused")])).toEqual([
    "c begun",
    "b failed",
    "a done",
    "r refused",
  ]);
});

test("a call that begins on the next page is no second row there", () => {
  const first = calls([line("a", "done")], new Set());
  expect(shown([line("a", "begun"), line("z", "begun")], first.ended)).toEqual(["z begun"]);
});
