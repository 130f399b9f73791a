import { Problem, problem } from "../api/client";
import { at } from "../lib/meta";

/** An upload ends with one of these, if nobody stops it. */
export type Outcome = { answer: unknown } | { problem: Problem; retryAfter: number | null };

/**
 * Sends a file, and tells how far it is. With XMLHttpRequest, because fetch does not tell. Rejects
 * only if it is stopped.
 */
export function send(method: "POST" | "PUT", path: string, list: Blob, headers: Record<string, string>, onSent: (bytes: number) => void, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    const lost = () => resolve({ problem: new Problem(0, "", "no connection"), retryAfter: null });
    request.upload.onprogress = ({ loaded }) => onSent(loaded);
    request.onerror = lost;
    request.onabort = () => reject(signal.reason as Error);
    request.onloadend = () => signal.removeEventListener("abort", stop);
    request.onload = () => {
      const { status, statusText, responseText } = request;
      if (status >= 400) {
        const retryAfter = Number(request.getResponseHeader("retry-after")) || null;
        void problem(new Response(responseText, { status, statusText })).then((problem) => resolve({ problem, retryAfter }));
        return;
      }
      try {
        resolve({ answer: JSON.parse(responseText) });
      } catch {
        lost();
      }
    };
    signal.throwIfAborted();
    signal.addEventListener("abort", stop);
    request.open(method, at(path));
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.send(list);
  });
}

const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;
/** Tries that end early although the API answers and stores no line more: sending again would not help. */
export const IN_VAIN = 5;
/** Nobody's fault that lasts: silence on the line, too many uploads, a store or the API that is away. */
const PASSING = [0, 408, 429, 500, 502, 503, 504];

export interface Try {
  problem: Problem;
  /** What the API asks for, in seconds. */
  retryAfter: number | null;
  /** Tries that failed since a line was stored, this one too. */
  failed: number;
  /** Of these, tries after which the API could be reached. */
  reached: number;
}

/** Ms until the whole file is sent again; null: that would not help. */
export function nextTry({ problem, retryAfter, failed, reached }: Try): number | null {
  if (!PASSING.includes(problem.status)) return null;
  if (problem.status === 0 && reached >= IN_VAIN) return null;
  const pause = FIRST_PAUSE * 2 ** (failed - 1);
  return Math.min(LONGEST_PAUSE, Math.max(pause, (retryAfter ?? 0) * 1000));
}
