import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import type { Status } from "../src/api/client";
import { button, call, generate, launch, open, phase, reset, toast, unable } from "./page";
import { Program } from "./process";
import { program, SETTINGS } from "./world";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(() => reset());

/** The private stores, whose processes these are. */
const redis = Number(process.env["REDIS_PID"]);
const mongo = Number(process.env["MONGO_PID"]);

/** A store stops in the middle of a run, and goes on: what the page shows meanwhile, and that it catches up by itself. */
async function away(store: number, meanwhile: (page: Page) => Promise<void>): Promise<void> {
  const { page, mistakes } = await open(browser);
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
  expect(mistakes).toEqual([]);
  await page.context().close();
}

test("Redis is away, and the page says so, keeps its figures, and catches up by itself", () =>
  away(redis, async (page) => {
    await page.locator("[data-banner=outage]").getByText("A store is away:").waitFor();
    await page.locator("[data-health=unhealthy]").getByText("Redis is out of reach").waitFor();
    await page.getByRole("status").getByText("Stale").waitFor();
    await page.locator("[data-banner]").getByText(/Figures from \d+ s ago/).waitFor();
    await unable(page, "Pause").click({ force: true });
    await toast(page, "Redis is out of reach.");
    expect(await page.getByTestId("percent").textContent()).toMatch(/^\d+\.\d %$/);
  }));

test("MongoDB is away, and the page names it, offers nothing that needs it, and goes on by itself", () =>
  away(mongo, async (page) => {
    await page.locator("[data-banner=outage]").getByText("MongoDB did not answer within a second").waitFor();
    await page.locator("[data-health=unready]").getByText("A store is out of reach").waitFor();
    await unable(page, "Reset").click({ force: true });
    await toast(page, "A store is out of reach: nothing can be changed until it is back.");
  }));

test("a pause counts down what is still in flight, to nothing", async () => {
  const { page, mistakes } = await open(browser);
  await generate(page, 60_000);
  await page.waitForFunction(() => /^[3-9]\d % · /.test(document.title));
  const said = page.getByTestId("pause");
  // What they hold when they stop stays in their hands.
  const workers = inject("workers");
  const all = (signal: "SIGSTOP" | "SIGCONT") => workers.forEach((pid) => process.kill(pid, signal));
  const leased = ({ vip, normal }: Status["ledger"]) => vip.leased + normal.leased;
  try {
    for (;;) {
      all("SIGSTOP");
      if (leased((await call<Status>("GET", "/pedidos")).ledger) > 0) break;
      // Between two batches, all of them.
      all("SIGCONT");
    }
    await button(page, "Pause").click();
    await said.getByText(/Still in flight: \d+ orders?\./).waitFor();
  } finally {
    all("SIGCONT");
  }
  await said.getByText("nothing is in flight").waitFor();
  expect((await call<{ paused: boolean }>("GET", "/pedidos/queue/status")).paused).toBe(true);
  expect(mistakes).toEqual([]);
  await page.context().close();
});

test("an API that goes is missed, and one that comes is found", async () => {
  // One of its own, that may go.
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
    await page.locator("[data-banner=offline]").getByText("The API cannot be reached:").waitFor();
    await page.waitForFunction(() => document.title.startsWith("Offline"));
    await unable(page, "New run").click({ force: true });
    await toast(page, "The API is out of reach.");
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

test("a worker is seen to come, and to go", async () => {
  const { page, mistakes } = await open(browser);
  const workers = page.getByRole("list", { name: "Workers" }).getByRole("listitem");
  await page.getByText("2 alive · 0 of 4 slots busy").waitFor();
  const third = new Program(program("pedidos-worker"), SETTINGS, join(inject("folder"), "third-worker.log"));
  try {
    await third.listening;
    await page.getByText("3 alive · 0 of 6 slots busy").waitFor();
    await workers.filter({ hasText: `:${third.pid}` }).getByText("0/2 busy · seen now").waitFor();
    third.kill();
    const gone = page.locator("[data-worker=gone]").filter({ hasText: `:${third.pid}` });
    await gone.getByText(/last seen \d+ s ago/).waitFor();
    await page.getByText("2 alive · 0 of 4 slots busy").waitFor();
  } finally {
    await third.stop();
  }
  expect(mistakes).toEqual([]);
  await page.context().close();
});

test("without a stream the page asks, and sees the run to its end all the same", async () => {
  const { page, mistakes } = await open(browser);
  await page.route("**/pedidos/events", (route) => route.abort());
  await page.reload();
  await page.locator("[data-link=polling]").waitFor();
  await generate(page, 2500);
  await phase(page, "DONE");
  expect(await page.getByTestId("percent").textContent()).toBe("100 %");
  await page.unroute("**/pedidos/events");
  await page.locator("[data-link=live]").waitFor();
  expect(mistakes).toEqual([]);
  await page.context().close();
});
