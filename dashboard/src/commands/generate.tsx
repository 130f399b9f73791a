import { useState } from "react";
import { post } from "../api/client";
import { currentTranslation, useTranslation } from "../i18n";
import { shortId } from "../lib/format";
import { newKey } from "../lib/key";
import { isActive } from "../live/phases";
import { useLive } from "../live/use";
import { ConfirmForm, Dialog } from "../ui/dialog";
import { unavailable, type Command } from "./command";
import { FromFile } from "./import";
import { useLeaving } from "./leaving";
import { Field, Note, type DialogProps } from "./parts";
import { usePerform, useWhyDisabled } from "./perform";
import { GENERATED, optionsOf, RunOptions, type RunChoice } from "./run-options";
import { typed } from "./typed";

interface Input {
  quantity: string;
  seed: string;
  options: RunChoice;
  /** Sent again after an answer that was lost, it starts no second run. */
  idempotencyKey: string;
}

export const generate: Command<Input> = {
  operation: "generate",
  whyDisabled(state) {
    const reason = unavailable(generate.operation, state);
    if (reason) return reason;
    const { status } = state;
    return status && isActive(status.phase) ? ["cannot.active", { run: shortId(status.runId ?? "") }] : null;
  },
  async perform({ quantity, seed, options, idempotencyKey }) {
    const query = { quantity: typed(quantity), ...(seed.trim() && { seed: typed(seed) }), ...optionsOf(options) };
    const run = await post("/pedidos/generate", { query, headers: { "Idempotency-Key": idempotencyKey } });
    return currentTranslation().t(run.paused ? "did.generatedPaused" : "did.generated", { n: run.quantity });
  },
};

const WAYS = ["generated", "file"] as const;

/** A run of generated orders, or of those of a file. */
export function GenerateDialog({ onClose }: DialogProps) {
  const { t } = useTranslation();
  const [way, setWay] = useState<(typeof WAYS)[number]>("generated");
  const leaving = useLeaving(onClose);
  const isFile = way === "file";
  return (
    <Dialog wide={isFile} stays={leaving.asks} title={t("do.generate")} onClose={leaving.leave}>
      {!leaving.began && (
        <fieldset className="mb-4 flex flex-wrap gap-2">
          <legend className="sr-only">{t("way")}</legend>
          {WAYS.map((some) => (
            <label key={some} className="flex items-center gap-2 rounded-lg border border-line px-3 py-2 text-sm has-checked:border-ink">
              <input type="radio" name="way" checked={way === some} onChange={() => setWay(some)} className="accent-ink" />
              {t(`way.${some}`)}
            </label>
          ))}
        </fieldset>
      )}
      {isFile ? <FromFile leaving={leaving} onClose={onClose} /> : <Generated onClose={onClose} />}
    </Dialog>
  );
}

const QUANTITIES = [10_000, 100_000, 1_000_000];

function Generated({ onClose }: DialogProps) {
  const { t, n } = useTranslation();
  const { busy, error, run } = usePerform(true);
  const whyDisabled = useWhyDisabled(generate);
  const [quantity, setQuantity] = useState("1000000");
  const [seed, setSeed] = useState("");
  const [options, setOptions] = useState(GENERATED);
  const [idempotencyKey] = useState(newKey);
  const paused = useLive((state) => state.status?.paused);
  const whyNot = quantity.trim() === "" ? t("cannot.noQuantity") : null;
  const start = () => run(() => generate.perform({ quantity, seed, options, idempotencyKey }), onClose);
  return (
    <ConfirmForm reason={whyDisabled ?? whyNot} verb={t("do.start")} busy={busy} error={error} onConfirm={start} onClose={onClose}>
      <Field name={t("quantity")} hint={t("quantity.hint")} value={quantity} onChange={setQuantity} numeric />
      <div className="flex flex-wrap gap-2">
        {QUANTITIES.map((some) => (
          <button
            key={some}
            type="button"
            aria-pressed={quantity === String(some)}
            onClick={() => setQuantity(String(some))}
            className={`rounded-full border px-3 py-1.5 text-sm ${quantity === String(some) ? "border-ink bg-ink text-panel" : "border-quiet hover:bg-sunk"}`}
          >
            {n(some)}
          </button>
        ))}
      </div>
      <Field name={t("seed")} hint={t("seed.hint")} value={seed} onChange={setSeed} numeric />
      <RunOptions choice={options} onChange={setOptions} />
      {paused && <Note>{t("generate.paused")}</Note>}
    </ConfirmForm>
  );
}
