import { useState } from "react";
import { changeRun, ChangeRunDialog, flowText } from "../commands/change-run";
import { useTranslation } from "../i18n";
import { isActive } from "../live/phases";
import { useLive } from "../live/use";
import { Button } from "../ui/button";

/** What holds the active run back, and how to change it. */
export function RunFlow() {
  const { t } = useTranslation();
  const state = useLive((state) => state);
  const [open, setOpen] = useState(false);
  const { status } = state;
  if (!status) return null;
  const reason = changeRun.whyDisabled(state);
  const text = isActive(status.phase) ? flowText(status, { t }) || t("flow.none") : "—";
  return (
    <section aria-label={t("flow")} data-testid="run-flow" className="mt-4 border-t border-line pt-3">
      <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-2">
        <dl className="flex min-w-0 flex-wrap gap-x-2 text-sm">
          <dt className="text-soft">{t("flow")}</dt>
          <dd className="font-medium">{text}</dd>
        </dl>
        <span className="ms-auto">
          <Button tipEnd icon="gauge" hint={t("do.changeRun.words")} reason={reason && t(...reason)} onClick={() => setOpen(true)}>
            {t("do.changeRun")}
          </Button>
        </span>
      </div>
      {open && <ChangeRunDialog onClose={() => setOpen(false)} />}
    </section>
  );
}
