import { useEffect, useState, useSyncExternalStore } from "react";
import { live, type Live } from "./store";

/** A part of the live data. The component renders again when that part changes. */
export function useLive<T>(part: (state: Live) => T): T {
  return useSyncExternalStore(live.subscribe, () => part(live.get()));
}

/** This machine's clock, updated every `step` ms. */
export function useNow(step = 1_000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), step);
    return () => clearInterval(timer);
  }, [step]);
  return now;
}
