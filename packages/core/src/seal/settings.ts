import { OrchestrationError } from "../errors.ts";
import { type NamedKey, readVaultKey, type VaultKey } from "./cipher.ts";
import { type Detection, type Detector, detection } from "./detector.ts";

/**
 * What becomes of a value of a class before it is journaled: `seal`: a token stands for it, and the vault has it; `mask`: a
 * token stands for it, and nobody has it; `keep`: nothing; `refuse`: what holds it does not come in.
 */
export type SealAction = "seal" | "mask" | "keep" | "refuse";

export interface ClassActions {
  /** By class; `*` for all that are not named. */
  readonly [dataClass: string]: SealAction;
}

export interface SealSettings {
  /** `mask`: whatever would be sealed is masked, and no key is needed. `seal` when absent. */
  readonly mode?: "seal" | "mask";
  /** What finds values in texts; with none, only what schemas declare is sealed. */
  readonly detectors?: readonly Detector[];
  readonly classes?: ClassActions;
  /** Over `classes`, for one tenant. */
  readonly tenants?: { readonly [tenant: string]: ClassActions };
  /** Classes that the models under an alias are shown, beside those that the models name themselves. */
  readonly models?: { readonly [alias: string]: readonly string[] };
  /**
   * Classes that models are shown when they speak for this agent, beside those of its alias: for a judge that compares with
   * books, where all others under its alias go on to see tokens.
   */
  readonly agents?: { readonly [agent: string]: readonly string[] };
  /**
   * Classes that people of a role (`*`: of any, or of none) are shown of the approval that they decide, when they ask for
   * it. Nobody is shown anything when absent.
   */
  readonly operators?: { readonly [role: string]: readonly string[] };
}

export interface VaultSettings {
  readonly key: VaultKey;
  /** Keys of before: runs that began with them stay with them. */
  readonly previous?: readonly VaultKey[];
}

/** What final answers may hold, and what of them is shown. */
export interface AnswerRules {
  /** Makes the answer a sink: the sensitive labels whose data it may hold. Absent: whoever asked may get everything. */
  readonly cleared?: readonly string[];
  /** Who asks for a run's result gets the values of these classes (`*`: of all), and tokens for the rest. */
  readonly reveals?: readonly string[];
}

/** What a supervisor is told of sealing. With neither `vault` nor `seal`, nothing is sealed. */
export interface SealOptions {
  /** The operator's key, for the values that tokens stand for. */
  readonly vault?: VaultSettings;
  readonly seal?: SealSettings | "mask";
  readonly answers?: AnswerRules;
}

/** The same, read. */
export interface SealRules {
  readonly keys: readonly NamedKey[];
  readonly detection: Detection;
  readonly detectors: readonly Detector[];
  readonly actionOf: (tenant: string, dataClass: string) => SealAction;
  readonly mayRefuse: boolean;
  /** What the settings show to models that are asked under this alias for this agent. */
  readonly model: (asked: { readonly alias: string; readonly agent: string }) => readonly string[];
  /** Agents that the settings name. */
  readonly agents: readonly string[];
  /** What somebody with these roles is shown. */
  readonly operator: (roles: readonly string[]) => readonly string[];
  readonly answers: readonly string[];
}

/**
 * Nothing where nothing is sealed.
 * @throws OrchestrationError `vault/key-invalid`; `vault/key-missing` where values shall be sealed and there is no key
 */
export function sealRules({ vault, seal, answers }: SealOptions): SealRules | undefined {
  if (vault === undefined && seal === undefined) return undefined;
  const settings: SealSettings = seal === "mask" ? { mode: "mask" } : (seal ?? {});
  const {
    mode = "seal",
    detectors = [],
    classes = {},
    tenants = {},
    models = {},
    agents = {},
    operators = {},
  } = settings;
  const keys = vault ? [vault.key, ...(vault.previous ?? [])].map(readVaultKey) : [];
  if (mode === "seal" && keys.length === 0) throw new OrchestrationError("vault/key-missing", { run: "any", key: "?" });
  const own = <Value>(table: { readonly [name: string]: Value }, name: string) =>
    Object.hasOwn(table, name) ? table[name] : undefined;
  return {
    keys,
    detection: detection(detectors),
    detectors,
    actionOf: (tenant, dataClass) => {
      const of = own(tenants, tenant) ?? {};
      const action = own(of, dataClass) ?? own(of, "*") ?? own(classes, dataClass) ?? own(classes, "*") ?? "seal";
      return action === "seal" ? mode : action;
    },
    mayRefuse: [classes, ...Object.values(tenants)].some((table) => Object.values(table).includes("refuse")),
    agents: Object.keys(agents),
    model: ({ alias, agent }) => [...(own(models, alias) ?? []), ...(own(agents, agent) ?? [])],
    operator: (roles) => [...new Set([...roles, "*"].flatMap((role) => own(operators, role) ?? []))],
    answers: answers?.reveals ?? [],
  };
}

/** True when a list of classes lets one through. */
export function reveals(classes: readonly string[], dataClass: string): boolean {
  return classes.includes(dataClass) || classes.includes("*");
}
