import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { inject } from "vitest";
import type { Status } from "../src/api/client";
import { poison } from "./mongo";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const url = inject("url");

export const launch = (more: string[] = []): Promise<Browser> =>
  chromium.launch({ executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: [...FLAGS, ...more] });

export interface Opened {
  page: Page;
  /** Errors in the console, and violations of the content security policy. */
  errors: string[];
}

/** A tab with its own profile, once its stream is open. */
export async function open(browser: Browser, view = "", options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    // The browser logs failed requests, even those that the page handles.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) errors.push(message.text());
  });
  await page.goto(`${url}/${view}`);
  await live(page);
  return { page, errors };
}

export const live = (page: Page) => page.locator("[data-link=live]").waitFor();
export const phase = (page: Page, name: string) => page.locator(`main [data-phase=${name}]`).first().waitFor();
export const toast = (page: Page, text: string | RegExp) => page.getByRole("log").getByText(text).first().waitFor();
export const button = (page: Page, name: string | RegExp) => page.getByRole("main").getByRole("button", { name, exact: true });
/** A disabled button. A click on it shows why it is disabled. */
export const disabled = (page: Page, name: string) => button(page, name).and(page.locator("[aria-disabled=true]"));
export const dialog = (page: Page) => page.getByRole("dialog");

/** Starts a run from the page. */
export async function generate(page: Page, quantity: number | string, seed?: number): Promise<void> {
  await button(page, "New run").click();
  await dialog(page).getByLabel("Orders", { exact: true }).fill(String(quantity));
  if (seed !== undefined) await dialog(page).getByLabel("Seed").fill(String(seed));
  await dialog(page).getByRole("button", { name: "Start" }).click();
}

/** A whole run with so many dead letters: NORMAL orders that are deleted while it is paused. */
export async function generateWithLetters(page: Page, quantity: number, seed: number, letters: number): Promise<void> {
  await generate(page, quantity, seed);
  const until = async (wanted: (status: Status) => boolean) => {
    // Without a pause between requests, because such a run is short.
    while (!wanted(await call<Status>("GET", "/pedidos")));
  };
  // NORMAL orders are processed last.
  await until(({ phase, progress }) => progress.generated > 0 && phase !== "DONE");
  await call("POST", "/pedidos/queue/pause");
  while (!(await call<{ paused: boolean }>("GET", "/pedidos/queue/status")).paused);
  await poison(letters);
  await call("POST", "/pedidos/queue/resume");
  await until(({ phase }) => phase === "DONE");
}

export async function call<T = Record<string, never>>(method: "GET" | "POST" | "PATCH", path: string, change?: object): Promise<T> {
  const sent = change && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(change) };
  const response = await fetch(url + path, { method, ...sent });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** Leaves no run, no pause and no stored order. */
export const reset = () => call("POST", "/pedidos/reset");
