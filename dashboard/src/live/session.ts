import { get, post, Problem, remove } from "../api/client";
import { live } from "./store";

/** Finds out who this browser is to the API, and renews its session; 401: somebody must sign in. */
export async function whoAmI(signal: AbortSignal): Promise<void> {
  try {
    live.set({ session: await get("/pedidos/session", { signal }), mustSignIn: false });
  } catch (error) {
    if (error instanceof Problem && error.status === 401) live.set({ session: null, mustSignIn: true });
    else if (!(error instanceof Problem)) throw error;
  }
}

/** Gives the key away for a cookie that no script can read. It is kept nowhere here. */
export async function signIn(key: string): Promise<void> {
  const session = await post("/pedidos/session", { headers: { Authorization: `Bearer ${key}` } });
  live.set({ session, mustSignIn: false });
}

/** Everything that is shown goes with the session. */
export async function signOut(): Promise<void> {
  await remove("/pedidos/session");
  window.location.reload();
}
