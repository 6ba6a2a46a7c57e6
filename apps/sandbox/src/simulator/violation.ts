/** A promise of the framework that did not hold, with what was seen instead. */
export interface Violation {
  /** R1–R13. */
  readonly promise: string;
  readonly reason: string;
}

/** Collects violations; the same sentence once. */
export class Violations {
  readonly list: Violation[] = [];

  add(promise: string, reason: string): void {
    if (this.list.some((one) => one.promise === promise && one.reason === reason)) return;
    this.list.push({ promise, reason });
  }
}
