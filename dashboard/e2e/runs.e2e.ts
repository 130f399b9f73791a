import type { Browser } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Status } from "../src/api/client";
import { button, call, dialog, generate, launch, live, open, phase, reset, toast, disabled } from "./page";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(() => reset());

const status = () => call<Status>("GET", "/pedidos");

test("a run is started from the page and watched to its end", async () => {
  const { page, errors } = await open(browser);
  await page.getByText("no run yet").first().waitFor();
  await generate(page, 4000, 42);
  await toast(page, "A run of 4,000 orders was accepted.");
  await page.waitForFunction(() => /^[1-9]\d? % · /.test(document.title));
  await phase(page, "DONE");
  expect(await page.getByTestId("percent").textContent()).toBe("100 %");
  await page.waitForFunction(() => document.title === "Done · Pedidos");
  expect(await page.locator('link[rel="icon"]').getAttribute("href")).toMatch(/^data:image\/svg\+xml,/);
  // Each phase shows its time; the fence is open and was not violated.
  const { ledger, fence } = await status();
  for (const step of ["GENERATING", "ENQUEUE_VIP", "WAITING_VIP_DRAIN", "ENQUEUE_NORMAL", "WAITING_NORMAL_DRAIN"]) {
    expect(await page.locator(`[data-step=${step}]`).textContent(), step).toMatch(/\d (ms|s)/);
  }
  expect(await page.locator("[data-fence]").getAttribute("data-fence")).toBe("open");
  expect(fence.violations).toBe(0);
  for (const [name, figures] of [["VIP", ledger.vip], ["NORMAL", ledger.normal]] as const) {
    const row = page.locator(`[data-ledger=${name}]`);
    expect(await row.textContent()).toContain(figures.processed.toLocaleString("en-GB"));
    expect(await row.locator("[data-off]").getAttribute("data-off")).toBe("0");
  }
  await toast(page, "Done: every order is accounted for");
  expect(errors).toEqual([]);
  await page.context().close();
});

test("a refusal is shown in the API's words", async () => {
  const { page } = await open(browser);
  await generate(page, "1e6");
  await page.getByRole("alert").getByText(/1e6.* 1500000/).waitFor();
  await dialog(page).getByLabel("Orders", { exact: true }).fill("1200");
  await dialog(page).getByRole("button", { name: "Start" }).click();
  await phase(page, "DONE");
  await page.context().close();
});

test("without a quantity nothing starts, and 2,000 is two thousand", async () => {
  const { page, errors } = await open(browser);
  await button(page, "New run").click();
  const quantity = dialog(page).getByLabel("Orders", { exact: true });
  await quantity.fill(" ");
  await dialog(page).getByText("Enter how many orders the run has.").waitFor();
  await dialog(page).getByRole("button", { name: "Start" }).and(page.locator("[aria-disabled=true]")).click({ force: true });
  await quantity.press("Enter");
  expect((await status()).phase).toBe("IDLE");
  await quantity.fill("2,000");
  await dialog(page).getByLabel("Processor", { exact: true }).fill("");
  await dialog(page).getByRole("button", { name: "Start" }).click();
  await dialog(page).getByRole("alert").getByText("processor").waitFor();
  await dialog(page).getByLabel("Processor", { exact: true }).fill("builtin");
  await dialog(page).getByRole("button", { name: "Start" }).click();
  await toast(page, "A run of 2,000 orders was accepted.");
  await phase(page, "DONE");
  expect((await status()).progress.target).toBe(2000);
  expect(errors).toEqual([]);
  await page.context().close();
});

test("a pause stops the figures, a resume continues, and a reload in between loses nothing", async () => {
  const { page, errors } = await open(browser);
  await generate(page, 6000);
  await page.waitForFunction(() => /^[1-9]\d? % · /.test(document.title));
  await button(page, "Pause").click();
  await page.getByTestId("pause").getByText("Paused: nothing is in flight.").waitFor();
  const paused = await status();
  expect(paused.paused).toBe(true);
  expect(paused.progress.processedTotal).toBeLessThan(6000);

  await page.reload();
  await live(page);
  await page.getByTestId("pause").waitFor();
  const shown = await page.getByTestId("percent").textContent();
  expect(shown).toBe(`${(Math.floor(paused.eta.progressPercent * 10 + 1e-9) / 10).toFixed(1)} %`);
  // The stream starts before the run, so the phases before the reload are shown.
  await page.locator("[data-step=GENERATING]").getByText(/\d (ms|s)/).waitFor();
  expect((await status()).progress).toEqual(paused.progress);
  await disabled(page, "New run").click({ force: true });
  await toast(page, /is active\. Wait for it to end, or cancel it/);

  await button(page, "Resume").click();
  await toast(page, "Queue resumed.");
  await phase(page, "DONE");
  expect(errors).toEqual([]);
  await page.context().close();
});

test("two tabs show the same, and each shows what the other does", async () => {
  const [one, other] = await Promise.all([open(browser), open(browser)]);
  await generate(one.page, 5000);
  await other.page.locator("[data-step][aria-current=step]").first().waitFor();
  await button(other.page, "Pause").click();
  await one.page.getByTestId("pause").waitFor();
  await button(one.page, "Resume").click();
  await other.page.getByTestId("pause").waitFor({ state: "detached" });
  await Promise.all([phase(one.page, "DONE"), phase(other.page, "DONE")]);
  for (const { page, errors } of [one, other]) {
    expect(await page.getByTestId("percent").textContent()).toBe("100 %");
    expect(errors).toEqual([]);
    await page.context().close();
  }
});

test("the end of a run, and no other phase, is a browser notification, if turned on, while the tab is in the background", async () => {
  const { page, errors } = await open(browser, "", { permissions: ["notifications"] });
  // Records the browser's notifications. A tab of a headless browser is never in the background.
  await page.evaluate(() => {
    const notifications: string[] = [];
    const Real = window.Notification;
    class Recorded extends Real {
      constructor(title: string, options?: NotificationOptions) {
        super(title, options);
        notifications.push(`${this.title}: ${this.body}`);
      }
    }
    Object.assign(window, { Notification: Recorded, notifications });
  });
  const notifications = () => page.evaluate(() => (window as unknown as { notifications: string[] }).notifications);
  const background = (hidden: boolean) =>
    page.evaluate((hidden) => Object.defineProperty(document, "hidden", { value: hidden, configurable: true }), hidden);
  const bell = page.getByRole("button", { name: "Browser notifications" });
  const run = async () => {
    await reset();
    await page.getByText("no run yet").first().waitFor();
    await generate(page, 1200);
    await phase(page, "DONE");
  };

  await background(true);
  await run();
  expect(await notifications()).toEqual([]);

  await bell.click();
  await toast(page, "Notifications are on.");
  await run();
  const { runId } = await status();
  await expect.poll(notifications).toEqual([expect.stringMatching(`^Pedidos · ${runId?.slice(0, 8)}: Done: every order`)]);

  await background(false);
  const before = await notifications();
  await run();
  expect(await notifications()).toEqual(before);
  await bell.click();
  await toast(page, "Notifications are off.");

  // Chrome on Android grants the permission, but the constructor throws.
  await page.evaluate(() => {
    function none() {
      throw new TypeError("Illegal constructor");
    }
    Object.assign(window, { Notification: Object.assign(none, { permission: "granted", requestPermission: () => Promise.resolve("granted") }) });
  });
  await bell.click();
  await toast(page, "Notifications are on.");
  await background(true);
  await run();
  await toast(page, /could not show a notification\. Notifications are off again: TypeError: Illegal constructor/);
  // The stream comes back with the tab.
  await background(false);
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await live(page);
  expect(errors).toEqual([]);
  await page.context().close();
});

test("a cancel shows what will be lost, and then what was lost", async () => {
  const { page, errors } = await open(browser);
  await generate(page, 20_000);
  await page.waitForFunction(() => /^[1-9]\d? % · /.test(document.title));
  await button(page, "Pause").click();
  await page.getByTestId("pause").getByText("Paused: nothing is in flight.").waitFor();
  const { progress } = await status();
  await button(page, "Cancel run").click();
  const written = (n: number) => n.toLocaleString("en-GB");
  // The last orders before the pause may still be on their way to the page.
  await dialog(page).getByText(`not processed${written(progress.generated - progress.processedTotal)}`).waitFor();
  const text = (await dialog(page).textContent()) ?? "";
  expect(text).toContain(`not generated yet${written(progress.target - progress.generated)}`);
  expect(text).toContain(`processed (kept)${written(progress.processedTotal)}`);
  await dialog(page).getByRole("button", { name: "Cancel run" }).click();
  await toast(page, `${written(progress.processedTotal)} orders were already processed`);
  await phase(page, "ABORTED");
  const { ledger } = await status();
  expect(ledger.vip.removed + ledger.normal.removed).toBe(progress.generated - progress.processedTotal);
  await disabled(page, "Cancel run").click({ force: true });
  await toast(page, "No run is active.");
  expect(errors).toEqual([]);
  await page.context().close();
});

test("a cancel that was opened for one run does not cancel the next", async () => {
  const { page, errors } = await open(browser);
  await call("POST", "/pedidos/queue/pause");
  await generate(page, 1000);
  await phase(page, "GENERATING");
  const first = (await status()).runId!;
  await button(page, "Cancel run").click();
  await dialog(page).getByText(`Cancel run ${first.slice(0, 8)}?`).waitFor();
  const confirm = dialog(page).getByRole("button", { name: "Cancel run" });
  // The page does not know of the next run yet: the API refuses.
  await page.route("**/pedidos/cancel?*", async (route) => {
    await call("POST", "/pedidos/cancel?pollIntervalMs=10");
    await call("POST", "/pedidos/generate?quantity=2000");
    await route.continue();
  });
  await confirm.click();
  await dialog(page).getByRole("alert").getByText("Another run is the current one").waitFor();
  // Now it does.
  await dialog(page).getByText(`Run ${first.slice(0, 8)} is not the current run any more.`).waitFor();
  await confirm.and(page.locator("[aria-disabled=true]")).waitFor();
  const now = await status();
  expect([now.progress.target, now.phase]).toEqual([2000, "GENERATING"]);
  expect(errors).toEqual([]);
  await page.context().close();
});

test("after a reset no tab lists runs that are deleted", async () => {
  let runId = "";
  for (let i = 0; i < 16; i += 1) {
    ({ runId } = await call<{ runId: string }>("POST", "/pedidos/generate?quantity=1"));
    while ((await status()).phase !== "DONE");
  }
  const { page, errors } = await open(browser, `#/runs?compare=${runId}`);
  await page.getByRole("region", { name: "One run" }).getByText(runId.slice(0, 8)).waitFor();
  await button(page, "Next page").click();
  await page.getByText("Page 2").waitFor();
  await page.waitForFunction(() => document.querySelectorAll("tbody tr input").length === 1);
  await reset();
  await page.getByRole("main").getByRole("paragraph").getByText("No runs yet.").waitFor();
  await page.getByRole("alert").getByText("Run not found").waitFor();
  expect(errors).toEqual([]);
  await page.context().close();
});

test("a reset shows what will be deleted, and deletes everything", async () => {
  const { page } = await open(browser);
  await generate(page, 1500);
  await phase(page, "DONE");
  await button(page, "Reset").click();
  await dialog(page).getByText("1,500").first().waitFor();
  // Escape closes the dialog without a reset.
  await page.keyboard.press("Escape");
  expect((await status()).phase).toBe("DONE");
  await button(page, "Reset").click();
  const confirm = dialog(page).getByRole("button", { name: "Reset" });
  await confirm.and(page.locator("[aria-disabled=true]")).click({ force: true });
  await dialog(page).getByLabel("Confirmation").fill("delete");
  await page.keyboard.press("Enter");
  expect((await status()).phase).toBe("DONE");
  await dialog(page).getByLabel("Confirmation").fill("Delete everything");
  await confirm.click();
  await toast(page, "Reset done: 1,500 orders and 1 run deleted.");
  await phase(page, "IDLE");
  await page.goto(page.url() + "#/runs");
  await page.getByRole("main").getByRole("paragraph").getByText("No runs yet.").waitFor();
  await page.context().close();
});
