import { useState } from "react";
import { patch, type Limits } from "../api/client";
import { currentTranslation, useTranslation, type Translation } from "../i18n";
import { useLive } from "../live/use";
import { Confirm } from "../ui/dialog";
import { unavailable, type Command } from "./command";
import { Field, type DialogProps } from "./parts";
import { usePerform, useWhyDisabled } from "./perform";
import { typedOrNone } from "./typed";

/** As typed; empty: no limit. */
interface Input {
  ordersPerSecond: string;
  maxInFlight: string;
}

/** The limits in words; empty: there are none. */
export function limitsText({ ordersPerSecond, maxInFlight }: Limits, { t }: Pick<Translation, "t">): string {
  const parts = [ordersPerSecond !== null && t("limits.rate", { n: ordersPerSecond }), maxInFlight !== null && t("limits.inFlight", { n: maxInFlight })];
  return parts.filter((part) => part !== false).join(", ");
}

export const setLimits: Command<Input> = {
  operation: "setLimits",
  whyDisabled: (state) => unavailable(setLimits.operation, state),
  async perform({ ordersPerSecond, maxInFlight }) {
    const limits = await patch("/pedidos/queue/limits", { ordersPerSecond: typedOrNone(ordersPerSecond), maxInFlight: typedOrNone(maxInFlight) });
    const { t } = currentTranslation();
    const text = limitsText(limits, { t });
    return text ? t("did.limits", { limits: text }) : t("did.lifted");
  },
};

export const liftLimits: Command = {
  operation: setLimits.operation,
  whyDisabled(state) {
    const limits = state.status?.limits;
    const none = limits?.ordersPerSecond === null && limits.maxInFlight === null;
    return setLimits.whyDisabled(state) ?? (none ? ["cannot.noLimits"] : null);
  },
  perform: () => setLimits.perform({ ordersPerSecond: "", maxInFlight: "" }),
};

export function LimitsDialog({ onClose }: DialogProps) {
  const { t } = useTranslation();
  const { busy, error, run } = usePerform(true);
  const whyDisabled = useWhyDisabled(setLimits);
  const known = useLive((state) => state.status?.limits);
  const [ordersPerSecond, setRate] = useState(String(known?.ordersPerSecond ?? ""));
  const [maxInFlight, setMost] = useState(String(known?.maxInFlight ?? ""));
  const confirm = () => run(() => setLimits.perform({ ordersPerSecond, maxInFlight }), onClose);
  return (
    <Confirm title={t("limits.title")} reason={whyDisabled} verb={t("do.setLimits")} busy={busy} error={error} onConfirm={confirm} onClose={onClose}>
      <p>{t("limits.words")}</p>
      <Field name={t("limits.perSecond")} hint={t("limits.perSecond.hint")} value={ordersPerSecond} onChange={setRate} numeric />
      <Field name={t("limits.atOnce")} hint={t("limits.atOnce.hint")} value={maxInFlight} onChange={setMost} numeric />
    </Confirm>
  );
}
