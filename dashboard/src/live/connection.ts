import { get, health, Problem, unready, type LogEvent, type PhaseEvent, type Status } from "../api/client";
import { entered, isActive, milestone, type PhaseTimes } from "./phases";
import { REFRESH } from "./refresh";
import { EventParser } from "./sse";
import { samplesOfLog } from "./series";
import { whoAmI } from "./session";
import { lines, live, seen, series, serverNow } from "./store";
import { backoff, pause } from "./waiting";

/** A comment comes every 15 s: a stream that is silent for longer is dead. */
const SILENCE = 25_000;
/** The first event comes at once: without it, something on the way holds the stream back. */
const FIRST = 8_000;
const POLL_HIDDEN = 10_000;
/** How often the session is looked at, ms: it is renewed by that, half an hour before its end. */
const SESSION = 60_000;
/** A page that nobody looks at gives its connection back after so long. */
const HIDDEN = 60_000;

type Told = (phase: Status["phase"], runId: string | null) => void;

/** Keeps what the page knows up to date: by the stream, else by asking, and by itself. */
export class Connection {
  /** Called at a run's first time in a phase, and at its end. */
  onMilestone: Told = () => {};
  /** Is the stream wanted although nobody looks? */
  wanted: () => boolean = () => false;

  readonly #stop = new AbortController();
  #stream: AbortController | null = null;
  #wake = new AbortController();
  /** The id of the last event: where to go on. */
  #place: string | null = null;
  /** What the stream told of phases; while there is none, guesses are added to it. */
  #exact: PhaseTimes | null = null;
  #gap = false;
  /** What the server's clock showed when this began: what was before is no news. */
  #begun = 0;
  #reached: { runId: string | null; rank: number } | null = null;
  #hiddenSince = 0;

  start(): void {
    document.addEventListener("visibilitychange", this.#looked);
    window.addEventListener("online", this.refresh);
    void this.#run();
    void this.#watchHealth();
  }

  stop(): void {
    document.removeEventListener("visibilitychange", this.#looked);
    window.removeEventListener("online", this.refresh);
    this.#stop.abort();
    this.#stream?.abort();
    this.refresh();
  }

  /** Something was done, or may have changed: whoever waits looks now. */
  refresh = (): void => {
    this.#wake.abort();
    this.#wake = new AbortController();
  };

  #looked = (): void => {
    this.#hiddenSince = document.hidden ? Date.now() : 0;
    if (!document.hidden) this.refresh();
  };

  get #asleep(): boolean {
    return this.#hiddenSince > 0 && Date.now() - this.#hiddenSince > HIDDEN && !this.wanted();
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      if (!this.#asleep) {
        try {
          this.#place ??= await this.#begin();
          await this.#follow(() => (failures = 0));
          // It ended in order: the replica goes. Another answers, most likely.
        } catch (error) {
          if (error instanceof Problem && error.status === 400) this.#place = null;
        }
        if (this.#stop.signal.aborted) return;
        failures += 1;
      }
      await this.#poll(this.#asleep ? POLL_HIDDEN : backoff(failures));
    }
  }

  /** Everything there is to know at first, and the place from which the stream goes on. */
  async #begin(): Promise<string> {
    const { signal } = this.#stop;
    const status = await get("/pedidos", { signal });
    const logs = await get("/pedidos/logs", { query: { lines: 1000 }, signal });
    if (this.#place === null) lines.replace(logs.logs);
    await this.#know(status.runId);
    this.#begun = serverNow({ ...live.get(), status, statusAt: Date.now() }, Date.now());
    this.#take(status);
    const { run } = live.get();
    if (run) series.add(...samplesOfLog(logs.logs.logMessages, Date.parse(run.createdAt)));
    // A little before the run, so that all its changes of phase are told.
    const since = run ? Date.parse(run.createdAt) - 5_000 : 0;
    return `${logs.cursor}.${since}-0`;
  }

  async #follow(heard: () => void): Promise<void> {
    const stream = new AbortController();
    this.#stream = stream;
    const headers = { "Last-Event-ID": this.#place ?? "" };
    let silent: ReturnType<typeof setTimeout> | undefined;
    const watch = (ms: number) => {
      clearTimeout(silent);
      silent = setTimeout(() => stream.abort(), ms);
    };
    watch(FIRST);
    try {
      const response = await fetch("/pedidos/events", { headers, signal: stream.signal, cache: "no-store" });
      if (!response.ok || !response.body) throw new Problem(response.status, "", response.statusText);
      const parser = new EventParser();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        watch(SILENCE);
        if (live.get().link !== "live") {
          live.set({ link: "live", trouble: null, ...(this.#exact && { times: this.#exact }) });
        }
        heard();
        for (const { id, event, data } of parser.push(value)) {
          this.#place = id || this.#place;
          this.#told(event, JSON.parse(data) as unknown);
        }
        if (this.#asleep) return;
      }
    } finally {
      clearTimeout(silent);
      stream.abort();
      this.#stream = null;
    }
  }

  #told(event: string, data: unknown): void {
    if (event === "progress") {
      this.#take(data as Status);
    } else if (event === "log") {
      lines.add(data as LogEvent);
    } else if (event === "gap") {
      this.#gap = true;
    } else if (event === "phase") {
      const { phase, runId, at: when } = data as PhaseEvent;
      const at = Date.parse(when);
      this.#exact = entered(this.#exact, { phase, runId, at });
      live.set({ times: this.#exact });
      if (at > this.#begun) this.#note(phase, runId);
    }
  }

  /** Asks for the status, again and again, for so long. */
  async #poll(ms: number): Promise<void> {
    const until = Date.now() + ms;
    do {
      try {
        const status = await get("/pedidos", { signal: this.#stop.signal, patience: 6_000 });
        live.set({ link: "polling", trouble: null });
        this.#take(status);
        this.#guess(status);
        this.#note(status.phase, status.runId);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        const answered = error instanceof Problem && error.status > 0;
        live.set({ link: answered ? "polling" : "offline", trouble: String((error as Error).message) });
      }
    } while (!(await pause(Math.min(REFRESH, ms), this.#wake.signal)) && Date.now() < until);
  }

  #take(status: Status): void {
    const now = Date.now();
    const { runId, wallClockMs, counts, progress } = status;
    if (runId !== series.runId) series.begin(runId);
    const known = live.get();
    if (runId !== (known.run?.runId ?? null)) void this.#know(runId).catch(() => {});
    live.set({ status, statusAt: now, workers: seen(known.workers, status.workers.list, now) });
    if (runId !== null) {
      const sample = { t: wallClockMs / 1000, generated: progress.generated, vip: counts.vip, normal: counts.normal };
      if (isActive(status.phase)) series.add(sample);
      else series.end(sample);
    }
    this.#reached ??= { runId, rank: milestone({ runId, rank: -2 }, runId, status.phase)?.rank ?? -1 };
    if (this.#gap) {
      this.#gap = false;
      this.#guess(status);
      this.#exact = live.get().times;
    }
  }

  /** What the stream would have told, about. */
  #guess({ phase, runId }: Status): void {
    const { times } = live.get();
    if (times?.current === phase && times.runId === runId) return;
    live.set({ times: entered(times, { phase, runId, at: serverNow(live.get(), Date.now()) }) });
  }

  #note(phase: Status["phase"], runId: string | null): void {
    const reached = this.#reached ?? { runId: null, rank: -1 };
    // An ended run that goes on, after a retry, begins again.
    const again = reached.runId === runId && milestone({ runId, rank: 4 }, runId, phase) === null && reached.rank > 4;
    const next = milestone(again ? { runId, rank: -1 } : reached, runId, phase);
    if (!next) return;
    this.#reached = next;
    this.onMilestone(phase, runId);
    this.refresh();
  }

  #knowing: string | null = null;

  async #know(runId: string | null): Promise<void> {
    if (runId === null) {
      live.set({ run: null });
    } else if (this.#knowing !== runId) {
      this.#knowing = runId;
      try {
        const run = await get("/pedidos/runs/{runId}", { path: { runId }, signal: this.#stop.signal });
        live.set({ run });
      } catch (error) {
        // A run that was forgotten in this instant: the next status says so.
        if (!(error instanceof Problem) || error.status !== 404) throw error;
      } finally {
        this.#knowing = null;
      }
    }
  }

  async #watchHealth(): Promise<void> {
    let asked = 0;
    let failing = false;
    while (!this.#stop.signal.aborted) {
      try {
        if (live.get().session === null || Date.now() - asked > SESSION) {
          asked = Date.now();
          await whoAmI(this.#stop.signal);
        }
        const { signal } = this.#stop;
        const [known, why] = await Promise.all([health(signal), unready(signal)]);
        // Once may be a store that is busy.
        live.set({ health: known, unready: failing ? why : null, ...(known.queue.connected && { ahead: Date.parse(known.timestamp) - Date.now() }) });
        failing = why !== null;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        // Nobody there: a stream that is open has not noticed yet.
        if (error instanceof Problem && error.status === 0) this.#stream?.abort();
        // The key was revoked, or the session is over.
        if (error instanceof Problem && error.status === 401) live.set({ session: null, mustSignIn: true });
      }
      const { health: known } = live.get();
      const calm = known?.queue.connected === true && !failing ? 2_500 : 1_000;
      await pause(document.hidden ? POLL_HIDDEN : calm, this.#wake.signal);
    }
  }
}

