import type { StopSignal } from "../port/stop-signal.ts";

/**
 * The signal of one command, and what aborts it. Each command has one and few are ever aborted: an `AbortController` is an
 * event target with maps and lists of its own, and was a fiftieth of a run.
 */
export class Stop implements StopSignal {
  #reason: unknown;
  #listeners: readonly (() => void)[] = none;

  get aborted(): boolean {
    return this.#reason !== undefined;
  }

  get reason(): unknown {
    return this.#reason;
  }

  throwIfAborted(): void {
    if (this.#reason !== undefined) throw this.#reason;
  }

  addEventListener(_type: "abort", listener: () => void): void {
    if (!this.aborted && !this.#listeners.includes(listener)) this.#listeners = this.#listeners.concat(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    if (this.#listeners.length === 0) return;
    this.#listeners =
      this.#listeners.length === 1 && this.#listeners[0] === listener
        ? none
        : this.#listeners.filter((one) => one !== listener);
  }

  /** Tells all who listen, also when one of them throws: that is thrown then, as an event target does it. */
  abort(): void {
    if (this.aborted) return;
    this.#reason = new DOMException("This operation was aborted", "AbortError");
    for (let listener = this.#next(); listener; listener = this.#next()) {
      try {
        listener();
      } catch (thrown) {
        process.nextTick(() => {
          throw thrown;
        });
      }
    }
  }

  /** The next one to tell: who was taken away by one before is not told. */
  #next(): (() => void) | undefined {
    const [next, ...others] = this.#listeners;
    this.#listeners = others;
    return next;
  }
}

const none: readonly (() => void)[] = [];
