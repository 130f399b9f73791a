import { get, post, Problem, remove } from "../api/client";
import { live } from "./store";

/** Loads the session, which also renews it. A 401 means that somebody must sign in. */
export async function loadSession(signal: AbortSignal): Promise<void> {
  try {
    live.set({ session: await get("/pedidos/session", { signal }), mustSignIn: false, sessionEnded: false });
  } catch (error) {
    if (error instanceof Problem && error.status === 401) askToSignIn();
    else if (!(error instanceof Problem)) throw error;
  }
}

/** The API knows nobody any more, or nobody yet. */
export function askToSignIn(): void {
  const { session, sessionEnded } = live.get();
  live.set({ session: null, mustSignIn: true, sessionEnded: sessionEnded || session !== null });
}

/** Exchanges the key for a cookie that no script can read. The page does not keep the key. */
export async function signIn(key: string): Promise<void> {
  const session = await post("/pedidos/session", { headers: { Authorization: `Bearer ${key}` } });
  live.set({ session, mustSignIn: false, sessionEnded: false });
}

/** Ends the session, and clears everything that the page shows. */
export async function signOut(): Promise<void> {
  await remove("/pedidos/session");
  window.location.reload();
}
