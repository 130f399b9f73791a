import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { isMoving } from "./phases";
import { rates } from "./series";
import { standsStill } from "./still";
import { live, series, type Live } from "./store";

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

/** Does nothing of the current run move? */
export function useStill(): boolean {
  const now = useNow();
  return useLive((state) => standsStill(state, now));
}

/** Orders processed per second in the last seconds; null while no run moves. */
export function useRate(): number | null {
  const seen = useSyncExternalStore(series.subscribe, () => series.version);
  const still = useStill();
  const moving = useLive((state) => state.status !== null && isMoving(state.status.phase));
  const rate = useMemo(() => rates(series.samples)[3].at(-1) ?? 0, [seen]);
  return !moving ? null : still ? 0 : rate;
}
