import { resolve } from "node:path";
import { assertOptions, type Wanted } from "../wanted.ts";

/** SQLite's own words for what is no file would be one here: a file of that name, with customers' data, in the working folder. */
const noFile = /^(?::memory:|file:.*)?$/i;

const filePath: Wanted = {
  wants:
    "the path of a file (not SQLite's `:memory:` or `file:…`; `memoryEngine()` and `memoryStore()` keep nothing on disk)",
  is: (value) => typeof value === "string" && !noFile.test(value) && !value.includes("\0"),
};

/**
 * The absolute path of a file that options name.
 * @throws OrchestrationError `options/invalid` for what is no path, as of a variable that is not set
 */
export function pathIn(where: string, options: { readonly path: string }): string {
  assertOptions(where, options, { path: filePath });
  return resolve(options.path);
}
