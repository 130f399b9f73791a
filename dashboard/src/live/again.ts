import { useEffect } from "react";

const AGAIN = 5_000;

/** Loads now, after each change, when the page is seen again, and every few seconds: others change things, too. */
export function useAgain(load: (signal: AbortSignal) => Promise<void>, changes: unknown = null): void {
  useEffect(() => {
    const stop = new AbortController();
    const look = () => void (document.hidden || load(stop.signal));
    look();
    const timer = setInterval(look, AGAIN);
    document.addEventListener("visibilitychange", look);
    return () => {
      stop.abort();
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [load, changes]);
}
