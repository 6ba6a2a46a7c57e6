import type { Json, JsonSchema } from "../json.ts";
import { escapePointer, partsOfPointer } from "../pointer.ts";
import type { AnyTool } from "../tool.ts";
import type { FlowRules } from "./flow-rules.ts";
import { isForeign, isSensitive, isSteering } from "./label.ts";
import { type Fit, fitOf, isWithin, type PlannedStep } from "./plan.ts";
import { answerSource, inputSource, isTrustedAt, type Reading, type Source, saidBy, sourceOf } from "./reading.ts";
import { domainAt, eachScalar, eachValue, isScalar, type Scalar, says } from "./value.ts";

/**
 * The flow rule (R9, D10): what a call is made of, where that came from, and whether it may go on by itself.
 *
 * F1 A foreign value in a protected argument needs an approval. A value is foreign unless it can be traced back to
 *    somebody whose word counts: this fails closed. To say nothing there (`null`, an empty list) is to say something: for
 *    many a tool it means everybody. An argument that is left out is as the tool's definition has it, and foreign to nobody.
 * F2 A write that an agent wants after it has read foreign text needs a plan from before, an exemption or an approval.
 * F3 Data of a class goes to no sink that is not cleared for it; what can be traced back to where that class is not may go.
 * F4 An agent that has read nothing foreign says nothing foreign.
 */

/** Why a call cannot go on by itself. */
export interface FlowFinding {
  readonly why: "untrusted" | "control" | "egress";
  /** JSON pointer of the argument, and its value, where it is about one. */
  readonly argument?: string;
  readonly value?: Scalar;
  /** Who says it; for `control` what the agent has read. Empty: nobody says it, the agent made it of what it had read. */
  readonly from: readonly Source[];
}

export interface Flow {
  readonly findings: readonly FlowFinding[];
  /** Index of the entry of the plan that announced it. */
  readonly planned: number | undefined;
}

/** What of a tool the rule looks at. */
export type Judgeable = Pick<AnyTool, "name" | "effect" | "protect" | "cleared" | "inputSchema" | "memory">;

/** A run's final answer, as a sink. */
export function answerSink(cleared: readonly string[], schema: JsonSchema): Judgeable {
  return { name: "answer", effect: "read", protect: [], cleared, inputSchema: schema };
}

export interface FlowFacts {
  readonly tool: Judgeable;
  readonly input: Json;
  /** Of everything that the agent has read. */
  readonly labels: readonly string[];
  readonly readings: readonly Reading[];
  readonly plan: readonly PlannedStep[];
  readonly rules: FlowRules;
  readonly trusted: readonly string[];
  /** A part of what a person has said, such as of an address or a path, is taken for their word, as it was before. */
  readonly parts?: boolean;
  /** What takes an item out of a memory is judged like what keeps one, as it was before. */
  readonly forgets?: boolean;
  /** In a protected argument `null`, an empty list and an empty object pass, as they did before. */
  readonly empties?: boolean;
  /** Schema of what a tool or an agent says, by its name: for the domains of its values. */
  readonly schemaOf: (source: string) => JsonSchema | undefined;
}

const nothing: Flow = { findings: [], planned: undefined };

/** A finding of which nobody has looked up yet where it comes from: most are dropped for a better entry of the plan. */
interface Suspect {
  readonly why: FlowFinding["why"];
  readonly argument?: string;
  readonly value?: Scalar;
}

/** Judges one call. Pure: what was read, planned and ruled decides. */
export function judgeFlow(facts: FlowFacts): Flow {
  const { tool, labels, trusted, plan, input, readings, rules } = facts;
  const write = tool.effect === "write";
  const foreign = labels.some((label) => isForeign(label, trusted));
  const held = heldBack(facts);
  if (!foreign && held.length === 0) return nothing;
  const fits = plan.flatMap((step, index) => {
    const fit = step.used < step.times ? fitOf(step, tool.name, input, readings, trusted) : undefined;
    return fit ? [{ index, fit }] : [];
  });
  // Of several entries that it fits, one that leaves the least to ask; that of the first where it is nothing.
  let best: { readonly findings: Suspect[]; readonly planned: number | undefined } | undefined;
  for (const chosen of [...fits, undefined]) {
    const findings: Suspect[] = [];
    if (foreign) findings.push(...untrustedIn(facts, chosen?.fit));
    // What is remembered keeps its labels, so it does nothing by itself.
    const remembers = labels.length > 0 && isKept(facts);
    if (write && !remembers && !chosen && steered(facts) && !rules.exempt?.some((one) => one.tool === tool.name)) {
      findings.push({ why: "control" });
    }
    if (held.length > 0) findings.push(...leaksIn(facts, chosen?.fit, held));
    if (!best || findings.length < best.findings.length) best = { findings, planned: chosen?.index };
    if (findings.length === 0) break;
  }
  if (!best || best.findings.length === 0) return best ? { findings: [], planned: best.planned } : nothing;
  return { findings: best.findings.map((one) => found(facts, one, held)), planned: best.planned };
}

function found(facts: FlowFacts, { why, argument, value }: Suspect, held: readonly string[]): FlowFinding {
  const about = {
    ...(argument === undefined ? {} : { argument }),
    ...(value === undefined ? {} : { value: shown(value) }),
  };
  switch (why) {
    case "untrusted":
      return { why, ...about, from: value === undefined || value === null ? [] : sayersOf(facts, value) };
    case "control":
      return { why, from: steeringIn(facts) };
    case "egress":
      return { why, ...about, from: facts.readings.filter(carrying(held)).slice(-sourcesMax).map(sourceOf) };
  }
}

/** Whether a reading is of one of the classes. */
function carrying(held: readonly string[]): (reading: Reading) => boolean {
  return (reading) => allLabels(reading).some((label) => held.includes(label));
}

/** Classes of data that may not go in. */
function heldBack({ tool, labels }: FlowFacts): string[] {
  if (tool.cleared === undefined) return [];
  return labels.filter((label) => isSensitive(label) && !isClearedFor(tool, label));
}

/** Values that may be of a class that the sink is not cleared for, alone (F3). */
export function leaksOf(facts: FlowFacts): FlowFinding[] {
  const held = heldBack(facts);
  return held.length === 0 ? [] : leaksIn(facts, undefined, held).map((one) => found(facts, one, held));
}

/** True for a call that keeps something in a memory. What takes an item away does something by itself. */
function isKept({ tool: { name, memory }, forgets }: FlowFacts): boolean {
  if (memory?.access !== "write") return false;
  return forgets === true || name === `remember_${memory.name}`;
}

function steered({ labels, trusted }: FlowFacts): boolean {
  return labels.some((label) => isSteering(label, trusted));
}

function steeringIn({ readings, trusted }: FlowFacts): Source[] {
  return readings
    .filter((one) => allLabels(one).some((label) => isSteering(label, trusted)))
    .slice(-sourcesMax)
    .map(sourceOf);
}

function untrustedIn(facts: FlowFacts, fit: Fit | undefined): Suspect[] {
  const { tool, input } = facts;
  const findings: Suspect[] = [];
  if (tool.protect.length === 0 || isScalar(input) || Array.isArray(input)) return findings;
  eachValue(input, tool.inputSchema, (value, pointer) => {
    const argument = nameIn(pointer);
    if (argument === undefined || !tool.protect.includes(argument)) return undefined;
    if (value === null && facts.empties) return undefined;
    if (fit?.fixed.has(pointer) || isAccepted(facts, argument, value, fit !== undefined)) return undefined;
    const parts = fit?.parts.get(pointer);
    const isKnown = (one: Scalar) => isVouchedFor(facts, pointer, one);
    if (isKnown(value) || (parts?.length && parts.every((part) => isKnown(part) || isKnown(numberOr(part)))))
      return undefined;
    findings.push({ why: "untrusted", argument: pointer, value });
    return findings.length >= findingsMax;
  });
  for (const pointer of facts.empties ? [] : emptiesIn(input, "")) {
    const argument = nameIn(pointer);
    if (argument === undefined || !tool.protect.includes(argument) || fit?.fixed.has(pointer)) continue;
    if (findings.length < findingsMax) findings.push({ why: "untrusted", argument: pointer });
  }
  return findings;
}

/** Pointers of lists and objects without any member. */
function* emptiesIn(value: Json, pointer: string): Generator<string, void, void> {
  if (isScalar(value)) return;
  const members = Object.entries(value);
  if (members.length === 0) yield pointer;
  for (const [key, member] of members) yield* emptiesIn(member as Json, `${pointer}/${escapePointer(key)}`);
}

function isAccepted({ rules, tool, readings }: FlowFacts, argument: string, value: Scalar, planned: boolean): boolean {
  return (rules.accept ?? []).some(
    (rule) =>
      rule.tool === tool.name &&
      rule.argument === argument &&
      (planned || rule.planned !== true) &&
      isWithin(rule, value, readings) &&
      (rule.pattern === undefined || (typeof value === "string" && isMatch(rule.pattern, value))),
  );
}

const matchMax = 256;

function isMatch(pattern: string, value: string): boolean {
  return value.length <= matchMax && new RegExp(`^(?:${pattern})$`, "u").test(value);
}

/** True for a value that somebody whose word counts has said: the run's people, the operator, or a trusted answer of the domain. */
function isVouchedFor(
  { readings, trusted, rules, tool, parts, schemaOf }: FlowFacts,
  pointer: string,
  value: Scalar,
): boolean {
  if (typeof value === "boolean" || value === null) return false;
  const domain = domainAt(tool.inputSchema, pointer);
  const { values = {} } = rules;
  if (domain !== undefined && Object.hasOwn(values, domain) && values[domain]?.includes(value)) return true;
  return readings.some((reading) => {
    const person = reading.source === inputSource || reading.source === answerSource;
    const schema = person ? undefined : schemaOf(reading.source);
    if (!person && (domain === undefined || schema === undefined)) return false;
    return eachScalar(reading.value, (one, at) => {
      if (!isTrustedAt(reading, at, trusted)) return undefined;
      if (person) return one === value || (typeof one === "string" && says(one, value, parts !== true));
      return one === value && schema !== undefined && domainAt(schema, at) === domain;
    });
  });
}

/** Values that may be of a class that the sink is not cleared for. */
function leaksIn(facts: FlowFacts, fit: Fit | undefined, held: readonly string[]): Suspect[] {
  const { input, readings } = facts;
  const findings: Suspect[] = [];
  const carries = carrying(held);
  const isInnocent = (value: Scalar, pointer: string) =>
    isVouchedFor(facts, pointer, value) ||
    (readings.some((one) => !carries(one) && saidBy(one, value)) &&
      !readings.some((one) => carries(one) && saidBy(one, value)));
  eachValue(input, facts.tool.inputSchema, (value, pointer) => {
    if (value === null || typeof value === "boolean" || fit?.fixed.has(pointer) || isInnocent(value, pointer))
      return undefined;
    const parts = fit?.parts.get(pointer);
    if (parts?.length && parts.every((part) => isInnocent(part, pointer) || isInnocent(numberOr(part), pointer)))
      return undefined;
    findings.push({ why: "egress", argument: pointer, value });
    return findings.length >= findingsMax;
  });
  return findings;
}

/** True for a sink that may get data of the class. */
export function isClearedFor({ cleared = [] }: Pick<Judgeable, "cleared">, label: string): boolean {
  return cleared.includes("sensitive") || cleared.includes(label);
}

const sourcesMax = 5;
const findingsMax = 20;
const shownMax = 200;

/** Who says a value, the foreign ones first. */
function sayersOf({ readings, trusted }: FlowFacts, value: Scalar): Source[] {
  const sayers = readings.filter((reading) => saidBy(reading, value));
  const isOutside = (one: Reading) => allLabels(one).some((label) => isForeign(label, trusted));
  return [...sayers.filter(isOutside), ...sayers.filter((one) => !isOutside(one))].slice(0, sourcesMax).map(sourceOf);
}

function allLabels({ labels }: Reading): readonly string[] {
  return Object.values(labels).flat();
}

function nameIn(pointer: string): string | undefined {
  return partsOfPointer(pointer)[0];
}

function shown(value: Scalar): Scalar {
  return typeof value === "string" && value.length > shownMax ? `${value.slice(0, shownMax)}…` : value;
}

/** A part of a text as a number, where it is one. */
function numberOr(value: Scalar): Scalar {
  return typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : value;
}
