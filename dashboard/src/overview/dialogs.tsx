import { useEffect, useId, useState, type ReactNode } from "react";
import { get, post, type CleanState } from "../api/client";
import { useSpeech, type Key } from "../i18n";
import { useLive } from "../live/use";
import { Confirm } from "../ui/dialog";
import { useDeed, useWhyNot } from "./actions";
import { both, pending } from "./balance";
import { cannotClean, CLEANED } from "./can";

interface Props {
  onClose: () => void;
}

const QUANTITIES = [10_000, 100_000, 1_000_000];

export function Generate({ onClose }: Props) {
  const { t, n } = useSpeech();
  const { busy, error, run } = useDeed(true);
  const whyNot = useWhyNot("generate");
  const [quantity, setQuantity] = useState("1000000");
  const [seed, setSeed] = useState("");
  const [key] = useState(() => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`);
  const paused = useLive((state) => state.status?.paused);
  const start = () =>
    run(async () => {
      const query = { quantity: quantity.trim() as unknown as number, ...(seed.trim() && { seed: seed.trim() as unknown as number }) };
      // Sent again after an answer that was lost, it is the same run.
      const made = await post("/pedidos/generate", { query, headers: { "Idempotency-Key": key } });
      return t(made.paused ? "did.generatedPaused" : "did.generated", { n: made.quantity });
    }, onClose);
  return (
    <Confirm title={t("do.generate")} reason={whyNot} verb={t("do.start")} busy={busy} error={error} onConfirm={start} onClose={onClose}>
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

export function Cancel({ onClose }: Props) {
  const { t, n } = useSpeech();
  const { busy, error, run } = useDeed(true);
  const whyNot = useWhyNot("cancel");
  const status = useLive((state) => state.status);
  const [options, setOptions] = useState({ purge: true, removePending: true, resetLogs: false });
  if (!status) return null;
  const { stored, unborn } = pending(status);
  const cancel = () =>
    run(async () => {
      const done = await post("/pedidos/cancel", { query: options, patience: 60_000 });
      return done.aborted && done.summary
        ? t("did.cancelled", { removed: done.removedPending, processed: done.summary.processed })
        : done.message;
    }, onClose);
  const option = (name: keyof typeof options) => (
    <Check
      key={name}
      name={t(`cancel.${name}` as Key)}
      hint={t(`cancel.${name}.hint` as Key)}
      checked={options[name]}
      onChange={(checked) => setOptions({ ...options, [name]: checked })}
    />
  );
  return (
    <Confirm title={t("cancel.title")} reason={whyNot} verb={t("do.cancel")} danger busy={busy} error={error} onConfirm={cancel} onClose={onClose}>
      <p>{t("cancel.words")}</p>
      <Losses>
        <Loss name={t("cancel.stored")} value={n(stored)} bad={stored > 0} />
        <Loss name={t("cancel.unborn")} value={n(unborn)} bad={unborn > 0} />
        <Loss name={t("cancel.dead")} value={n(both(status, "dead"))} bad={both(status, "dead") > 0 && options.purge} />
        <Loss name={t("cancel.kept")} value={n(both(status, "processed"))} />
      </Losses>
      <fieldset className="space-y-2.5">
        <legend className="sr-only">{t("options")}</legend>
        {(["purge", "removePending", "resetLogs"] as const).map(option)}
      </fieldset>
    </Confirm>
  );
}

export function Reset({ onClose }: Props) {
  const { t, n } = useSpeech();
  const { busy, error, run } = useDeed(true);
  const whyNot = useWhyNot("reset");
  const status = useLive((state) => state.status);
  const [history, setHistory] = useState<{ runs: number; orders: number; more: boolean } | null>(null);
  useEffect(() => {
    get("/pedidos/runs", { query: { limit: 200 } }).then(
      ({ runs, nextCursor }) =>
        setHistory({
          runs: runs.length,
          orders: runs.reduce((sum, run) => sum + run.quantity, 0),
          more: nextCursor !== null,
        }),
      () => setHistory(null),
    );
  }, []);
  const reset = () =>
    run(async () => {
      const done = await post("/pedidos/reset", { patience: 120_000 });
      return t("did.reset", { orders: done.removedOrders, runs: done.removedRuns });
    }, onClose);
  const more = history?.more ? "+" : "";
  return (
    <Confirm title={t("reset.title")} reason={whyNot} verb={t("do.reset")} danger busy={busy} error={error} onConfirm={reset} onClose={onClose}>
      <p>{t("reset.words")}</p>
      <Losses>
        <Loss name={t("reset.runs")} value={history ? n(history.runs) + more : "…"} bad />
        <Loss name={t("reset.orders")} value={history ? n(history.orders) + more : "…"} bad />
        <Loss name={t("reset.current")} value={n(status?.progress.generated ?? 0)} bad={(status?.progress.generated ?? 0) > 0} />
      </Losses>
      <Note>{t("reset.note")}</Note>
    </Confirm>
  );
}

export function Retry({ onClose }: Props) {
  const { t, n } = useSpeech();
  const { busy, error, run } = useDeed(true);
  const whyNot = useWhyNot("retry");
  const status = useLive((state) => state.status);
  if (!status) return null;
  const retry = () =>
    run(async () => {
      const { retried } = await post("/pedidos/queue/retry-failed", { patience: 60_000 });
      return t("did.retried", { n: retried });
    }, onClose);
  return (
    <Confirm title={t("retry.title")} reason={whyNot} verb={t("do.retryAll")} busy={busy} error={error} onConfirm={retry} onClose={onClose}>
      <Losses>
        <Loss name={t("retry.dead")} value={n(both(status, "dead"))} />
      </Losses>
      <Note>{t("retry.note")}</Note>
    </Confirm>
  );
}

const STATES = Object.keys(CLEANED) as CleanState[];

export function Clean({ first = "wait", onClose }: Props & { first?: CleanState }) {
  const { t, n } = useSpeech();
  const { busy, error, run } = useDeed(true);
  const [what, setWhat] = useState<CleanState>(first);
  const state = useLive((state) => state);
  const { status } = state;
  if (!status) return null;
  const reason = cannotClean(what, state);
  const clean = () => {
    run(async () => {
      const { removed } = await post("/pedidos/queue/clean", { query: { state: what }, patience: 120_000 });
      return t(what === "completed" ? "did.hidden" : "did.cleaned", { n: removed });
    }, onClose);
  };
  return (
    <Confirm title={t("clean.title")} reason={reason && t(...reason)} verb={t("do.clean")} danger busy={busy} error={error} onConfirm={clean} onClose={onClose}>
      <fieldset className="space-y-1.5">
        <legend className="mb-2 text-sm text-soft">{t("clean.which")}</legend>
        {STATES.map((some) => (
          <label key={some} className="flex items-baseline gap-3 rounded-lg border border-line px-3 py-2 has-checked:border-ink">
            <input type="radio" name="state" checked={what === some} onChange={() => setWhat(some)} className="accent-ink" />
            <span className="flex-1">{t(`state.${some}` as Key)}</span>
            <span className="font-semibold">{n(both(status, CLEANED[some]))}</span>
          </label>
        ))}
      </fieldset>
      {!reason && <Note>{t(`clean.${what}` as Key, { n: both(status, CLEANED[what]) })}</Note>}
    </Confirm>
  );
}

function Losses({ children }: { children: ReactNode }) {
  return <dl className="divide-y divide-line rounded-xl border border-line px-4">{children}</dl>;
}

function Loss({ name, value, bad }: { name: string; value: string; bad?: boolean }) {
  return (
    <div className="flex items-baseline justify-between gap-4 py-2.5">
      <dt className="text-sm">{name}</dt>
      <dd className={`text-lg font-semibold ${bad ? "text-bad" : ""}`}>{value}</dd>
    </div>
  );
}

export function Note({ children }: { children: ReactNode }) {
  return <p className="rounded-lg bg-warn-wash px-3 py-2 text-sm text-warn">{children}</p>;
}

function Check({ name, hint, checked, onChange }: { name: string; hint: string; checked: boolean; onChange: (checked: boolean) => void }) {
  return (
    <label className="flex gap-3">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} className="mt-1 size-4 accent-ink" />
      <span>
        <span className="block text-sm font-medium">{name}</span>
        <span className="block text-sm text-soft">{hint}</span>
      </span>
    </label>
  );
}

function Field({ name, hint, value, onChange, numeric }: { name: string; hint: string; value: string; onChange: (value: string) => void; numeric?: boolean }) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {name}
      </label>
      <input
        id={id}
        className="field"
        value={value}
        autoComplete="off"
        inputMode={numeric ? "numeric" : undefined}
        aria-describedby={`${id}-hint`}
        onChange={(event) => onChange(event.target.value)}
      />
      <p id={`${id}-hint`} className="mt-1 text-sm text-soft">
        {hint}
      </p>
    </div>
  );
}
