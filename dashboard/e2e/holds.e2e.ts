import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Limits, Status } from "../src/api/client";
import { overflow, SIZES, violations } from "./look";
import { button, call, dialog, disabled, launch, open, phase, reset, toast } from "./page";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
const lift = () => call("PATCH", "/pedidos/queue/limits", { ordersPerSecond: null, maxInFlight: null });
afterAll(async () => {
  await lift();
  await browser.close();
});
beforeEach(async () => {
  await reset();
  await lift();
});

const fine = async (page: Page, what: string) => {
  expect(await violations(page), what).toEqual([]);
  expect(await overflow(page), what).toEqual([]);
};

/** Starts a run with what is filled in besides. */
async function start(page: Page, quantity: number, fill: () => Promise<void>): Promise<void> {
  await button(page, "New run").click();
  await dialog(page).getByLabel("Orders", { exact: true }).fill(String(quantity));
  await fill();
  await dialog(page).getByRole("button", { name: "Start" }).click();
  await dialog(page).waitFor({ state: "detached" });
}

test("the queue is limited, shows what it reaches, and the limit is lifted", async () => {
  const { page, errors } = await open(browser);
  const limits = page.getByTestId("limits");
  await limits.getByText("none", { exact: true }).waitFor();
  await limits.getByRole("button", { name: "Change" }).click();
  await dialog(page).getByLabel("Per second", { exact: true }).fill("many");
  await dialog(page).getByRole("button", { name: "Set limits" }).click();
  await dialog(page).getByRole("alert").getByText(/many.* whole number/).waitFor();
  await dialog(page).getByLabel("Per second", { exact: true }).fill("200");
  await dialog(page).getByRole("button", { name: "Set limits" }).click();
  await toast(page, "The limits are set: 200 orders/s.");
  expect(await call<Limits>("GET", "/pedidos/queue/limits")).toEqual({ ordersPerSecond: 200, maxInFlight: null });

  await start(page, 5000, async () => {});
  await limits.getByText(/^[1-9]\d* orders\/s, \d+ in flight$/).waitFor();
  await fine(page, "limited");
  await limits.getByRole("button", { name: "Lift" }).click();
  await toast(page, "The limits are lifted.");
  await phase(page, "DONE");
  await limits.getByText("none", { exact: true }).waitFor();
  expect(errors).toEqual([]);
  await page.context().close();
});

test("a run pauses for a check, says so, and continues", async () => {
  const { page, errors } = await open(browser, "", { viewport: SIZES.phone });
  await start(page, 2000, async () => {
    await dialog(page).getByText("More options").click();
    await fine(page, "options");
    await dialog(page).getByLabel("Pause after", { exact: true }).fill("100");
  });
  const hold = page.locator("[data-hold=canary]");
  await hold.getByText("It was told to pause after 100 orders.").waitFor();
  const { paused, pausedBy, progress } = await call<Status>("GET", "/pedidos");
  expect([paused, pausedBy, progress.processedTotal]).toEqual([true, "pauseAfter", 100]);
  await fine(page, "paused");
  await hold.getByRole("button", { name: "Resume" }).click();
  await toast(page, "Queue resumed.");
  await hold.waitFor({ state: "detached" });
  await phase(page, "DONE");
  expect(errors).toEqual([]);
  await page.context().close();
});

test("what holds a run back is shown and changed while it is active", async () => {
  const { page, errors } = await open(browser);
  const flow = page.getByTestId("run-flow");
  await disabled(page, "Change run").click({ force: true });
  await toast(page, "No run is active.");
  await call("PATCH", "/pedidos/queue/limits", { ordersPerSecond: 200, maxInFlight: null });
  await start(page, 3000, async () => {
    await dialog(page).getByText("More options").click();
    await dialog(page).getByLabel("Pause after", { exact: true }).fill("2500");
  });
  await flow.getByText("pauses after 2,500 orders").waitFor();
  await button(page, "Change run").click();
  const after = dialog(page).getByLabel("Pause after", { exact: true });
  const percent = dialog(page).getByLabel("Stop above this share of failures, in percent");
  expect([await after.inputValue(), await percent.inputValue()]).toEqual(["2500", ""]);
  await fine(page, "change run");
  await percent.fill("200");
  await dialog(page).getByRole("button", { name: "Change run" }).click();
  await dialog(page).getByRole("alert").getByText(/maxFailedPercent.*200.* 100/).waitFor();
  await percent.fill("5");
  await after.fill("");
  await dialog(page).getByRole("radio", { name: "Hold the NORMAL orders back" }).check();
  await dialog(page).getByRole("button", { name: "Change run" }).click();
  const text = "stops above 5 % failures, dead VIP orders hold the NORMAL ones back";
  await toast(page, `The run is changed: ${text}.`);
  await flow.getByText(text).waitFor();
  const { pauseAfter, maxFailedPercent, onVipFailure, runId } = await call<Status>("GET", "/pedidos");
  expect({ pauseAfter, maxFailedPercent, onVipFailure }).toEqual({ pauseAfter: null, maxFailedPercent: 5, onVipFailure: "hold" });

  // Another run takes its place while the dialog is open.
  await button(page, "Change run").click();
  expect(await dialog(page).getByRole("radio", { name: "Hold the NORMAL orders back" }).isChecked()).toBe(true);
  await call("POST", "/pedidos/cancel?pollIntervalMs=10");
  await call("POST", "/pedidos/generate?quantity=2000");
  await dialog(page).getByText(`Run ${runId!.slice(0, 8)} is not the current run any more.`).waitFor();
  await dialog(page).getByRole("button", { name: "Change run" }).and(page.locator("[aria-disabled=true]")).waitFor();
  expect((await call<Status>("GET", "/pedidos")).onVipFailure).toBe("continue");
  expect(errors).toEqual([]);
  await page.context().close();
});

test("a run whose processor no worker has says what it waits for", async () => {
  const { page, errors } = await open(browser);
  await start(page, 1000, async () => {
    await dialog(page).getByLabel("Processor", { exact: true }).fill("nobodys");
    await dialog(page).getByText("No worker has the processor “nobodys” now.").waitFor();
  });
  await page.locator("[data-hold=none]").getByText("PROCESSOR_NAME=nobodys").waitFor();
  await page.locator("[data-health=degraded]").waitFor();
  await page.locator("[data-processor=none]").getByText("no worker has it").waitFor();
  await fine(page, "no worker");
  expect((await call<Status>("GET", "/pedidos")).progress.processedTotal).toBe(0);
  await button(page, "Cancel run").click();
  await dialog(page).getByRole("button", { name: "Cancel run" }).click();
  await page.locator("[data-hold]").waitFor({ state: "detached" });
  expect(errors).toEqual([]);
  await page.context().close();
});
