import { OrchestrationError } from "../errors.ts";
import type { InputEvent, ResponsePart } from "../event.ts";
import { sha256 } from "../hash.ts";
import type { Json } from "../json.ts";
import type { RunKey } from "../port/engine.ts";
import type { Journal } from "../port/journal.ts";
import type { Principal } from "../principal.ts";
import type { Issue } from "../schema.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { declarations } from "./declarations.ts";
import { type Detector, detection } from "./detector.ts";
import { type Disclosure, disclosures, type Recipient } from "./disclosures.ts";
import { type InputPlace, reasonOf, sealedInputs, throughout } from "./sealed-inputs.ts";
import { openJson, type SealContext, sealJson } from "./sealer.ts";
import type { SealRules } from "./settings.ts";
import { noVault, openVault, passingId, type Vault } from "./vault.ts";
import { type Shown, withheldIn } from "./withheld.ts";

/**
 * Nothing secret is stored (R12): what comes into a run is sealed in one place, before it is journaled, and two gates let
 * values out, each to whom the definitions clear for their class, and on record.
 *
 * E1 The core, guards, mappings, journal and replay see tokens. Nothing in here is asked by a replay.
 * E2 What is sealed already stays as it is: sealing twice is sealing once.
 * E3 A promise only where something has to be read or made durable first: most steps of most runs seal nothing.
 */
export interface Sealing {
  readonly rules: SealRules;
  /** An input as it may be journaled; its tokens are durable. */
  readonly event: (key: RunKey, event: InputEvent, place: InputPlace) => InputEvent | Promise<InputEvent>;
  /** A value as it may be journaled, as arguments of a tool where one is named. */
  readonly json: <Value extends Json>(
    key: RunKey,
    value: Value,
    tool?: string,
    side?: "input" | "output",
  ) => Promise<Value>;
  /** Values of a run that has ended, in the clear: to be sealed again in another one that takes its place. Not for people. */
  readonly handOver: <Value>(from: RunKey, value: Value, to: string) => Promise<Value>;
  /**
   * What a model said to an agent, as it may be journaled.
   * @throws OrchestrationError `model/response-invalid` where it holds a value of a class that is refused
   */
  readonly parts: (
    key: RunKey,
    parts: readonly ResponsePart[],
    from: { readonly agent: string; readonly model: string },
  ) => readonly ResponsePart[] | Promise<readonly ResponsePart[]>;
  /** The same value with those of some classes in the clear, once that is on record. */
  readonly reveal: <Value>(
    key: RunKey,
    value: Value,
    classes: readonly string[],
    to: Recipient,
  ) => Value | Promise<Value>;
  /**
   * What a person is shown of what they decide on, once that is on record.
   * @throws OrchestrationError `approval/reveal-not-allowed` for somebody whose roles are cleared for no class
   */
  readonly show: <Value>(key: RunKey, value: Value, to: Principal, path: string) => Promise<Shown<Value>>;
  /** Places of a run's input that hold what is refused. */
  readonly refusals: (tenant: string, input: Json) => readonly Issue[];
  readonly disclosures: (key: RunKey) => Promise<readonly (Disclosure & { readonly at: number })[]>;
  /** Keeps a run's vault at hand until what it returns is called: while the run is driven. */
  readonly hold: (key: RunKey) => () => void;
}

export interface SealingParts {
  readonly rules: SealRules;
  readonly definition: SupervisorDefinition;
  readonly journal: Journal;
  readonly now: () => number;
  readonly salt: () => string;
}

interface Held {
  users: number;
  vault: Vault | Promise<Vault> | undefined;
  /** What models said, as `parts` has sealed it, with the size of the vault by then: not to be looked through twice. */
  readonly said: Map<readonly ResponsePart[], number>;
}

export function sealing({ rules, definition, journal, now, salt }: SealingParts): Sealing {
  const passing = { id: passingId, bytes: Buffer.from(sha256(`${salt()}${salt()}`), "base64url") };
  /** By tenant and run. */
  const held = new Map<string, Map<string, Held>>();
  const heldAt = ({ tenant, runId }: RunKey) => held.get(tenant)?.get(runId);
  const declared = declarations(definition);
  const inputs = sealedInputs(definition, declared, rules);

  const vaultOf = (key: RunKey, place = heldAt(key)): Vault | Promise<Vault> => {
    if (place?.vault) return place.vault;
    const vault = openVault({ key, journal, now, salt, keys: rules.keys, passing });
    if (place) {
      place.vault = vault;
      vault.then(
        (opened) => {
          place.vault = opened;
        },
        () => {
          // A journal that is away for a moment may be there the next time.
          place.vault = undefined;
        },
      );
    }
    return vault;
  };

  const contextOf = ({ tenant }: RunKey, vault: Vault, refused?: (issue: Issue) => void): SealContext => ({
    vault,
    rules,
    tenant,
    ...(refused ? { refused } : {}),
  });

  return {
    rules,
    event: (key, event, place) => {
      if (bare.has(event.type)) return event;
      const kept = heldAt(key);
      const seal = (vault: Vault, before?: Vault): InputEvent | Promise<InputEvent> => {
        if (event.type === "model.responded" && isSealed(event.body.parts, vault, kept)) return event;
        const issues: Issue[] = [];
        const own = contextOf(key, vault, (issue) => issues.push(issue));
        const context = before ? { ...own, rules: finding(before, rules) } : own;
        const sealed = throughout(event, vault, (said) => inputs.event(said, place, context));
        return flushed(vault, issues.length === 0 ? sealed : inputs.refuse(sealed, issues, place));
      };
      const vault = vaultOf(key, kept);
      const before = runBefore(event);
      if (before !== undefined) {
        return Promise.all([vault, vaultOf({ ...key, runId: before })]).then(([own, other]) => seal(own, other));
      }
      if (!fromOutside.has(event.type)) return vault instanceof Promise ? vault.then(seal) : seal(vault);
      return refreshed(vault).then(seal);
    },
    json: async (key, value, toolName, side = "input") => {
      const vault = await refreshed(vaultOf(key));
      const tool = toolName === undefined ? undefined : definition.tools.get(toolName);
      const context = contextOf(key, vault);
      const sealed = throughout(
        value,
        vault,
        (said) => sealJson(said, tool && declared[side](tool), context) as typeof value,
      );
      return flushed(vault, sealed);
    },
    handOver: async (from, value, name) => {
      const vault = await vaultOf(from);
      const { value: opened, disclosed } = openJson(value, ["*"], vault);
      const to = { kind: "run", name, path: "" } as const;
      if (disclosed.size > 0) await disclosures(journal, from, { now, salt }).note(to, disclosed);
      return opened;
    },
    parts: (key, parts, { agent, model }) => {
      const kept = heldAt(key);
      const seal = (vault: Vault) => {
        const issues: Issue[] = [];
        const context = contextOf(key, vault, (issue) => issues.push(issue));
        const sealed = throughout(parts, vault, (said) => inputs.parts(said, agent, context));
        if (issues.length > 0) {
          throw new OrchestrationError("model/response-invalid", { model, reason: reasonOf(issues) });
        }
        // Of now: what others seal while this becomes durable has not been looked for in it.
        const size = vault.size();
        const done = () => {
          kept?.said.set(sealed, size);
          return sealed;
        };
        return vault.isPending() ? vault.flush().then(done) : done();
      };
      const vault = vaultOf(key, kept);
      return vault instanceof Promise ? vault.then(seal) : seal(vault);
    },
    reveal: (key, value, classes, to) => {
      if (classes.length === 0) return value;
      const open = (vault: Vault) => {
        const { value: opened, disclosed } = openJson(value, classes, vault);
        if (disclosed.size === 0) return opened;
        return disclosures(journal, key, { now, salt })
          .note(to, disclosed)
          .then(() => opened);
      };
      const vault = vaultOf(key);
      return vault instanceof Promise ? vault.then(open) : open(vault);
    },
    show: async (key, value, { id, roles }, path) => {
      const classes = rules.operator(roles);
      if (classes.length === 0)
        throw new OrchestrationError("approval/reveal-not-allowed", { principal: id, effect: path });
      const vault = await refreshed(vaultOf(key));
      const { value: opened, disclosed } = openJson(value, classes, vault);
      if (disclosed.size > 0) {
        await disclosures(journal, key, { now, salt }).note({ kind: "approver", name: id, path }, disclosed);
      }
      return { value: opened, revealed: [...disclosed.keys()].sort(), withheld: withheldIn(opened, vault) };
    },
    refusals: (tenant, input) => {
      if (!rules.mayRefuse) return [];
      const issues: Issue[] = [];
      const entry = definition.agents.get(definition.entry);
      const context = { vault: noVault, rules, tenant, refused: (issue: Issue) => issues.push(issue) };
      sealJson(input, entry && declared.input(entry), context);
      return issues;
    },
    disclosures: (key) => disclosures(journal, key, { now, salt }).read(),
    hold: (key) => {
      const { tenant, runId } = key;
      const runs = held.get(tenant) ?? new Map<string, Held>();
      held.set(tenant, runs);
      const place = runs.get(runId) ?? { users: 0, vault: undefined, said: new Map() };
      runs.set(runId, place);
      place.users++;
      return () => {
        if (--place.users > 0) return;
        runs.delete(runId);
        if (runs.size === 0) held.delete(tenant);
      };
    },
  };
}

/** Inputs that hold nothing that was said by anybody. */
const bare: ReadonlySet<string> = new Set([
  "delegation.accepted",
  "delegation.recalled",
  "run.resumed",
  "run.migrated",
  "restrictions.changed",
  "budget.reserved",
  "budget.returned",
  "timer.fired",
]);

/** Inputs that another process may have sealed in part before they came here. */
const fromOutside: ReadonlySet<string> = new Set([
  "approval.decided",
  "question.answered",
  "input.received",
  "effect.decided",
  "cancel.requested",
]);

/** The run whose values an input was handed over with: one that is done again or undone, that asked, or that answers. */
function runBefore({ type, body }: InputEvent): string | undefined {
  if (type === "delegation.ended") return body.run;
  if (type !== "run.started") return undefined;
  // A delegation that nobody could read names no run.
  return body.redrives ?? body.compensates?.run ?? (body.delegation?.parent.run || undefined);
}

/** The same rules, by which what another run knew is found too: places of it that declare nothing had tokens. */
function finding(before: Vault, rules: SealRules): SealRules {
  if (before.isEmpty()) return rules;
  const known: Detector = {
    name: "known-before",
    classes: [],
    hint: /^/,
    longest: 1,
    detect: (text) =>
      before
        .known(text)
        .flatMap(({ start, end, class: kind, isValue }) =>
          isValue ? [{ start, end, class: kind, confidence: 1 }] : [],
        ),
  };
  return { ...rules, detection: detection([...rules.detectors, known]) };
}

const flushed = <Value>(vault: Vault, value: Value): Value | Promise<Value> =>
  vault.isPending() ? vault.flush().then(() => value) : value;

const refreshed = async (opening: Vault | Promise<Vault>): Promise<Vault> => {
  const vault = await opening;
  await vault.refresh();
  return vault;
};

/** Sealed by `parts` on its way here, when the vault knew all that it knows now. */
function isSealed(parts: readonly ResponsePart[], vault: Vault, kept: Held | undefined): boolean {
  const size = kept?.said.get(parts);
  kept?.said.delete(parts);
  return size === vault.size();
}
