import { get, health, Problem, unready, type LogEvent, type PhaseEvent, type Status } from "../api/client";
import { at } from "../lib/meta";
import { newsOf, type News } from "./news";
import { entered, isActive, type PhaseTimes } from "./phases";
import { REFRESH } from "../lib/meta";
import { EventParser } from "./sse";
import { samplesOfLog } from "./series";
import { askToSignIn, loadSession } from "./session";
import { reached } from "./still";
import { lines, live, seen, series, serverNow } from "./store";
import { backoff, pause } from "./waiting";

/** The stream sends a comment every 15 s: without one, the connection is dead. */
const SILENCE = 25_000;
/** The first event comes at once: without it, a proxy buffers the stream. */
const FIRST = 8_000;
const POLL_HIDDEN = 10_000;
/** How often the session is loaded, ms. That renews it half an hour before its end. */
const SESSION = 60_000;

/** Keeps the live data up to date: by the event stream, or else by polling. */
export class Connection {
  /** Called when a run ends, or waits for a person. */
  onNews: (news: News, status: Status) => void = () => {};
  /** Does the page need the stream while it is hidden? */
  wanted: () => boolean = () => false;

  readonly #stop = new AbortController();
  #stream: AbortController | null = null;
  #wake = new AbortController();
  /** The id of the last event, from which the stream resumes. */
  #lastEventId: string | null = null;
  /** The phase times of the stream. While it is closed, estimates are added to a copy. */
  #exact: PhaseTimes | null = null;
  #gap = false;

  start(): void {
    document.addEventListener("visibilitychange", this.#visibilityChanged);
    window.addEventListener("online", this.refresh);
    void this.#run();
    void this.#watchHealth();
  }

  stop(): void {
    document.removeEventListener("visibilitychange", this.#visibilityChanged);
    window.removeEventListener("online", this.refresh);
    this.#stop.abort();
    this.#stream?.abort();
    this.refresh();
  }

  /** Ends every wait, so that all data are loaded now. */
  refresh = (): void => {
    this.#wake.abort();
    this.#wake = new AbortController();
  };

  #visibilityChanged = (): void => {
    if (this.#asleep) this.#stream?.abort();
    else this.refresh();
  };

  /** A hidden page has no stream: over HTTP/1.1 a browser has six connections to a server, for all tabs. */
  get #asleep(): boolean {
    return document.hidden && !this.wanted();
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      if (!this.#asleep) {
        try {
          this.#lastEventId ??= await this.#load();
          await this.#follow(() => (failures = 0));
          // The stream ended in order: this replica stops. Most likely another one answers.
        } catch (error) {
          if (error instanceof Problem && error.status === 400) this.#lastEventId = null;
        }
        if (this.#stop.signal.aborted) return;
        failures += 1;
      }
      await this.#poll(this.#asleep ? POLL_HIDDEN : backoff(failures));
    }
  }

  /** Loads all data, and answers the event id from which the stream resumes. */
  async #load(): Promise<string> {
    const { signal } = this.#stop;
    const status = await get("/pedidos", { signal });
    const logs = await get("/pedidos/logs", { query: { lines: 1000 }, signal });
    if (this.#lastEventId === null) lines.replace(logs.logs);
    await this.#loadRun(status.runId);
    this.#apply(status);
    const { run } = live.get();
    if (run) series.add(...samplesOfLog(logs.logs.logMessages, Date.parse(run.createdAt)));
    // From a little before the run, so that the stream sends all its changes of phase.
    const since = run ? Date.parse(run.createdAt) - 5_000 : 0;
    return `${logs.cursor}.${since}-0`;
  }

  async #follow(onData: () => void): Promise<void> {
    const stream = new AbortController();
    this.#stream = stream;
    const headers = { "Last-Event-ID": this.#lastEventId ?? "" };
    let silent: ReturnType<typeof setTimeout> | undefined;
    const watch = (ms: number) => {
      clearTimeout(silent);
      silent = setTimeout(() => stream.abort(), ms);
    };
    watch(FIRST);
    try {
      const response = await fetch(at("/pedidos/events"), { headers, signal: stream.signal, cache: "no-store" });
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
        onData();
        for (const { id, event, data } of parser.push(value)) {
          this.#lastEventId = id || this.#lastEventId;
          this.#handle(event, JSON.parse(data) as unknown);
        }
        if (this.#asleep) return;
      }
    } finally {
      clearTimeout(silent);
      stream.abort();
      this.#stream = null;
    }
  }

  #handle(event: string, data: unknown): void {
    if (event === "progress") {
      this.#apply(data as Status);
    } else if (event === "log") {
      lines.add(data as LogEvent);
    } else if (event === "gap") {
      this.#gap = true;
    } else if (event === "phase") {
      const { phase, runId, at } = data as PhaseEvent;
      this.#exact = entered(this.#exact, { phase, runId, at: Date.parse(at) });
      live.set({ times: this.#exact });
    }
  }

  /** Polls the status for so long. */
  async #poll(ms: number): Promise<void> {
    const until = Date.now() + ms;
    do {
      try {
        const status = await get("/pedidos", { signal: this.#stop.signal, timeout: 6_000 });
        live.set({ link: "polling", trouble: null });
        this.#apply(status);
        this.#estimate(status);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        const answered = error instanceof Problem && error.status > 0;
        live.set({ link: answered ? "polling" : "offline", trouble: String((error as Error).message) });
      }
    } while (!(await pause(Math.min(REFRESH, ms), this.#wake.signal)) && Date.now() < until);
  }

  #apply(status: Status): void {
    const now = Date.now();
    const { runId, wallClockMs, counts, progress } = status;
    if (runId !== series.runId) series.begin(runId);
    const known = live.get();
    if (runId !== (known.run?.runId ?? null)) void this.#loadRun(runId).catch(() => {});
    const movedAt = known.status && reached(known.status) === reached(status) ? known.movedAt : now;
    live.set({ status, statusAt: now, movedAt, workers: seen(known.workers, status.workers.list, now) });
    if (runId !== null) {
      const sample = { t: wallClockMs / 1000, generated: progress.generated, vip: counts.vip, normal: counts.normal };
      if (isActive(status.phase)) series.add(sample);
      else series.end(sample);
    }
    const news = known.status && newsOf(known.status, status);
    if (news) {
      this.onNews(news, status);
      this.refresh();
    }
    if (this.#gap) {
      this.#gap = false;
      this.#estimate(status);
      this.#exact = live.get().times;
    }
  }

  /** Estimates the phase times that the stream did not send. */
  #estimate({ phase, runId }: Status): void {
    const { times } = live.get();
    if (times?.current === phase && times.runId === runId) return;
    live.set({ times: entered(times, { phase, runId, at: serverNow(live.get(), Date.now()) }) });
  }

  #loading: string | null = null;

  async #loadRun(runId: string | null): Promise<void> {
    if (runId === null) {
      live.set({ run: null });
    } else if (this.#loading !== runId) {
      this.#loading = runId;
      try {
        const run = await get("/pedidos/runs/{runId}", { path: { runId }, signal: this.#stop.signal });
        live.set({ run });
      } catch (error) {
        // A reset has just deleted the run: the next status shows it.
        if (!(error instanceof Problem) || error.status !== 404) throw error;
      } finally {
        this.#loading = null;
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
          await loadSession(this.#stop.signal);
        }
        const { signal } = this.#stop;
        const [known, why] = await Promise.all([health(signal), unready(signal)]);
        // A single failure can be a busy store: it is shown after the second.
        live.set({ health: known, unready: failing ? why : null, ...(known.queue.connected && { ahead: Date.parse(known.timestamp) - Date.now() }) });
        failing = why !== null;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        // The API does not answer, which an open stream has not noticed yet.
        if (error instanceof Problem && error.status === 0) this.#stream?.abort();
        // The key was revoked, or the session has expired.
        if (error instanceof Problem && error.status === 401) askToSignIn();
      }
      const { health: known } = live.get();
      const calm = known?.queue.connected === true && !failing ? 2_500 : 1_000;
      await pause(document.hidden ? POLL_HIDDEN : calm, this.#wake.signal);
    }
  }
}

