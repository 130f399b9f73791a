import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Page } from "playwright-core";

/** Where screenshots go, if they are wanted. */
export const folder = process.env["SCREENSHOTS"] ? "screenshots" : null;
if (folder) mkdirSync(folder, { recursive: true });

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds, in the rules of WCAG 2.2 AA and its own best practices. */
export async function violations(page: Page): Promise<string[]> {
  // Past the policy, which lets no script in that is not the page's own.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: axe });
  const expression = `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html, failureSummary }) => html + " " + failureSummary).join(" | ")))`;
  const { result } = await session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  await session.detach();
  return result.value as string[];
}

/** Wider than the screen: then one has to scroll to the side. */
export const overflow = (page: Page) =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = [...document.querySelectorAll("main *")].filter((element) => element.getBoundingClientRect().right > clientWidth + 0.5);
    return [`${scrollWidth - clientWidth} px`, ...wide.map((element) => element.outerHTML.slice(0, 300))];
  });

export const SIZES = { desktop: { width: 1280, height: 860 }, phone: { width: 360, height: 760 } };

/** A screenshot of the page from its top, if they are wanted. */
export async function picture(page: Page, name: string, fullPage = false): Promise<void> {
  if (!folder) return;
  await page.evaluate(() => void window.scrollTo(0, 0));
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage });
}
