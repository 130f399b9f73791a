import type { Phase } from "../api/client";
import { currentTranslation } from "../i18n";
import { phaseName } from "../live/phase-words";
import { total } from "../live/ledger";
import { isActive } from "../live/phases";
import { live } from "../live/store";
import { prefs } from "../lib/prefs";

interface Shown {
  percent: number;
  phase: Phase;
  /** How many orders are dead letters. */
  dead: number;
  /** The API cannot be reached. */
  away: boolean;
}

/** A ring that shows the progress; its colour shows the kind of phase. */
export function icon({ percent, phase, dead, away }: Shown): string {
  const colours: Partial<Record<Phase, string>> = {
    DONE: dead > 0 ? "#f59e0b" : "#22c55e",
    ABORTED: "#f59e0b",
    ERROR: "#ef4444",
    ENQUEUE_NORMAL: "#2dd4bf",
    WAITING_NORMAL_DRAIN: "#2dd4bf",
  };
  const colour = away ? "#ef4444" : (colours[phase] ?? "#a78bfa");
  const round = 2 * Math.PI * 11;
  const drawn = phase === "IDLE" ? 0 : (Math.min(100, percent) / 100) * round;
  const ring = `<circle cx="16" cy="16" r="11" fill="none" stroke="${colour}" stroke-width="6" stroke-dasharray="${drawn.toFixed(1)} 99" transform="rotate(-90 16 16)"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#17181c"/><circle cx="16" cy="16" r="11" fill="none" stroke="#3f434d" stroke-width="6"/>${ring}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

export function title({ percent, phase, dead, away }: Shown): string {
  const { t } = currentTranslation();
  const words = phaseName(phase, dead, { t });
  const parts = [away ? t("link.offline") : "", isActive(phase) ? `${Math.floor(percent)} %` : "", phase === "IDLE" ? "" : words, "Pedidos"];
  return parts.filter(Boolean).join(" · ");
}

/** Keeps the page's title and icon up to date with the run. */
export function keepTitle(): void {
  let shown = "";
  const show = () => {
    const { status, link } = live.get();
    if (!status) return;
    const away = link === "offline";
    const now = { percent: Math.floor(status.eta.progressPercent), phase: status.phase, dead: total(status, "dead"), away };
    const name = title(now);
    if (document.title !== name) document.title = name;
    const drawn = icon(now);
    if (drawn === shown) return;
    shown = drawn;
    // Not every browser redraws the icon when only the link's address changes.
    const before = document.querySelector('link[rel="icon"]');
    const next = document.createElement("link");
    next.rel = "icon";
    next.type = "image/svg+xml";
    next.href = drawn;
    before?.replaceWith(next);
  };
  live.subscribe(show);
  prefs.subscribe(show);
}
