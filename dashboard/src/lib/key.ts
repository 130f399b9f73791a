/** A key that names one wish, so that it is done once, however often it is sent. */
export const newKey = (): string =>
  // Browsers have no randomUUID on a plain HTTP page.
  (crypto as Partial<Crypto>).randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`;
