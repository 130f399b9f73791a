import { useId, type ReactNode } from "react";

export interface DialogProps {
  onClose: () => void;
}

/** What a command affects, as a list of counts. */
export function Counts({ children }: { children: ReactNode }) {
  return <dl className="divide-y divide-line rounded-xl border border-line px-4">{children}</dl>;
}

export function Count({ name, value, bad }: { name: string; value: string; bad?: boolean }) {
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

export function Check({ name, hint, checked, onChange }: { name: string; hint: string; checked: boolean; onChange: (checked: boolean) => void }) {
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

interface FieldProps {
  name: string;
  hint: string;
  value: string;
  onChange: (value: string) => void;
  numeric?: boolean;
  /** The id of a list of suggestions. */
  list?: string;
}

export function Field({ name, hint, value, onChange, numeric, list }: FieldProps) {
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
        list={list}
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
