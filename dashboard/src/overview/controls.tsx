import { useState } from "react";
import { cancel, CancelDialog } from "../commands/cancel";
import { clean, CleanDialog } from "../commands/clean";
import { close } from "../commands/close";
import type { Command } from "../commands/command";
import { generate, GenerateDialog } from "../commands/generate";
import { pause } from "../commands/pause";
import { usePerform } from "../commands/perform";
import { reset, ResetDialog } from "../commands/reset";
import { resume } from "../commands/resume";
import { retry, RetryDialog } from "../commands/retry";
import { useTranslation } from "../i18n";
import { total } from "../live/ledger";
import { useLive } from "../live/use";
import { Button } from "../ui/button";
import { Panel } from "../ui/panel";
import { Limits } from "./limits";
import { RunFlow } from "./run-flow";

const DIALOGS = { generate: GenerateDialog, cancel: CancelDialog, reset: ResetDialog, retry: RetryDialog, clean: CleanDialog };

/** A button for each command. One that is disabled says why. */
export function Controls() {
  const { t } = useTranslation();
  const state = useLive((state) => state);
  const [open, setOpen] = useState<keyof typeof DIALOGS | null>(null);
  const pausing = usePerform();
  const closing = usePerform();
  const { status, health } = state;
  const why = <Input,>(command: Command<Input>): string | null => {
    const reason = command.whyDisabled(state);
    return reason && t(...reason);
  };
  const paused = status?.paused === true;
  const settled = health?.queue.paused === true;
  const inFlight = status ? total(status, "leased") : 0;
  const Dialog = open && DIALOGS[open];
  return (
    <Panel title={t("controls")}>
      <div className="grid grid-cols-2 gap-2">
        <div className="col-span-2">
          <Button wide kind="primary" icon="play" reason={why(generate)} onClick={() => setOpen("generate")}>
            {t("do.generate")}
          </Button>
        </div>
        {paused ? (
          <Button wide icon="play" busy={pausing.busy} reason={why(resume)} onClick={() => pausing.run(resume.perform)}>
            {t("do.resume")}
          </Button>
        ) : (
          <Button wide icon="pause" busy={pausing.busy} reason={why(pause)} onClick={() => pausing.run(pause.perform)}>
            {t("do.pause")}
          </Button>
        )}
        <Button wide tipEnd icon="stop" kind="danger" reason={why(cancel)} onClick={() => setOpen("cancel")}>
          {t("do.cancel")}
        </Button>
        <Button wide icon="retry" reason={why(retry)} onClick={() => setOpen("retry")}>
          {t("do.retry")}
        </Button>
        <Button wide tipEnd icon="broom" reason={why(clean)} onClick={() => setOpen("clean")}>
          {t("do.clean")}
        </Button>
        <Button wide icon="plug" busy={closing.busy} hint={t("do.close.words")} reason={why(close)} onClick={() => closing.run(close.perform)}>
          {t("do.close")}
        </Button>
        <Button wide tipEnd icon="trash" kind="danger" reason={why(reset)} onClick={() => setOpen("reset")}>
          {t("do.reset")}
        </Button>
      </div>
      {paused && (
        <p role="status" className="mt-3 rounded-lg bg-warn-wash px-3 py-2 text-sm text-warn" data-testid="pause">
          {settled ? t("pause.still") : inFlight > 0 ? t("pause.draining", { n: inFlight }) : t("pause.almost")}
        </p>
      )}
      <Limits />
      <RunFlow />
      {Dialog && <Dialog onClose={() => setOpen(null)} />}
    </Panel>
  );
}
