import { readFile } from "node:fs/promises";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Run } from "../src/api/client";
import { button, call, dialog, generate, generateWithLetters, launch, live, open, phase, reset, toast } from "./page";

let browser: Browser;

/** Two runs in the history, and three dead letters of the second. */
beforeAll(async () => {
  browser = await launch();
  await reset();
  const { page } = await open(browser);
  await generate(page, 2000, 7);
  await phase(page, "DONE");
  await generateWithLetters(page, 3000, 42, 3);
  await page.context().close();
});
afterAll(() => browser.close());

test("dead letters are shown with their error, and retried one by one or all at once", async () => {
  const { page, errors } = await open(browser, "#/jobs?state=failed");
  const rows = page.getByRole("row").filter({ has: page.getByRole("button") });
  await rows.nth(2).waitFor();
  expect(await rows.count()).toBe(3);
  const id = (await rows.first().getByRole("button").locator("span:visible").textContent()) ?? "";
  await rows.first().getByRole("button").click();
  await dialog(page).getByText("Failed after 1 attempt").waitFor();
  await dialog(page).getByText("falhou").waitFor();
  await dialog(page).getByRole("button", { name: "Retry this one" }).click();
  await toast(page, "1 order will be retried.");
  // The retry replays the run to its end.
  await page.waitForFunction(() => document.title.startsWith("Done") && document.querySelectorAll("tbody tr").length === 2);
  // The replay has written the missing document again.
  await page.getByLabel("Find by order ID").fill(id);
  await page.keyboard.press("Enter");
  await dialog(page).getByText("processado", { exact: true }).waitFor();
  await page.keyboard.press("Escape");
  await button(page, "Retry all").click();
  await dialog(page).getByRole("button", { name: "Retry all" }).click();
  await toast(page, "2 orders will be retried.");
  await page.getByText("No jobs have failed.").waitFor();
  expect(errors).toEqual([]);
  await page.context().close();
});

test("an order is copied, or the page says that the browser does not allow it", async () => {
  const { page, errors } = await open(browser, "#/jobs?state=completed", { permissions: ["clipboard-read", "clipboard-write"] });
  const first = page.getByRole("row").nth(1).getByRole("button");
  await first.click();
  const id = (await dialog(page).locator("code").first().textContent()) ?? "";
  await dialog(page).getByRole("button", { name: "Copy as JSON" }).click();
  await dialog(page).getByRole("status").getByText("Copied.").waitFor();
  expect(JSON.parse(await page.evaluate(() => navigator.clipboard.readText()))).toMatchObject({ id, status: "processado" });
  // A plain HTTP page from another machine has no clipboard.
  await page.keyboard.press("Escape");
  await page.evaluate(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
  await first.click();
  await dialog(page).getByRole("button", { name: "Copy as JSON" }).and(page.locator("[aria-disabled=true]")).hover({ force: true });
  await page.getByRole("tooltip").getByText("The browser allows copying only over HTTPS").waitFor();
  expect(errors).toEqual([]);
  await page.context().close();
});

test("a dialog is closed by a click outside, and not by a selection that ends outside", async () => {
  const { page, errors } = await open(browser);
  await button(page, "New run").click();
  const field = (await dialog(page).getByLabel("Orders", { exact: true }).boundingBox())!;
  await page.mouse.move(field.x + field.width / 2, field.y + field.height / 2);
  await page.mouse.down();
  await page.mouse.move(5, 5);
  await page.mouse.up();
  expect(await dialog(page).count()).toBe(1);
  await page.mouse.click(5, 5);
  await dialog(page).waitFor({ state: "detached" });
  expect(errors).toEqual([]);
  await page.context().close();
});

test("every view leads to every other", async () => {
  const { page, errors } = await open(browser);
  for (const name of ["Jobs", "Overview", "Logs", "Imports", "Runs", "Jobs", "Logs", "Overview", "Imports", "Overview"]) {
    await page.getByRole("navigation").getByRole("link", { name }).click();
    await page.getByRole("heading", { level: 1, name }).waitFor({ state: "attached" });
  }
  expect(errors).toEqual([]);
  await page.context().close();
});

test("jobs are listed by state and page, and found by their id", async () => {
  const { page, errors } = await open(browser, "#/jobs?state=completed");
  await page.getByText("1–25 of 3,000").waitFor();
  const first = await page.getByRole("row").nth(1).textContent();
  await button(page, "Next page").click();
  await page.getByText("26–50 of 3,000").waitFor();
  expect(await page.getByRole("row").nth(1).textContent()).not.toBe(first);
  await page.getByLabel("Find by order ID").fill("not-an-id");
  await button(page, "Search").click();
  await toast(page, "Order not-an-id not found.");
  await page.getByRole("link", { name: /^Waiting/ }).click();
  await page.getByText("No jobs are waiting.").waitFor();
  expect(errors).toEqual([]);
  await page.context().close();
});

test("log lines arrive, are filtered, and can be paused", async () => {
  const { page, errors } = await open(browser, "#/logs");
  const lines = page.getByRole("region", { name: "Log lines" });
  await lines.getByText("progress").first().waitFor();
  await page.getByLabel("Search lines").fill("intent=");
  await lines.getByText("progress").first().waitFor({ state: "detached" });
  await lines.getByText("intent=").first().waitFor();
  await page.getByLabel("Search lines").fill("");
  await page.getByRole("button", { name: "Warn", exact: true }).click();
  await lines.getByText("INFO").first().waitFor({ state: "detached" });
  await page.getByRole("button", { name: "All", exact: true }).click();
  await button(page, "Pause").click();
  await call("POST", "/pedidos/generate?quantity=1000");
  await page.getByRole("button", { name: /^Resume, \d+ new$/ }).click();
  await lines.getByText("phase=DONE").last().waitFor();
  expect(errors).toEqual([]);
  await page.context().close();
});

test("runs are compared and exported", async () => {
  const { page, errors } = await open(browser, "#/runs", { acceptDownloads: true });
  const boxes = page.getByRole("checkbox", { name: /^Compare run/ });
  await boxes.nth(1).waitFor();
  await boxes.nth(0).check();
  await page.getByText("Select another run below").waitFor();
  await boxes.nth(1).check();
  const figures = page.getByRole("region", { name: "Figures" });
  await figures.getByText("B compared to A").waitFor();
  expect(await figures.getByRole("row").count()).toBe(9);
  // A third tick takes the place of no other.
  await boxes.nth(2).click();
  await toast(page, "Two runs are selected already.");
  expect(await Promise.all([0, 1, 2].map((i) => boxes.nth(i).isChecked()))).toEqual([true, true, false]);
  // The selection is in the address, so that it can be shared.
  expect(page.url()).toContain("compare=");
  await page.reload();
  await live(page);
  await figures.getByText("B compared to A").waitFor();
  await page.getByRole("img", { name: "Orders processed per second" }).locator("canvas").waitFor();

  const { runs } = await call<{ runs: Run[] }>("GET", "/pedidos/runs?limit=200");
  for (const form of ["JSON", "CSV"] as const) {
    const [download] = await Promise.all([page.waitForEvent("download"), button(page, form).click()]);
    const text = await readFile(await download.path(), "utf8");
    if (form === "JSON") expect(JSON.parse(text)).toEqual(runs);
    else expect(text.trim().split("\r\n").length).toBe(runs.length + 1);
    if (form === "CSV") expect(text).toContain("runId,status,seed,source,processor");
  }
  expect(errors).toEqual([]);
  await page.context().close();
});

test("the history has pages", async () => {
  const { page, errors } = await open(browser, "#/runs");
  for (;;) {
    const { runs } = await call<{ runs: Run[] }>("GET", "/pedidos/runs?limit=200");
    if (runs.length > 15) break;
    const { runId } = await call<{ runId: string }>("POST", "/pedidos/generate?quantity=1");
    // The page updates by itself when the run ends.
    await page.getByRole("row").filter({ has: page.getByRole("checkbox", { name: `Compare run ${runId.slice(0, 8)}` }) }).getByText("Done").waitFor();
  }
  const rows = page.getByRole("row").filter({ has: page.getByRole("checkbox") });
  await button(page, "Next page").click();
  await page.getByText("Page 2").waitFor();
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length < 15);
  expect(await rows.count()).toBeGreaterThan(0);
  expect(await button(page, "Next page").getAttribute("aria-disabled")).toBe("true");
  await button(page, "Previous page").click();
  await page.getByText("Page 1").waitFor();
  await rows.nth(14).waitFor();
  expect(errors).toEqual([]);
  await page.context().close();
});

test("language and theme are kept", async () => {
  const { page } = await open(browser);
  await page.getByRole("button", { name: "PT, português" }).click();
  await page.getByRole("link", { name: "Visão geral" }).waitFor();
  await page.getByRole("button", { name: "Tema: sistema" }).click();
  await page.getByRole("button", { name: "Tema: claro" }).click();
  await page.reload();
  await page.getByRole("link", { name: "Execuções" }).waitFor();
  const root = await page.evaluate(() => [document.documentElement.lang, document.documentElement.dataset["theme"]]);
  expect(root).toEqual(["pt-BR", "dark"]);
  await page.context().close();
});

test("everything can be reached with the keyboard", async () => {
  const { page } = await open(browser);
  await page.keyboard.press("Tab");
  // The first link is seen: nothing shows through it, and nothing is over it.
  const skip = page.getByRole("link", { name: "Skip to the content" });
  const [seen, opaque] = await skip.evaluate((link) => {
    const { left, top, width, height } = link.getBoundingClientRect();
    const at = [0.02, 0.5, 0.98].map((part) => document.elementFromPoint(left + width * part, top + height / 2));
    return [at.every((element) => element === link), !/^rgba\(.* 0\)$/.test(getComputedStyle(link).backgroundColor)];
  });
  expect([seen, opaque]).toEqual([true, true]);
  await page.keyboard.press("Enter");
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("main");
  const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");
  for (let i = 0; i < 10 && (await focused()) !== "New run"; i += 1) await page.keyboard.press("Tab");
  expect(await focused()).toBe("New run");
  await page.keyboard.press("Enter");
  await dialog(page).waitFor();
  await page.keyboard.press("Escape");
  await dialog(page).waitFor({ state: "detached" });
  expect(await focused()).toBe("New run");
  // Disabled buttons are reached, too, and say why.
  for (let i = 0; i < 5 && (await focused()) !== "Cancel run"; i += 1) await page.keyboard.press("Tab");
  await page.getByRole("tooltip").getByText("No run is active.").first().waitFor();
  await page.context().close();
});

// Last, because it starts another run.
test("jobs of a state are removed after the number is shown, and connections are renewed", async () => {
  const { page, errors } = await open(browser);
  await call("POST", "/pedidos/queue/pause");
  // Enough orders for the run to last.
  await generate(page, 20_000);
  await toast(page, "A run of 20,000 orders was accepted. It starts when the queue is resumed.");
  await button(page, "Resume").click();
  await page.waitForFunction(() => /^[1-9]\d? % · /.test(document.title));
  await button(page, "Pause").click();
  await page.getByTestId("pause").getByText("Paused: nothing is in flight.").waitFor();
  const { waiting } = await call<{ waiting: number }>("GET", "/pedidos/queue/status");
  expect(waiting).toBeGreaterThan(0);
  await button(page, "Clean").click();
  const orders = `${waiting.toLocaleString("en")} orders`;
  await dialog(page).getByText(`${orders} in the queue will be removed, and never processed.`).waitFor();
  await dialog(page).getByRole("radio", { name: "Delayed" }).check();
  await dialog(page).getByText("There are no jobs in this state.").waitFor();
  await dialog(page).getByRole("radio", { name: "Waiting" }).check();
  await dialog(page).getByRole("button", { name: "Clean" }).click();
  await toast(page, `${orders} were removed.`);
  expect(await call("GET", "/pedidos/queue/status")).toMatchObject({ waiting: 0 });
  await button(page, "Reconnect").click();
  await toast(page, "This API replica has new connections to Redis.");
  await button(page, "Resume").click();
  await phase(page, "DONE");
  expect(errors).toEqual([]);
  await page.context().close();
});

test("a dead letter of an earlier run is shown, but cannot be retried", async () => {
  const { page, errors } = await open(browser);
  await generateWithLetters(page, 2000, 43, 1);
  const { jobs } = await call<{ jobs: { id: string }[] }>("GET", "/pedidos/queue/jobs?types=failed&end=0");
  await generateWithLetters(page, 2000, 44, 1);
  await page.goto(`${page.url().split("#")[0]}#/jobs`);
  await page.getByLabel("Find by order ID").fill(jobs[0]!.id);
  await page.keyboard.press("Enter");
  await dialog(page).getByText("Failed after 1 attempt").waitFor();
  await dialog(page).getByRole("button", { name: "Retry this one" }).and(page.locator("[aria-disabled=true]")).hover({ force: true });
  await page.getByRole("tooltip").getByText(/Only dead letters of the current run can be retried/).waitFor();
  expect(errors).toEqual([]);
  await page.context().close();
});
