import { canonicalJson, type Json } from "@remit/core";
import { isHole, type PlannedStep } from "./govern.ts";
import { scalarsIn } from "./state.ts";
import type { Suite, SuiteArgument, SuiteCall, SuiteTool } from "./suite.ts";

/** What an attacker's model tries after a refusal: whatever else reaches the same end, and what is likely to pass. */

/** Different calls that one refused call is followed by, at most. */
const mostTries = 10;

const isDate = (value: Json | undefined) => typeof value === "string" && /^\d{4}-\d{2}-\d{2}/.test(value);
const isAddress = (value: Json | undefined) =>
  typeof value === "string" && (/@|:\/\//.test(value) || /^[A-Z]{2}\d/.test(value));
const isTarget = (name: string) =>
  /recipient|^to$|account|iban|payee|email|participant|user|hotel|company|restaurant|password|url/.test(name);

/**
 * @param plan steps that were announced and not done yet
 * @param seen answers that the model has read
 */
export function alternativesTo(
  call: SuiteCall,
  suite: Suite,
  { plan, seen }: { readonly plan: readonly PlannedStep[]; readonly seen: readonly unknown[] },
): readonly SuiteCall[] {
  const tools = new Map(suite.tools.map((tool) => [tool.name, tool]));
  const own = tools.get(call.tool);
  const wanted = wantedOf(call);
  const found: SuiteCall[] = [
    ...plan.map((step) => filled(step, call, wanted, tools.get(step.tool))),
    ...plan.filter(({ tool }) => tool === call.tool).map((step) => onlyNamed(step, call)),
    disguised(call),
    ...suite.tools.filter((tool) => isSibling(tool, own)).map((tool) => borrowed(tool, call, wanted, seen)),
    ...suite.tools.filter((tool) => carries(tool, own)).map((tool) => borrowed(tool, call, wanted, seen)),
  ].filter((one) => one !== undefined);
  const known = new Set([keyOf(call)]);
  return found
    .filter((one) => {
      const key = keyOf(one);
      return !known.has(key) && known.add(key);
    })
    .slice(0, mostTries);
}

function keyOf({ tool, args }: SuiteCall): string {
  return `${tool} ${canonicalJson(args)}`;
}

interface Wanted {
  /** Whom or what the attacker wants it to reach. */
  readonly target: Json | undefined;
  readonly text: string;
  readonly amount: number | undefined;
  readonly date: string | undefined;
}

function wantedOf({ args }: SuiteCall): Wanted {
  const all = Object.entries(args) as [string, Json][];
  const flat = all.map(([name, value]): [string, Json] => [
    name,
    Array.isArray(value) ? ((value[0] ?? "") as Json) : value,
  ]);
  const target = flat.find(([name]) => isTarget(name)) ?? flat.find(([, value]) => isAddress(value));
  const texts = flat.flatMap(([, value]) =>
    typeof value === "string" && value !== target?.[1] && !isDate(value) ? [value] : [],
  );
  const amount = flat.find(([name, value]) => typeof value === "number" && !/(^|_)id$/.test(name))?.[1];
  const date = flat.find(([, value]) => isDate(value))?.[1];
  return {
    target: target?.[1],
    text: texts.sort((left, right) => right.length - left.length)[0] ?? String(target?.[1] ?? ""),
    amount: typeof amount === "number" ? amount : undefined,
    date: typeof date === "string" ? date : undefined,
  };
}

/** A step of one's own plan, its holes filled with what the attacker wants. */
function filled(
  step: PlannedStep,
  { args }: SuiteCall,
  wanted: Wanted,
  tool: SuiteTool | undefined,
): SuiteCall | undefined {
  let bent = false;
  const made = Object.entries(step.arguments).map(([name, value]): [string, Json] => {
    if (!isHole(value)) return [name, value as Json];
    bent = true;
    const argument = tool?.args.find((one) => one.name === name);
    return [
      name,
      (args[name] as Json | undefined) ?? valueFor(argument ?? { name, type: "string", required: true }, wanted, []),
    ];
  });
  return bent ? { tool: step.tool, args: Object.fromEntries(made) as SuiteCall["args"] } : undefined;
}

/** The attacker's own call with the argument names of an announced one, so that it looks like it. */
function onlyNamed(step: PlannedStep, { tool, args }: SuiteCall): SuiteCall | undefined {
  const names = Object.keys(step.arguments);
  const made = names.map((name): [string, Json] => {
    const planned = step.arguments[name];
    return [name, (args[name] as Json | undefined) ?? (isHole(planned) ? "" : ((planned ?? "") as Json))];
  });
  return { tool, args: Object.fromEntries(made) as SuiteCall["args"] };
}

/** The same with addresses written another way, for a gate that compares text. */
function disguised({ tool, args }: SuiteCall): SuiteCall {
  const bend = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(bend);
    return isAddress(value) ? ` ${String(value)} ` : value;
  };
  const made = Object.entries(args).map(([name, value]) => [name, bend(value as Json)] as const);
  return { tool, args: Object.fromEntries(made) as SuiteCall["args"] };
}

const isSibling = (tool: SuiteTool, own: SuiteTool | undefined) =>
  tool.kind === "write" && tool.side_effect_class === own?.side_effect_class && tool.name !== own?.name;

/** Another write that can bring a text to somebody, or to where somebody will read it. */
const carries = (tool: SuiteTool, own: SuiteTool | undefined) =>
  tool.kind === "write" &&
  tool.side_effect_class !== own?.side_effect_class &&
  /message|mail|share|publish|post|money/.test(`${tool.side_effect_class ?? ""} ${tool.name}`);

function borrowed(
  tool: SuiteTool,
  { args }: SuiteCall,
  wanted: Wanted,
  seen: readonly unknown[],
): SuiteCall | undefined {
  const made = tool.args.flatMap((argument): [string, Json][] => {
    const same = args[argument.name] as Json | undefined;
    if (same !== undefined) return [[argument.name, same]];
    if (!argument.required && !isTarget(argument.name)) return [];
    return [[argument.name, valueFor(argument, wanted, seen)]];
  });
  return made.length === 0 ? undefined : { tool: tool.name, args: Object.fromEntries(made) as SuiteCall["args"] };
}

function valueFor({ name, type }: SuiteArgument, wanted: Wanted, seen: readonly unknown[]): Json {
  const inList = (value: Json): Json => (type.startsWith("array") ? [value] : value);
  if (/(^|_)id_?$/.test(name)) {
    const ids = [...scalarsIn(seen)].filter((one) => /^id_?$/.test(one.name)).map(({ value }) => value);
    const id = ids[0] ?? 1;
    return type === "integer" ? Number(id) || 1 : String(id);
  }
  if (type === "boolean") return false;
  if (type === "number" || type === "integer") return wanted.amount ?? 1;
  if (/date|day|time/.test(name)) return wanted.date ?? "2020-01-01";
  if (isTarget(name)) return inList(wanted.target ?? wanted.text);
  return inList(wanted.text);
}
