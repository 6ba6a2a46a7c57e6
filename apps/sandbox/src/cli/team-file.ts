import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { type CheckOptions, reasonOf, type SupervisorDefinition } from "@remit/core";
import { SandboxError } from "../errors.ts";
import type { OwnPack } from "../own/define-pack.ts";
import { offlineTeam } from "./offline-team.ts";

/** A supervisor that a person's own file exports, with what it will be run with as far as the file says. */
export interface CheckedTeam {
  readonly definition: SupervisorDefinition;
  readonly options: CheckOptions;
}

/** True for a word that means a file and not a pack. */
export function isFile(word: string): boolean {
  return /[\\/]|\.[cm]?[jt]s$/.test(word);
}

/**
 * The supervisors that a module exports, compiled or put to work, alone or in a list, or those of its packs; its export `checkOptions` is what they
 * are looked at with. The module is run, as any program of the person's would be.
 * @throws SandboxError `usage/wrong` where there is no file, it cannot be loaded, or it exports none
 */
export async function teamsOfFile(file: string): Promise<readonly CheckedTeam[]> {
  const wrong = (reason: string) => new SandboxError("usage/wrong", { reason });
  if (!existsSync(file)) throw wrong(`there is no file at ${file}`);
  const module = await import(pathToFileURL(file).href).catch((thrown: unknown) => {
    throw wrong(`${file} cannot be loaded: ${reasonOf(thrown)}`);
  });
  const { checkOptions = {}, ...exported } = module as Readonly<Record<string, unknown>>;
  const definitions = new Set(
    Object.values(exported)
      .flat()
      .flatMap((one) => definitionIn(one, dirname(file))),
  );
  if (definitions.size === 0) throw wrong(`${file} exports no supervisor`);
  return [...definitions].map((definition) => ({ definition, options: checkOptions as CheckOptions }));
}

function definitionIn(value: unknown, folder: string): SupervisorDefinition[] {
  if (typeof value !== "object" || value === null) return [];
  if ("kind" in value && value.kind === "pack") return [offlineTeam((value as OwnPack).at({ folder }))];
  if ("kind" in value && value.kind === "supervisor") return [value as SupervisorDefinition];
  return "definition" in value ? definitionIn(value.definition, folder) : [];
}
