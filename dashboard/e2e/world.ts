import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { Program } from "./process";

declare module "vitest" {
  export interface ProvidedContext {
    url: string;
    folder: string;
    workers: number[];
  }
}

/** Small chunks and batches, so that a run of some thousand orders lasts a few seconds. */
export const SETTINGS = {
  BACKEND_LOGS: "false",
  GENERATION_CHUNK_SIZE: "500",
  NORMAL_ENQUEUE_BATCH_SIZE: "500",
  ORDERS_BATCH_SIZE: "20",
  ORDERS_QUEUE_CONCURRENCY: "2",
  LOG_PROGRESS_EVERY_MS: "1000",
  MAX_ATTEMPTS: "1",
  ADMIN_PORT: "0",
  DASHBOARD_REFRESH: "700",
};

export function program(name: string): string {
  const folder = process.env["PEDIDOS_BIN"];
  if (!folder) throw new Error("PEDIDOS_BIN must name the folder of the programs: call scripts/dashboard-test");
  return join(folder, name);
}

/** A run of a million has the default sizes. */
const settings = process.env["MILLION"] ? { BACKEND_LOGS: "false", ADMIN_PORT: "0" } : SETTINGS;

/** Starts one API and two workers on the stores of the environment. */
export default async function start(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), "dashboard-e2e-"));
  const programs: Program[] = [];
  const stop = async () => {
    await Promise.all(programs.map((program) => program.stop()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const name of ["pedidos-api", "pedidos-worker", "pedidos-worker"]) {
      programs.push(new Program(program(name), { ...settings, PORT: "0" }, join(folder, `${name}.log`)));
    }
    const [url] = await Promise.all(programs.map((program) => program.listening));
    project.provide("url", url!);
    project.provide("folder", folder);
    project.provide("workers", programs.slice(1).flatMap(({ pid }) => pid ?? []));
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}
