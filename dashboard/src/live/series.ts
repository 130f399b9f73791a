/** The counts of a run, `t` seconds after it was accepted. */
export interface Sample {
  t: number;
  generated: number;
  vip: number;
  normal: number;
}

/** t, then orders per second: VIP, NORMAL, both, generated. */
export type Rates = [number[], number[], number[], number[], number[]];

/** The shortest time that a rate is computed over, s: batches arrive in bursts. */
const SHORTEST = 2;

/**
 * The counts of a run over time, in bounded memory. They are cumulative, so samples can be
 * dropped: when the series is full, every other sample goes.
 */
export class Series {
  readonly #most: number;
  #samples: Sample[] = [];
  #listeners = new Set<() => void>();
  runId: string | null = null;
  /** Changes with every sample. */
  version = 0;

  constructor(most = 1_200) {
    this.#most = most;
  }

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  begin(runId: string | null): void {
    this.runId = runId;
    this.#samples = runId === null ? [] : [{ t: 0, generated: 0, vip: 0, normal: 0 }];
    this.#tell();
  }

  /** Samples are kept in order of time, in whatever order they arrive. */
  add(...samples: Sample[]): void {
    for (const sample of samples) {
      const last = this.#samples.at(-1);
      if (!last || sample.t > last.t) {
        this.#samples.push(sample);
      } else if (sample.t > 0) {
        const at = this.#samples.findIndex((other) => other.t >= sample.t);
        if (this.#samples[at]?.t !== sample.t) this.#samples.splice(at, 0, sample);
      }
      if (this.#samples.length > this.#most) {
        const newest = this.#samples.length - 1;
        this.#samples = this.#samples.filter((_, i) => i % 2 === 0 || i === newest);
      }
    }
    this.#tell();
  }

  /** Adds the last sample. Samples that a fast clock dated later are dropped. */
  end(sample: Sample): void {
    this.#samples = this.#samples.filter(({ t }) => t < sample.t);
    this.add(sample);
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #tell(): void {
    this.version += 1;
    for (const listener of this.#listeners) listener();
  }
}

/** The rates at each sample, over the seconds before it. */
export function rates(samples: readonly Sample[]): Rates {
  const result: Rates = [[], [], [], [], []];
  const spacing = samples.length > 1 ? (samples.at(-1)!.t - samples[0]!.t) / (samples.length - 1) : 0;
  const window = Math.max(SHORTEST, 3 * spacing);
  let from = 0;
  samples.forEach((sample, i) => {
    while (from + 1 < i && samples[from + 1]!.t <= sample.t - window) from += 1;
    const before = samples[from]!;
    const seconds = sample.t - before.t;
    // A replay resets the counters: that is no negative rate.
    const rate = (field: "vip" | "normal" | "generated") =>
      seconds > 0 ? Math.max(0, (sample[field] - before[field]) / seconds) : 0;
    const [vip, normal] = [rate("vip"), rate("normal")];
    [sample.t, vip, normal, vip + normal, rate("generated")].forEach((value, n) => result[n]!.push(value));
  });
  return result;
}

const PROGRESS = /^(\S+Z) \S+ \S+ progress .*generated=(\d+) vip=(\d+) normal=(\d+)/;

/** The samples in a run's log: workers log one every few seconds. */
export function samplesOfLog(lines: readonly string[], start: number, end = Infinity): Sample[] {
  const samples: Sample[] = [];
  for (const line of lines) {
    const found = PROGRESS.exec(line);
    if (!found) continue;
    const at = Date.parse(found[1]!);
    if (at < start || at > end) continue;
    const [generated, vip, normal] = found.slice(2, 5).map(Number) as [number, number, number];
    samples.push({ t: (at - start) / 1000, generated, vip, normal });
  }
  return samples.sort((one, other) => one.t - other.t);
}
