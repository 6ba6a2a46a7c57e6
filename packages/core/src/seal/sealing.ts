import type { Command } from "../command.ts";
import { type ErrorRecord, OrchestrationError } from "../errors.ts";
import type { InputBodies, InputEvent, LabelTable, ResponsePart } from "../event.ts";
import { sha256 } from "../hash.ts";
import type { Json } from "../json.ts";
import type { RunKey } from "../port/engine.ts";
import type { Journal } from "../port/journal.ts";
import type { Principal } from "../principal.ts";
import type { Issue } from "../schema.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { findAgent } from "../supervisor/find-agent.ts";
import type { AnyTool } from "../tool.ts";
import { declarations } from "./declarations.ts";
import { type Detector, detection } from "./detector.ts";
import { type Disclosure, disclosures, type Recipient } from "./disclosures.ts";
import { openJson, type SealContext, sealJson, sealPointer, sealText, textsIn } from "./sealer.ts";
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

/** What the run knows of where an input belongs. */
export interface InputPlace {
  readonly commandOf: (id: string) => Command | undefined;
  /** The tool of a call, by its path. */
  readonly toolAt: (path: string) => AnyTool | undefined;
  /** The edge whose question an answer is for. */
  readonly edgeOf: (ask: string) => string | undefined;
}

/** For a model's own sealed thinking: it is shown to nobody but whoever made it. */
export const reasoningClass = "reasoning";

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

  const errorIn = (error: ErrorRecord, context: SealContext) =>
    sealJson(error as unknown as Json, undefined, context) as unknown as ErrorRecord;

  const partsIn = (
    parts: readonly ResponsePart[],
    agentName: string,
    context: SealContext,
  ): readonly ResponsePart[] => {
    const agent = findAgent(definition, agentName);
    const output = agent && declared.output(agent);
    const speaks = parts.every(({ type }) => type === "text" || type === "reasoning");
    const spoken = speaks && (output || hides(parts)) ? asJson(parts) : undefined;
    if (spoken !== undefined) {
      // An answer that is a JSON text is read as one: its members have their classes too.
      const sealed = throughout(spoken, context.vault, (said) => sealJson(said, output, context));
      if (output || sealed !== spoken) {
        const text = JSON.stringify(sealed);
        return [...sealedReasoning(parts, context), { type: "text", text: output ? text : sealText(text, context) }];
      }
    }
    return parts.map((part): ResponsePart => {
      switch (part.type) {
        case "text":
          return { ...part, text: sealText(part.text, context) };
        case "toolCall": {
          const tool = agent?.tools.find(({ name }) => name === part.tool);
          // Both are the model's own words, too: a name that nobody has, an id that is none.
          const callId = sealText(part.callId, context);
          const called = tool ? part.tool : sealText(part.tool, context);
          return { ...part, callId, tool: called, input: sealJson(part.input, tool && declared.input(tool), context) };
        }
        case "output":
          return { ...part, value: sealJson(part.value, output, context) };
        case "ask":
          return { ...part, question: sealText(part.question, context) };
        case "refusal":
          return { ...part, reason: sealText(part.reason, context) };
        case "reasoning":
          return sealedReasoning([part], context)[0] ?? part;
        default:
          return { ...part, media: sealJson({ ...part.media }, undefined, context) as unknown as typeof part.media };
      }
    });
  };

  /** Signed thinking is given back whole or not at all: it is sealed as a whole, where it holds anything. */
  const sealedReasoning = (parts: readonly ResponsePart[], context: SealContext): ResponsePart[] =>
    parts.flatMap((part): ResponsePart[] => {
      if (part.type !== "reasoning") return [];
      if (
        typeof part.data === "string" &&
        context.vault.known(part.data).some(({ class: kind }) => kind === reasoningClass)
      ) {
        return [part];
      }
      const text = JSON.stringify(part.data);
      // A value that has a line break or a quotation mark stands in there as it is written in JSON.
      const holds = [text, textsIn(part.data)].some((said) => {
        const known = context.vault.isEmpty() ? [] : context.vault.known(said);
        return (
          known.some(({ isValue }) => isValue) ||
          rules.detection.find(said).some(({ start, end }) => {
            return !known.some((one) => one.start <= start && one.end >= end);
          })
        );
      });
      if (!holds) return [part];
      const reversibly = rules.actionOf(context.tenant, reasoningClass) === "seal";
      return [{ ...part, data: context.vault.seal(reasoningClass, text, reversibly) }];
    });

  /** Labels stand at names of members, and those may be values. */
  const labelsIn = (labels: LabelTable, context: SealContext): LabelTable => {
    const places = Object.entries(labels);
    if (places.every(([pointer]) => pointer === "")) return labels;
    return Object.fromEntries(places.map(([pointer, some]) => [sealPointer(pointer, context), some]));
  };

  const sealInput = (event: InputEvent, place: InputPlace, context: SealContext): InputEvent => {
    const sealed = sealBody(event, place, context);
    if (!("labels" in sealed.body) || sealed.body.labels === undefined || sealed.type === "delegation.ended")
      return sealed;
    return { ...sealed, body: { ...sealed.body, labels: labelsIn(sealed.body.labels, context) } } as InputEvent;
  };

  const sealBody = (event: InputEvent, place: InputPlace, context: SealContext): InputEvent => {
    const toolOf = (command: string): AnyTool | undefined => {
      const sent = place.commandOf(command);
      return sent && "tool" in sent ? definition.tools.get(sent.tool) : undefined;
    };
    const outputOf = (tool: AnyTool | undefined, output: Json) =>
      sealJson(output, tool && declared.output(tool), context);
    switch (event.type) {
      case "run.started": {
        const { body } = event;
        const entry = definition.agents.get(definition.entry);
        const { attributes, compensates, delegation } = body;
        const refused = delegation?.refused && errorIn(delegation.refused, context);
        const input = body.compensates ? body.input : sealJson(body.input, entry && declared.input(entry), context);
        const undos = compensates?.undos.map((undo) => {
          const tool = definition.tools.get(undo.tool);
          return { ...undo, input: sealJson(undo.input, tool && declared.input(tool), context) };
        });
        return {
          ...event,
          body: {
            ...body,
            input,
            ...(attributes ? { attributes: sealJson({ ...attributes }, undefined, context) as typeof attributes } : {}),
            ...(compensates && undos ? { compensates: { ...compensates, undos } } : {}),
            ...(delegation && refused ? { delegation: { ...delegation, refused } } : {}),
          },
        };
      }
      case "approval.decided": {
        const { body } = event;
        const tool = place.toolAt(body.effect);
        const input =
          body.input === undefined ? undefined : sealJson(body.input, tool && declared.input(tool), context);
        const reason = sealText(body.reason, context);
        return { ...event, body: { ...body, reason, ...(input === undefined ? {} : { input }) } };
      }
      case "question.asked": {
        const asks = sealJson(event.body.asks as unknown as Json, undefined, context);
        return { ...event, body: { ...event.body, asks: asks as unknown as InputBodies["question.asked"]["asks"] } };
      }
      case "question.answered": {
        const { body } = event;
        const answer = sealJson(body.answer as unknown as Json, undefined, context) as unknown as typeof body.answer;
        return { ...event, body: { ...body, answer, reason: sealText(body.reason, context) } };
      }
      case "model.responded": {
        const sent = place.commandOf(event.body.command);
        const agent = sent && "agent" in sent ? sent.agent : "";
        return { ...event, body: { ...event.body, parts: partsIn(event.body.parts, agent, context) } };
      }
      case "model.failed":
        return { ...event, body: { ...event.body, error: errorIn(event.body.error, context) } };
      case "budget.refused":
        return { ...event, body: { ...event.body, error: errorIn(event.body.error, context) } };
      case "tool.failed":
        return { ...event, body: { ...event.body, error: errorIn(event.body.error, context) } };
      case "tool.returned": {
        const { body } = event;
        return { ...event, body: { ...body, output: outputOf(toolOf(body.command), body.output) } };
      }
      case "effect.looked-up": {
        const { body } = event;
        if (body.output === undefined) return event;
        return { ...event, body: { ...body, output: outputOf(toolOf(body.command), body.output) } };
      }
      case "effect.decided": {
        const { body } = event;
        const output = body.output === undefined ? {} : { output: outputOf(place.toolAt(body.effect), body.output) };
        return { ...event, body: { ...body, ...output, reason: sealText(body.reason, context) } };
      }
      case "input.received": {
        const { body } = event;
        const edge = place.edgeOf(body.ask);
        return { ...event, body: { ...body, answer: sealJson(body.answer, declared.answer(edge), context) } };
      }
      case "cancel.requested":
        return { ...event, body: { ...event.body, reason: sealText(event.body.reason, context) } };
      case "delegation.ended": {
        const { body } = event;
        const sent = place.commandOf(body.command);
        const agent = sent && "agent" in sent ? definition.agents.get(sent.agent) : undefined;
        const { end } = body;
        const sealed =
          end.status === "completed"
            ? { ...end, output: sealJson(end.output, agent && declared.output(agent), context) }
            : (sealJson(end as unknown as Json, undefined, context) as unknown as typeof end);
        return { ...event, body: { ...body, end: sealed } };
      }
      case "delegation.refused":
        return { ...event, body: { ...event.body, error: errorIn(event.body.error, context) } };
      case "delegation.accepted":
      case "delegation.recalled":
      case "run.resumed":
      case "run.migrated":
      case "restrictions.changed":
      case "budget.reserved":
      case "budget.returned":
      case "timer.fired":
        return event;
    }
  };

  /** What holds a value of a refused class has failed; whoever made it gets to know why. */
  const refuse = (event: InputEvent, issues: readonly Issue[], place: InputPlace): InputEvent => {
    const told = issues.slice(0, 20) as unknown as Json;
    if (event.type === "tool.returned") {
      const { command, labels, durationMs } = event.body;
      const sent = place.commandOf(command);
      const tool = sent && "tool" in sent ? sent.tool : "?";
      const error = new OrchestrationError("tool/output-invalid", { tool, issues: told }).toRecord();
      const mayHaveExecuted = sent?.type === "callTool" && sent.effect === "write";
      return { ...event, type: "tool.failed", body: { command, error, mayHaveExecuted, labels, durationMs } };
    }
    if (event.type === "model.responded") {
      const { command, model, usage, cost, choice } = event.body;
      const error = new OrchestrationError("model/response-invalid", { model, reason: reasonOf(issues) }).toRecord();
      const told = { ...(usage ? { usage } : {}), ...(cost ? { cost } : {}), ...(choice ? { choice } : {}) };
      return { ...event, type: "model.failed", body: { command, model, error, ...told } };
    }
    // What people say stays, masked: it is their word, and they are not there to say it again.
    return event;
  };

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
        const sealed = throughout(event, vault, (said) => sealInput(said, place, context));
        return flushed(vault, issues.length === 0 ? sealed : refuse(sealed, issues, place));
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
        const sealed = throughout(parts, vault, (said) => partsIn(said, agent, context));
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

/** Seals a value, and once more where something that was come upon further on is left before its place. */
function throughout<Value>(value: Value, vault: Vault, seal: (value: Value) => Value): Value {
  const size = vault.size();
  const sealed = seal(value);
  if (vault.size() === size) return sealed;
  return vault.known(textsIn(sealed as Json)).some(({ isValue }) => isValue) ? seal(sealed) : sealed;
}

const reasonOf = ([first]: readonly Issue[]): string => `${first?.pointer || "/"}: ${first?.message ?? ""}`;

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

/** A JSON text says something else than one sees in it where it has escapes, or comes in pieces. */
function hides(parts: readonly ResponsePart[]): boolean {
  const texts = parts.filter(({ type }) => type === "text");
  return texts.length > 1 || texts.some((part) => part.type === "text" && part.text.includes("\\"));
}

function asJson(parts: readonly ResponsePart[]): Json | undefined {
  const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
  if (!/^\s*[[{"]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined; // It is no answer, and says so itself.
  }
}
