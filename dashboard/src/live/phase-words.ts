import type { Phase } from "../api/client";
import type { Key, Translation } from "../i18n";

type T = Pick<Translation, "t">;

/** The name of a phase. A run that is done with dead letters does not pass for one without. */
export const phaseName = (phase: Phase, dead: number, { t }: T): string =>
  phase === "DONE" && dead > 0 ? t("done.dead", { n: dead }) : t(`phase.${phase}` as Key);

export const phaseWords = (phase: Phase, dead: number, { t }: T): string =>
  phase === "DONE" && dead > 0 ? t("done.dead.words", { n: dead }) : t(`phase.${phase}.words` as Key);
