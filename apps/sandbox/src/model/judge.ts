import {
  type ApprovalPacket,
  type EffectCase,
  type EffectVerdict,
  effectCase,
  type Json,
  type ModelRequest,
} from "@remit/core";
import { type Objection, objectionMark } from "./conduct.ts";

/**
 * What scripted models answer as judges of single writes, so that no scenario has to script them: a verdict that allows
 * by the rules that the desk's compliance named before, and a packet made of the case alone; unless they object.
 */

/** The answer of a judge, or nothing when the request is none to a judge. */
export function judgement(
  { input, outputSchema }: ModelRequest,
  ruleIds: readonly string[],
  objectionsTo: (asked: EffectCase) => readonly Objection[] = () => [],
): Json | undefined {
  const parsed = effectCase.safeParse(input);
  if (!parsed.success) return undefined;
  const objections = objectionsTo(parsed.data);
  const of = (judge: Objection["judge"]) => objections.filter((one) => one.judge === judge);
  const members = (outputSchema.properties ?? {}) as { readonly [name: string]: unknown };
  if ("verdict" in members) return verdictOn(parsed.data, ruleIds, of("compliance")) as unknown as Json;
  return "diff" in members ? (packetOf(parsed.data, of("reviewer")) as unknown as Json) : undefined;
}

function verdictOn({ tool }: EffectCase, ruleIds: readonly string[], objections: readonly Objection[]): EffectVerdict {
  if (objections.length > 0) {
    const reasons = objections.map(({ reason }) => reason);
    return { verdict: "revise", ruleIds: objections.map(({ ruleId }) => ruleId), reasons, conditions: [] };
  }
  return {
    verdict: "allow",
    ruleIds: ruleIds.length > 0 ? [...ruleIds].slice(0, 20) : ["no-rule"],
    reasons: [`${tool} is what was cleared before.`],
    conditions: [],
  };
}

const textChars = 500;

function packetOf(
  { tool, input, risk, reversible, verdict, requestedBy, labels }: EffectCase,
  objections: readonly Objection[],
): ApprovalPacket {
  const told = argumentsOf(input as Json);
  const ids = told.filter(([name]) => /id$/i.test(name)).map(([, text]) => text);
  const shown = evidenceIn(input as Json);
  const rules = verdict?.ruleIds ?? [];
  const why = [
    ...objections.map(({ reason }) => reason),
    `A change of ${risk} risk that ${reversible ? "can" : "cannot"} be taken back, for ${requestedBy}.`,
    ...(verdict ? [`Compliance says ${verdict.verdict}: ${verdict.reasons.join(" ")}`] : []),
    ...(labels.length > 0 ? [`The agent had read data from ${labels.join(", ")}.`] : []),
  ];
  return {
    what: `${tool.replaceAll("_", " ")}: ${told.map(([name, text]) => `${name} ${text}`).join(", ")}`.slice(0, 2_000),
    why: why.join(" ").slice(0, 2_000),
    evidence: [...new Set([...objections.map(({ ruleId }) => objectionMark + ruleId), ...ids, ...shown, ...rules])]
      .map((id) => id.slice(0, 200))
      .slice(0, 100),
    diff: diffIn(input as Json, told).slice(0, 50),
    risk,
  };
}

/** What would be another: field by field where the arguments say what was there, else argument by argument. */
function diffIn(input: Json, told: readonly (readonly [name: string, text: string])[]): ApprovalPacket["diff"] {
  const parts: readonly unknown[] = [input, ...(isRecord(input) ? Object.values(input).flat() : [])];
  const changes = parts.filter(isFieldChange);
  if (changes.length === 0)
    return told.map(([what, to]) => ({ what: what.slice(0, textChars), to: to.slice(0, textChars) }));
  return changes.map(({ field, from, to }) => ({
    what: field.slice(0, textChars),
    from: from === null ? "nothing" : textOf(from).slice(0, textChars),
    to: textOf(to).slice(0, textChars),
  }));
}

interface FieldChange {
  readonly field: string;
  readonly from: Json;
  readonly to: Json;
}

/** True for what says of a field what was there and what will be. */
function isFieldChange(value: unknown): value is FieldChange {
  if (!isRecord(value)) return false;
  return typeof value.field === "string" && value.from !== undefined && value.to !== undefined;
}

/** Words and ids that the arguments give as evidence. */
function evidenceIn(input: Json): readonly string[] {
  const evidence = isRecord(input) ? input.evidence : undefined;
  return Array.isArray(evidence) ? evidence.filter((one) => typeof one === "string") : [];
}

function isRecord(value: unknown): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function argumentsOf(input: Json): readonly (readonly [name: string, text: string])[] {
  if (!isRecord(input)) return [["input", JSON.stringify(input)]];
  return Object.entries(input)
    .filter(([name]) => name !== "")
    .map(([name, value]) => [name, textOf(value)] as const);
}
