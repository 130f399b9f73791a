import { useEffect, useRef, useSyncExternalStore } from "react";
import { useTranslation, type Key } from "../i18n";
import { REFRESH } from "../lib/meta";
import { outage } from "../live/outage";
import { isFresh } from "../live/store";
import { useLive, useNow } from "../live/use";
import { choose, prefs, type Theme } from "../lib/prefs";
import { link, usePlace, VIEWS } from "../lib/router";
import { signOut } from "../live/session";
import { usePerform } from "../commands/perform";
import { total } from "../live/ledger";
import { Button } from "../ui/button";
import { Icon } from "../ui/icons";
import { askToNotify } from "./notify";

export function Header() {
  const { t, language } = useTranslation();
  const { view } = usePlace();
  const views = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a phone not all links fit.
    views.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [view]);
  const mustSignIn = useLive((state) => state.mustSignIn);
  const dead = useLive((state) => (state.status ? total(state.status, "dead") : 0));
  return (
    <header className="sticky top-0 z-20 border-b border-line bg-ground/95 backdrop-blur">
      <a href="#main" onClick={skip} className="sr-only focus:not-sr-only focus:absolute focus:start-2 focus:top-2 focus:z-30 focus:rounded-[10px] focus:bg-ink focus:px-4 focus:py-2 focus:text-sm focus:text-panel">
        {t("skip")}
      </a>
      <div className="mx-auto flex max-w-7xl flex-wrap items-center gap-x-6 gap-y-1 px-4 pt-2 sm:px-6 md:flex-nowrap md:pt-0">
        <a href="#/" className="flex items-center gap-2.5 py-2 font-semibold">
          <img src="/favicon.svg" alt="" width="26" height="26" />
          Pedidos
        </a>
        {/* Hidden until somebody has signed in. */}
        <nav ref={views} hidden={mustSignIn} aria-label={t("views")} className="order-last -mx-4 flex w-[calc(100%+2rem)] gap-1 overflow-x-auto px-2 md:order-none md:mx-0 md:w-auto md:px-0">
          {VIEWS.map((some) => (
            <a
              key={some}
              href={link(some)}
              aria-current={some === view ? "page" : undefined}
              className={`shrink-0 border-b-2 px-2 py-3 sm:px-3 text-sm whitespace-nowrap md:py-4 ${some === view ? "border-ink font-semibold" : "border-transparent text-soft hover:text-ink"}`}
            >
              {t(some)}
              {some === "jobs" && dead > 0 && <span aria-hidden="true" className="ms-1.5 inline-block size-2 rounded-full bg-bad align-middle" />}
            </a>
          ))}
        </nav>
        <div className="ms-auto flex items-center gap-1">
          <Person />
          {!mustSignIn && <Link />}
          <button
            type="button"
            onClick={() => choose({ language: language === "en" ? "pt" : "en" })}
            lang={language === "en" ? "pt-BR" : "en-GB"}
            aria-label={language === "en" ? "PT, português" : "EN, English"}
            className="min-h-10 rounded-[10px] px-2.5 text-sm font-medium hover:bg-sunk"
          >
            {language === "en" ? "PT" : "EN"}
          </button>
          <Notify />
          <ThemeSwitch />
        </div>
      </div>
    </header>
  );
}

/** Moves the focus in code, because the hash of the address selects the view. */
function skip(event: { preventDefault: () => void }): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

const DOTS = { connecting: "bg-quiet", live: "bg-good", polling: "bg-warn", offline: "bg-bad" } as const;

function Link() {
  const { t, duration } = useTranslation();
  const state = useLive((state) => state.link);
  const fresh = useLive(isFresh);
  const shown = state === "live" && !fresh ? "polling" : state;
  return (
    <span className="tipped tip-end relative me-1 inline-flex" data-link={state}>
      <span role="status" tabIndex={0} aria-describedby="link-tip" className="inline-flex items-center gap-2 rounded-full border border-line px-2.5 py-1 text-xs font-medium whitespace-nowrap">
        <span aria-hidden="true" className={`size-2 rounded-full ${DOTS[shown]}`} />
        {t(state === "live" && !fresh ? "link.stale" : (`link.${state}` as Key))}
      </span>
      <span id="link-tip" role="tooltip" className="tip">
        {t(state === "live" && !fresh ? "link.stale.words" : (`link.${state}.words` as Key), { every: duration(REFRESH) })}
      </span>
    </span>
  );
}

/** The session, if the API requires one. */
function Person() {
  const { t } = useTranslation();
  const session = useLive((state) => state.session);
  const leaving = usePerform();
  if (!session || session.via === "anonymous") return null;
  const leave = () =>
    leaving.run(async () => {
      await signOut();
      return t("did.signedOut");
    });
  return (
    <span className="flex items-center gap-1 text-sm whitespace-nowrap">
      <span className="max-sm:sr-only">
        {session.name} <span className="text-soft">{session.role}</span>
      </span>
      {session.via === "session" && (
        <Button kind="ghost" tipEnd busy={leaving.busy} onClick={leave}>
          {t("signOut")}
        </Button>
      )}
    </span>
  );
}

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };

function ThemeSwitch() {
  const { t } = useTranslation();
  const theme = useSyncExternalStore(prefs.subscribe, () => prefs.get().theme);
  return (
    <button
      type="button"
      onClick={() => choose({ theme: NEXT[theme] })}
      title={t(`theme.${theme}` as Key)}
      aria-label={t(`theme.${theme}` as Key)}
      className="relative inline-flex min-h-10 items-center rounded-[10px] px-2.5 hover:bg-sunk"
    >
      <Icon name={theme === "dark" ? "moon" : "sun"} />
      {theme === "system" && <span aria-hidden="true" className="absolute end-1 bottom-1.5 text-[0.6rem] font-bold">A</span>}
    </button>
  );
}

function Notify() {
  const { t } = useTranslation();
  const on = useSyncExternalStore(prefs.subscribe, () => prefs.get().notify);
  return (
    <button
      type="button"
      aria-pressed={on}
      aria-label={t("notify")}
      title={t(on ? "notify.on" : "notify.off")}
      onClick={() => void askToNotify(!on)}
      className={`inline-flex min-h-10 items-center rounded-[10px] px-2.5 hover:bg-sunk ${on ? "text-vip" : "text-soft"}`}
    >
      <Icon name="bell" />
    </button>
  );
}

/** Shown while the page's data are old: why, and how old they are. */
export function Banner() {
  const { t, clock } = useTranslation();
  const state = useLive((state) => state);
  const now = useNow();
  const away = outage(state);
  if (away === null) return null;
  const age = state.status ? t("banner.age", { ago: clock(Math.max(0, now - state.statusAt)) }) : "";
  return (
    <div role="alert" data-banner={away.away === "offline" ? "offline" : "outage"} className="border-b border-bad bg-bad-wash text-sm text-bad">
      <div className="mx-auto flex max-w-7xl items-start gap-3 px-4 py-3 sm:px-6">
        <Icon name="warning" className="mt-0.5" />
        <div className="min-w-0 flex-1 break-words">
          <p>
            <strong>{t(`banner.${away.away}` as Key)}</strong>{" "}
            <span className="whitespace-nowrap" aria-live="off">
              {age}
            </span>
          </p>
          {away.detail && (
            <details>
              <summary>{t("banner.details")}</summary>
              <p className="font-mono">{away.detail}</p>
            </details>
          )}
        </div>
        <Button kind="ghost" tipEnd onClick={() => window.location.reload()}>
          {t("do.reload")}
        </Button>
      </div>
    </div>
  );
}
