import { useTranslation, type Key } from "../i18n";
import { shortId } from "../lib/format";
import { total } from "../live/ledger";
import { isActive } from "../live/phases";
import { isFresh, silentFor } from "../live/store";
import { useLive, useNow } from "../live/use";
import { Panel } from "../ui/panel";

export function Workers() {
  const { t, clock } = useTranslation();
  const state = useLive((state) => state);
  const now = useNow();
  const { status, workers } = state;
  if (!status) return null;
  const { alive, slots, busy } = status.workers;
  const fresh = isFresh(state);
  return (
    <Panel
      title={t("workers")}
      aside={<span className="text-xs text-soft">{t("workers.sum", { alive, busy, slots })}</span>}
    >
      {workers.length === 0 ? (
        <p className="text-sm text-soft">{t("workers.none")}</p>
      ) : (
        <ul aria-label={t("workers")} className="-my-2 max-h-72 divide-y divide-line overflow-y-auto" tabIndex={workers.length > 5 ? 0 : undefined}>
          {workers.map(({ worker, gone }) => (
            <li key={worker.id} data-worker={gone ? "gone" : "alive"} className="py-2">
              <div className="flex items-baseline justify-between gap-3 text-sm">
                <code className="font-medium">{shortId(worker.id)}</code>
                <span className={`shrink-0 text-xs ${gone ? "text-bad" : "text-soft"}`}>
                  {gone || !fresh
                    ? t("workers.seen", { ago: clock(silentFor(state, worker, now)) })
                    : `${t("workers.busy", { busy: worker.busy, slots: worker.slots })} · ${t("workers.now")}`}
                </span>
              </div>
              {/* The process id tells the workers of one machine apart: it is never cut off. */}
              <p className="text-sm break-words text-soft" title={worker.version}>
                {worker.host}:{worker.pid}
                {worker.processor && <span className={worker.breaker === "closed" ? "" : "text-warn"}> · {worker.processor}</span>}
              </p>
              <div aria-hidden="true" className="mt-1.5 flex gap-[3px]">
                {Array.from({ length: Math.min(worker.slots, 50) }, (_, i) => (
                  <span
                    key={i}
                    className={`h-2 flex-1 rounded-[2px] ${gone ? "bg-sunk" : i < worker.busy ? "bg-focus" : "bg-sunk"}`}
                  />
                ))}
              </div>
            </li>
          ))}
        </ul>
      )}
      {alive > workers.filter(({ gone }) => !gone).length && (
        <p className="mt-2 text-xs text-soft">{t("workers.more", { n: alive - workers.length })}</p>
      )}
      <div className="mt-3 space-y-1 border-t border-line pt-3 text-sm text-soft">
        <p>{t("workers.inFlight", { n: total(status, "leased") })}</p>
        {status.runId !== null && (
          <p data-processor={status.processor.state}>
            {t("processor")} <code className="break-all">{status.processor.name}</code>
            {isActive(status.phase) && ` · ${t(`processor.is.${status.processor.state}` as Key)} · ${t("processor.workers", { n: status.processor.workers })}`}
          </p>
        )}
      </div>
    </Panel>
  );
}
