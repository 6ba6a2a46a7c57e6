import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder and those above it, one by one: `mkdirSync` with `recursive` goes round for ever where the system says of a
 * new folder that there is no such file, as under `/proc`.
 */
export function makeFolder(path: string): void {
  if (made(path)) return;
  makeFolder(dirname(path));
  if (!made(path)) mkdirSync(path);
}

/** False where one above it is missing, or the place takes none. */
function made(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (thrown) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return true;
    if ((thrown as NodeJS.ErrnoException).code !== "ENOENT" || dirname(path) === path) throw thrown;
    return false;
  }
}
