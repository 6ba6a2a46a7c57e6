/** Says that nobody waits for a command's outcome any more. Every `AbortSignal` is one. */
export interface StopSignal {
  readonly aborted: boolean;
  /** Why; `undefined` until it is aborted. */
  readonly reason: unknown;
  /** @throws its reason */
  throwIfAborted(): void;
  /** Listeners are called once. One that comes too late is not called. */
  addEventListener(type: "abort", listener: () => void, options: { readonly once: true }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}
