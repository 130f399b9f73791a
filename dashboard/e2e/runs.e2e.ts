import type { Browser } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Status } from "../src/api/client";
import { button, call, dialog, generate, launch, live, open, phase, reset, toast, unable } from "./page";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(() => reset());

const status = () => call<Status>("GET", "/pedidos");

test("a run is started from the page and watched to its end", async () => {
  const { page, mistakes } = await open(browser);
  await page.getByText("no run yet").first().waitFor();
  await generate(page, 4000, 42);
  await toast(page, "A run of 4,000 orders was accepted.");
  await page.waitForFunction(() => /^[1-9]\d? % · /.test(document.title));
  await phase(page, "DONE");
  expect(await page.getByTestId("percent").textContent()).toBe("100 %");
  await page.waitForFunction(() => document.title === "Done · Pedidos");
  expect(await page.locator('link[rel="icon"]').getAttribute("href")).toMatch(/^data:image\/svg\+xml,/);
  // Each phase has been seen, and its time; the fence is open, and was kept.
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
  expect(mistakes).toEqual([]);
  await page.context().close();
});

test("what the API refuses is said in its own words", async () => {
  const { page } = await open(browser);
  await generate(page, "1e6");
  await page.getByRole("alert").getByText("'1e6' is not a whole number from 1 to 1500000").waitFor();
  await dialog(page).getByLabel("Orders").fill("1200");
  await dialog(page).getByRole("button", { name: "Start" }).click();
  await phase(page, "DONE");
  await page.context().close();
});

test("pausing stops the figures, resuming goes on, and a reload in between loses nothing", async () => {
  const { page, mistakes } = await open(browser);
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
  // The phases before the reload are still there, from the stream's beginning.
  await page.locator("[data-step=GENERATING]").getByText(/\d (ms|s)/).waitFor();
  expect((await status()).progress).toEqual(paused.progress);
  await unable(page, "New run").click({ force: true });
  await toast(page, /is active: wait for its end, or cancel it/);

  await button(page, "Resume").click();
  await toast(page, "The queue goes on.");
  await phase(page, "DONE");
  expect(mistakes).toEqual([]);
  await page.context().close();
});

test("two tabs show the same, and what one does the other sees", async () => {
  const [one, other] = await Promise.all([open(browser), open(browser)]);
  await generate(one.page, 5000);
  await other.page.locator("[data-step][aria-current=step]").first().waitFor();
  await button(other.page, "Pause").click();
  await one.page.getByTestId("pause").waitFor();
  await button(one.page, "Resume").click();
  await other.page.getByTestId("pause").waitFor({ state: "detached" });
  await Promise.all([phase(one.page, "DONE"), phase(other.page, "DONE")]);
  for (const { page, mistakes } of [one, other]) {
    expect(await page.getByTestId("percent").textContent()).toBe("100 %");
    expect(mistakes).toEqual([]);
    await page.context().close();
  }
});

test("changes of phase are browser notifications, if asked for, while the tab is in the background", async () => {
  const { page, mistakes } = await open(browser, "", { permissions: ["notifications"] });
  // The browser's own, with an ear on it; a tab without a window is never in the background.
  await page.evaluate(() => {
    const told: string[] = [];
    const Real = window.Notification;
    class Heard extends Real {
      constructor(title: string, options?: NotificationOptions) {
        super(title, options);
        told.push(`${this.title}: ${this.body}`);
      }
    }
    Object.assign(window, { Notification: Heard, told });
  });
  const told = () => page.evaluate(() => (window as unknown as { told: string[] }).told);
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
  expect(await told()).toEqual([]);

  await bell.click();
  await toast(page, "Notifications are on.");
  await run();
  const { runId } = await status();
  await expect.poll(told).toContainEqual(expect.stringMatching(`^Pedidos · ${runId?.slice(0, 8)}: Done: every order`));

  await background(false);
  const before = await told();
  await run();
  expect(await told()).toEqual(before);
  await bell.click();
  await toast(page, "Notifications are off.");

  // Chrome on Android grants them, and makes none.
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
  await toast(page, /did not show one, and notifications are off again: TypeError: Illegal constructor/);
  expect(await page.locator("[data-link=live]").count()).toBe(1);
  expect(mistakes).toEqual([]);
  await page.context().close();
});

test("a cancel says what will be lost, and what was", async () => {
  const { page, mistakes } = await open(browser);
  await generate(page, 20_000);
  await page.waitForFunction(() => /^[1-9]\d? % · /.test(document.title));
  await button(page, "Pause").click();
  await page.getByTestId("pause").getByText("Paused: nothing is in flight.").waitFor();
  const { progress } = await status();
  await button(page, "Cancel run").click();
  const text = (await dialog(page).textContent()) ?? "";
  const written = (n: number) => n.toLocaleString("en-GB");
  expect(text).toContain(`not processed${written(progress.generated - progress.processedTotal)}`);
  expect(text).toContain(`not generated yet${written(progress.target - progress.generated)}`);
  expect(text).toContain(`Processed, and kept${written(progress.processedTotal)}`);
  await dialog(page).getByRole("button", { name: "Cancel run" }).click();
  await toast(page, `${written(progress.processedTotal)} had been processed`);
  await phase(page, "ABORTED");
  const { ledger } = await status();
  expect(ledger.vip.removed + ledger.normal.removed).toBe(progress.generated - progress.processedTotal);
  await unable(page, "Cancel run").click({ force: true });
  await toast(page, "No run is active.");
  expect(mistakes).toEqual([]);
  await page.context().close();
});

test("a reset says what will be deleted, and leaves nothing", async () => {
  const { page } = await open(browser);
  await generate(page, 1500);
  await phase(page, "DONE");
  await button(page, "Reset").click();
  await dialog(page).getByText("1,500").first().waitFor();
  // Escape goes back, and nothing has happened.
  await page.keyboard.press("Escape");
  expect((await status()).phase).toBe("DONE");
  await button(page, "Reset").click();
  await dialog(page).getByRole("button", { name: "Reset" }).click();
  await toast(page, "Everything is empty: 1,500 orders and 1 run were deleted.");
  await phase(page, "IDLE");
  await page.goto(page.url() + "#/runs");
  await page.getByRole("main").getByRole("paragraph").getByText("No runs yet.").waitFor();
  await page.context().close();
});
