import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import type { Import, Run, Status } from "../src/api/client";
import { overflow, SIZES, violations } from "./look";
import { button, call, dialog, launch, live, open, phase, reset, toast, url } from "./page";
import { Program } from "./process";
import { program, SETTINGS } from "./world";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(() => reset());

/** Lines of the file that are no orders. The header is line 1. */
const BAD = [11, 101, 301];

/** 300 orders with columns of their own names: a third is VIP, and three are wrong. */
const CSV = [
  "pedido;nome;preço;categoria;cor",
  ...Array.from({ length: 300 }, (_, i) => {
    const line = i + 2;
    const [name, price, tier] = [line === BAD[0] ? "" : `"Cliente; ${i}"`, line === BAD[1] ? "abc" : `${i},50`, line === BAD[2] ? "LATA" : i % 3 === 0 ? "DIAMANTE" : "OURO"];
    return `P-${i};${name};${price};${tier};azul`;
  }),
].join("\r\n");
/** Of the wrong ones two would be VIP. */
const VIP = 98;
const NORMAL = 199;
const COLUMNS = { ref: "pedido", cliente: "nome", valor: "preço", tier: "categoria" };

const imports = async () => (await call<{ imports: Import[] }>("GET", "/pedidos/imports")).imports;
const inDialog = (page: Page, name: string) => dialog(page).getByRole("button", { name, exact: true });

/** Drops a file on the dialog, as a person would. */
async function drop(page: Page, name: string, text: string): Promise<void> {
  const data = await page.evaluateHandle(
    ({ name, text }) => {
      const data = new DataTransfer();
      data.items.add(new File([text], name));
      return data;
    },
    { name, text },
  );
  await dialog(page).getByTestId("drop").dispatchEvent("drop", { dataTransfer: data });
}

async function map(page: Page, columns: Record<string, string>): Promise<void> {
  for (const [field, column] of Object.entries(columns)) await dialog(page).getByLabel(field, { exact: true }).selectOption(column);
}

/** No worker of these tests has a processor of its own. */
const processedByUs = (page: Page) => dialog(page).getByLabel("Processor", { exact: true }).fill("builtin");

/** Opens the view, and its dialog with this file. */
async function choose(page: Page, name: string, bytes: Buffer | string): Promise<void> {
  await button(page, "Import a file").click();
  await dialog(page).locator("input[type=file]").setInputFiles({ name, mimeType: "application/octet-stream", buffer: Buffer.from(bytes) });
  await dialog(page).getByRole("region", { name: "First lines" }).waitFor();
}

test("a file is dropped, mapped, checked, uploaded, and started without its rejects", async () => {
  const { page, errors } = await open(browser, "", { acceptDownloads: true });
  await button(page, "New run").click();
  await dialog(page).getByRole("radio", { name: "From a file" }).check();
  await drop(page, "orders.csv", CSV);

  // Nothing is taken from columns of other names.
  const first = dialog(page).getByRole("region", { name: "First lines" }).getByRole("row").nth(1);
  await first.getByText("missing").first().waitFor();
  await map(page, COLUMNS);
  await first.getByText("Cliente; 0").waitFor();
  await first.getByText("VIP").waitFor();
  await first.getByText("cor: azul").waitFor();

  await inDialog(page, "Check").click();
  const checked = dialog(page).getByTestId("checked");
  await checked.getByText("The API has read 300 lines and stored nothing.").waitFor();
  for (const line of BAD) await checked.locator(`[data-reject="${line}"]`).waitFor();
  expect(await checked.locator(`[data-reject="${BAD[1]}"]`).textContent()).toContain("valor");
  expect(await imports()).toEqual([]);

  await inDialog(page, "Upload").click();
  await dialog(page).getByText("The import has 300 lines.").waitFor();
  const count = (name: string) => dialog(page).locator("dt", { hasText: name }).locator("+ dd").textContent();
  expect([await count("VIP orders"), await count("NORMAL orders"), await count("Rejected lines")]).toEqual([`${VIP}`, `${NORMAL}`, "3"]);
  await dialog(page).getByText("3 lines are rejected. Correct the file").waitFor();
  await dialog(page).getByLabel("Start without the rejected lines").check();
  await dialog(page).getByText("No worker has the processor “default” now.").waitFor();
  await processedByUs(page);
  await inDialog(page, "Start").click();
  await toast(page, `A run of ${VIP + NORMAL} orders was accepted.`);
  await phase(page, "DONE");
  const { ledger } = await call<Status>("GET", "/pedidos");
  expect([ledger.vip.processed, ledger.normal.processed]).toEqual([VIP, NORMAL]);

  // The run leads to its import, and back.
  const { runs } = await call<{ runs: Run[] }>("GET", "/pedidos/runs");
  expect(runs.map(({ source }) => source)).toEqual(["import"]);
  await page.goto(`${url}/#/runs`);
  await page.getByRole("row").getByRole("link", { name: "Import" }).click();
  const one = page.getByRole("region", { name: "orders.csv" });
  await one.getByText("its orders are a run").waitFor();
  expect(await one.locator("[data-reject]").count()).toBe(3);
  for (const format of ["CSV", "NDJSON"]) {
    const [download] = await Promise.all([page.waitForEvent("download"), one.getByRole("button", { name: `Rejects as ${format}` }).click()]);
    const text = await readFile(await download.path(), "utf8");
    expect(text).toContain("LATA");
    expect(download.suggestedFilename()).toBe(`rejects-${runs[0]!.runId}.${format.toLowerCase()}`);
  }
  await one.getByRole("link", { name: /^Show run/ }).click();
  await page.getByRole("region", { name: "One run" }).waitFor();
  expect(errors).toEqual([]);
  await page.context().close();
});

test("NDJSON in gzip is mapped line by line, and the default priority is used", async () => {
  const { page, errors } = await open(browser, "#/imports");
  const lines = Array.from({ length: 50 }, (_, i) => JSON.stringify({ id: `N-${i}`, customer: { name: "no" }, nome: `Ana ${i}`, valor: i, dados: { nome: "kept" } }));
  await choose(page, "orders.ndjson.gz", gzipSync(lines.join("\n")));
  await map(page, { cliente: "nome" });
  await dialog(page).getByRole("radio", { name: "VIP" }).check();
  await dialog(page).getByLabel("Name").fill("Fifty");
  await inDialog(page, "Upload").click();
  await dialog(page).getByText("The import has 50 lines.").waitFor();
  await inDialog(page, "Close").last().click();
  await page.getByRole("row").filter({ hasText: "Fifty" }).getByText("Open").waitFor();
  expect(await imports()).toMatchObject([{ name: "Fifty", lines: 50, vip: 50, normal: 0, rejected: 0, state: "open" }]);

  // Sent again it is compared, and another list is refused.
  await page.getByRole("link", { name: "Fifty" }).click();
  await page.getByRole("region", { name: "Fifty" }).getByRole("button", { name: "Send the file again" }).click();
  await dialog(page).locator("input[type=file]").setInputFiles({ name: "other.csv", mimeType: "text/csv", buffer: Buffer.from("cliente,valor\nAna,1") });
  await inDialog(page, "Upload").click();
  await dialog(page).getByRole("alert").getByText("Another list").waitFor();
  await inDialog(page, "Close").last().click();

  await button(page, "Start").click();
  await processedByUs(page);
  await inDialog(page, "Start").click();
  await toast(page, "A run of 50 orders was accepted.");
  await page.locator("[data-import] [data-import-state=started]").waitFor();
  await page.goto(`${url}/#/`);
  await phase(page, "DONE");
  const { jobs } = await call<{ jobs: { data: unknown }[] }>("GET", "/pedidos/queue/jobs?types=completed&end=0");
  expect(jobs).toMatchObject([{ data: { ref: "N-0", cliente: "Ana 0", priority: "VIP", dados: { nome: "kept", customer: { name: "no" } } } }]);
  expect(errors).toEqual([]);
  await page.context().close();
});

test("an upload goes on after a lost connection, and asks before it is cut off", async () => {
  const { page, errors } = await open(browser, "#/imports");
  let lost = 0;
  await page.route("**/pedidos/imports/*/orders", (route) => {
    lost += 1;
    return lost <= 2 ? route.abort("connectionreset") : route.continue();
  });
  await choose(page, "again.csv", CSV);
  await map(page, COLUMNS);
  await inDialog(page, "Upload").click();
  await dialog(page).getByText("The file is sent again in").waitFor();

  for (let i = 0; i < 2; i += 1) await page.keyboard.press("Escape");
  await dialog(page).getByText("The upload is not finished. Stop it?").waitFor();
  await inDialog(page, "Continue").click();
  await dialog(page).getByText("The import has 300 lines.").waitFor();
  expect(lost).toBe(3);
  await inDialog(page, "Close").last().click();

  // One that never ends.
  await page.unroute("**/pedidos/imports/*/orders");
  await page.route("**/pedidos/imports/*/orders", () => {});
  await choose(page, "stopped.csv", CSV);
  await map(page, COLUMNS);
  await inDialog(page, "Upload").click();
  await dialog(page).getByText("Sending the file…").or(dialog(page).getByText("The file is sent.")).waitFor();
  const asked = page.waitForEvent("dialog");
  void page.close({ runBeforeUnload: true });
  await (await asked).dismiss();
  await inDialog(page, "Stop the upload").click();
  await dialog(page).getByText("The upload is not finished. Stop it?").waitFor();
  await inDialog(page, "Stop the upload").click();
  await dialog(page).waitFor({ state: "detached" });
  const row = page.getByRole("row").filter({ hasText: "stopped.csv" });
  await row.getByText("Open").waitFor();

  await row.getByRole("link").click();
  await button(page, "Discard").click();
  await inDialog(page, "Discard").click();
  await toast(page, "The import was discarded: 0 orders deleted.");
  await page.locator("[data-import] [data-import-state=discarded]").waitFor();
  await page.getByLabel("State").selectOption("Open");
  await row.waitFor({ state: "detached" });
  await page.getByRole("row").filter({ hasText: "again.csv" }).waitFor();
  expect(errors).toEqual([]);
  await page.context().close();
});

test("an upload goes on when the API is killed and comes back", async () => {
  const log = join(inject("folder"), "killed-api.log");
  const first = new Program(program("pedidos-api"), { ...SETTINGS, PORT: "0" }, log);
  const address = await first.listening;
  let second: Program | undefined;
  try {
    const { page } = await open(browser);
    await page.goto(`${address}/#/imports`);
    await live(page);
    const lines = Array.from({ length: 60_000 }, (_, i) => JSON.stringify({ ref: `K-${i}`, nome: `Ana ${i}`, valor: i, priority: "NORMAL", texto: "x".repeat(200) }));
    await choose(page, "killed.ndjson", lines.join("\n"));
    await map(page, { cliente: "nome" });
    await inDialog(page, "Upload").click();
    await dialog(page).getByText(/^[1-9][\d,]* lines stored/).waitFor();
    first.kill();
    await dialog(page).getByText("The file is sent again in").waitFor();
    second = new Program(program("pedidos-api"), { ...SETTINGS, PORT: new URL(address).port }, log);
    await second.listening;
    await dialog(page).getByText("The import has 60,000 lines.").waitFor();
    expect(await imports()).toMatchObject([{ name: "killed.ndjson", lines: 60_000, normal: 60_000, rejected: 0 }]);
    await page.context().close();
  } finally {
    await first.stop();
    await second?.stop();
  }
});

test("an upload that the API ends early says why", async () => {
  const { page, errors } = await open(browser, "#/imports");
  // More rejects than the API keeps, and as much again behind them.
  await choose(page, "wrong.csv", `cliente,valor,priority,texto\n${`Ana,wrong,VIP,${"x".repeat(200)}\n`.repeat(30_000)}`);
  await inDialog(page, "Upload").click();
  await dialog(page).getByRole("alert").getByText("Import refused").waitFor();
  await dialog(page).getByText("You can continue in the view").waitFor();
  await inDialog(page, "Close").last().click();
  expect(errors).toEqual([]);
  await page.context().close();
});

test("the list has pages", async () => {
  const { page, errors } = await open(browser, "#/imports");
  await page.getByText("No imports.").waitFor();
  for (let i = 0; i < 17; i += 1) await call("POST", `/pedidos/imports?name=list-${i}`);
  await page.reload();
  await page.getByText("list-16").waitFor();
  await button(page, "Next page").click();
  await page.getByText("list-1", { exact: true }).waitFor();
  expect(await page.locator("[data-row]").count()).toBe(2);
  expect(errors).toEqual([]);
  await page.context().close();
});

for (const theme of ["light", "dark"] as const) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    test(`imports are accessible and fit: ${theme}, ${size}`, async () => {
      const { page, errors } = await open(browser, "#/imports", { colorScheme: theme, viewport, reducedMotion: "reduce" });
      const fine = async (what: string) => {
        expect(await violations(page), what).toEqual([]);
        expect(await overflow(page), what).toEqual([]);
      };
      await page.getByText("No imports.").waitFor();
      await fine("empty");
      await button(page, "Import a file").click();
      await fine("drop");
      await page.keyboard.press("Escape");
      await choose(page, "orders.csv", CSV);
      await fine("unmapped");
      await map(page, COLUMNS);
      await inDialog(page, "Check").click();
      await dialog(page).getByTestId("checked").waitFor();
      await fine("checked");
      await inDialog(page, "Upload").click();
      await dialog(page).getByText("The import has 300 lines.").waitFor();
      await fine("start");
      await inDialog(page, "Close").last().click();
      await page.getByRole("link", { name: "orders.csv" }).click();
      await page.locator("[data-import] [data-reject]").first().waitFor();
      await fine("one");
      await button(page, "Discard").click();
      await fine("discard");
      expect(errors).toEqual([]);
      await page.context().close();
    });
  }
}
