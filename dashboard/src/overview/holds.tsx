import { useState, type ReactNode } from "react";
import type { HeldOrder } from "../api/client";
import { clean, CleanDialog } from "../commands/clean";
import type { Command } from "../commands/command";
import { failOrder, FailDialog } from "../commands/fail-order";
import { goOn, GoOnDialog } from "../commands/go-on";
import type { DialogProps } from "../commands/parts";
import { usePerform } from "../commands/perform";
import { resume } from "../commands/resume";
import { retry, RetryDialog } from "../commands/retry";
import { useTranslation, type Key } from "../i18n";
import { link } from "../lib/router";
import { deadThatHold, isCanary, processorTrouble } from "../live/holds";
import { total } from "../live/ledger";
import { useLive } from "../live/use";
import { Button } from "../ui/button";
import { Icon } from "../ui/icons";

const DIALOGS = {
  retry: RetryDialog,
  clean: (props: DialogProps) => <CleanDialog first="failed" {...props} />,
  goOn: GoOnDialog,
};

/** What holds the current run, why, and what can be done: nothing is shown while nothing does. */
export function Holds() {
  const { t, time } = useTranslation();
  const state = useLive((state) => state);
  const resuming = usePerform();
  const [open, setOpen] = useState<keyof typeof DIALOGS | null>(null);
  const [failing, setFailing] = useState<NonNullable<HeldOrder> | null>(null);
  const { status, health } = state;
  if (!status) return null;
  const why = <Input,>(command: Pick<Command<Input>, "whyDisabled">) => {
    const reason = command.whyDisabled(state);
    return reason && t(...reason);
  };
  const { name, since, lastError } = status.processor;
  const trouble = processorTrouble(status);
  const dead = deadThatHold(status);
  const held = health?.heldOrder ?? null;
  const canary = isCanary(status);
  const ended = total(status, "processed") + total(status, "dead") + total(status, "removed");
  const Dialog = open && DIALOGS[open];
  if (!canary && dead === 0 && !trouble && !held && !Dialog && !failing) return null;
  return (
    <section aria-label={t("holds")} className="min-w-0 space-y-3">
      {canary && (
        <Hold
          kind="canary"
          title={t("hold.canary")}
          buttons={
            <>
              <a href={link("jobs", { state: "failed" })} className={LINK}>
                {t("hold.canary.failed")}
              </a>
              <a href={link("jobs", { state: "completed" })} className={LINK}>
                {t("hold.canary.completed")}
              </a>
              <Button icon="play" tipEnd busy={resuming.busy} reason={why(resume)} onClick={() => resuming.run(resume.perform)}>
                {t("do.resume")}
              </Button>
            </>
          }
        >
          <p>{t("hold.canary.words", { n: status.pauseAfter ?? ended })}</p>
        </Hold>
      )}
      {dead > 0 && (
        <Hold
          kind="vip"
          title={t("hold.vip")}
          buttons={
            <>
              <Button icon="retry" reason={why(retry)} onClick={() => setOpen("retry")}>
                {t("do.retry")}
              </Button>
              <Button icon="broom" reason={why(clean)} onClick={() => setOpen("clean")}>
                {t("do.clean")}
              </Button>
              <Button icon="unlock" tipEnd reason={why(goOn)} onClick={() => setOpen("goOn")}>
                {t("do.goOnWithout")}
              </Button>
            </>
          }
        >
          <p>{t("hold.vip.words", { n: dead })}</p>
        </Hold>
      )}
      {trouble && (
        <Hold kind={trouble} title={t(`hold.processor.${trouble}` as Key, { name })} since={since && trouble !== "none" ? t("hold.since", { time: time(since) }) : null}>
          <p>{t(`hold.processor.${trouble}.words` as Key, { name })}</p>
          {trouble !== "none" && lastError && <Fault error={lastError} />}
        </Hold>
      )}
      {held && (
        <Hold
          kind="order"
          title={t("hold.order")}
          since={t("hold.since", { time: time(held.since) })}
          buttons={
            <Button icon="stop" kind="danger" tipEnd reason={why(failOrder)} onClick={() => setFailing(held)}>
              {t("do.fail")}
            </Button>
          }
        >
          <p>
            <code className="text-xs break-all sm:text-sm">{held.id}</code>
          </p>
          <p>{t("hold.order.words")}</p>
          <Fault error={held.error} />
        </Hold>
      )}
      {Dialog && <Dialog onClose={() => setOpen(null)} />}
      {failing && <FailDialog of={failing} onClose={() => setFailing(null)} />}
    </section>
  );
}

const LINK = "inline-flex min-h-10 items-center px-1 text-sm underline underline-offset-4";

interface HoldProps {
  kind: string;
  title: string;
  since?: string | null;
  buttons?: ReactNode;
  children: ReactNode;
}

function Hold({ kind, title, since, buttons, children }: HoldProps) {
  return (
    <div role="status" data-hold={kind} className="panel flex items-start gap-3 border-warn p-4 sm:p-5">
      <Icon name="warning" className="mt-0.5 text-warn" />
      <div className="min-w-0 flex-1 space-y-1.5 text-sm">
        <p>
          <strong className="font-semibold">{title}</strong> {since && <span className="text-soft">{since}</span>}
        </p>
        {children}
        {buttons && <div className="flex flex-wrap items-center justify-end gap-2 pt-1">{buttons}</div>}
      </div>
    </div>
  );
}

function Fault({ error }: { error: string }) {
  const { t } = useTranslation();
  return (
    <p className="break-words">
      {t("hold.error")}: <span className="font-mono text-bad">{error}</span>
    </p>
  );
}
