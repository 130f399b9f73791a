import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { overflow, SIZES, violations } from "./look";
import { button, launch, live, toast, disabled } from "./page";
import { Program } from "./process";
import { program, SETTINGS } from "./world";

let browser: Browser;
let api: Program;
let url: string;
const keys: Record<string, string> = {};

/** A second API that requires authentication, on the stores of the other tests. */
beforeAll(async () => {
  const folder = inject("folder");
  const file = join(folder, "keys");
  for (const role of ["viewer", "admin"]) {
    const made = ["key", "new", "--name", `the-${role}`, "--role", role, "--file", file];
    keys[role] = execFileSync(program("pedidos"), made, { encoding: "utf8" }).trim();
  }
  const settings = { ...SETTINGS, PORT: "0", API_KEYS_FILE: file };
  api = new Program(program("pedidos-api"), settings, join(folder, "guarded.log"));
  [browser, url] = await Promise.all([launch(), api.listening]);
});
afterAll(async () => {
  await browser.close();
  await api.stop();
});

async function signedIn(role: "viewer" | "admin"): Promise<Page> {
  const context = await browser.newContext({ locale: "en-GB" });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  await page.goto(`${url}/`);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.getByLabel("API key").fill("pedidos_wrong");
  await button(page, "Sign in").click();
  const refused = await fetch(`${url}/pedidos/session`, { method: "POST", headers: { authorization: "Bearer pedidos_wrong" } });
  const { title } = (await refused.json()) as { title: string };
  await page.getByRole("alert").getByText(title).waitFor();
  await page.getByLabel("API key").fill(keys[role]!);
  await button(page, "Sign in").click();
  await live(page);
  return page;
}

for (const theme of ["light", "dark"] as const) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    test(`signing in is accessible and fits: ${theme}, ${size}`, async () => {
      const page = await (await browser.newContext({ locale: "en-GB", colorScheme: theme, viewport })).newPage();
      await page.goto(`${url}/`);
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
      expect(await violations(page)).toEqual([]);
      expect(await overflow(page)).toEqual([]);
      await page.getByLabel("API key").fill("pedidos_wrong");
      await button(page, "Sign in").click();
      await page.getByRole("alert").waitFor();
      expect(await violations(page), "refused").toEqual([]);
      await page.context().close();
    });
  }
}

test("a viewer sees the data, and which role each disabled button requires", async () => {
  const page = await signedIn("viewer");
  await disabled(page, "New run").waitFor();
  // Playwright does not click a disabled button unless it is forced to. A user can, to read why.
  await disabled(page, "Reset").click({ force: true });
  await toast(page, "Your role is viewer; this requires admin.");
  await page.goto(`${url}/#/imports`);
  await disabled(page, "Import a file").click({ force: true });
  await toast(page, "Your role is viewer; this requires operator.");
  await page.goto(`${url}/#/audit`);
  await page.getByRole("main").getByText("Your role is viewer; this requires admin.").waitFor();
  // No script can read the session.
  expect(await page.evaluate(() => document.cookie)).toBe("");
  await page.getByRole("banner").getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  expect(await page.context().cookies()).toEqual([]);
  await page.context().close();
});

test("an admin pauses and resumes, and the audit trail shows it", async () => {
  const page = await signedIn("admin");
  await button(page, "Pause").click();
  await toast(page, "Paused: nothing is in flight.");
  await button(page, "Resume").click();
  await toast(page, "Queue resumed.");
  await page.goto(`${url}/#/audit`);
  const row = page.getByRole("row").filter({ hasText: "the-admin" }).filter({ hasText: "pauseQueue" });
  await row.filter({ hasText: "done" }).first().waitFor();
  // A call is one row, though it leaves two lines.
  expect(await row.count()).toBe(1);
  expect(await violations(page)).toEqual([]);
  await page.context().close();
});

test("a session that has ended says so", async () => {
  const page = await signedIn("viewer");
  await page.context().clearCookies();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.getByText("Your session has ended.").waitFor();
  expect(await violations(page)).toEqual([]);
  await page.getByLabel("API key").fill(keys["viewer"]!);
  await button(page, "Sign in").click();
  await live(page);
  // Who opens the page and has not signed in yet had no session.
  await page.context().clearCookies();
  await page.reload();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  expect(await page.getByText("Your session has ended.").count()).toBe(0);
  await page.context().close();
});
