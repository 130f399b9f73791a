import type { ImportState } from "../api/client";
import { useTranslation, type Key } from "../i18n";

export const STATES: readonly ImportState[] = ["open", "sealed", "started", "discarded", "deleted"];

const STYLES: Record<ImportState, string> = {
  open: "bg-warn-wash text-warn",
  sealed: "bg-warn-wash text-warn",
  started: "bg-normal-wash text-normal",
  discarded: "bg-sunk text-soft",
  deleted: "bg-sunk text-soft",
};

export function StateBadge({ state }: { state: ImportState }) {
  const { t } = useTranslation();
  return (
    <span data-import-state={state} className={`rounded-full px-2.5 py-1 text-xs font-semibold whitespace-nowrap ${STYLES[state]}`}>
      {t(`import.state.${state}` as Key)}
    </span>
  );
}

/** It can still be started or discarded. */
export const isPending = (state: ImportState): boolean => state === "open" || state === "sealed";
