import type { EntryBodies, EntryType } from "../event.ts";

/** Where a stream stands: seq and hash of its last entry. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

/** The head of a stream that has no entry yet. */
export const emptyHead: Head = { seq: 0, hash: "" };

/** An entry that is not yet in a journal. */
export interface Draft<Type extends EntryType = EntryType> {
  readonly type: Type;
  readonly at: number;
  readonly path: string;
  readonly cause: number;
  readonly body: EntryBodies[Type];
}
