import { useEffect, useSyncExternalStore } from "react";
import { Audit } from "./audit/audit";
import { useTranslation } from "./i18n";
import { Imports } from "./imports/imports";
import { at } from "./lib/meta";
import { choose, prefs } from "./lib/prefs";
import { usePlace, type View } from "./lib/router";
import { Jobs } from "./jobs/jobs";
import { useLive } from "./live/use";
import { Logs } from "./logs/logs";
import { Overview } from "./overview/overview";
import { Runs } from "./runs/runs";
import { Banner, Header } from "./shell/header";
import { SignIn } from "./shell/sign-in";
import { Toasts } from "./ui/toasts";

const PAGES: Record<View, () => React.ReactNode> = { overview: Overview, jobs: Jobs, logs: Logs, imports: Imports, runs: Runs, audit: Audit };

export function App() {
  const { t } = useTranslation();
  const { view } = usePlace();
  const zone = useSyncExternalStore(prefs.subscribe, () => prefs.get().zone);
  const mustSignIn = useLive((state) => state.mustSignIn);
  const Page = mustSignIn ? SignIn : PAGES[view];
  useEffect(() => {
    // Newer browsers answer with a promise, which an effect must not return.
    void window.scrollTo(0, 0);
  }, [view]);
  return (
    <>
      <Header />
      {!mustSignIn && <Banner />}
      <main id="main" tabIndex={-1} className="mx-auto max-w-7xl px-4 py-5 outline-none sm:px-6">
        {view === "overview" && !mustSignIn && <h1 className="sr-only">{t("overview")}</h1>}
        <Page />
      </main>
      <footer className="mx-auto max-w-7xl px-4 pb-8 text-sm text-soft sm:px-6">
        <a href={at("/docs")} className="underline underline-offset-4 hover:text-ink">
          {t("footer.docs")}
        </a>
        {" · "}
        <a href={at("/metrics")} className="underline underline-offset-4 hover:text-ink">
          {t("footer.metrics")}
        </a>
        {" · "}
        <button type="button" onClick={() => choose({ zone: zone === "utc" ? "local" : "utc" })} className="underline underline-offset-4 hover:text-ink">
          {t(zone === "utc" ? "footer.utc" : "footer.local")}
        </button>
      </footer>
      <Toasts />
    </>
  );
}
