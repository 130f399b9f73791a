import type { Phase } from "../api/client";
import { say, type Key } from "../i18n";
import { choose, prefs } from "../lib/prefs";
import { shortId } from "../lib/format";
import { toast } from "../ui/toasts";

/** Turns browser notifications on, if the browser's owner lets us, or off. */
export async function askToNotify(on: boolean): Promise<void> {
  const { t } = say();
  if (!on) {
    choose({ notify: false });
    toast("info", t("notify.areOff"));
  } else if (!("Notification" in window)) {
    toast("bad", t("notify.unknown"));
  } else if ((await Notification.requestPermission()) === "granted") {
    choose({ notify: true });
    toast("good", t("notify.areOn"));
  } else {
    toast("bad", t("notify.refused"));
  }
}

/** A change of phase that is worth a word. */
export function announce(phase: Phase, runId: string | null): void {
  const { t } = say();
  const kind = phase === "DONE" ? "good" : phase === "ERROR" || phase === "ABORTED" ? "bad" : "info";
  const text = `${t(`phase.${phase}` as Key)}: ${t(`phase.${phase}.words` as Key)}`;
  toast(kind, text, "phase");
  if (prefs.get().notify && document.hidden && "Notification" in window && Notification.permission === "granted") {
    try {
      new Notification(`Pedidos · ${shortId(runId ?? "")}`, { body: text, tag: runId ?? "pedidos" });
    } catch (error) {
      // Chrome on Android has them, and grants them, and makes none for a page.
      choose({ notify: false });
      toast("bad", t("notify.failed", { why: String(error) }));
    }
  }
}
