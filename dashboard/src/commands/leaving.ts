import { useState } from "react";

export interface Leaving {
  /** An upload goes on: the dialog asks before it closes. */
  asks: boolean;
  setAsks: (asks: boolean) => void;
  /** An upload goes on, or has ended: there is no way back to another kind of run. */
  began: boolean;
  setBegan: (began: boolean) => void;
  /** It has asked, and waits for an answer. */
  asked: boolean;
  leave: () => void;
  stay: () => void;
}

/** A dialog that closes at once, unless something would be cut off. */
export function useLeaving(onClose: () => void): Leaving {
  const [asks, setAsks] = useState(false);
  const [began, setBegan] = useState(false);
  const [asked, setAsked] = useState(false);
  return { asks, setAsks, began, setBegan, asked: asks && asked, leave: () => (asks ? setAsked(true) : onClose()), stay: () => setAsked(false) };
}
