import { describe, expect, test } from "vitest";
import type { Health, Ledger, Limits, Phase, Status } from "../api/client";
import { currentTranslation } from "../i18n";
import { unknown, type Live } from "../live/store";
import { balance, pending } from "../live/ledger";
import { cancel } from "./cancel";
import { changeOf, changeRun, flowText } from "./change-run";
import { clean, whyNotClean } from "./clean";
import { close } from "./close";
import { replaced } from "./command";
import { discardImport } from "./discard-import";
import { failOrder } from "./fail-order";
import { generate } from "./generate";
import { goOn } from "./go-on";
import { liftLimits, limitsText, setLimits } from "./limits";
import { pause } from "./pause";
import { reset } from "./reset";
import { resume } from "./resume";
import { GENERATED, IMPORTED, optionsOf } from "./run-options";
import { retry, retryOne } from "./retry";
import { startImport } from "./start-import";
import { typedOrNone } from "./typed";
import { upload } from "./upload";

const empty: Ledger = { generated: 0, deferred: 0, waiting: 0, leased: 0, delayed: 0, processed: 0, dead: 0, removed: 0 };

const known = (phase: Phase, change: { paused?: boolean; normal?: Partial<Ledger>; connected?: boolean; unready?: string; link?: Live["link"]; aborting?: boolean } = {}): Live => ({
  ...unknown,
  link: change.link ?? "live",
  unready: change.unready ?? null,
  health: { queue: { connected: change.connected ?? true }, processor: { aborting: change.aborting ?? false } } as Health,
  status: {
    phase,
    runId: "0123456789",
    paused: change.paused ?? false,
    ledger: { vip: empty, normal: { ...empty, ...change.normal } },
    progress: { target: 100, generated: 60, processedTotal: 0 },
  } as Status,
});

const COMMANDS = { generate, pause, resume, cancel, reset, retry, clean, close };
const able = (state: Live) => Object.entries(COMMANDS).filter(([, command]) => command.whyDisabled(state) === null).map(([name]) => name);

describe("enabled commands", () => {
  test("without a run", () => expect(able(known("IDLE"))).toEqual(["generate", "pause", "reset", "close"]));
  test("with an active run", () => expect(able(known("GENERATING"))).toEqual(["pause", "cancel", "reset", "close"]));
  test("with a paused run", () => expect(able(known("GENERATING", { paused: true }))).toEqual(["resume", "cancel", "reset", "close"]));
  test("with dead letters", () => expect(able(known("DONE", { normal: { dead: 2 } }))).toEqual(["generate", "pause", "reset", "retry", "clean", "close"]));
  test("in ERROR", () => expect(able(known("ERROR", { normal: { dead: 2 } }))).toEqual(["pause", "cancel", "reset", "retry", "clean", "close"]));
  test("after a cancel, without a retry", () => expect(able(known("ABORTED", { normal: { dead: 2 } }))).toEqual(["generate", "pause", "reset", "clean", "close"]));
  test("without Redis: only a reconnect", () => expect(able(known("GENERATING", { connected: false }))).toEqual(["close"]));
  test("without MongoDB: only a reconnect", () => expect(able(known("GENERATING", { unready: "MongoDB", normal: { waiting: 1 } }))).toEqual(["close"]));
  test("offline: none", () => expect(able(known("GENERATING", { link: "offline" }))).toEqual([]));
  test("during a cancel: no second cancel", () => expect(able(known("GENERATING", { aborting: true }))).not.toContain("cancel"));
  test("a reason names the run", () => expect(generate.whyDisabled(known("GENERATING"))).toEqual(["cannot.active", { run: "01234567" }]));
});

test("a dead letter of another run cannot be retried, and the reason names that run", () => {
  const state = known("DONE", { normal: { dead: 2 } });
  expect(retryOne.whyDisabled("0123456789", state)).toBeNull();
  expect(retryOne.whyDisabled("9876543210", state)).toEqual(["cannot.otherRun", { run: "98765432" }]);
  expect(retryOne.whyDisabled("9876543210", known("DONE"))).toEqual(["cannot.otherRun", { run: "98765432" }]);
  expect(retryOne.whyDisabled("0123456789", known("DONE"))).toEqual(["cannot.noDead"]);
  expect(retryOne.whyDisabled("0123456789", known("DONE", { link: "offline", normal: { dead: 2 } }))).toEqual(["cannot.offline"]);
});

test("a command that the role forbids is disabled, and the reason names the required role", () => {
  const operations = [
    { operation: "generate", role: "operator" as const, allowed: true },
    { operation: "reset", role: "admin" as const, allowed: false },
    { operation: "cleanQueue", role: "admin" as const, allowed: false },
  ];
  const session = { name: "painel", role: "operator" as const, via: "session" as const, expiresAt: null, operations };
  const state: Live = { ...known("IDLE", { normal: { waiting: 3 } }), session };
  expect(generate.whyDisabled(state)).toBeNull();
  expect(reset.whyDisabled(state)).toEqual(["cannot.role", { role: "operator", needed: "admin" }]);
  expect(whyNotClean("wait", state)).toEqual(["cannot.role", { role: "operator", needed: "admin" }]);
});

test("a file can be uploaded during a run, and is started after it", () => {
  const state = known("GENERATING");
  expect(upload.whyDisabled(state)).toBeNull();
  expect(startImport.whyDisabled(state)).toEqual(["cannot.active", { run: "01234567" }]);
  expect(startImport.whyDisabled(known("DONE"))).toBeNull();
  expect(upload.whyDisabled(known("DONE", { link: "offline" }))).toEqual(["cannot.offline"]);
});

test("an operator uploads and starts; only an admin discards", () => {
  const may = (operation: string, role: "operator" | "admin") => ({ operation, role, allowed: role === "operator" });
  const operations = [may("createImport", "operator"), may("uploadOrders", "operator"), may("startImport", "operator"), may("discardImport", "admin")];
  const session = { name: "painel", role: "operator" as const, via: "session" as const, expiresAt: null, operations };
  const state: Live = { ...known("IDLE"), session };
  expect([upload.whyDisabled(state), startImport.whyDisabled(state)]).toEqual([null, null]);
  expect(discardImport.whyDisabled(state)).toEqual(["cannot.role", { role: "operator", needed: "admin" }]);
});

test("only states with jobs can be cleaned", () => {
  const state = known("GENERATING", { normal: { waiting: 3, dead: 1 } });
  const states = (["wait", "active", "delayed", "completed", "failed"] as const).filter((some) => whyNotClean(some, state) === null);
  expect(states).toEqual(["wait", "failed"]);
});

test("the balance is what a ledger is off by", () => {
  expect(balance({ ...empty, generated: 10, deferred: 4, processed: 5, dead: 1 })).toBe(0);
  expect(balance({ ...empty, generated: 10, waiting: 12 })).toBe(2);
});

test("a cancel stops orders that are stored and pending, and orders that are not generated yet", () => {
  const { status } = known("GENERATING", { normal: { generated: 60, deferred: 10, waiting: 5, leased: 4, delayed: 1, processed: 40 } });
  expect(pending(status!)).toEqual({ stored: 20, notGenerated: 40 });
});

test("limits are changed at any time, and lifted if there are any", () => {
  const limited = (limits: Limits, change: Parameters<typeof known>[1] = {}): Live => {
    const state = known("GENERATING", change);
    return { ...state, status: { ...state.status!, limits } };
  };
  const none = { ordersPerSecond: null, maxInFlight: null };
  expect([setLimits.whyDisabled(limited(none)), liftLimits.whyDisabled(limited(none))]).toEqual([null, ["cannot.noLimits"]]);
  expect(liftLimits.whyDisabled(limited({ ...none, maxInFlight: 5 }))).toBeNull();
  expect(liftLimits.whyDisabled(limited({ ...none, maxInFlight: 5 }, { link: "offline" }))).toEqual(["cannot.offline"]);
});

test("a limit is a number, none, or what the API says is wrong", () => {
  expect(["500", " 2,000 ", "", "  ", "1e3", "-1"].map(typedOrNone)).toEqual([500, 2_000, null, null, "1e3", "-1"]);
});

test("limits are told in words", () => {
  const words = (limits: Limits) => limitsText(limits, currentTranslation());
  expect(words({ ordersPerSecond: 1_500, maxInFlight: 20 })).toBe("1,500 orders/s, 20 in flight");
  expect(words({ ordersPerSecond: null, maxInFlight: 20 })).toBe("20 in flight");
  expect(words({ ordersPerSecond: null, maxInFlight: null })).toBe("");
});

test("a run that is held can be continued while it is active, and an order can be ended", () => {
  expect(goOn.whyDisabled(known("WAITING_VIP_DRAIN"))).toBeNull();
  expect(goOn.whyDisabled(known("DONE"))).toEqual(["cannot.noRun"]);
  expect(failOrder.whyDisabled(known("WAITING_VIP_DRAIN"))).toBeNull();
  expect(failOrder.whyDisabled(known("WAITING_VIP_DRAIN", { connected: false }))).toEqual(["cannot.redis"]);
});

test("a run is changed while it is active, and only the one that the dialog was opened for", () => {
  expect(changeRun.whyDisabled(known("GENERATING"))).toBeNull();
  expect(changeRun.whyDisabled(known("ERROR"))).toBeNull();
  expect(changeRun.whyDisabled(known("DONE"))).toEqual(["cannot.noRun"]);
  expect(changeRun.whyDisabled(known("GENERATING", { aborting: true }))).toEqual(["cannot.aborting"]);
  expect(changeRun.whyDisabled(known("GENERATING", { unready: "MongoDB" }))).toEqual(["cannot.store"]);
  expect(replaced("0123456789", known("GENERATING"))).toBeNull();
  expect(replaced("9876543210", known("GENERATING"))).toEqual(["cannot.replaced", { run: "98765432" }]);
});

test("a change of a run sends what is shown: an empty field lifts its option", () => {
  expect(changeOf({ pauseAfter: "", maxFailedPercent: " 5 ", onVipFailure: "hold" })).toEqual({ pauseAfter: null, maxFailedPercent: 5, onVipFailure: "hold" });
  expect(changeOf({ pauseAfter: "many", maxFailedPercent: "0", onVipFailure: "continue" })).toEqual({ pauseAfter: "many", maxFailedPercent: 0, onVipFailure: "continue" });
  expect(changeOf({ onVipFailure: "continue" })).toEqual({ onVipFailure: "continue" });
});

test("what holds a run back is told in words", () => {
  const words = (pauseAfter: number | null, maxFailedPercent: number | null, onVipFailure: "hold" | "continue") =>
    flowText({ pauseAfter, maxFailedPercent, onVipFailure }, currentTranslation());
  expect(words(1_000, 0, "hold")).toBe("pauses after 1,000 orders, stops above 0 % failures, dead VIP orders hold the NORMAL ones back");
  expect(words(null, null, "continue")).toBe("");
});

test("a start says who processes the orders, and nothing of what is empty", () => {
  expect(optionsOf(GENERATED)).toEqual({ processor: "builtin", onVipFailure: "continue" });
  expect(optionsOf({ ...IMPORTED, pauseAfter: " 100 ", maxFailedPercent: "5" })).toEqual({
    processor: "default",
    pauseAfter: "100",
    maxFailedPercent: "5",
    onVipFailure: "hold",
  });
  expect(optionsOf({ ...IMPORTED, processor: " " })).toEqual({ processor: "", onVipFailure: "hold" });
});
