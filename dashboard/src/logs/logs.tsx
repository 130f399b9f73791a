import { useDeferredValue, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { useTranslation, type Key } from "../i18n";
import { matches, type Line, type LineLevel } from "../live/lines";
import { lines } from "../live/store";
import { useLive } from "../live/use";
import { Button } from "../ui/button";
import { Empty } from "../ui/panel";

const LEVELS = ["all", "INFO", "WARN", "ERROR"] as const;
/** Only so many lines are drawn. Earlier ones can be found by searching. */
const DRAWN = 400;

const STYLES: Record<LineLevel, string> = {
  INFO: "text-soft",
  WARN: "bg-warn-wash text-warn",
  ERROR: "bg-bad-wash text-bad",
};

export function Logs() {
  const { t } = useTranslation();
  const current = useSyncExternalStore(lines.subscribe, lines.get);
  const [held, setHeld] = useState<readonly Line[] | null>(null);
  const [level, setLevel] = useState<(typeof LEVELS)[number]>("all");
  const [words, setWords] = useState("");
  const sought = useDeferredValue(words);
  const shown = held ?? current;
  const found = useMemo(() => shown.filter((line) => matches(line, level, sought)), [shown, level, sought]);
  const drawn = found.slice(-DRAWN);
  const newer = held ? current.filter((line) => line.key > (held.at(-1)?.key ?? 0)).length : 0;
  return (
    <div className="flex flex-col gap-4">
      <h1 className="text-2xl font-semibold tracking-tight">{t("logs")}</h1>
      <Stats />
      <div className="flex flex-wrap items-center gap-2">
        <div role="group" aria-label={t("logs.level")} className="flex overflow-hidden rounded-[10px] border border-quiet">
          {LEVELS.map((some) => (
            <button
              key={some}
              type="button"
              aria-pressed={level === some}
              onClick={() => setLevel(some)}
              className={`min-h-10 px-3 text-sm ${level === some ? "bg-ink font-semibold text-panel" : "bg-panel hover:bg-sunk"}`}
            >
              {t(`logs.${some}` as Key)}
            </button>
          ))}
        </div>
        <input
          className="field min-w-40 flex-1"
          type="search"
          aria-label={t("logs.search")}
          placeholder={t("logs.search")}
          value={words}
          onChange={(event) => setWords(event.target.value)}
        />
        <Button icon={held ? "play" : "pause"} onClick={() => setHeld(held ? null : current)}>
          {held ? (newer > 0 ? t("logs.resumeNew", { n: newer }) : t("logs.resume")) : t("logs.pause")}
        </Button>
      </div>
      {drawn.length === 0 ? <Empty>{t(current.length === 0 ? "logs.none" : "logs.noMatch")}</Empty> : <Tail drawn={drawn} held={held !== null} />}
      <p className="text-sm text-soft">
        {t("logs.shown", { n: drawn.length, of: found.length })} · {t("logs.kept", { n: lines.most })}
      </p>
    </div>
  );
}

function Tail({ drawn, held }: { drawn: readonly Line[]; held: boolean }) {
  const { t } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const toEnd = () => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  };
  useLayoutEffect(() => {
    if (atEnd && !held) toEnd();
  }, [drawn, atEnd, held]);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const look = () => setAtEnd(element.scrollHeight - element.scrollTop - element.clientHeight < 40);
    element.addEventListener("scroll", look, { passive: true });
    return () => element.removeEventListener("scroll", look);
  }, []);
  return (
    <div className="relative">
      <div
        ref={box}
        tabIndex={0}
        role="region"
        aria-label={t("logs.lines")}
        className="panel h-[60dvh] overflow-y-auto py-2 font-mono text-[0.8rem] leading-relaxed"
      >
        {drawn.map((line) => (
          <Entry key={line.key} line={line} />
        ))}
      </div>
      {!atEnd && (
        <div className="absolute end-5 bottom-4">
          <Button icon="down" kind="primary" onClick={toEnd}>
            {t("logs.toEnd")}
          </Button>
        </div>
      )}
    </div>
  );
}

function Entry({ line }: { line: Line }) {
  const { time: clock } = useTranslation();
  const { level, process, text, time: at } = line;
  return (
    <div className={`px-4 py-0.5 break-words sm:flex sm:gap-3 ${level === "INFO" ? "" : STYLES[level]}`}>
      <span className="shrink-0 text-soft" title={at}>
        {at && clock(at, 3)}
      </span>
      <span className={`ms-2 shrink-0 font-semibold sm:ms-0 sm:w-12 ${level === "INFO" ? STYLES.INFO : ""}`}>{level}</span>
      <span className="ms-2 shrink-0 text-soft sm:ms-0 sm:w-32">{process}</span>
      <span className="block min-w-0 sm:inline">{text}</span>
    </div>
  );
}

function Stats() {
  const { t, n } = useTranslation();
  useSyncExternalStore(lines.subscribe, lines.get);
  const counts = useLive((state) => state.status?.counts);
  const { INFO, WARN, ERROR } = lines.counts;
  const stats: [string, number, string][] = [
    [t("logs.stat.lines"), INFO + WARN + ERROR, ""],
    [t("logs.stat.warn"), WARN, WARN > 0 ? "text-warn" : ""],
    [t("logs.stat.error"), ERROR, ERROR > 0 ? "text-bad" : ""],
    [t("logs.stat.vip"), counts?.vip ?? 0, "text-vip"],
    [t("logs.stat.normal"), counts?.normal ?? 0, "text-normal"],
    [t("logs.stat.total"), (counts?.vip ?? 0) + (counts?.normal ?? 0), ""],
  ];
  return (
    <dl className="panel grid grid-cols-2 gap-px overflow-hidden bg-line sm:grid-cols-3 lg:grid-cols-6">
      {stats.map(([name, value, look]) => (
        <div key={name} className="bg-panel px-4 py-3">
          <dt className="text-xs text-soft">{name}</dt>
          <dd className={`text-lg font-semibold ${look}`}>{n(value)}</dd>
        </div>
      ))}
    </dl>
  );
}
