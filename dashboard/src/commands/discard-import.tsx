import { remove, type Import } from "../api/client";
import { currentTranslation, useTranslation } from "../i18n";
import { Confirm } from "../ui/dialog";
import { unavailable, type Command } from "./command";
import { Count, Counts, type DialogProps } from "./parts";
import { usePerform, useWhyDisabled } from "./perform";

export const discardImport: Command<Import> = {
  operation: "discardImport",
  whyDisabled: (state) => unavailable(discardImport.operation, state),
  async perform({ importId }) {
    const { removedOrders } = await remove("/pedidos/imports/{importId}", { path: { importId: importId ?? "" }, timeout: 120_000 });
    return currentTranslation().t("did.discarded", { n: removedOrders });
  },
};

export function DiscardDialog({ of, onClose }: DialogProps & { of: Import }) {
  const { t, n } = useTranslation();
  const { busy, error, run } = usePerform(true);
  const whyDisabled = useWhyDisabled(discardImport);
  const confirm = () => run(() => discardImport.perform(of), onClose);
  return (
    <Confirm title={t("import.discard.title")} reason={whyDisabled} verb={t("do.discard")} danger busy={busy} error={error} onConfirm={confirm} onClose={onClose}>
      <p>{t("import.discard.words")}</p>
      <Counts>
        <Count name={t("import.accepted")} value={n(of.accepted)} bad={of.accepted > 0} />
        <Count name={t("import.rejected")} value={n(of.rejected)} />
      </Counts>
    </Confirm>
  );
}
