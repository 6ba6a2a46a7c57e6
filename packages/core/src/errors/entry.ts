/** What a code means. `message` names members of the error's `data` in braces. */
export interface ErrorEntry {
  readonly retryable: boolean;
  readonly message: string;
  readonly hint: string;
}

/** A table of the codes of some families. A family has its place in one table alone. */
export type ErrorTable<Family extends string> = { readonly [Code in `${Family}/${string}`]: ErrorEntry };
