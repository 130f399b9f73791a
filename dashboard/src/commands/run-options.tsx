import { useId } from "react";
import type { OnVipFailure } from "../api/client";
import { useTranslation, type Key } from "../i18n";
import { BUILTIN, DEFAULT, lacksWorker, processors } from "../live/holds";
import { useLive } from "../live/use";
import { Field, Note } from "./parts";
import { typed } from "./typed";

/** What holds a run back, as typed. */
export interface FlowChoice {
  pauseAfter: string;
  maxFailedPercent: string;
  onVipFailure: OnVipFailure;
}

/** What a start says of its run. */
export interface RunChoice extends FlowChoice {
  processor: string;
}

/** As the API has them: generated orders reach nobody, and those of a file are somebody's. */
export const GENERATED: RunChoice = { processor: BUILTIN, pauseAfter: "", maxFailedPercent: "", onVipFailure: "continue" };
export const IMPORTED: RunChoice = { processor: DEFAULT, pauseAfter: "", maxFailedPercent: "", onVipFailure: "hold" };

/** The parameters of a start. The API has a default for a processor, which the field would not show: it is always sent. */
export function optionsOf({ processor, pauseAfter, maxFailedPercent, onVipFailure }: RunChoice) {
  return {
    processor: processor.trim(),
    onVipFailure,
    ...(pauseAfter.trim() && { pauseAfter: typed(pauseAfter) }),
    ...(maxFailedPercent.trim() && { maxFailedPercent: typed(maxFailedPercent) }),
  };
}

const POLICIES: readonly OnVipFailure[] = ["continue", "hold"];

export function RunOptions({ choice, onChange }: { choice: RunChoice; onChange: (choice: RunChoice) => void }) {
  const { t } = useTranslation();
  const list = useId();
  const status = useLive((state) => state.status);
  const name = choice.processor.trim();
  const change = (part: Partial<RunChoice>) => onChange({ ...choice, ...part });
  return (
    <div className="space-y-4">
      <Field name={t("processor")} hint={t("option.processor.hint")} value={choice.processor} list={list} onChange={(processor) => change({ processor })} />
      <datalist id={list}>
        {processors(status).map((some) => (
          <option key={some} value={some} />
        ))}
      </datalist>
      {lacksWorker(name, status) && <Note>{t("option.processor.none", { name })}</Note>}
      <details className="rounded-xl border border-line px-4 py-3">
        <summary className="text-sm font-medium">{t("option.more")}</summary>
        <div className="mt-3 space-y-4">
          <FlowFields choice={choice} onChange={change} />
        </div>
      </details>
    </div>
  );
}

export function FlowFields({ choice, onChange }: { choice: FlowChoice; onChange: (change: Partial<FlowChoice>) => void }) {
  const { t } = useTranslation();
  const name = useId();
  return (
    <>
      <Field name={t("option.pauseAfter")} hint={t("option.pauseAfter.hint")} value={choice.pauseAfter} onChange={(pauseAfter) => onChange({ pauseAfter })} numeric />
      <Field
        name={t("option.maxFailedPercent")}
        hint={t("option.maxFailedPercent.hint")}
        value={choice.maxFailedPercent}
        onChange={(maxFailedPercent) => onChange({ maxFailedPercent })}
        numeric
      />
      <fieldset>
        <legend className="mb-2 text-sm font-medium">{t("option.onVipFailure")}</legend>
        <div className="flex flex-wrap gap-2">
          {POLICIES.map((some) => (
            <label key={some} className="flex items-center gap-2 rounded-lg border border-line px-3 py-1.5 text-sm has-checked:border-ink">
              <input type="radio" name={name} checked={choice.onVipFailure === some} onChange={() => onChange({ onVipFailure: some })} className="accent-ink" />
              {t(`option.onVipFailure.${some}` as Key)}
            </label>
          ))}
        </div>
      </fieldset>
    </>
  );
}
