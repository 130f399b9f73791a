/** A value that says when it changes. */
export class Store<T extends object> {
  #state: T;
  #listeners = new Set<() => void>();

  constructor(state: T) {
    this.#state = state;
  }

  get = (): T => this.#state;

  set(change: Partial<T>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}
