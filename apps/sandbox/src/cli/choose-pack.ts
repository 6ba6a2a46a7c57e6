import { SandboxError } from "../errors.ts";
import type { Context } from "./context.ts";
import { type ChosenPack, packOfConfig, packOfFile } from "./own-pack.ts";
import { chosenPack, openPack, packNames } from "./packs.ts";
import { isFile } from "./team-file.ts";

/** What a person said about the pack, as they said it. */
export interface PackWords {
  readonly pack?: string | undefined;
  readonly tau2?: string | undefined;
  readonly scenarios?: string | undefined;
  readonly invoices?: string | undefined;
}

/**
 * The pack that is meant: a file of the person's own, one that comes along, or one that the project's configuration names.
 * Who says nothing means the only pack of their project, and outside of a project the order desk.
 * @throws SandboxError `pack/*`, `config/*`, `scenario/*`, `usage/wrong`
 * @throws Tau2Error
 */
export async function choosePack(
  { pack, tau2, scenarios, invoices }: PackWords,
  context: Context,
): Promise<ChosenPack> {
  const { place, project } = context;
  const within = (path: string | undefined) => (path === undefined ? undefined : place.resolve(path));
  if (tau2 === undefined && invoices === undefined && !comesAlong(pack)) {
    if (pack !== undefined && isFile(pack)) return packOfFile(place.resolve(pack), within(scenarios));
    const config = await project.config();
    const names = Object.keys(config?.packs ?? {});
    const name = pack ?? onlyOne(names, "packs", "pack");
    if (config && name !== undefined && names.includes(name)) {
      return packOfConfig(config.file, name, within(scenarios));
    }
    if (pack !== undefined)
      throw new SandboxError("pack/unknown", { pack, known: [...packNames, ...names].join(", ") });
  }
  const chosen = chosenPack({
    pack,
    tau2: within(tau2),
    scenarios: within(scenarios),
    invoices: within(invoices),
  });
  return { chosen, pack: await openPack(chosen) };
}

function comesAlong(pack: string | undefined): boolean {
  return pack !== undefined && (packNames as readonly string[]).includes(pack);
}

/**
 * What somebody means who says nothing: the only one there is.
 * @throws SandboxError `usage/wrong` where there are several
 */
export function onlyOne(names: readonly string[], many: string, one: string): string | undefined {
  if (names.length <= 1) return names[0];
  throw new SandboxError("usage/wrong", {
    reason: `remit.config.ts has several ${many}: name one ${one} of ${names.join(", ")}`,
  });
}
