import { useState } from "react";
import { post, type Import } from "../api/client";
import { currentTranslation, useTranslation } from "../i18n";
import { ImportCounts } from "../imports/counts";
import { FirstRejects } from "../imports/rejects";
import { shortId } from "../lib/format";
import { isActive } from "../live/phases";
import { useLive } from "../live/use";
import { ConfirmForm, Dialog } from "../ui/dialog";
import { unavailable, type Command } from "./command";
import { Check, Note, type DialogProps } from "./parts";
import { usePerform, useWhyDisabled } from "./perform";
import { IMPORTED, optionsOf, RunOptions, type RunChoice } from "./run-options";

interface Input {
  of: Import;
  skip: boolean;
  options: RunChoice;
}

export const startImport: Command<Input> = {
  operation: "startImport",
  whyDisabled(state) {
    const reason = unavailable(startImport.operation, state);
    if (reason) return reason;
    const { status } = state;
    return status && isActive(status.phase) ? ["cannot.active", { run: shortId(status.runId ?? "") }] : null;
  },
  async perform({ of: { importId, lines }, skip, options }) {
    // Another number of lines is not what was shown.
    const query = { onRejects: skip ? ("skip" as const) : ("stop" as const), lines, ...optionsOf(options) };
    const run = await post("/pedidos/imports/{importId}/start", { path: { importId: importId ?? "" }, query, timeout: 60_000 });
    return currentTranslation().t(run.paused ? "did.generatedPaused" : "did.generated", { n: run.quantity });
  },
};

export function StartDialog({ of, onClose }: DialogProps & { of: Import }) {
  const { t } = useTranslation();
  return (
    <Dialog wide={of.rejected > 0} title={t("import.start.title")} onClose={onClose}>
      <StartForm of={of} onClose={onClose} />
    </Dialog>
  );
}

/** What becomes a run, before it does. */
export function StartForm({ of, onClose }: DialogProps & { of: Import }) {
  const { t, n } = useTranslation();
  const { busy, error, run } = usePerform(true);
  const whyDisabled = useWhyDisabled(startImport);
  const paused = useLive((state) => state.status?.paused);
  const [skip, setSkip] = useState(false);
  const [options, setOptions] = useState(IMPORTED);
  const whyNot = of.accepted === 0 ? t("cannot.noOrders") : of.rejected > 0 && !skip ? t("cannot.rejects", { n: of.rejected }) : null;
  const start = () => run(() => startImport.perform({ of, skip, options }), onClose);
  return (
    <ConfirmForm reason={whyDisabled ?? whyNot} verb={t("do.start")} busy={busy} error={error} onConfirm={start} onClose={onClose}>
      <p data-import={of.importId}>{t("import.start.words", { n: of.lines })}</p>
      <ImportCounts of={of} />
      <FirstRejects of={of} />
      {of.rejected > 0 && of.accepted > 0 && <Check name={t("import.skip")} hint={t("import.skip.hint", { n: n(of.accepted) })} checked={skip} onChange={setSkip} />}
      <RunOptions choice={options} onChange={setOptions} />
      {paused && <Note>{t("generate.paused")}</Note>}
    </ConfirmForm>
  );
}
