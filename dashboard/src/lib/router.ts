import { useSyncExternalStore } from "react";

export const VIEWS = ["overview", "jobs", "logs", "imports", "runs", "audit"] as const;
export type View = (typeof VIEWS)[number];

export interface Place {
  view: View;
  query: URLSearchParams;
}

/** `#/jobs?state=failed`: the hash selects the view, so that the server has one page. */
export function parse(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2) as [string?, string?];
  const view = VIEWS.find((view) => view === path) ?? "overview";
  return { view, query: new URLSearchParams(query) };
}

export function link(view: View, query: Record<string, string | undefined> = {}): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]));
  const text = new URLSearchParams(given).toString();
  return `#/${view === "overview" ? "" : view}${text ? `?${text}` : ""}`;
}

/** Changes the address and notifies at once: the browser's own event comes later, and a checkbox would flicker until then. */
export function go(to: string): void {
  window.location.hash = to;
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}

const subscribe = (listener: () => void) => {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
};

export function usePlace(): Place {
  return parse(useSyncExternalStore(subscribe, () => window.location.hash));
}
