import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { call, launch, live, reset, toast, url } from "./page";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(() => reset());

/** A tab of a headless browser is never in the background: this is what it would see. */
const background = (page: Page, hidden: boolean) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);

test("eight tabs of one browser do not wait for each other", async () => {
  // One profile: they share the connections to the server.
  const context = await browser.newContext({ locale: "en-GB" });
  context.setDefaultTimeout(30_000);
  const pages: Page[] = [];
  for (let i = 0; i < 8; i += 1) {
    const page = await context.newPage();
    pages.push(page);
    await page.goto(url);
    await live(page);
    if (i < 7) await background(page, true);
  }
  await pages[7]!.getByRole("main").getByRole("button", { name: "Pause", exact: true }).click();
  await toast(pages[7]!, "Paused: nothing is in flight.");
  // A hidden tab follows, if not at once, and has its stream back when it is seen.
  await pages[0]!.locator("[data-link=polling]").waitFor();
  await pages[0]!.getByTestId("pause").waitFor();
  await background(pages[7]!, true);
  await background(pages[0]!, false);
  await live(pages[0]!);
  await context.close();
});

test("of all hidden tabs one notifies", async () => {
  const context = await browser.newContext({ locale: "en-GB", permissions: ["notifications"] });
  context.setDefaultTimeout(60_000);
  await context.addInitScript(() => {
    const notifications: string[] = [];
    class Recorded extends window.Notification {
      constructor(title: string, options?: NotificationOptions) {
        super(title, options);
        notifications.push(title);
      }
    }
    Object.assign(window, { Notification: Recorded, notifications });
  });
  const pages: Page[] = [];
  for (let i = 0; i < 3; i += 1) {
    const page = await context.newPage();
    pages.push(page);
    await page.goto(url);
    await live(page);
    if (i === 0) await page.getByRole("button", { name: "Browser notifications" }).click();
    await background(page, true);
  }
  expect(await pages[0]!.locator("[data-link=live]").count()).toBe(1);
  const { runId } = await call<{ runId: string }>("POST", "/pedidos/generate?quantity=100");
  for (const page of pages) await page.locator("main [data-phase=DONE]").waitFor();
  const notified = await Promise.all(pages.map((page) => page.evaluate(() => (window as unknown as { notifications: string[] }).notifications)));
  expect(notified).toEqual([[`Pedidos · ${runId.slice(0, 8)}`], [], []]);
  await context.close();
});
