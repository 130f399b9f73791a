import { prefs } from "../lib/prefs";
import { Connection } from "./connection";

/** Of all tabs of a browser one notifies. For that it keeps its stream while it is hidden. */
let first = false;

/** Waits until no other tab is the first one, and is that until it is closed. Without HTTPS there are neither locks nor notifications. */
export function queueForFirst(): void {
  void (navigator as Partial<Navigator>).locks?.request("pedidos-first-tab", () => {
    first = true;
    return new Promise<never>(() => {});
  });
}

export const notifies = (): boolean => first && prefs.get().notify;

export const connection = new Connection();
connection.wanted = notifies;
