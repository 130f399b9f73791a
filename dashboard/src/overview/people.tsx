import type { Health as Seen } from "../api/client";
import { useSpeech, type Key } from "../i18n";
import { isFresh, outage, silentFor, type Live } from "../live/store";
import { useLive, useNow } from "../live/use";
import { shortId } from "../lib/format";
import { Panel } from "../ui/panel";
import { both } from "./balance";

const LOOKS: Record<Seen["status"] | "unready" | "offline", string> = {
  healthy: "bg-good",
  degraded: "bg-warn",
  paused: "bg-warn",
  aborted: "bg-warn",
  error: "bg-bad",
  unhealthy: "bg-bad",
  unready: "bg-bad",
  offline: "bg-bad",
};

/** Why it is not healthy, each as a sentence; empty if it is. */
function reasons(state: Live): [Key, Record<string, string | number>][] {
  const { health, unready, status } = state;
  const said: [Key, Record<string, string | number>][] = [];
  if (!health) return said;
  const { checks, processor, queue } = health;
  if (!queue.connected) return [["health.redis", { error: health.error ?? "" }]];
  if (unready !== null) said.push(["health.unready", { error: unready }]);
  if (health.status === "error") said.push(["health.error", { error: health.error ?? "—" }]);
  if (processor.aborting) said.push(["health.aborting", {}]);
  else if (checks.aborted) said.push(["health.aborted", {}]);
  if (queue.paused) said.push(["health.paused", {}]);
  else if (status?.paused) said.push(["health.pausing", { n: both(status, "leased") }]);
  if (checks.hasFailedJobs) said.push(["health.dead", { n: queue.failed }]);
  if (checks.isStuck) said.push(["health.stuck", {}]);
  if (!checks.hasWorkers) said.push([processor.isProcessing ? "health.alone" : "health.noWorkers", {}]);
  return said;
}

export function Health() {
  const { t } = useSpeech();
  const state = useLive((state) => state);
  const { health, unready } = state;
  const away = outage(state);
  const offline = state.link === "offline";
  const said = offline ? [] : reasons(state);
  const seen = offline ? "offline" : health && unready !== null && health.queue.connected ? "unready" : health?.status;
  return (
    <Panel title={t("health")}>
      <p className="flex items-center gap-2.5 text-lg font-semibold" data-health={seen}>
        <span aria-hidden="true" className={`size-3 rounded-full ${seen ? LOOKS[seen] : "bg-quiet"}`} />
        {seen ? t(seen === "offline" ? "link.offline" : (`health.is.${seen}` as Key)) : "…"}
      </p>
      <ul className="mt-2 space-y-1.5 text-sm text-soft">
        {said.map(([key, values]) => (
          <li key={key} className="break-words">
            {t(key, values)}
          </li>
        ))}
        {offline && <li>{away}</li>}
        {health?.status === "healthy" && said.length === 0 && !offline && <li>{t("health.well")}</li>}
      </ul>
    </Panel>
  );
}

export function Workers() {
  const { t, clock } = useSpeech();
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
                <span className="min-w-0 truncate">
                  <code className="font-medium">{shortId(worker.id)}</code>{" "}
                  <span className="text-soft" title={`pid ${worker.pid} · ${worker.version}`}>
                    {worker.host}:{worker.pid}
                  </span>
                </span>
                <span className={`shrink-0 text-xs ${gone ? "text-bad" : "text-soft"}`}>
                  {gone || !fresh
                    ? t("workers.seen", { ago: clock(silentFor(state, worker, now)) })
                    : `${t("workers.busy", { busy: worker.busy, slots: worker.slots })} · ${t("workers.now")}`}
                </span>
              </div>
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
      <p className="mt-3 border-t border-line pt-3 text-sm text-soft">
        {t("workers.inHand", { n: both(status, "leased") })}
      </p>
    </Panel>
  );
}
