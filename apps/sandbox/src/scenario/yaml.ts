import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Json, operator, type ResponsePart, user } from "@remit/core";
import {
  defineScenario,
  type External,
  edit,
  grant,
  letExpire,
  reject,
  type Scenario,
  type Turn,
} from "@remit/core/testing";
import { z } from "zod";
import { SandboxError } from "../errors.ts";
import { fieldText, firstFault, readYaml } from "../yaml-document.ts";
import { strangerIn } from "./known-names.ts";

/** Scenarios for people who do not write code: one YAML file each. */

const json = z.json();
const callMap = z
  .record(z.string(), json)
  .refine((map) => Object.keys(map).length === 1, "one call is one tool name with its arguments");
const turn = z
  .strictObject({
    answers: z.record(z.string(), json).optional(),
    calls: z.union([callMap, z.array(callMap).min(1)], "one tool with its arguments, or a list of such").optional(),
    asks: z
      .strictObject({ customer: z.string().min(1).optional(), operator: z.string().min(1).optional() })
      .refine((one) => Object.keys(one).length === 1, "a question is put to either the customer or the operator")
      .optional(),
    refuses: z.string().min(1).optional(),
    says: z.string().min(1).optional(),
  })
  .refine((one) => Object.keys(one).length === 1, "a turn is exactly one of answers, calls, asks, refuses, says");
const step = z
  .record(z.string(), turn)
  .refine((map) => Object.keys(map).length === 1, "a step is one agent with its turn");
const change = z.strictObject({ path: z.string().startsWith("/"), before: json.optional(), after: json.optional() });
const texts = z.array(z.string().min(1));
const decisionNames = ["approve", "reject", "edit", "expire"] as const;
const decision = z
  .strictObject({
    tool: z.string().min(1),
    decision: z.enum(decisionNames, `a decision is one of ${decisionNames.join(", ")}`),
    reason: z.string().min(1).optional(),
    input: z.record(z.string(), json).optional(),
    by: z.string().min(1).optional(),
  })
  .refine((one) => (one.decision === "edit") === (one.input !== undefined), "an edit, and only an edit, has an input")
  .refine(
    ({ decision: said, reason }) => reason !== undefined || said === "approve" || said === "expire",
    "who rejects or edits says why: a reason is missing",
  )
  .refine(
    ({ decision: said, reason, by }) => said !== "expire" || (reason === undefined && by === undefined),
    "expire means that nobody says anything: no reason, no by",
  );

const document = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,79}$/, "lower-case letters, digits and hyphens"),
  title: z.string().min(1).max(200),
  tags: z.array(z.string().min(1)).default([]),
  customerId: z.string().min(1).optional(),
  input: z.record(z.string(), json),
  script: z.array(step).min(1),
  customer: z.array(json).default([]),
  operator: z.array(json).default([]),
  approver: z.array(decision).default([]),
  expect: z.strictObject({
    status: z.enum(["completed", "denied", "escalated", "failed", "cancelled", "parked"]).optional(),
    reason: z.string().optional(),
    path: texts.optional(),
    says: texts.optional(),
    neverSays: texts.optional(),
    writes: z.array(z.string()).optional(),
    reads: texts.optional(),
    denied: z.array(z.strictObject({ agent: z.string(), tool: z.string(), code: z.string().optional() })).optional(),
    approvals: z.array(z.strictObject({ tool: z.string().min(1), decision: z.enum(decisionNames) })).optional(),
    questions: z.number().int().nonnegative().optional(),
    changes: z.array(change).optional(),
  }),
});

export interface YamlOptions {
  /** Values that a text may refer to, `${order.id}`; a text that is nothing but a reference becomes the value itself. */
  readonly fixtures?: Json;
  /** The agents that there are; a step of any other, and what is expected of one, is an error. Not looked at when absent. */
  readonly agents?: readonly string[];
  /** The tools that there are; a decision on any other, and what is expected of one, is an error. Not looked at when absent. */
  readonly tools?: readonly string[];
  /** What the entry agent takes. An input that does not fit would stop the whole suite. Not looked at when absent. */
  readonly input?: z.ZodType;
}

/** Reads every `.yaml` file of a folder, or one file, in order of name. @throws SandboxError `scenario/*` */
export function loadScenarios(path: string, options: YamlOptions = {}): Scenario[] {
  let files: string[];
  try {
    files = statSync(path).isDirectory()
      ? readdirSync(path)
          .filter((name) => /\.ya?ml$/.test(name))
          .sort()
          .map((name) => join(path, name))
      : [path];
  } catch (cause) {
    throw new SandboxError("scenario/file-missing", { file: path }, { cause });
  }
  if (files.length === 0) throw new SandboxError("scenario/file-missing", { file: path });
  return uniqueScenarios(files.map((file) => parseScenario(readFileSync(file, "utf8"), file, options)));
}

/**
 * The same scenarios, when each has a name and a title of its own.
 * @throws SandboxError `scenario/name-taken`, with both places
 */
export function uniqueScenarios(scenarios: readonly Scenario[]): Scenario[] {
  const seen = new Map<string, Scenario>();
  const place = ({ source }: Scenario) => source ?? "a scenario in code";
  for (const scenario of scenarios) {
    for (const [what, text] of [
      ["name", scenario.name],
      ["title", scenario.title],
    ] as const) {
      const first = seen.get(`${what} ${text}`);
      if (first) {
        throw new SandboxError("scenario/name-taken", { file: place(scenario), what, text, other: place(first) });
      }
    }
    seen.set(`name ${scenario.name}`, scenario).set(`title ${scenario.title}`, scenario);
  }
  return [...scenarios];
}

/**
 * Reads one scenario.
 * @throws SandboxError `scenario/not-yaml`, `scenario/field-wrong`, `scenario/fixture-unknown`: each with file and line
 */
export function parseScenario(
  text: string,
  file: string,
  { fixtures = {}, agents, tools, input: taken }: YamlOptions = {},
): Scenario {
  const { value: read, lineOf } = readYaml(
    text,
    ({ line, reason, cause }) => new SandboxError("scenario/not-yaml", { file, line, reason }, { cause }),
  );
  const fill = (value: unknown, path: readonly PropertyKey[]): unknown => {
    if (typeof value === "string") return fillText(value, path);
    if (Array.isArray(value)) return value.map((item, index) => fill(item, [...path, index]));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        String(fillText(key, [...path, key])),
        fill(member, [...path, key]),
      ]),
    );
  };
  const fillText = (value: string, path: readonly PropertyKey[]): unknown => {
    const look = (reference: string): unknown => {
      let at: unknown = fixtures;
      for (const part of reference.split(".")) {
        // Own members only: `toString` is no fixture.
        const inside = typeof at === "object" && at !== null && Object.hasOwn(at, part);
        at = inside ? (at as Record<string, unknown>)[part] : undefined;
      }
      if (at === undefined) throw new SandboxError("scenario/fixture-unknown", { file, line: lineOf(path), reference });
      return at;
    };
    const whole = /^\$\{([^{}]+)\}$/.exec(value);
    if (whole?.[1] !== undefined) return look(whole[1].trim());
    return value.replace(/\$\{([^{}]+)\}/g, (_, reference: string) => {
      const found = look(reference.trim());
      return typeof found === "object" ? JSON.stringify(found) : String(found);
    });
  };

  const result = document.safeParse(fill(read(), []));
  if (!result.success) {
    const { path, reason } = firstFault(result.error);
    throw new SandboxError("scenario/field-wrong", { file, line: lineOf(path), field: fieldText(path), reason });
  }
  const { name, title, tags, customerId, input, script, customer, operator: desk, approver, expect } = result.data;
  const fitting = taken?.safeParse(input);
  if (fitting?.error) {
    const fault = firstFault(fitting.error);
    const path = ["input", ...fault.path];
    const { reason } = fault;
    throw new SandboxError("scenario/field-wrong", { file, line: lineOf(path), field: fieldText(path), reason });
  }
  const scenario = defineScenario({
    name,
    title,
    tags,
    input,
    source: file,
    script: script.flatMap((one) => Object.entries(one).map(([agent, body]) => turnOf(agent, body))),
    external: [
      ...customer.map((answer) => ({ of: "customer" as const, answer })),
      ...desk.map((answer) => ({ of: "operator" as const, answer })),
      ...approver.map(decisionOf),
    ],
    ...(customerId === undefined ? {} : { principal: user(customerId) }),
    // The parsed members are present or absent, never undefined: YAML has no such value.
    expect: JSON.parse(JSON.stringify(expect)) as typeof expect & Scenario["expect"],
  });
  const stranger = strangerIn(scenario, { agents, tools });
  if (stranger) {
    const { path, reason } = stranger;
    throw new SandboxError("scenario/field-wrong", { file, line: lineOf(path), field: fieldText(path), reason });
  }
  return scenario;
}

function decisionOf({ tool, decision: said, reason = "approved", input, by }: z.output<typeof decision>): External {
  const who = by === undefined ? {} : { by: operator(by, ["staff"]) };
  switch (said) {
    case "approve":
      return grant(tool, { reason, ...who });
    case "reject":
      return reject(tool, reason, who);
    case "edit":
      return edit(tool, (input ?? {}) as Json, reason, who);
    case "expire":
      return letExpire(tool);
  }
}

function turnOf(agent: string, body: z.output<typeof turn>): Turn {
  const parts: ResponsePart[] = [];
  if (body.answers) parts.push({ type: "output", value: body.answers as Json });
  const calls = body.calls === undefined ? [] : Array.isArray(body.calls) ? body.calls : [body.calls];
  calls.forEach((one, index) => {
    for (const [tool, input] of Object.entries(one)) {
      parts.push({ type: "toolCall", callId: `call_${index + 1}`, tool, input: (input ?? {}) as Json });
    }
  });
  for (const audience of ["customer", "operator"] as const) {
    const question = body.asks?.[audience];
    if (question !== undefined) parts.push({ type: "ask", of: audience, question });
  }
  if (body.refuses !== undefined) parts.push({ type: "refusal", reason: body.refuses });
  if (body.says !== undefined) parts.push({ type: "text", text: body.says });
  return { agent, parts };
}
