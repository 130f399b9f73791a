import type { Health as HealthAnswer } from "../api/client";
import { useTranslation, type Key } from "../i18n";
import { total } from "../live/ledger";
import { outage } from "../live/outage";
import type { Live } from "../live/store";
import { useLive } from "../live/use";
import { Panel } from "../ui/panel";

const STYLES: Record<HealthAnswer["status"] | "unready" | "offline", string> = {
  healthy: "bg-good",
  degraded: "bg-warn",
  paused: "bg-warn",
  aborted: "bg-warn",
  error: "bg-bad",
  unhealthy: "bg-bad",
  unready: "bg-bad",
  offline: "bg-bad",
};

/** The reasons why the queue is not healthy. */
function reasons(state: Live): [Key, Record<string, string | number>][] {
  const { health, unready, status } = state;
  const found: [Key, Record<string, string | number>][] = [];
  if (!health) return found;
  const { checks, processor, queue } = health;
  if (!queue.connected) return [["health.redis", {}]];
  if (unready !== null) found.push(["health.unready", {}]);
  if (health.status === "error") found.push(["health.error", { error: health.error ?? "—" }]);
  if (processor.aborting) found.push(["health.aborting", {}]);
  else if (checks.aborted) found.push(["health.aborted", {}]);
  if (queue.paused) found.push(["health.paused", {}]);
  else if (status?.paused) found.push(["health.pausing", { n: total(status, "leased") }]);
  if (checks.hasFailedJobs) found.push(["health.dead", { n: queue.failed }]);
  if (!checks.processor && status) found.push(["health.processor", { name: status.processor.name }]);
  if (checks.isStuck) found.push(["health.stuck", {}]);
  if (!checks.hasWorkers) found.push([processor.isProcessing ? "health.alone" : "health.noWorkers", {}]);
  return found;
}

export function Health() {
  const { t } = useTranslation();
  const state = useLive((state) => state);
  const { health, unready } = state;
  const away = outage(state);
  const offline = state.link === "offline";
  const found = offline ? [] : reasons(state);
  const seen = offline ? "offline" : health && unready !== null && health.queue.connected ? "unready" : health?.status;
  return (
    <Panel title={t("health")}>
      <p className="flex items-center gap-2.5 text-lg font-semibold" data-health={seen}>
        <span aria-hidden="true" className={`size-3 rounded-full ${seen ? STYLES[seen] : "bg-quiet"}`} />
        {seen === "offline" ? t("link.offline") : seen === "unready" ? t(`banner.${away?.away ?? "stores"}` as Key) : seen ? t(`health.is.${seen}` as Key) : "…"}
      </p>
      <ul className="mt-2 space-y-1.5 text-sm text-soft">
        {found.map(([key, values]) => (
          <li key={key} className="break-words">
            {t(key, values)}
          </li>
        ))}
        {offline && <li>{t("link.offline.words")}</li>}
        {health?.status === "healthy" && found.length === 0 && !offline && <li>{t("health.well")}</li>}
      </ul>
    </Panel>
  );
}
