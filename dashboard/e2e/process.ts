import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream } from "node:fs";

/** A program that the tests start and stop. */
export class Program {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  /** Its address, once it is ready. */
  readonly listening: Promise<string>;

  constructor(program: string, env: Record<string, string>, log: string) {
    this.#child = spawn(program, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    const file = createWriteStream(log, { flags: "a" });
    this.#child.stderr?.pipe(file, { end: false });
    this.#ended = new Promise((resolve) => this.#child.once("close", () => resolve()));
    this.listening = new Promise((resolve, reject) => {
      let output = "";
      this.#child.stdout?.on("data", (data: Buffer) => {
        file.write(data);
        output += data.toString();
        const found = /listening on (http:\/\/\S+)/.exec(output);
        if (found) resolve(found[1]!);
      });
      this.#child.once("error", reject);
      this.#child.once("close", (code) => reject(new Error(`${program} ended (${code}) before it listened: see ${log}`)));
    });
    // Not every test waits for it: an early end must not be an unhandled rejection.
    this.listening.catch(() => {});
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 30_000);
    await this.#ended;
    clearTimeout(late);
  }
}
