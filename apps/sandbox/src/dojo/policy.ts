import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Risk } from "@remit/core";
import { z } from "zod";
import { fieldText, firstFault, readYaml } from "../yaml-document.ts";
import type { Behaviours } from "./behaviour.ts";
import { DojoError } from "./errors.ts";
import type { Suite, SuiteArgument, SuiteTool } from "./suite.ts";

/**
 * What governs a suite's tools, as plain data. It comes from the labels that tools.json gives each tool and from the
 * names and types of arguments, by rules that hold for any suite; a policy file of the domain refines it. Neither knows
 * an id or a value of a suite.
 *
 * P1 What nobody has classed is protected as a whole.
 * P2 A file may say of a tool what it protects and trusts, and of no tool that the suite has not got.
 */

const text = z.string().min(1);
const texts = z.array(text);
const bounds = {
  min: z.number().optional(),
  max: z.number().optional(),
  pattern: text.optional(),
};
const acceptRule = z.strictObject({
  tool: text,
  argument: text,
  type: z.enum(["number", "integer", "boolean", "date", "string"]),
  planned: z.boolean().optional(),
  from: texts.optional(),
  ...bounds,
  because: text,
});
const toolRules = z.strictObject({
  labels: texts.optional(),
  risk: z.enum(["low", "medium", "high"]).optional(),
  protect: texts.optional(),
  /** Parts of the answer that the system itself assigns. */
  trusts: texts.optional(),
  /** Sensitive labels that may go in; absent from a sink: none, `all`: it is no sink. */
  cleared: z.union([texts, z.literal("all")]).optional(),
  /** Domains of arguments by name, and of parts of the answer by pointer. */
  domains: z.record(text, text).optional(),
});
const document = z.strictObject({
  suite: text.optional(),
  /** A module that exports `behaviours`, for tools that nobody here knows. */
  behaviours: text.optional(),
  tools: z.record(text, toolRules).default({}),
  flows: z
    .strictObject({
      untrusted: z.enum(["approve", "deny"]).optional(),
      control: z.enum(["approve", "deny"]).optional(),
      exempt: z.array(z.strictObject({ tool: text, because: text })).optional(),
      values: z.record(text, z.array(z.union([z.string(), z.number()]))).optional(),
      accept: z.array(acceptRule).optional(),
    })
    .default({}),
});

export type AcceptRule = z.output<typeof acceptRule>;
export interface FlowPolicy {
  readonly untrusted?: "approve" | "deny" | undefined;
  readonly control?: "approve" | "deny" | undefined;
  readonly exempt?: readonly { readonly tool: string; readonly because: string }[] | undefined;
  readonly values?: Readonly<Record<string, readonly (string | number)[]>> | undefined;
  readonly accept?: readonly AcceptRule[] | undefined;
}
export interface ToolPolicy {
  readonly labels: readonly string[];
  readonly risk: Risk;
  readonly protect: readonly string[];
  readonly trusts: readonly string[];
  /** Absent: no sink. */
  readonly cleared?: readonly string[];
  readonly domains: Readonly<Record<string, string>>;
}
export interface DojoPolicy {
  readonly tools: ReadonlyMap<string, ToolPolicy>;
  readonly flows: FlowPolicy;
}

/** What text of other people is labelled with. */
export const foreignLabel = "document";
/** What only the owner's eyes may see. */
export const sensitiveLabel = "sensitive:personal";

/** Where something goes, or who gets it. */
const goesTo =
  /recipient|^to$|^cc$|^bcc$|participant|iban|account|payee|beneficiary|email|address|user|channel|member|phone|destination|target/;
const amounts = /amount|sum|price|total|quantity|limit/;
const identifies = /(^|_)ids?_?$|^id_/;
const leadsOut = /url|link|website|domain|host/;
const attaches = /attachment|file/;
/** Free text that a record carries along; what it says binds nobody. */
const carriedAlong = /subject|title|description|body|content|text|note|message|comment|location|summary|reason/;

const protectedBy: Readonly<Record<string, (argument: SuiteArgument) => boolean>> = {
  "money-out": ({ name }) => goesTo.test(name) || amounts.test(name) || identifies.test(name),
  "message-out": ({ name }) => goesTo.test(name) || identifies.test(name) || leadsOut.test(name) || attaches.test(name),
  booking: ({ name }) => !carriedAlong.test(name),
};
/** Classes that keep what they get within the owner's own records. */
const staysInside = new Set(["booking", "profile-change", "account-takeover", "delete"]);

/** The rules that hold for any suite. */
export function generalPolicy(suite: Suite): DojoPolicy {
  const own = `trusted:${suite.name}`;
  const tools = new Map(
    suite.tools.map((tool): [string, ToolPolicy] => {
      const isProtected = protectedBy[tool.side_effect_class ?? ""] ?? (() => true);
      const isSink = tool.kind === "write" ? !staysInside.has(tool.side_effect_class ?? "") : false;
      // A read that leads out of the house tells whoever is there what it is asked for.
      const isExit = tool.kind === "read" && tool.args.some(({ name }) => leadsOut.test(name));
      return [
        tool.name,
        {
          labels: [
            tool.returns_untrusted_text ? foreignLabel : own,
            ...(tool.returns_sensitive ? [sensitiveLabel] : []),
          ],
          risk: "low",
          protect:
            tool.kind === "write"
              ? tool.args.filter(isProtected).map(({ name }) => name)
              : tool.args.filter(({ name }) => isExit && leadsOut.test(name)).map(({ name }) => name),
          trusts: tool.returns_untrusted_text ? assignedIn(tool, suite) : [],
          ...(isSink || isExit ? { cleared: [] } : {}),
          domains: {},
        },
      ];
    }),
  );
  const accept = suite.tools.flatMap((tool): AcceptRule[] =>
    tool.kind === "read"
      ? []
      : tool.args
          .filter(({ name }) => tools.get(tool.name)?.protect.includes(name))
          .flatMap(({ name, type }): AcceptRule[] => {
            const typed = type === "boolean" ? "boolean" : /(^|_)(date|day|time)$/.test(name) ? "date" : undefined;
            if (typed === undefined || tool.side_effect_class === undefined) return [];
            const because = "a step that was announced, and a value that can say nothing else";
            return [{ tool: tool.name, argument: name, type: typed, planned: true, because }];
          }),
  );
  return { tools, flows: { accept } };
}

/** Numbers and keys that the system gives its records, as the record's type tells: no text of anybody. */
function assignedIn(tool: SuiteTool, { records }: Suite): readonly string[] {
  const type = /^(?:array<)?(\w+)>?$/.exec(tool.returns)?.[1];
  const fields = type === undefined ? undefined : records[type];
  if (fields === undefined) return [];
  const at = tool.returns.startsWith("array<") ? "/*" : "";
  return fields.split(/,\s*/).flatMap((field) => {
    const [name = "", kind = ""] = field.split(":").map((part) => part.trim());
    return identifies.test(name) || kind === "boolean" ? [`${at}/${name}`] : [];
  });
}

export interface PolicyFile {
  readonly policy: DojoPolicy;
  readonly behaviours: Behaviours;
}

/**
 * The general rules, refined by the domain's file: the one that is named, or ours for suites of this name.
 * @throws DojoError `dojo/policy-broken`, `dojo/reference-unknown`
 */
export async function policyOf(suite: Suite, file?: string): Promise<PolicyFile> {
  const general = generalPolicy(suite);
  const path = file ?? shippedFor(suite.name);
  if (path === undefined) return { policy: general, behaviours: {} };
  const given = parsePolicy(path);
  // One file may be for one of several suites.
  if (given.suite !== undefined && given.suite !== suite.name) return { policy: general, behaviours: {} };
  const policy = refined(suite, general, given, { path, shipped: file === undefined });
  const module = given.behaviours === undefined ? undefined : resolve(dirname(path), given.behaviours);
  const behaviours = module === undefined ? {} : ((await import(module)) as { behaviours?: Behaviours }).behaviours;
  if (behaviours === undefined) throw broken(path, `${given.behaviours ?? ""} exports no behaviours`);
  return { policy, behaviours };
}

function shippedFor(name: string): string | undefined {
  const file = fileURLToPath(new URL(`../../packs/attack-suites/${name}.yaml`, import.meta.url));
  return /^[\w-]+$/.test(name) && existsSync(file) ? file : undefined;
}

function parsePolicy(path: string): z.output<typeof document> {
  if (!existsSync(path)) throw broken(path, "there is no such file");
  const { value, lineOf } = readYaml(readFileSync(path, "utf8"), ({ line, reason, cause }) => {
    return new DojoError("dojo/policy-broken", `${path}:${line}: not YAML: ${reason}`, { cause });
  });
  const result = document.safeParse(value());
  if (result.success) return result.data;
  const fault = firstFault(result.error);
  throw broken(`${path}:${lineOf(fault.path)}`, `${fieldText(fault.path)}: ${fault.reason}`);
}

/** What is shipped speaks of a suite as it is published; one that has fewer tools needs less of it. */
function refined(
  suite: Suite,
  general: DojoPolicy,
  given: z.output<typeof document>,
  { path, shipped }: { readonly path: string; readonly shipped: boolean },
): DojoPolicy {
  const tools = new Map(general.tools);
  const has = (tool: string, argument?: string): boolean => {
    const found = suite.tools.find(({ name }) => name === tool);
    return found !== undefined && (argument === undefined || found.args.some(({ name }) => name === argument));
  };
  const known = (tool: string, argument?: string): void => {
    const found = suite.tools.find(({ name }) => name === tool);
    const data = { suite: suite.name, tool, ...(argument === undefined ? {} : { argument }) };
    if (!found) throw new DojoError("dojo/reference-unknown", `${path}: ${suite.name} has no tool ${tool}`, { data });
    if (argument === undefined || found.args.some(({ name }) => name === argument)) return;
    throw new DojoError("dojo/reference-unknown", `${path}: ${tool} has no argument ${argument}`, { data });
  };
  for (const [name, { labels, risk, protect, trusts, cleared, domains }] of Object.entries(given.tools)) {
    if (shipped && !has(name)) continue;
    known(name);
    if (!shipped) for (const argument of protect ?? []) known(name, argument);
    const { cleared: usual, ...before } = tools.get(name) as ToolPolicy;
    const clear = cleared === "all" ? undefined : (cleared ?? usual);
    tools.set(name, {
      ...before,
      ...(labels === undefined ? {} : { labels }),
      ...(risk === undefined ? {} : { risk }),
      ...(protect === undefined ? {} : { protect: protect.filter((argument) => has(name, argument)) }),
      trusts: [...new Set([...before.trusts, ...(trusts ?? [])])],
      domains: { ...before.domains, ...domains },
      ...(clear === undefined ? {} : { cleared: clear }),
    });
  }
  const { accept: all = [], ...flows } = given.flows;
  const accept = shipped ? all.filter(({ tool, argument }) => has(tool, argument)) : all;
  for (const { tool, argument } of accept) known(tool, argument);
  for (const { tool } of flows.exempt ?? []) known(tool);
  return { tools, flows: { ...general.flows, ...flows, accept: [...(general.flows.accept ?? []), ...accept] } };
}

function broken(path: string, reason: string): DojoError {
  return new DojoError("dojo/policy-broken", `${path}: ${reason}`, { data: { file: path } });
}
