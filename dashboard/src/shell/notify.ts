import type { Phase } from "../api/client";
import { currentTranslation, type Key } from "../i18n";
import { choose, prefs } from "../lib/prefs";
import { shortId } from "../lib/format";
import { toast } from "../ui/toasts";

/** Turns browser notifications on, if the user permits them, or off. */
export async function askToNotify(on: boolean): Promise<void> {
  const { t } = currentTranslation();
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

/** Shows a change of phase as a toast and, if wanted, as a browser notification. */
export function announce(phase: Phase, runId: string | null): void {
  const { t } = currentTranslation();
  const kind = phase === "DONE" ? "good" : phase === "ERROR" || phase === "ABORTED" ? "bad" : "info";
  const text = `${t(`phase.${phase}` as Key)}: ${t(`phase.${phase}.words` as Key)}`;
  toast(kind, text, "phase");
  if (prefs.get().notify && document.hidden && "Notification" in window && Notification.permission === "granted") {
    try {
      new Notification(`Pedidos · ${shortId(runId ?? "")}`, { body: text, tag: runId ?? "pedidos" });
    } catch (error) {
      // Chrome on Android grants the permission, but throws when a page creates a notification.
      choose({ notify: false });
      toast("bad", t("notify.failed", { why: String(error) }));
    }
  }
}
