import { useState } from "react";
import { liftLimits, limitsText, LimitsDialog, setLimits } from "../commands/limits";
import type { Command } from "../commands/command";
import { usePerform } from "../commands/perform";
import { useTranslation } from "../i18n";
import { total } from "../live/ledger";
import { useLive, useRate } from "../live/use";
import { Button } from "../ui/button";

/** The throttle of the queue: its limits, and what is reached under them. */
export function Limits() {
  const { t, n } = useTranslation();
  const state = useLive((state) => state);
  const rate = useRate();
  const lifting = usePerform();
  const [open, setOpen] = useState(false);
  const { status } = state;
  if (!status) return null;
  const text = limitsText(status.limits, { t });
  const why = (command: Pick<Command, "whyDisabled">) => {
    const reason = command.whyDisabled(state);
    return reason && t(...reason);
  };
  const reached = `${t("limits.rate", { n: n(rate ?? 0) })}, ${t("limits.inFlight", { n: total(status, "leased") })}`;
  return (
    <section aria-label={t("limits")} data-testid="limits" className="mt-4 border-t border-line pt-3">
      <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-2">
        <dl className="min-w-0 text-sm">
          <div className="flex flex-wrap gap-x-2">
            <dt className="text-soft">{t("limits")}</dt>
            <dd className="font-medium">{text || t("limits.none")}</dd>
          </div>
          {text && rate !== null && (
            <div className="flex flex-wrap gap-x-2">
              <dt className="text-soft">{t("limits.reached")}</dt>
              <dd>{reached}</dd>
            </div>
          )}
        </dl>
        <span className="ms-auto flex gap-2">
          {text && (
            <Button tipEnd busy={lifting.busy} reason={why(liftLimits)} onClick={() => lifting.run(liftLimits.perform)}>
              {t("do.lift")}
            </Button>
          )}
          <Button tipEnd icon="gauge" hint={t("do.limits.words")} reason={why(setLimits)} onClick={() => setOpen(true)}>
            {t("do.limits")}
          </Button>
        </span>
      </div>
      {open && <LimitsDialog onClose={() => setOpen(false)} />}
    </section>
  );
}
