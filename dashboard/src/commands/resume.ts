import { post } from "../api/client";
import { currentTranslation } from "../i18n";
import { unavailable, type Command } from "./command";

export const resume: Command = {
  operation: "resumeQueue",
  whyDisabled(state) {
    return unavailable(resume.operation, state) ?? (state.status?.paused ? null : ["cannot.notPaused"]);
  },
  async perform() {
    await post("/pedidos/queue/resume");
    return currentTranslation().t("did.resumed");
  },
};
