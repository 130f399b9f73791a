import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { overflow, picture, SIZES, violations } from "./look";
import { button, launch, live, toast, unable } from "./page";
import { Program } from "./process";
import { program, SETTINGS } from "./world";

let browser: Browser;
let api: Program;
let url: string;
const keys: Record<string, string> = {};

/** An API that asks who calls, beside the one of the other tests, on the same stores. */
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
  await page.getByRole("heading", { name: "Who are you?" }).waitFor();
  await page.getByLabel("Key").fill("pedidos_wrong");
  await button(page, "Sign in").click();
  await page.getByRole("alert").getByText("Who are you?").waitFor();
  await page.getByLabel("Key").fill(keys[role]!);
  await button(page, "Sign in").click();
  await live(page);
  return page;
}

for (const theme of ["light", "dark"] as const) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    test(`signing in is accessible and fits: ${theme}, ${size}`, async () => {
      const page = await (await browser.newContext({ locale: "en-GB", colorScheme: theme, viewport })).newPage();
      await page.goto(`${url}/`);
      await page.getByRole("heading", { name: "Who are you?" }).waitFor();
      expect(await violations(page)).toEqual([]);
      expect(await overflow(page)).toEqual([]);
      await picture(page, `sign-in-${size}-${theme}`);
      await page.getByLabel("Key").fill("pedidos_wrong");
      await button(page, "Sign in").click();
      await page.getByRole("alert").waitFor();
      expect(await violations(page), "refused").toEqual([]);
      await page.context().close();
    });
  }
}

test("a viewer looks, and is told which role presses the buttons", async () => {
  const page = await signedIn("viewer");
  await unable(page, "New run").waitFor();
  // It is there for the keyboard and says why: a person may press it, Playwright would not.
  await unable(page, "Reset").click({ force: true });
  await toast(page, "Your role is viewer; this takes admin.");
  await page.goto(`${url}/#/audit`);
  await page.getByRole("main").getByText("Your role is viewer; this takes admin.").waitFor();
  // No script can read the session.
  expect(await page.evaluate(() => document.cookie)).toBe("");
  await page.getByRole("banner").getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Who are you?" }).waitFor();
  expect(await page.context().cookies()).toEqual([]);
  await page.context().close();
});

test("an admin presses them, and reads who did", async () => {
  const page = await signedIn("admin");
  await button(page, "Pause").click();
  await toast(page, "Paused: nothing is in flight.");
  await button(page, "Resume").click();
  await toast(page, "The queue goes on.");
  await page.goto(`${url}/#/audit`);
  const row = page.getByRole("row").filter({ hasText: "the-admin" }).filter({ hasText: "pauseQueue" });
  await row.filter({ hasText: "done" }).first().waitFor();
  expect(await violations(page)).toEqual([]);
  await page.context().close();
});
