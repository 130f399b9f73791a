import { get, post, Problem, url, type Import } from "../api/client";
import { errorText } from "../api/error-text";
import { currentTranslation } from "../i18n";
import { newKey } from "../lib/key";
import { Store } from "../lib/store";
import { IN_VAIN, nextTry, send, type Outcome } from "./send";
import { prepare, type Source } from "./source";

export interface Wanted {
  source: Source;
  names: ReadonlyMap<string, string>;
  name: string;
  defaultPriority: "VIP" | "NORMAL" | "";
  /** The import that the list goes into; undefined: a new one. */
  into?: Import | undefined;
  /** Only has the API count orders and rejects. */
  dryRun: boolean;
}

export interface Progress {
  stage: "preparing" | "sending" | "waiting" | "done" | "failed" | "stopped";
  bytes: number;
  size: number;
  /** As it is now. */
  import: Import | null;
  /** When the file is sent again, and why it must be. */
  again: number;
  error: string | null;
}

const LOOK = 1_000;
const TYPES = { csv: "text/csv", ndjson: "application/x-ndjson" } as const;

/** A file on its way into an import. It goes on by itself until it is whole, refused, or stopped. */
export class Upload extends Store<Progress> {
  readonly dryRun: boolean;
  readonly #wanted: Wanted;
  readonly #stop = new AbortController();
  readonly #key = newKey();

  constructor(wanted: Wanted) {
    super({ stage: "preparing", bytes: 0, size: wanted.source.file.size, import: wanted.into ?? null, again: 0, error: null });
    this.#wanted = wanted;
    this.dryRun = wanted.dryRun;
  }

  /** Something would be cut off. */
  get isActive(): boolean {
    return ["preparing", "sending", "waiting"].includes(this.get().stage);
  }

  start(): void {
    if (!this.dryRun) window.addEventListener("beforeunload", ask);
    void this.#run()
      .catch((error: unknown) => {
        if (this.#stop.signal.aborted) this.set({ stage: "stopped" });
        else this.set({ stage: "failed", error: errorText(error) });
      })
      .finally(() => window.removeEventListener("beforeunload", ask));
  }

  stop(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    const { source, names } = this.#wanted;
    const { signal } = this.#stop;
    const list = await prepare(source, names, (bytes) => this.set({ bytes }), signal);
    let failed = 0;
    let reached = 0;
    for (;;) {
      await readable(source.file);
      this.set({ stage: "sending", bytes: 0, size: list.size });
      const before = this.get().import?.lines ?? 0;
      const outcome = await this.#once(list);
      if ("answer" in outcome) {
        this.set({ stage: "done", bytes: list.size, import: outcome.answer as Import });
        return;
      }
      const known = await this.#look();
      const isFurther = (this.get().import?.lines ?? 0) > before;
      failed = isFurther ? 1 : failed + 1;
      reached = isFurther ? 0 : reached + (known ? 1 : 0);
      const pause = nextTry({ ...outcome, failed, reached });
      if (pause === null) {
        // A refusal that this browser could not read, because it was still sending.
        throw outcome.problem.status === 0 ? new Error(currentTranslation().t("import.inVain", { n: IN_VAIN })) : outcome.problem;
      }
      this.set({ stage: "waiting", again: Date.now() + pause, error: errorText(outcome.problem) });
      await sleep(pause, signal);
    }
  }

  async #once(list: Blob): Promise<Outcome> {
    const { source, name, defaultPriority, dryRun } = this.#wanted;
    const { signal } = this.#stop;
    const headers = { "Content-Type": TYPES[source.sample.format], ...(source.gzip && { "Content-Encoding": "gzip" }) };
    const query = { ...(name.trim() && { name: name.trim() }), ...(defaultPriority && { defaultPriority }) };
    const onSent = (bytes: number) => this.set({ bytes: Math.min(bytes, list.size) });
    if (dryRun) return send("POST", url("/pedidos/imports", {}, { ...query, dryRun }), list, headers, onSent, signal);
    let { import: into } = this.get();
    if (!into) {
      try {
        // Sent again after an answer that was lost, it creates no second import.
        const created = await post("/pedidos/imports", { query: query as object, headers: { "Idempotency-Key": this.#key }, signal });
        this.set({ import: (into = created as Import) });
      } catch (problem) {
        if (problem instanceof Problem) return { problem, retryAfter: null };
        throw problem;
      }
    }
    const path = url("/pedidos/imports/{importId}/orders", { importId: into.importId });
    const timer = setInterval(() => void this.#look(), LOOK);
    try {
      return await send("PUT", path, list, headers, onSent, signal);
    } finally {
      clearInterval(timer);
    }
  }

  /** Shows how many lines are stored. False: the API cannot be reached. */
  async #look(): Promise<boolean> {
    const importId = this.get().import?.importId;
    if (!importId) return false;
    try {
      const found = await get("/pedidos/imports/{importId}", { path: { importId }, signal: this.#stop.signal });
      // The answer to the upload is the newer one.
      if (this.isActive) this.set({ import: found });
      return true;
    } catch {
      return false;
    }
  }
}

/** Has the browser ask before it closes the page. */
const ask = (event: BeforeUnloadEvent) => event.preventDefault();

/** A file that was changed on disk cannot be read any more, which looks like a lost connection. */
async function readable(file: File): Promise<void> {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new Error(currentTranslation().t("import.fileChanged"));
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}
