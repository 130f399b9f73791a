import { useTranslation } from "../i18n";

export interface Bar {
  name: string;
  colour: string;
  /** Relative to the start of the axis, ms; null: not started. */
  span: { from: number; length: number } | null;
  ms: number;
}

/** A round step that divides the axis into four to eight parts. */
export function step(length: number): number {
  const rough = length / 6;
  const unit = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  const natural = [1, 2, 5, 10].map((n) => n * unit);
  const clock = [15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000];
  const fits = (length > 60_000 ? clock : natural).find((n) => n >= rough);
  return fits ?? natural.at(-1)!;
}

export function Gantt({ bars, length }: { bars: readonly Bar[]; length: number }) {
  const { t, duration, clock } = useTranslation();
  const apart = step(length);
  const marks = Array.from({ length: Math.floor(length / apart) + 1 }, (_, i) => i * apart);
  const at = (ms: number) => `${Math.min(100, (ms / length) * 100)}%`;
  return (
    <div className="relative">
      <div aria-hidden="true" className="absolute inset-y-0 end-0 start-0 sm:start-40">
        {marks.map((mark) => (
          <span key={mark} className="absolute inset-y-0 border-s border-line" style={{ left: at(mark) }} />
        ))}
      </div>
      <ul className="relative space-y-2.5">
        {bars.map(({ name, colour, span, ms }) => (
          <li key={name} className="sm:flex sm:items-center">
            <span className="flex justify-between text-sm sm:w-40 sm:shrink-0 sm:pe-3">
              <span className="bg-panel pe-1.5">{name}</span>
              <span className="bg-panel ps-1.5 sm:hidden">{span ? duration(ms) : "—"}</span>
            </span>
            <span className="relative block h-7 min-w-0 flex-1">
              {span ? (
                <span
                  className={`absolute inset-y-0.5 min-w-1 rounded-md ${colour}`}
                  style={{ left: at(span.from), width: at(Math.min(span.length, length - span.from)) }}
                />
              ) : (
                <span className="sr-only">{t("timeline.notYet")}</span>
              )}
              {span && (
                <span
                  className={`absolute top-1/2 hidden -translate-y-1/2 px-2 text-xs font-semibold whitespace-nowrap sm:inline ${
                    span.length / length > 0.15 ? "text-panel" : "text-ink"
                  }`}
                  style={{ left: span.length / length > 0.15 ? at(span.from) : at(span.from + span.length) }}
                >
                  {duration(ms)}
                </span>
              )}
            </span>
          </li>
        ))}
      </ul>
      <div aria-hidden="true" className="relative mt-1.5 h-4 text-xs text-soft sm:ms-40">
        {marks.map((mark, i) => (
          <span
            key={mark}
            className={`absolute whitespace-nowrap ${i === 0 ? "" : mark / length > 0.96 ? "-translate-x-full" : "-translate-x-1/2"} ${
              marks.length > 4 && i % 2 === 1 ? "max-sm:hidden" : ""
            }`}
            style={{ left: at(mark) }}
          >
            {apart < 1_000 ? duration(mark) : clock(mark)}
          </span>
        ))}
      </div>
    </div>
  );
}
