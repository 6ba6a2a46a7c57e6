import type { JsonSchema } from "@remit/core";
import type { Dialect, Problem } from "./checker.ts";

/** What goes to the thread that checks, and what comes back. One request at a time. */

export type ThreadRequest =
  | { readonly type: "compile"; readonly schema: number; readonly document: JsonSchema; readonly dialect: Dialect }
  | { readonly type: "check"; readonly schema: number; readonly value: unknown };

export type ThreadAnswer =
  | { readonly type: "ready" }
  | { readonly type: "compiled" }
  /** The document is no schema. */
  | { readonly type: "refused"; readonly reason: string }
  | { readonly type: "checked"; readonly problems: readonly Problem[] };
