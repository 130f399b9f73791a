/** What the API writes into the page. Tests have no page. */
const meta = (name: string) =>
  typeof document === "undefined" ? undefined : document.querySelector<HTMLMetaElement>(`meta[name=${name}]`)?.content;

/** What a proxy puts before the API's paths: PUBLIC_BASE_PATH. */
const BASE = meta("base-path") ?? "";

/** The address of one of the API's paths. */
export const at = (path: string) => BASE + path;

/** How often to poll when there is no event stream, ms: DASHBOARD_REFRESH. */
export const REFRESH = Number(meta("refresh-ms")) || 5_000;
