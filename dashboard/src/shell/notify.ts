import type { Status } from "../api/client";
import { currentTranslation } from "../i18n";
import { phaseName, phaseWords } from "../live/phase-words";
import { choose } from "../lib/prefs";
import { shortId } from "../lib/format";
import { total } from "../live/ledger";
import type { News } from "../live/news";
import { notifies } from "../live/page";
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

/** Shows the end of a run, or that it waits, as a toast and, if wanted, as a browser notification. */
export function announce(news: News, status: Status): void {
  const { t } = currentTranslation();
  const dead = total(status, "dead");
  const kind = news === "canary" ? "info" : news === "DONE" && dead === 0 ? "good" : "bad";
  const text = news === "canary" ? t("hold.canary") : `${phaseName(news, dead, { t })}: ${phaseWords(news, dead, { t })}`;
  const runId = status.runId ?? "";
  toast(kind, text, "run");
  if (notifies() && document.hidden && "Notification" in window && Notification.permission === "granted") {
    try {
      new Notification(`Pedidos · ${shortId(runId)}`, { body: text, tag: runId });
    } catch (error) {
      // Chrome on Android grants the permission, but throws when a page creates a notification.
      choose({ notify: false });
      toast("bad", t("notify.failed", { why: String(error) }));
    }
  }
}
