import type { Context } from "./context.ts";
import { type ChosenPack, packOfFile } from "./own-pack.ts";
import { chosenPack, openPack } from "./packs.ts";
import { isFile } from "./team-file.ts";

/** What a person said about the pack, as they said it. */
export interface PackWords {
  readonly pack?: string | undefined;
  readonly tau2?: string | undefined;
  readonly scenarios?: string | undefined;
}

/**
 * The pack that is meant: one that comes along, or one of the person's own.
 * @throws SandboxError `pack/*`, `scenario/*`, `usage/wrong`
 * @throws Tau2Error
 */
export async function choosePack({ pack, tau2, scenarios }: PackWords, { place }: Context): Promise<ChosenPack> {
  const within = (path: string | undefined) => (path === undefined ? undefined : place.resolve(path));
  if (pack !== undefined && tau2 === undefined && isFile(pack)) {
    return packOfFile(place.resolve(pack), within(scenarios));
  }
  const chosen = chosenPack({ pack, tau2: within(tau2), scenarios: within(scenarios) });
  return { chosen, pack: await openPack(chosen) };
}
