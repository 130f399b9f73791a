/** Waits. Answers true at once when woken. */
export function pause(ms: number, woken: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (early: boolean) => {
      clearTimeout(timer);
      woken.removeEventListener("abort", wake);
      resolve(early);
    };
    const wake = () => done(true);
    const timer = setTimeout(() => done(false), ms);
    woken.addEventListener("abort", wake);
    if (woken.aborted) wake();
  });
}

/** How long to wait after so many failures: exponential, with jitter. */
export function backoff(failures: number, random = Math.random): number {
  const most = Math.min(15_000, 500 * 2 ** Math.min(failures, 8));
  return most / 2 + (random() * most) / 2;
}
