import { useState } from "react";
import { post } from "../api/client";
import { useSpeech } from "../i18n";
import { useLive } from "../live/use";
import { Button } from "../ui/button";
import { Panel } from "../ui/panel";
import { useDeed } from "./actions";
import { both } from "./balance";
import { cannot, type Verb } from "./can";
import { Cancel, Clean, Generate, Reset, Retry } from "./dialogs";

type Open = "generate" | "cancel" | "reset" | "retry" | "clean";

/** What a person can do; what cannot be done now says why. */
export function Controls() {
  const { t } = useSpeech();
  const state = useLive((state) => state);
  const [open, setOpen] = useState<Open | null>(null);
  const pausing = useDeed();
  const closing = useDeed();
  const { status, health } = state;
  const why = (verb: Verb): string | null => {
    const reason = cannot(verb, state);
    return reason && t(...reason);
  };
  const paused = status?.paused === true;
  const settled = health?.queue.paused === true;
  const inFlight = status ? both(status, "leased") : 0;
  const pause = () =>
    pausing.run(async () => {
      const { inFlight } = await post("/pedidos/queue/pause");
      return inFlight > 0 ? t("did.pausing", { n: inFlight }) : t("did.paused");
    });
  const resume = () =>
    pausing.run(async () => {
      await post("/pedidos/queue/resume");
      return t("did.resumed");
    });
  const close = () =>
    closing.run(async () => {
      await post("/pedidos/queue/close");
      return t("did.closed");
    });
  return (
    <Panel title={t("controls")}>
      <div className="grid grid-cols-2 gap-2">
        <div className="col-span-2">
          <Button wide kind="primary" icon="play" reason={why("generate")} onClick={() => setOpen("generate")}>
            {t("do.generate")}
          </Button>
        </div>
        {paused ? (
          <Button wide icon="play" busy={pausing.busy} reason={why("resume")} onClick={resume}>
            {t("do.resume")}
          </Button>
        ) : (
          <Button wide icon="pause" busy={pausing.busy} reason={why("pause")} onClick={pause}>
            {t("do.pause")}
          </Button>
        )}
        <Button wide tipEnd icon="stop" kind="danger" reason={why("cancel")} onClick={() => setOpen("cancel")}>
          {t("do.cancel")}
        </Button>
        <Button wide icon="retry" reason={why("retry")} onClick={() => setOpen("retry")}>
          {t("do.retry")}
        </Button>
        <Button wide tipEnd icon="broom" reason={why("clean")} onClick={() => setOpen("clean")}>
          {t("do.clean")}
        </Button>
        <Button wide icon="plug" busy={closing.busy} hint={t("do.close.words")} reason={why("close")} onClick={close}>
          {t("do.close")}
        </Button>
        <Button wide tipEnd icon="trash" kind="danger" reason={why("reset")} onClick={() => setOpen("reset")}>
          {t("do.reset")}
        </Button>
      </div>
      {paused && (
        <p role="status" className="mt-3 rounded-lg bg-warn-wash px-3 py-2 text-sm text-warn" data-testid="pause">
          {settled ? t("pause.still") : inFlight > 0 ? t("pause.draining", { n: inFlight }) : t("pause.almost")}
        </p>
      )}
      {open === "generate" && <Generate onClose={() => setOpen(null)} />}
      {open === "cancel" && <Cancel onClose={() => setOpen(null)} />}
      {open === "reset" && <Reset onClose={() => setOpen(null)} />}
      {open === "retry" && <Retry onClose={() => setOpen(null)} />}
      {open === "clean" && <Clean onClose={() => setOpen(null)} />}
    </Panel>
  );
}
