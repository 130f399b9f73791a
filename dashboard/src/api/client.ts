import { at } from "../lib/meta";
import type { components, paths } from "./schema";

type Schemas = components["schemas"];
export type Status = Schemas["Status"];
export type Ledger = Schemas["Ledger"];
export type Phase = Schemas["Phase"];
export type Health = Schemas["Health"];
export type Run = Schemas["Run"];
export type Job = Schemas["Job"];
export type JobState = Schemas["State"];
export type Order = NonNullable<Schemas["OrderData"]>;
export type CleanState = Schemas["CleanState"];
export type PhaseEvent = Schemas["PhaseEvent"];
export type LogEvent = Schemas["LogEvent"];
export type Session = Schemas["SessionAnswer"];
export type AuditLine = Schemas["Line"];
export type Import = Schemas["Import"];
export type ImportState = Schemas["ImportState"];
export type Reject = Schemas["Reject"];
export type RunSource = Schemas["RunSource"];
export type Limits = Schemas["Limits"];
export type OnVipFailure = Schemas["OnVipFailure"];
export type BreakerState = Schemas["BreakerState"];
export type HeldOrder = Schemas["HeldOrder"];
type ProblemBody = Schemas["Problem"];

type Method = "get" | "post" | "patch" | "delete";
type PathsWith<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }> ? P : never;
}[keyof paths];
type Operation<P extends keyof paths, M extends Method> = paths[P] extends Record<M, infer O> ? O : never;
type Body<R> = R extends { content: infer C } ? C[keyof C & `application/json${string}`] : never;
type Good<O> = O extends { responses: infer R } ? Body<R[keyof R & (200 | 201 | 202)]> : never;
type Sent<O> = O extends { requestBody: { content: infer C } } ? C[keyof C] : never;
type Parameters<O, K extends "query" | "path"> = O extends { parameters: infer Q }
  ? K extends keyof Q
    ? Q[K]
    : never
  : never;

export interface Options<O> {
  query?: Parameters<O, "query">;
  path?: Parameters<O, "path">;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** How long the answer may take, ms. */
  timeout?: number;
}

/** An error as the API describes it. Status 0: the API did not answer. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly runId: string | undefined;

  constructor(status: number, title: string, detail: string, runId?: string) {
    super(detail);
    this.status = status;
    this.title = title;
    this.runId = runId;
  }
}

export async function problem(response: Response): Promise<Problem> {
  try {
    const body = (await response.json()) as Partial<ProblemBody>;
    if (typeof body.detail === "string") {
      return new Problem(response.status, body.title ?? response.statusText, body.detail, body.runId);
    }
  } catch {
    // No problem+json: most likely the answer of a proxy.
  }
  return new Problem(response.status, response.statusText, `HTTP ${response.status} ${response.statusText}`);
}

/** The path with its parameters filled in, and the query string. What is empty is sent: the API must not take a default for it. */
export function url(path: string, parts: object = {}, query: object = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String((parts as Record<string, unknown>)[name])),
  );
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `${filled}?${text}` : filled;
}

/** Any answer, whatever its status; a Problem with status 0 if there is none. */
export async function ask(path: string, init: RequestInit, timeout = 15_000): Promise<Response> {
  const signals = [AbortSignal.timeout(timeout), init.signal].filter((signal) => signal != null);
  try {
    return await fetch(at(path), { ...init, signal: AbortSignal.any(signals), cache: "no-store" });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    const late = error instanceof DOMException && error.name === "TimeoutError";
    throw new Problem(0, "", late ? `no answer within ${Math.round(timeout / 1000)} s` : "no connection");
  }
}

async function call<T>(method: string, path: string, options: Options<unknown>, body?: string): Promise<T> {
  const { headers, signal } = options;
  const init: RequestInit = { method, ...(headers && { headers }), ...(signal && { signal }), ...(body !== undefined && { body }) };
  const parts = options as { path?: object; query?: object };
  const target = url(path, parts.path, parts.query);
  const response = await ask(target, init, options.timeout);
  if (!response.ok) throw await problem(response);
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, "", "the answer broke off");
  }
}

export function get<P extends PathsWith<"get">>(path: P, options: Options<Operation<P, "get">> = {}) {
  return call<Good<Operation<P, "get">>>("GET", path, options as Options<unknown>);
}

export function post<P extends PathsWith<"post">>(path: P, options: Options<Operation<P, "post">> = {}) {
  return call<Good<Operation<P, "post">>>("POST", path, options as Options<unknown>);
}

export function patch<P extends PathsWith<"patch">>(path: P, change: Sent<Operation<P, "patch">>, options: Options<Operation<P, "patch">> = {}) {
  const headers = { ...options.headers, "Content-Type": "application/json" };
  return call<Good<Operation<P, "patch">>>("PATCH", path, { ...options, headers } as Options<unknown>, JSON.stringify(change));
}

export function remove<P extends PathsWith<"delete">>(path: P, options: Options<Operation<P, "delete">> = {}) {
  return call<Good<Operation<P, "delete">>>("DELETE", path, options as Options<unknown>);
}

/** Null if the API reaches both stores; else which one it does not reach, and why. */
export async function unready(signal: AbortSignal): Promise<string | null> {
  const response = await ask("/readyz", { signal }, 8_000);
  if (response.ok) return null;
  const failure = await problem(response);
  if (failure.status !== 503) throw failure;
  return failure.message;
}

export async function health(signal: AbortSignal): Promise<Health> {
  const response = await ask("/pedidos/health/queue", { signal }, 8_000);
  const type = response.headers.get("content-type") ?? "";
  if (!type.startsWith("application/json")) throw await problem(response);
  return (await response.json()) as Health;
}
