import type { Live } from "./store";

/** Who does not answer; `stores`: they answer, and do not agree; `api`: something before it answers in its place. */
export type Away = "offline" | "redis" | "mongo" | "both" | "stores" | "api";

export interface Outage {
  away: Away;
  /** What was said of it: words of a driver, for who looks into it. */
  detail: string;
}

const SAYS_AWAY = /^(Redis|MongoDB) (?:cannot be reached|did not|does not|refused)/;

/** Which stores an answer of the API is about. */
export function awayIn(detail: string): "redis" | "mongo" | "both" | null {
  const named = new Set(detail.split("; ").flatMap((part) => SAYS_AWAY.exec(part)?.[1] ?? []));
  if (named.size === 2) return "both";
  return named.has("Redis") ? "redis" : named.has("MongoDB") ? "mongo" : null;
}

/** Why the data are not current; null if they are. */
export function outage({ health, unready, trouble, link }: Pick<Live, "health" | "unready" | "trouble" | "link">): Outage | null {
  if (link === "offline") return { away: "offline", detail: trouble ?? "" };
  if (unready !== null) return { away: awayIn(unready) ?? "stores", detail: unready };
  if (health && !health.queue.connected) return { away: "redis", detail: health.error ?? "" };
  return link === "polling" && trouble !== null ? { away: awayIn(trouble) ?? "api", detail: trouble } : null;
}
