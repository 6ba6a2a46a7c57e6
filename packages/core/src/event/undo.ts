import type { Json } from "../json.ts";

/** One write of an ended run that shall be undone, by the tool that its own tool names. */
export interface Undo {
  /** The effect that is undone, in the run that `compensates` names. */
  readonly effect: string;
  readonly undoes: string;
  readonly tool: string;
  readonly input: Json;
}
