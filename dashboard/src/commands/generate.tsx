import { useState } from "react";
import { post } from "../api/client";
import { currentTranslation, useTranslation } from "../i18n";
import { shortId } from "../lib/format";
import { isActive } from "../live/phases";
import { useLive } from "../live/use";
import { Confirm } from "../ui/dialog";
import { unavailable, type Command } from "./command";
import { Field, Note, type DialogProps } from "./parts";
import { usePerform, useWhyDisabled } from "./perform";

interface Input {
  quantity: string;
  seed: string;
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
  async perform({ quantity, seed, idempotencyKey }) {
    // As typed: the API says what is wrong with it.
    const query = { quantity: quantity.trim() as unknown as number, ...(seed.trim() && { seed: seed.trim() as unknown as number }) };
    const run = await post("/pedidos/generate", { query, headers: { "Idempotency-Key": idempotencyKey } });
    return currentTranslation().t(run.paused ? "did.generatedPaused" : "did.generated", { n: run.quantity });
  },
};

const QUANTITIES = [10_000, 100_000, 1_000_000];

export function GenerateDialog({ onClose }: DialogProps) {
  const { t, n } = useTranslation();
  const { busy, error, run } = usePerform(true);
  const whyDisabled = useWhyDisabled(generate);
  const [quantity, setQuantity] = useState("1000000");
  const [seed, setSeed] = useState("");
  const [idempotencyKey] = useState(() => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`);
  const paused = useLive((state) => state.status?.paused);
  const start = () => run(() => generate.perform({ quantity, seed, idempotencyKey }), onClose);
  return (
    <Confirm title={t("do.generate")} reason={whyDisabled} verb={t("do.start")} busy={busy} error={error} onConfirm={start} onClose={onClose}>
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
      {paused && <Note>{t("generate.paused")}</Note>}
    </Confirm>
  );
}
