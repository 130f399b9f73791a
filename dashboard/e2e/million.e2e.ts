import type { CDPSession } from "playwright-core";
import { expect, test } from "vitest";
import type { Status } from "../src/api/client";
import { call, generate, launch, open, phase, reset } from "./page";

const QUANTITY = Number(process.env["MILLION"] ?? 0);

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  dur?: number;
  tdur?: number;
  args?: { name?: string };
}

/** The events of the trace, once it has ended. */
async function traced(session: CDPSession): Promise<TraceEvent[]> {
  const complete = new Promise<{ stream?: string; dataLossOccurred: boolean }>((resolve) =>
    session.once("Tracing.tracingComplete", resolve),
  );
  await session.send("Tracing.end");
  const { stream: handle, dataLossOccurred } = await complete;
  expect(dataLossOccurred, "the trace has all of it").toBe(false);
  let text = "";
  for (;;) {
    const { data, eof } = await session.send("IO.read", { handle: handle!, size: 1 << 20 });
    text += data;
    if (eof) break;
  }
  return (JSON.parse(text) as { traceEvents: TraceEvent[] }).traceEvents;
}

/** How much the heap may grow, bytes: the page keeps a bounded number of samples and lines. */
const KEPT = 6 << 20;

const mib = (bytes: number) => Math.round((bytes / (1 << 20)) * 10) / 10;

/** MILLION=1000000 scripts/dashboard-test: takes minutes, and needs an idle machine. */
test.runIf(QUANTITY > 0)("a long run leaves memory flat and the main thread free", { timeout: 3_600_000 }, async () => {
  await reset();
  const browser = await launch();
  const { page, errors } = await open(browser);
  page.context().setDefaultTimeout(0);
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const metrics = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value])) as Record<string, number>;
  };
  await session.send("HeapProfiler.collectGarbage");
  const before = await metrics();
  await page.evaluate(() => {
    const long: number[] = [];
    Object.assign(window, { long });
    new PerformanceObserver((list) => long.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" });
  });
  const system = await browser.newBrowserCDPSession();
  await system.send("Tracing.start", {
    transferMode: "ReturnAsStream",
    traceConfig: { includedCategories: ["disabled-by-default-devtools.timeline", "__metadata"], excludedCategories: ["*"], recordMode: "recordAsMuchAsPossible" },
  });
  await generate(page, QUANTITY, 42);
  const heap: number[] = [];
  for (let percent = 1; percent < 100; percent += 1) {
    await page.waitForFunction((percent) => Number.parseInt(document.title, 10) >= percent || document.title.startsWith("Done"), percent);
    heap.push((await metrics())["JSHeapUsedSize"]!);
  }
  await phase(page, "DONE");
  const events = await traced(system);
  await session.send("HeapProfiler.collectGarbage");
  const after = await metrics();
  const observed = await page.evaluate(() => (window as unknown as { long: number[] }).long);
  const renderers = new Set(
    events.filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain").map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const ran = events.filter(({ name }) => name === "RunTask");
  // The browser keeps spare renderers: the page's is the one that works most.
  const tasks = [...renderers]
    .map((id) => ran.filter(({ pid, tid }) => `${pid} ${tid}` === id))
    .reduce((most, some) => (some.length > most.length ? some : most), []);
  const longest = (field: "dur" | "tdur") =>
    tasks.map((task) => (task[field] ?? 0) / 1000).sort((a, b) => b - a).slice(0, 5).map((ms) => Math.round(ms * 10) / 10);
  // The least of each part: the rest is garbage that is not collected yet.
  const fifths = Array.from({ length: 5 }, (_, i) => Math.min(...heap.slice(i * 20, i * 20 + 20)));
  const { wallClockMs } = await call<Status>("GET", "/pedidos");
  console.log(
    JSON.stringify({
      quantity: QUANTITY,
      wallClockMs,
      heapMiB: { before: mib(before["JSHeapUsedSize"]!), after: mib(after["JSHeapUsedSize"]!), leastOfEachFifth: fifths.map(mib), most: mib(Math.max(...heap)) },
      nodes: [before["Nodes"], after["Nodes"]],
      listeners: [before["JSEventListeners"], after["JSEventListeners"]],
      mainThread: {
        tasks: tasks.length,
        longestMs: longest("dur"),
        longestCpuMs: longest("tdur"),
        longTasksObserved: observed.map(Math.round),
        cpuSeconds: Math.round(tasks.reduce((sum, { tdur = 0 }) => sum + tdur, 0) / 100_000) / 10,
        busySeconds: Math.round((after["TaskDuration"]! - before["TaskDuration"]!) * 10) / 10,
      },
    }),
  );
  await browser.close();
  expect(tasks.length).toBeGreaterThan(100);
  // A task without a processor time would pass as a short one.
  expect(tasks.filter(({ tdur }) => tdur === undefined).length).toBeLessThan(tasks.length / 100);
  expect(errors).toEqual([]);
  expect(after["JSHeapUsedSize"]! - before["JSHeapUsedSize"]!).toBeLessThan(KEPT);
  for (const least of fifths) expect(least - before["JSHeapUsedSize"]!).toBeLessThan(KEPT);
  // Processor time: other processes on the machine do not count.
  expect(longest("tdur")[0]).toBeLessThan(50);
});
