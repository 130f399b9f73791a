import { currentTranslation } from "../i18n";
import { wholeNumber } from "../lib/format";

/** A number as typed. What is none goes to the API as it is, which says what is wrong with it. */
export const typed = (text: string): number => wholeNumber(text, currentTranslation().language) as unknown as number;

/** The same for a body, where numbers are no text; empty: none. */
export function typedOrNone(text: string): number | null {
  const number = wholeNumber(text, currentTranslation().language);
  if (number === "") return null;
  return /^\d+$/.test(number) ? Number(number) : (number as unknown as number);
}
