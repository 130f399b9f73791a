import { useMemo, useState, useSyncExternalStore } from "react";
import { useTranslation, type Key } from "../i18n";
import { rates } from "../live/series";
import { series } from "../live/store";
import { useLive, useStill } from "../live/use";
import { Chart, type Line } from "../ui/chart";
import { Panel } from "../ui/panel";
import { isMoving } from "../live/phases";

const LINES: readonly (Line & { key: Key })[] = [
  { key: "chart.vip", colour: "--vip", width: 2, fill: true },
  { key: "chart.normal", colour: "--normal", width: 2, fill: true },
  { key: "chart.overall", colour: "--ink", width: 1.5 },
  { key: "chart.generated", colour: "--soft", width: 1.5, dash: [5, 4] },
];

export function Throughput() {
  const { t } = useTranslation();
  const seen = useSyncExternalStore(series.subscribe, () => series.version);
  const moving = useLive((state) => state.status !== null && isMoving(state.status.phase));
  const throughput = useLive((state) => state.status?.throughput);
  const [hidden, setHidden] = useState<ReadonlySet<Key>>(new Set());
  const data = useMemo(() => rates(series.samples), [seen]);
  const still = useStill();
  const last = data.slice(1).map((line) => (still ? 0 : (line.at(-1) ?? 0)));
  const generated = useLive(({ status }) =>
    status && status.generationTimeMs > 0 ? (status.progress.generated * 1000) / status.generationTimeMs : null,
  );
  const averages = throughput && [throughput.vip, throughput.normal, throughput.overall, generated];
  const lines = LINES.map((line) => ({ ...line, hidden: hidden.has(line.key) }));
  return (
    <Panel title={t("chart")} aside={<span className="text-xs text-soft">{t("chart.hint")}</span>}>
      <Chart data={data} lines={lines} label={t("chart.label", { vip: averages?.[0] ?? 0, normal: averages?.[1] ?? 0 })} />
      <ul className="mt-3 grid grid-cols-2 gap-2 lg:grid-cols-4">
        {LINES.map(({ key, colour, dash }, i) => (
          <li key={key}>
            <button
              type="button"
              aria-pressed={!hidden.has(key)}
              onClick={() => {
                const next = new Set(hidden);
                if (!next.delete(key)) next.add(key);
                setHidden(next);
              }}
              className={`w-full rounded-lg border px-3 py-2 text-start ${hidden.has(key) ? "border-dashed border-line" : "border-line"}`}
            >
              <span className="flex items-center gap-2 text-xs text-soft">
                <span
                  aria-hidden="true"
                  className={`w-4 border-t-2 ${dash ? "border-dashed" : ""} ${hidden.has(key) ? "opacity-30" : ""}`}
                  style={{ borderColor: `var(${colour})` }}
                />
                {t(key)}
              </span>
              <Rate now={moving ? (last[i] ?? 0) : null} average={averages?.[i] || null} />
            </button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** The current rate and the average; only the average when nothing moves. */
function Rate({ now, average }: { now: number | null; average: number | null }) {
  const { t, n } = useTranslation();
  const [most, less] =
    now !== null
      ? [`${n(now)}/s`, average === null ? "" : t("chart.average", { n: average })]
      : average === null
        ? ["—", ""]
        : [`${n(average)}/s`, t("chart.onAverage")];
  return (
    <>
      <span className="block text-base font-semibold">{most}</span>
      <span className="block text-xs text-soft">{less || "\u00a0"}</span>
    </>
  );
}
