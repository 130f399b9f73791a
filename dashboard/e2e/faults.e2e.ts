import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import type { Status } from "../src/api/client";
import { button, call, generate, launch, open, phase, reset, toast, disabled } from "./page";
import { Program } from "./process";
import { program, SETTINGS } from "./world";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(() => reset());

/** The processes of this test's own stores. */
const redis = Number(process.env["REDIS_PID"]);
const mongo = Number(process.env["MONGO_PID"]);

/** Stops a store during a run and resumes it: checks the page meanwhile, and that it catches up by itself. */
async function away(store: number, meanwhile: (page: Page) => Promise<void>): Promise<void> {
  const { page, errors } = await open(browser);
  await generate(page, 6000);
  await page.waitForFunction(() => /^[1-9]\d? % · /.test(document.title));
  process.kill(store, "SIGSTOP");
  try {
    await meanwhile(page);
  } finally {
    process.kill(store, "SIGCONT");
  }
  await page.locator("[data-banner]").waitFor({ state: "detached" });
  await phase(page, "DONE");
  expect(errors).toEqual([]);
  await page.context().close();
}

test("without Redis the page shows the outage, keeps its figures, and catches up by itself", () =>
  away(redis, async (page) => {
    await page.locator("[data-banner=outage]").getByText("Redis is unavailable.").waitFor();
    await page.locator("[data-health=unhealthy]").getByText("Redis is unavailable").waitFor();
    await page.getByRole("status").getByText("Stale").waitFor();
    await page.locator("[data-banner]").getByText(/Data from \d+ s ago/).waitFor();
    await disabled(page, "Pause").click({ force: true });
    await toast(page, "Redis is unavailable.");
    expect(await page.getByTestId("percent").textContent()).toMatch(/^\d+\.\d %$/);
  }));

test("without MongoDB the page shows the outage, disables commands, and catches up by itself", () =>
  away(mongo, async (page) => {
    const banner = page.locator("[data-banner=outage]");
    await banner.getByText("MongoDB is unavailable.").waitFor();
    await page.locator("[data-health=unready]").getByText("MongoDB is unavailable.").waitFor();
    // What the API was told is for who asks for it.
    const detail = banner.getByText(/MongoDB (did not|cannot)/);
    expect(await detail.isVisible()).toBe(false);
    await banner.getByText("Details").click();
    expect(await detail.isVisible()).toBe(true);
    await disabled(page, "Reset").click({ force: true });
    await toast(page, "A store is unavailable. Nothing can be changed until it is back.");
  }));

test("a pause counts down the orders in flight to zero", async () => {
  const { page, errors } = await open(browser);
  await generate(page, 60_000);
  await page.waitForFunction(() => /^[3-9]\d % · /.test(document.title));
  const notice = page.getByTestId("pause");
  // Orders that the stopped workers have leased stay in flight.
  const workers = inject("workers");
  const all = (signal: "SIGSTOP" | "SIGCONT") => workers.forEach((pid) => process.kill(pid, signal));
  const leased = ({ vip, normal }: Status["ledger"]) => vip.leased + normal.leased;
  try {
    for (;;) {
      all("SIGSTOP");
      if (leased((await call<Status>("GET", "/pedidos")).ledger) > 0) break;
      // All workers were between two batches: try again.
      all("SIGCONT");
    }
    await button(page, "Pause").click();
    await notice.getByText(/Still in flight: \d+ orders?\./).waitFor();
  } finally {
    all("SIGCONT");
  }
  await notice.getByText("nothing is in flight").waitFor();
  expect((await call<{ paused: boolean }>("GET", "/pedidos/queue/status")).paused).toBe(true);
  expect(errors).toEqual([]);
  await page.context().close();
});

test("the page shows that the API is gone, and reconnects when it is back", async () => {
  // An API of this test's own, which it can stop.
  const log = join(inject("folder"), "other-api.log");
  const first = new Program(program("pedidos-api"), { ...SETTINGS, PORT: "0" }, log);
  const address = await first.listening;
  let second: Program | undefined;
  try {
    const { page } = await open(browser);
    await page.goto(address);
    await page.locator("[data-link=live]").waitFor();
    await first.stop();
    await page.locator("[data-link=offline]").waitFor();
    await page.locator("[data-banner=offline]").getByText("The API cannot be reached.").waitFor();
    await page.waitForFunction(() => document.title.startsWith("Offline"));
    await disabled(page, "New run").click({ force: true });
    await toast(page, "The API cannot be reached.");
    second = new Program(program("pedidos-api"), { ...SETTINGS, PORT: new URL(address).port }, log);
    await second.listening;
    await page.locator("[data-link=live]").waitFor();
    await page.locator("[data-banner]").waitFor({ state: "detached" });
    await page.context().close();
  } finally {
    await first.stop();
    await second?.stop();
  }
});

test("workers appear when they start, and are shown as gone when they end", async () => {
  const { page, errors } = await open(browser);
  const workers = page.getByRole("list", { name: "Workers" }).getByRole("listitem");
  await page.getByText("2 alive · 0 of 4 slots busy").waitFor();
  const third = new Program(program("pedidos-worker"), SETTINGS, join(inject("folder"), "third-worker.log"));
  try {
    await third.listening;
    await page.getByText("3 alive · 0 of 6 slots busy").waitFor();
    const row = workers.filter({ hasText: `:${third.pid}` });
    await row.getByText("0/2 busy · seen now").waitFor();
    // Nothing of host and process id is cut off, and no message lies over it.
    await button(page, "Pause").click();
    await toast(page, "Paused: nothing is in flight.");
    await button(page, "Resume").click();
    const cut = await row.evaluate((item) => [...item.querySelectorAll("*")].filter((part) => part.scrollWidth > part.clientWidth && getComputedStyle(part).overflow === "hidden").length);
    expect(cut).toBe(0);
    const [message, panel] = await Promise.all([page.getByRole("log").locator("[data-kind]").first().boundingBox(), page.getByRole("region", { name: "Workers" }).boundingBox()]);
    expect(message!.x + message!.width).toBeLessThan(panel!.x);
    third.kill();
    const gone = page.locator("[data-worker=gone]").filter({ hasText: `:${third.pid}` });
    await gone.getByText(/last seen \d+ s ago/).waitFor();
    await page.getByText("2 alive · 0 of 4 slots busy").waitFor();
  } finally {
    await third.stop();
  }
  expect(errors).toEqual([]);
  await page.context().close();
});

test("without a stream the page polls, and follows the run to its end", async () => {
  const { page, errors } = await open(browser);
  await page.route("**/pedidos/events", (route) => route.abort());
  await page.reload();
  await page.locator("[data-link=polling]").waitFor();
  await generate(page, 2500);
  await phase(page, "DONE");
  expect(await page.getByTestId("percent").textContent()).toBe("100 %");
  await page.unroute("**/pedidos/events");
  await page.locator("[data-link=live]").waitFor();
  expect(errors).toEqual([]);
  await page.context().close();
});
