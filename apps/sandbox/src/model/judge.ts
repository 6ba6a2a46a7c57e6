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
    evidence: [...new Set([...objections.map(({ ruleId }) => objectionMark + ruleId), ...ids, ...rules])]
      .map((id) => id.slice(0, 200))
      .slice(0, 100),
    diff: told.slice(0, 50).map(([what, to]) => ({ what: what.slice(0, textChars), to: to.slice(0, textChars) })),
    risk,
  };
}

function argumentsOf(input: Json): readonly (readonly [name: string, text: string])[] {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return [["input", JSON.stringify(input)]];
  return Object.entries(input)
    .filter(([name]) => name !== "")
    .map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)] as const);
}
