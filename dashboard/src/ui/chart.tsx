import { useEffect, useRef, useSyncExternalStore } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useTranslation } from "../i18n";
import { prefs } from "../lib/prefs";

export interface Line {
  /** A custom property of the stylesheet, such as `--vip`. */
  colour: string;
  width: number;
  dash?: number[];
  fill?: boolean;
  hidden?: boolean;
}

interface Props {
  /** Seconds, then the orders per second of each line. */
  data: number[][];
  lines: readonly Line[];
  label: string;
  height?: number;
}

/** Seconds between two ticks of the axis. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 18_000, 36_000];

const dark = matchMedia("(prefers-color-scheme: dark)");
const watchTheme = (listener: () => void) => {
  const stop = prefs.subscribe(listener);
  dark.addEventListener("change", listener);
  return () => {
    stop();
    dark.removeEventListener("change", listener);
  };
};
const theme = () => `${prefs.get().theme} ${dark.matches}`;

const short = (n: number): string => (n >= 1000 ? `${Number((n / 1000).toFixed(1))}k` : String(n));

export function Chart({ data, lines, label, height = 240 }: Props) {
  const { clock, language } = useTranslation();
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shown = useSyncExternalStore(watchTheme, theme);
  const hidden = lines.map((line) => (line.hidden ? "0" : "1")).join("");
  const latest = useRef(data);
  latest.current = data;

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const font = "12px system-ui, 'DejaVu Sans', sans-serif";
    const axis: uPlot.Axis = {
      stroke: colour("--soft"),
      font,
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { show: false },
    };
    const made = new uPlot(
      {
        width: element.clientWidth,
        height,
        padding: [10, 8, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false } },
        scales: { x: { time: false }, y: { range: (_, __, most) => [0, Math.max(10, most * 1.08)] } },
        axes: [
          { ...axis, values: (_, at) => at.map((s) => clock(s * 1000)), space: 70, size: 28, incrs: STEPS },
          { ...axis, values: (_, at) => at.map(short), size: 46 },
        ],
        series: [
          {},
          ...lines.map((line) => ({
            stroke: colour(line.colour),
            width: line.width,
            show: !line.hidden,
            points: { show: false },
            ...(line.dash && { dash: line.dash }),
            ...(line.fill && { fill: `${colour(line.colour)}22` }),
          })),
        ],
      },
      latest.current as uPlot.AlignedData,
      element,
    );
    plot.current = made;
    const sized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    sized.observe(element);
    return () => {
      sized.disconnect();
      made.destroy();
      plot.current = null;
    };
    // Built again when its look changes. Its data are set below.
  }, [shown, hidden, language, height]);

  useEffect(() => {
    plot.current?.setData(data as uPlot.AlignedData);
  }, [data]);

  return <div ref={place} role="img" aria-label={label} className="w-full overflow-hidden" style={{ height }} />;
}
