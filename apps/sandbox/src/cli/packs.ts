import { SandboxError } from "../errors.ts";
import type { Pack } from "../pack.ts";
import type { SuiteFile } from "../suite/workspace.ts";
import { isTelecomPath } from "../tau2/telecom/place.ts";

/** The packs that the command knows, with what a person gives to get each. */
export const packNames = [
  "order-desk",
  "code-desk",
  "crm-desk",
  "files-desk",
  "invoice-desk",
  "operations-desk",
  "supply-desk",
  "tau2-retail",
  "tau2-telecom",
] as const;
export type PackName = (typeof packNames)[number];

/** What a person said about the pack. Folders are absolute. */
export interface PackWish {
  readonly pack?: string | undefined;
  readonly tau2?: string | undefined;
  readonly scenarios?: string | undefined;
  readonly invoices?: string | undefined;
}

/**
 * Which pack is meant, in the form that a suite's file keeps.
 * @throws SandboxError `pack/unknown`, `usage/wrong`
 */
export function chosenPack({ pack, tau2, scenarios, invoices }: PackWish): SuiteFile["pack"] {
  const wrong = (reason: string) => new SandboxError("usage/wrong", { reason });
  if (pack !== undefined && !(packNames as readonly string[]).includes(pack)) {
    throw new SandboxError("pack/unknown", { pack, known: packNames.join(", ") });
  }
  if (invoices !== undefined) {
    if (tau2 !== undefined || scenarios !== undefined) throw wrong("--invoices brings its own: give nothing beside it");
    if (pack !== undefined && pack !== "invoice-desk") throw wrong(`--invoices is for invoice-desk, not for ${pack}`);
    return { name: "invoice-desk", folder: invoices };
  }
  if (tau2 !== undefined && scenarios !== undefined) {
    throw wrong("--tau2 brings its own tasks and --scenarios plays on the order desk: give one of the two");
  }
  if (tau2 !== undefined) {
    if (pack !== undefined && !isTau2(pack))
      throw wrong(`--tau2 is for the packs tau2-retail and tau2-telecom, not for ${pack}`);
    return { name: pack ?? (isTelecomPath(tau2) ? "tau2-telecom" : "tau2-retail"), folder: tau2 };
  }
  if (isTau2(pack)) throw wrong(`the pack ${pack} needs --tau2 <folder of a tau2-bench checkout>`);
  if (pack !== undefined && pack !== "order-desk") {
    if (scenarios === undefined) return { name: pack };
    throw wrong(`--scenarios plays on the order desk, not on ${pack}`);
  }
  return scenarios === undefined ? { name: "order-desk" } : { name: "order-desk", folder: scenarios };
}

const isTau2 = (pack: string | undefined): boolean => pack === "tau2-retail" || pack === "tau2-telecom";

/**
 * Loads a pack. Of the order desk `folder` names own scenarios (a YAML file or a folder of them), of the invoice desk
 * own e-invoices, of tau2-retail and tau2-telecom the published data.
 * @throws SandboxError `pack/*`, `scenario/*`, `invoices/*`
 * @throws Tau2Error
 */
export async function openPack(chosen: SuiteFile["pack"]): Promise<Pack> {
  const { name, folder, module } = chosen;
  if (module !== undefined) return (await import("./own-pack.ts")).openOwnPack(chosen);
  switch (name as PackName) {
    case "tau2-retail": {
      const { retailPack } = await import("../tau2/pack.ts");
      return retailPack(folder ?? "");
    }
    case "tau2-telecom": {
      const { telecomPack } = await import("../tau2/telecom/pack.ts");
      return telecomPack(folder ?? "");
    }
    case "code-desk": {
      const { codeDeskPack } = await import("../../packs/code-desk/pack.ts");
      return codeDeskPack();
    }
    case "crm-desk": {
      const { crmDeskPack } = await import("../../packs/crm-desk/pack.ts");
      return crmDeskPack();
    }
    case "files-desk": {
      const { filesDeskPack } = await import("../../packs/files-desk/pack.ts");
      return filesDeskPack();
    }
    case "invoice-desk": {
      const { invoiceDeskPack } = await import("../../packs/invoice-desk/pack.ts");
      return invoiceDeskPack(folder === undefined ? {} : { folder });
    }
    case "operations-desk": {
      const { operationsDeskPack } = await import("../../packs/operations-desk/pack.ts");
      return operationsDeskPack();
    }
    case "supply-desk": {
      const { supplyDeskPack } = await import("../../packs/supply-desk/pack.ts");
      return supplyDeskPack();
    }
    case "order-desk": {
      const { orderDeskPack } = await import("../../packs/order-desk/pack.ts");
      const pack = orderDeskPack();
      return folder === undefined ? pack : withOwnScenarios(pack, folder);
    }
    default:
      throw new SandboxError("pack/unknown", { pack: name, known: packNames.join(", ") });
  }
}

/** The order desk with a person's own scenarios, which may name the same records as the pack's own do. */
async function withOwnScenarios(pack: Pack, path: string): Promise<Pack> {
  const { orderDeskReferences } = await import("../../packs/order-desk/references.ts");
  const { orderDeskWorld } = await import("../../packs/order-desk/world.ts");
  const { loadScenarios } = await import("../scenario/yaml.ts");
  const { offlineTeam } = await import("./offline-team.ts");
  const { agentsIn } = await import("../suite/agents-in.ts");
  const team = offlineTeam(pack);
  const input = team.agents.get(team.entry)?.input;
  const scenarios = loadScenarios(path, {
    fixtures: orderDeskReferences(orderDeskWorld().initial()),
    agents: [...agentsIn(team).keys()],
    tools: Object.keys(pack.tools),
    ...(input ? { input } : {}),
  });
  return { ...pack, scenarios: () => scenarios };
}
