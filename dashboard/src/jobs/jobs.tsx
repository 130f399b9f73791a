import { useCallback, useEffect, useRef, useState, type FormEvent } from "react";
import { get, Problem, type CleanState, type Job, type JobState, type Order } from "../api/client";
import { CleanDialog, whyNotClean } from "../commands/clean";
import type { Reason } from "../commands/command";
import { usePerform } from "../commands/perform";
import { retry, RetryDialog, retryOne } from "../commands/retry";
import { useTranslation, type Key } from "../i18n";
import { useLive } from "../live/use";
import { link, usePlace } from "../lib/router";
import { errorText } from "../api/error-text";
import { total, type Part } from "../live/ledger";
import { Button } from "../ui/button";
import { Empty } from "../ui/panel";
import { toast } from "../ui/toasts";
import { Details } from "./details";
import { Table } from "./table";

const STATES: Record<JobState, { part: Part; clean: CleanState }> = {
  waiting: { part: "waiting", clean: "wait" },
  active: { part: "leased", clean: "active" },
  delayed: { part: "delayed", clean: "delayed" },
  completed: { part: "processed", clean: "completed" },
  failed: { part: "dead", clean: "failed" },
};
const PAGE = 25;
/** The API lists completed jobs up to this index. */
const LAST = 10_000;
const AGAIN = 3_000;

interface Listed {
  state: JobState;
  start: number;
  jobs: readonly Job[];
  available: number;
}

export function Jobs() {
  const { t, n } = useTranslation();
  const { query } = usePlace();
  const live = useLive((state) => state);
  const asked = query.get("state");
  const state: JobState = asked !== null && asked in STATES ? (asked as JobState) : "waiting";
  const [start, setStart] = useState(0);
  const [listed, setListed] = useState<Listed | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [order, setOrder] = useState<{ order: Order | null; job: Job | null } | null>(null);
  const [open, setOpen] = useState<"clean" | "retry" | null>(null);
  const retrying = usePerform(true);

  useEffect(() => {
    setStart(0);
  }, [state]);
  const load = useCallback(
    async (signal: AbortSignal) => {
      try {
        const answer = await get("/pedidos/queue/jobs", { query: { types: state, start, end: start + PAGE - 1 }, signal });
        const available = answer.available[state] ?? 0;
        setListed({ state, start, jobs: answer.jobs, available });
        setTrouble(null);
        // There are fewer jobs than before, and this page no longer exists.
        if (start > 0 && start >= available) setStart(Math.max(0, Math.ceil(available / PAGE) - 1) * PAGE);
      } catch (error) {
        if (!signal.aborted) setTrouble(errorText(error));
      }
    },
    [state, start],
  );
  const tabs = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a phone not all tabs fit.
    tabs.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [state]);
  const again = useRef<() => void>(() => {});
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      clearTimeout(timer);
      if (!document.hidden) await load(stop.signal);
      if (!stop.signal.aborted) timer = setTimeout(() => void look(), AGAIN);
    };
    again.current = () => void look();
    void look();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [load]);

  const retryOrder = (id: string) =>
    retrying.run(
      () => retryOne.perform(id),
      () => {
        setOrder(null);
        again.current();
      },
    );
  const shown = listed?.state === state ? listed : null;
  const available = shown?.available ?? (live.status ? total(live.status, STATES[state].part) : 0);
  const end = Math.min(available, state === "completed" ? LAST + 1 : Infinity);
  const { status } = live;
  const text = (reason: Reason | null) => reason && t(...reason);
  return (
    <div className="space-y-4">
      <div className="flex flex-wrap items-end justify-between gap-3">
        <h1 className="text-2xl font-semibold tracking-tight">{t("jobs")}</h1>
        <Search onFound={(found) => setOrder({ order: found, job: null })} />
      </div>
      <nav ref={tabs} aria-label={t("jobs.states")} className="flex gap-1 overflow-x-auto border-b border-line">
        {(Object.keys(STATES) as JobState[]).map((some) => (
          <a
            key={some}
            href={link("jobs", { state: some })}
            aria-current={some === state ? "page" : undefined}
            className={`-mb-px flex items-baseline gap-2 border-b-2 px-3 py-2.5 text-sm whitespace-nowrap ${
              some === state ? "border-ink font-semibold" : "border-transparent text-soft hover:text-ink"
            }`}
          >
            {t(`state.${some}` as Key)}
            <span className={`text-xs ${some === "failed" && status && total(status, "dead") > 0 ? "font-semibold text-bad" : ""}`}>
              {status ? n(total(status, STATES[some].part)) : ""}
            </span>
          </a>
        ))}
      </nav>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p className="text-sm text-soft">{t(`jobs.${state}.words` as Key)}</p>
        <div className="flex gap-2">
          {state === "failed" && (
            <Button icon="retry" reason={text(retry.whyDisabled(live))} onClick={() => setOpen("retry")}>
              {t("do.retryAll")}
            </Button>
          )}
          <Button tipEnd icon="broom" reason={text(whyNotClean(STATES[state].clean, live))} onClick={() => setOpen("clean")}>
            {t("do.clean")}
          </Button>
        </div>
      </div>
      {trouble && (
        <p role="alert" className="rounded-lg bg-bad-wash px-4 py-3 text-sm text-bad">
          {trouble}
        </p>
      )}
      {shown && shown.jobs.length > 0 ? (
        <Table jobs={shown.jobs} onOpen={(job) => setOrder({ order: job.data, job })} />
      ) : (
        <Empty>{shown ? t(`jobs.${state}.none` as Key) : t("loading")}</Empty>
      )}
      <div className="flex flex-wrap items-center justify-between gap-3 text-sm text-soft">
        <span>
          {shown && shown.jobs.length > 0
            ? t("jobs.range", { from: shown.start + 1, to: shown.start + shown.jobs.length, of: available })
            : ""}
          {end < available && ` · ${t("jobs.limit", { n: end })}`}
        </span>
        <span className="flex gap-2">
          <Button icon="left" label={t("page.before")} reason={start === 0 ? t("page.first") : null} tipEnd onClick={() => setStart(Math.max(0, start - PAGE))} />
          <Button icon="right" label={t("page.next")} reason={start + PAGE >= end ? t("page.last") : null} tipEnd onClick={() => setStart(start + PAGE)} />
        </span>
      </div>
      {order && (
        <Details
          order={order.order}
          job={order.job}
          busy={retrying.busy}
          error={retrying.error}
          whyNotRetry={text(retryOne.whyDisabled(order.order?.runId, live))}
          onRetry={retryOrder}
          onClose={() => setOrder(null)}
        />
      )}
      {open === "clean" && <CleanDialog first={STATES[state].clean} onClose={() => { setOpen(null); again.current(); }} />}
      {open === "retry" && <RetryDialog onClose={() => { setOpen(null); again.current(); }} />}
    </div>
  );
}

function Search({ onFound }: { onFound: (order: Order) => void }) {
  const { t } = useTranslation();
  const [id, setId] = useState("");
  const [busy, setBusy] = useState(false);
  const find = async (event: FormEvent) => {
    event.preventDefault();
    const wanted = id.trim().toLowerCase();
    if (!wanted || busy) return;
    setBusy(true);
    try {
      const order = await get("/pedidos/orders/{id}", { path: { id: wanted } });
      if (order) onFound(order);
    } catch (error) {
      toast("bad", error instanceof Problem && error.status === 404 ? t("jobs.notFound", { id: wanted }) : errorText(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form role="search" onSubmit={(event) => void find(event)} className="flex w-full gap-2 sm:w-auto">
      <input
        className="field min-w-0 font-mono text-sm sm:w-80"
        aria-label={t("jobs.search")}
        placeholder={t("jobs.search")}
        value={id}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setId(event.target.value)}
      />
      <Button icon="search" label={t("do.search")} busy={busy} onClick={() => void find({ preventDefault() {} } as FormEvent)} />
    </form>
  );
}
