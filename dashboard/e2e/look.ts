import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Page } from "playwright-core";

/** The folder for screenshots, if SCREENSHOTS asks for them. */
export const folder = process.env["SCREENSHOTS"] ? "screenshots" : null;
if (folder) mkdirSync(folder, { recursive: true });

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Violations of WCAG 2.2 AA and of axe's best practices. */
export async function violations(page: Page): Promise<string[]> {
  // By the debugger: the content security policy permits only the page's own scripts.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: axe });
  const expression = `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html, failureSummary }) => html + " " + failureSummary).join(" | ")))`;
  const { result } = await session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  await session.detach();
  return result.value as string[];
}

/** Elements that make the page scroll sideways. */
export const overflow = (page: Page) =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = [...document.querySelectorAll("main *")].filter((element) => element.getBoundingClientRect().right > clientWidth + 0.5);
    return [`${scrollWidth - clientWidth} px`, ...wide.map((element) => element.outerHTML.slice(0, 300))];
  });

export const SIZES = { desktop: { width: 1280, height: 860 }, phone: { width: 360, height: 760 } };

/** A screenshot of the whole page, if SCREENSHOTS asks for them. */
export async function picture(page: Page, name: string): Promise<void> {
  if (!folder) return;
  await page.evaluate(() => void window.scrollTo(0, 0));
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
