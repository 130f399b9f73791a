import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { en, type Key } from "./en";
import { pt } from "./pt";
import { translate } from ".";

const source = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((file) => /\.tsx?$/.test(file) && !file.includes("i18n") && !file.endsWith(".test.ts") && !file.endsWith("schema.d.ts"))
  .map((file) => readFileSync(join("src", file), "utf8"))
  .join("\n");
const keys = Object.keys(en) as Key[];

test("both languages fill in the same values", () => {
  const values = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
  for (const key of keys) expect(values(pt[key]), key).toEqual(values(en[key]));
});

test("plural words belong to a number that is filled in", () => {
  for (const text of [...Object.values(en), ...Object.values(pt)]) {
    for (const [, name] of text.matchAll(/\{(\w+)\|/g)) expect(text).toContain(`{${name}}`);
    expect(text.replaceAll(/\{\w+(\|[^|{}]*\|[^|{}]*)?\}/g, ""), "a brace, or a word, too many").not.toMatch(/[{}|]/);
  }
});

test("every text is used", () => {
  // `phase.${phase}.words` uses every key of this form.
  const patterns = [...source.matchAll(/`((?:\w+\.)+)\$\{[^`}]*\}((?:\.\w+)*)`/g)].map(
    ([, before, after]) => new RegExp(`^${before}\\w+${after}$`),
  );
  const used = (key: Key) => source.includes(`"${key}"`) || patterns.some((pattern) => pattern.test(key));
  expect(keys.filter((key) => !used(key))).toEqual([]);
});

test.each([
  ["phase", ["IDLE", "GENERATING", "ENQUEUE_VIP", "WAITING_VIP_DRAIN", "ENQUEUE_NORMAL", "WAITING_NORMAL_DRAIN", "DONE", "ABORTED", "ERROR"]],
  ["steps", ["here", "over", "begun", "ahead", "stopped"]],
  ["banner", ["offline", "redis", "mongo", "both", "stores", "api"]],
  ["health.is", ["healthy", "degraded", "paused", "aborted", "error", "unhealthy"]],
  ["state", ["wait", "waiting", "active", "delayed", "completed", "failed"]],
  ["clean", ["wait", "active", "delayed", "completed", "failed"]],
  ["link", ["connecting", "live", "polling", "offline"]],
  ["import.state", ["open", "sealed", "started", "discarded", "deleted"]],
  ["import.field", ["ref", "cliente", "valor", "tier", "priority", "observacoes", "dados"]],
  ["processor.is", ["closed", "open", "halfOpen", "none"]],
  ["hold.processor", ["open", "halfOpen", "none"]],
  ["option.onVipFailure", ["continue", "hold"]],
  ["upload", ["preparing", "sending", "reading", "waiting", "failed"]],
  ["compare", ["wall", "generation", "vip", "normal", "enqueue", "rate", "rateVip", "rateNormal"]],
])("there are words for every %s", (name, values) => {
  for (const value of values) expect(en).toHaveProperty([`${name}.${value}`]);
});

test("values are filled in, with numbers in the format of the language", () => {
  expect(translate("pt", "did.generated", { n: 1_000_000 })).toBe("Execução de 1.000.000 pedidos aceita.");
  expect(translate("en", "jobs.notFound", { id: "x" })).toBe("Order x not found.");
  expect([0, 1, 2].map((n) => translate("en", "did.retried", { n }))).toEqual([
    "0 orders will be retried.",
    "1 order will be retried.",
    "2 orders will be retried.",
  ]);
  expect(translate("pt", "did.reset", { orders: 1, runs: 2 })).toBe("Tudo apagado: 1 pedido e 2 execuções.");
});

test("a thing has one word, that of the glossary", () => {
  const not = { en: /go back|time windows|complete order id|in their hands/i, pt: /\bleases?\b|reiniciar|atrasad|em espera\b|janelas?\b|\bvoltar\b$/i };
  for (const key of keys) {
    expect(en[key], key).not.toMatch(not.en);
    expect(pt[key], key).not.toMatch(not.pt);
  }
  expect([en.timeline, en["jobs.search"], en["jobs.when"], pt["do.reset"], pt["state.delayed"]]).toEqual([
    "Timeline",
    "Find by order ID",
    "Processed at",
    "Apagar tudo",
    "Aguardando nova tentativa",
  ]);
});
