import { dirname } from "node:path";
import { readConfig } from "../config/read-config.ts";
import { SandboxError } from "../errors.ts";
import type { OwnPack } from "../own/define-pack.ts";
import { exportsOf, kindOf } from "../own/module.ts";
import type { Pack } from "../pack.ts";
import type { SuiteFile, SuitePack } from "../suite/workspace.ts";
import { offlineTeam } from "./offline-team.ts";

/** Packs of a person's own: modules that export what `definePack` has made. */

/** A pack with what a suite's file keeps of it. */
export interface ChosenPack {
  readonly chosen: SuitePack;
  readonly pack: Pack;
}

/**
 * The pack of a module.
 * @param file absolute
 * @param scenarios absolute; in place of the pack's own
 * @throws SandboxError `pack/file-missing`, `pack/not-loadable`, `pack/not-exported`, `pack/failed`
 */
export async function packOfFile(file: string, scenarios?: string): Promise<ChosenPack> {
  const { default: main, ...others } = await exportsOf(file, {
    missing: "pack/file-missing",
    broken: "pack/not-loadable",
  });
  const found = [main, ...Object.values(others)].find((one) => kindOf(one) === "pack");
  if (!found) throw new SandboxError("pack/not-exported", { file });
  return chosenOf(found as OwnPack, { file, ...(scenarios === undefined ? {} : { scenarios }) });
}

/**
 * A pack of a configuration, by its name there.
 * @throws SandboxError `config/*`, `pack/changed` when the configuration does not have it
 */
export async function packOfConfig(file: string, member: string, scenarios?: string): Promise<ChosenPack> {
  const { packs } = await readConfig(file);
  const found = packs[member];
  if (found === undefined)
    throw new SandboxError("pack/changed", { file, reason: `it names no pack ${member} any more` });
  if (typeof found === "string") return packOfFile(found, scenarios);
  return chosenOf(found, { file, member, ...(scenarios === undefined ? {} : { scenarios }) });
}

/** What a suite keeps of a pack that was found in a file. */
export function chosenOf(
  found: OwnPack,
  { file, member, scenarios }: { readonly file: string; readonly member?: string; readonly scenarios?: string },
): ChosenPack {
  const pack = found.at({ folder: dirname(file), scenarios });
  return {
    chosen: {
      name: pack.name,
      ...(scenarios === undefined ? {} : { folder: scenarios }),
      module: { file, ...(member === undefined ? {} : { member }), definition: offlineTeam(pack).hash },
    },
    pack,
  };
}

/** @throws SandboxError `pack/changed` when a scenario of the suite is not in its own pack any more */
export function assertScenarios(
  { pack: { module }, scenarios }: Pick<SuiteFile, "pack" | "scenarios">,
  pack: Pack,
): void {
  if (module === undefined) return;
  const known = new Set(pack.scenarios().map(({ name }) => name));
  const gone = scenarios.find((name) => !known.has(name));
  if (gone === undefined) return;
  throw new SandboxError("pack/changed", { file: module.file, reason: `it has no scenario "${gone}" any more` });
}

/**
 * The pack of a suite again, which must be what it was: its runs are pinned to the team that they began with.
 * @throws SandboxError `pack/changed`, and as `packOfFile`
 */
export async function openOwnPack({ name, folder, module }: SuitePack): Promise<Pack> {
  const { file = "", member, definition } = module ?? {};
  const { chosen, pack } = await (member === undefined ? packOfFile(file, folder) : packOfConfig(file, member, folder));
  const changed = (reason: string) => new SandboxError("pack/changed", { file, reason });
  if (chosen.name !== name) throw changed(`its pack is called ${chosen.name} now, and was ${name}`);
  if (chosen.module?.definition !== definition) {
    throw changed(`its team's definition is ${chosen.module?.definition} as it was loaded here, and was ${definition}`);
  }
  return pack;
}
