import type { Live } from "../live/store";
import { unavailable, type Reason } from "./command";

/** Sends the orders of a file. An `Upload` performs it, and takes its time. */
export const upload = {
  operation: "uploadOrders",
  whyDisabled: (state: Live): Reason | null => unavailable("createImport", state) ?? unavailable(upload.operation, state),
};
