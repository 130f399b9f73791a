// Checks the licences in package-lock.json. What reaches the browser must be permissive; a
// build or test tool that is named here may also be file-level copyleft.
import { readFileSync } from "node:fs";

const ALLOWED = ["0BSD", "Apache-2.0", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "Python-2.0"];
// lightningcss builds the stylesheet, axe-core checks accessibility: neither is in the page.
const TOOLS = { "MPL-2.0": /^(axe-core|lightningcss(-[\w-]+)?)$/ };

const { packages } = JSON.parse(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8"));
const wrong = [];
for (const [path, { dev, license, link, resolved }] of Object.entries(packages)) {
  const name = path.split("node_modules/").pop();
  if (resolved !== undefined) wrong.push(`${name}: the lock file names where it came from (see .npmrc)`);
  if (path === "" || link) continue;
  const choices = (license ?? "none").replace(/[()]/g, "").split(" OR ");
  const tool = dev === true && choices.some((choice) => TOOLS[choice]?.test(name));
  if (!tool && !choices.some((choice) => ALLOWED.includes(choice))) wrong.push(`${name}: ${license}`);
}
if (wrong.length > 0) {
  console.error(`not allowed:\n  ${wrong.join("\n  ")}`);
  process.exit(1);
}
