import { existsSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Where the files are inside a checkout of tau2-bench. */
const insideCheckout = ["data", "tau2", "domains", "telecom"];
/** Files of tasks in a folder, the first that there is. Another one is named itself. */
const taskFiles = ["tasks.json", "tasks_small.json", "tasks_full.json"] as const;

export const carrierFile = "db.toml";
export const phoneFile = "user_db.toml";

const isFile = (path: string): boolean => existsSync(path) && statSync(path).isFile();

/** The folder and the file of tasks that a path means: a folder, a checkout's root, or a file of tasks itself. */
export function placeOf(path: string): { readonly folder: string; readonly taskFile: string } {
  if (isFile(path)) return { folder: dirname(path), taskFile: basename(path) };
  const inside = join(path, ...insideCheckout);
  const folder = !existsSync(join(path, carrierFile)) && existsSync(join(inside, carrierFile)) ? inside : path;
  return { folder, taskFile: taskFiles.find((name) => existsSync(join(folder, name))) ?? taskFiles[0] };
}

/** True for a path that means this domain without saying so: the carrier's books lie there. A checkout's root has several domains. */
export function isTelecomPath(path: string): boolean {
  return existsSync(join(isFile(path) ? dirname(path) : path, carrierFile));
}
