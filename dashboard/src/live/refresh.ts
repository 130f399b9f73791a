/** How often to ask when there is no stream, ms: DASHBOARD_REFRESH, which the API writes into the page. */
export const REFRESH = Number(document.querySelector<HTMLMetaElement>("meta[name=refresh-ms]")?.content) || 5_000;
