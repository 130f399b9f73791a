import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import type { Status } from "../src/api/client";
import { violations } from "./look";
import { poison } from "./mongo";
import { button, call, dialog, generate, launch, open, phase, reset, toast } from "./page";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
const limit = (ordersPerSecond: number | null) => call("PATCH", "/pedidos/queue/limits", { ordersPerSecond, maxInFlight: null });
afterAll(async () => {
  // The last run would go on below the tests that follow.
  await reset();
  await limit(null);
  await browser.close();
});
beforeEach(async () => {
  await reset();
  await limit(null);
});

const status = () => call<Status>("GET", "/pedidos");
const until = async (wanted: (status: Status) => boolean) => {
  while (!wanted(await status()));
};

/** A run that goes slowly, with everything stored, and so many of its orders deleted in MongoDB. */
async function withLetters(page: Page, query: string, letters: number): Promise<void> {
  await limit(300);
  await call("POST", `/pedidos/generate?quantity=2000&${query}`);
  await until(({ progress }) => progress.generated === 2000);
  await call("POST", "/pedidos/queue/pause");
  while (!(await call<{ paused: boolean }>("GET", "/pedidos/queue/status")).paused);
  await poison(letters);
  await limit(null);
  await call("POST", "/pedidos/queue/resume");
  await page.locator("main [data-phase=DONE], main [data-phase=ERROR]").first().waitFor();
}

test("of a run that is cancelled while it generates, nothing is shown as over", async () => {
  const { page, errors } = await open(browser);
  await generate(page, 300_000);
  await page.waitForFunction(() => /^[1-9]\d? % · /.test(document.title));
  await call("POST", "/pedidos/queue/pause");
  const { progress } = await status();
  expect(progress.generated).toBeLessThan(progress.target);
  await button(page, "Cancel run").click();
  await dialog(page).getByRole("button", { name: "Cancel run" }).click();
  await phase(page, "ABORTED");
  const chips = await page.locator("[data-step]").allTextContents();
  expect(chips.length).toBe(6);
  for (const chip of chips) expect(chip).not.toMatch(/done|over/);
  await page.locator("[data-state=stopped]").getByText("stopped here").waitFor();
  expect(await violations(page)).toEqual([]);
  expect(errors).toEqual([]);
  await page.context().close();
});

test("the fence that was open when a run stopped is shown as open", async () => {
  const { page, errors } = await open(browser);
  await withLetters(page, "maxFailedPercent=0", 3);
  await phase(page, "ERROR");
  const { fence } = await status();
  expect([fence.open, fence.firstNormalAt === null]).toEqual([false, false]);
  await page.locator("[data-fence=open]").getByText("Fence open").waitFor();
  await page.getByText("The first NORMAL order was claimed").waitFor();
  expect(errors).toEqual([]);
  await page.context().close();
});

test("a run that is done with dead letters says so wherever it says that it is done", async () => {
  const { page, errors } = await open(browser);
  await withLetters(page, "", 3);
  await page.locator("main [data-phase=DONE]").getByText("Done, 3 failed").waitFor();
  await page.getByText("every order is accounted for; 3 are dead letters", { exact: true }).waitFor();
  await toast(page, "Done, 3 failed: every order is accounted for; 3 are dead letters");
  expect(await page.locator("[data-kind=good]").filter({ hasText: "Done" }).count()).toBe(0);
  await page.locator("[data-step=DONE]").getByText("3 failed").waitFor();
  await page.waitForFunction(() => document.title === "Done, 3 failed · Pedidos");
  expect(await violations(page)).toEqual([]);
  await page.getByRole("navigation").getByRole("link", { name: "Runs" }).click();
  await page.getByRole("row").nth(1).getByText("Done, 3 failed").waitFor();
  expect(errors).toEqual([]);
  await page.context().close();
});

test("while nothing moves, there is no time left and no rate", async () => {
  const { page, errors } = await open(browser);
  await limit(5000);
  // No worker has the processor: everything is stored, and nothing is processed.
  await call("POST", "/pedidos/generate?quantity=2000&processor=nobodys");
  await until(({ progress }) => progress.generated === 2000);
  const left = page.locator("dt", { hasText: "Time left" });
  await left.locator("..").getByText("nothing moves").waitFor();
  expect(await left.locator("+ dd").textContent()).toBe("—");
  await page.getByTestId("limits").getByText("0 orders/s, 0 in flight").waitFor();
  expect(errors).toEqual([]);
  await page.context().close();
});

test("a run whose workers hang stands still, too", async () => {
  const { page, errors } = await open(browser);
  await generate(page, 60_000);
  await page.waitForFunction(() => /^[1-9]\d? % · /.test(document.title));
  const workers = inject("workers");
  const left = page.locator("dt", { hasText: "Time left" }).locator("..");
  try {
    workers.forEach((pid) => process.kill(pid, "SIGSTOP"));
    await left.getByText("nothing moves").waitFor();
  } finally {
    workers.forEach((pid) => process.kill(pid, "SIGCONT"));
  }
  await left.getByText("estimated").waitFor();
  expect(errors).toEqual([]);
  await page.context().close();
});
