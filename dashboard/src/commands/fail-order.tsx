import { post, type HeldOrder } from "../api/client";
import { currentTranslation, useTranslation } from "../i18n";
import { Confirm } from "../ui/dialog";
import { unavailable, type Command } from "./command";
import { Note, type DialogProps } from "./parts";
import { usePerform, useWhyDisabled } from "./perform";

/** Ends an order that its processor does not end. */
export const failOrder: Command<string> = {
  operation: "failOrder",
  whyDisabled: (state) => unavailable(failOrder.operation, state),
  async perform(id) {
    await post("/pedidos/orders/{id}/fail", { path: { id }, timeout: 60_000 });
    return currentTranslation().t("did.failed", { id });
  },
};

export function FailDialog({ of: { id, error: why }, onClose }: DialogProps & { of: NonNullable<HeldOrder> }) {
  const { t } = useTranslation();
  const { busy, error, run } = usePerform(true);
  const whyDisabled = useWhyDisabled(failOrder);
  const confirm = () => run(() => failOrder.perform(id), onClose);
  return (
    <Confirm title={t("fail.title")} reason={whyDisabled} verb={t("do.fail")} danger busy={busy} error={error} onConfirm={confirm} onClose={onClose}>
      <p>
        <code className="text-sm break-all">{id}</code>
      </p>
      <p className="font-mono text-sm break-words text-bad">{why}</p>
      <p>{t("fail.words")}</p>
      <Note>{t("fail.note")}</Note>
    </Confirm>
  );
}
