import { Component, type ReactNode } from "react";
import { currentTranslation } from "../i18n";

/** Shows an error of the page itself, in place of an empty page. */
export class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    const { t } = currentTranslation();
    return (
      <main className="mx-auto max-w-xl p-8" role="alert">
        <h1 className="mb-2 text-lg font-semibold">{t("broken")}</h1>
        <p className="mb-4 font-mono text-sm break-words text-soft">{String(this.state.error)}</p>
        <button type="button" onClick={() => window.location.reload()} className="rounded-[10px] bg-ink px-4 py-2 text-sm text-panel">
          {t("do.reload")}
        </button>
      </main>
    );
  }
}
