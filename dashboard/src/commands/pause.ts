import { post } from "../api/client";
import { currentTranslation } from "../i18n";
import { unavailable, type Command } from "./command";

export const pause: Command = {
  operation: "pauseQueue",
  whyDisabled(state) {
    return unavailable(pause.operation, state) ?? (state.status?.paused ? ["cannot.isPaused"] : null);
  },
  async perform() {
    const { t } = currentTranslation();
    const { inFlight } = await post("/pedidos/queue/pause");
    return inFlight ? t("did.pausing", { n: inFlight }) : t("did.paused");
  },
};
