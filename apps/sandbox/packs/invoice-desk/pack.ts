import { fileURLToPath } from "node:url";
import type { Scenario } from "@remit/core/testing";
import type { WorldPack } from "../../src/pack.ts";
import type { World } from "../../src/world/world.ts";
import { folderWorld, loadFolder } from "./folder.ts";
import type { Truth } from "./maker.ts";
import { invoiceDeskReason } from "./reasons.ts";
import { deskScenarios, folderScenarios } from "./scenarios.ts";
import { closingLines, scoreOf } from "./score.ts";
import type { DeskState, Posting } from "./state.ts";
import { invoiceTeam } from "./team.ts";
import { toolConfigs } from "./tool-config.ts";
import { invoiceDeskSeed, invoiceDeskWorld } from "./world.ts";

const here = (name: string) =>
  fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? `./${name}.ts` : `./${name}.js`, import.meta.url));

interface Played {
  readonly scenarios: readonly Scenario[];
  readonly truths: ReadonlyMap<string, Truth>;
  readonly openWorld: () => World<DeskState>;
}

/**
 * The accounts payable of the group "Fernhollow".
 * @param folder somebody's own e-invoices, in place of those of the pack
 * @throws SandboxError `invoices/*`
 */
export function invoiceDeskPack({ folder }: { readonly folder?: string } = {}): WorldPack {
  let played: Played | undefined;
  let world: World | undefined;
  const loaded = (): Played => {
    played ??= folder === undefined ? ofOwn() : ofFolder(folder);
    return played;
  };
  return {
    name: "invoice-desk",
    title: "Invoice desk",
    description:
      "Accounts payable: e-invoices and PDFs are read, checked by rule, approved by tier and posted once, or routed.",
    server:
      folder === undefined
        ? { module: here("world"), export: "invoiceDeskWorld", options: { seed: invoiceDeskSeed } }
        : { module: here("folder"), export: "invoiceFolderWorld", options: { folder } },
    openWorld: () => {
      world ??= loaded().openWorld() as unknown as World;
      return world;
    },
    tools: toolConfigs,
    team: invoiceTeam,
    scenarios: () => loaded().scenarios,
    // What a run is about is said where it is started, and the policy holds every call to it.
    attributes: ({ input }) => ({ documentId: String((input as { readonly documentId?: string }).documentId) }),
    reasons: invoiceDeskReason,
    // Of somebody's own invoices nobody knows the truth but by the checks themselves.
    score: (outcome, endState, log) => {
      const { postings = {} } = (endState ?? {}) as { readonly postings?: Readonly<Record<string, Posting>> };
      const truth = loaded().truths.get(outcome.scenario.name);
      return scoreOf(outcome, log, { truth, books: Object.values(postings) });
    },
    closing: closingLines,
  };
}

function ofOwn(): Played {
  return { ...deskScenarios(invoiceDeskSeed), openWorld: () => invoiceDeskWorld() };
}

/** A folder is read once in a process, however slow its PDFs are. */
function ofFolder(folder: string): Played {
  const loaded = loadFolder(folder);
  const scenarios = folderScenarios(loaded);
  const truths = [...loaded.truths.values()];
  return {
    scenarios,
    truths: new Map(scenarios.map(({ name }, index) => [name, truths[index] as Truth])),
    openWorld: () => folderWorld(loaded.state),
  };
}
