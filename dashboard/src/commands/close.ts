import { post } from "../api/client";
import { currentTranslation } from "../i18n";
import { forbidden, unreachable, type Command } from "./command";

/** Has the replica of the API connect to Redis anew. */
export const close: Command = {
  operation: "closeQueue",
  whyDisabled(state) {
    const denied = forbidden(close.operation, state);
    if (denied) return denied;
    const reason = unreachable(state);
    // New connections may help against an outage of a store.
    return reason?.[0] === "cannot.redis" || reason?.[0] === "cannot.store" ? null : reason;
  },
  async perform() {
    await post("/pedidos/queue/close");
    return currentTranslation().t("did.closed");
  },
};
