import { useEffect } from "react";

const AGAIN = 5_000;

/** Loads now, after each change, and every few seconds: others upload, too. */
export function useAgain(load: (signal: AbortSignal) => Promise<void>, changes: number): void {
  useEffect(() => {
    const stop = new AbortController();
    const look = () => void (document.hidden || load(stop.signal));
    look();
    const timer = setInterval(look, AGAIN);
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [load, changes]);
}
