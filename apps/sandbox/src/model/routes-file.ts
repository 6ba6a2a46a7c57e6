import type { Price } from "@remit/agents/prices";
import { z } from "zod";
import { SandboxError } from "../errors.ts";
import { fieldText, firstFault, readYaml } from "../yaml-document.ts";
import { isServerUrl, type ModelReference, referenceOf, referenceText, vendorNames } from "./reference.ts";

/**
 * Which model is asked under which alias, for people who do not write code: one YAML file. It holds no key.
 *
 * F1 Each name stands for something that is there: whoever misspells one is told what there is, with file and line.
 */

const text = z.string().min(1);
const dollars = z.number().nonnegative();
const baseUrl = z.string().refine(isServerUrl, "the address of a server, such as http://127.0.0.1:11434/v1");
const model = z.strictObject({
  model: text,
  baseUrl: baseUrl.optional(),
  cleared: z.array(text).optional(),
  maxOutputTokens: z.int().positive().optional(),
  timeoutMs: z.int().positive().optional(),
  keyVariable: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, "the name of a variable of the environment")
    .optional(),
});
const names = z.union([text, z.array(text).min(1)], "the name of a model, or a list of such");
const rule = z
  .strictObject({
    name: text,
    agents: z.array(text).min(1).optional(),
    labels: z.array(text).min(1).optional(),
    minChars: z.int().nonnegative().optional(),
    maxChars: z.int().nonnegative().optional(),
    use: names,
  })
  .refine(
    ({ agents, labels, minChars, maxChars }) => [agents, labels, minChars, maxChars].some((one) => one !== undefined),
    "a rule says when: by agents, labels, minChars or maxChars",
  );
const route = z.strictObject({
  candidates: names,
  rules: z
    .array(rule)
    .refine((rules) => new Set(rules.map(({ name }) => name)).size === rules.length, "two rules have one name")
    .default([]),
  split: z
    .strictObject({
      weights: z
        .record(text, z.number().nonnegative())
        .refine((weights) => Object.values(weights).some((weight) => weight > 0), "one weight is above 0"),
      sticky: z.enum(["run", "tenant"], "run or tenant").default("run"),
    })
    .optional(),
  targets: z.strictObject({ usd: dollars.optional(), latencyMs: z.number().nonnegative().optional() }).default({}),
});
const price = z.strictObject({ input: dollars, output: dollars, cachedInput: dollars.optional() });
const document = z.strictObject({
  models: z
    .record(text, z.union([text, z.record(z.string(), z.json())], "vendor:name, or an object with `model`"))
    .default({}),
  routes: z
    .record(
      text,
      z.union([text, z.array(text).min(1), z.record(z.string(), z.json())], "models, or an object with `candidates`"),
    )
    .default({}),
  prices: z.record(text, price).default({}),
});

/** A model with what it needs to be called. */
export interface ModelSpec {
  readonly reference: ModelReference;
  readonly baseUrl?: string;
  /** Sensitive labels that it may see. */
  readonly cleared?: readonly string[];
  readonly maxOutputTokens?: number;
  readonly timeoutMs?: number;
  /** The variable of the environment that holds its key; the vendor's own when absent. */
  readonly keyVariable?: string;
}

/** A route with names of models in place of models. */
export interface RouteSpec {
  readonly candidates: readonly string[];
  readonly rules: readonly RouteRuleSpec[];
  readonly split?: { readonly weights: Readonly<Record<string, number>>; readonly sticky: "run" | "tenant" };
  readonly targets: { readonly usd?: number; readonly latencyMs?: number };
}

/** All that it names must hold; of a list, one. */
export interface RouteRuleSpec {
  readonly name: string;
  readonly agents?: readonly string[];
  readonly labels?: readonly string[];
  readonly minChars?: number;
  readonly maxChars?: number;
  readonly use: readonly string[];
}

export interface RoutesFile {
  readonly models: Readonly<Record<string, ModelSpec>>;
  /** By alias; `*` is for all that have none of their own. */
  readonly routes: Readonly<Record<string, RouteSpec>>;
  /** By the name that the vendor gives the model, in US dollars for a million tokens. */
  readonly prices: Readonly<Record<string, Price>>;
  /** The error of something wrong at a place of the file. */
  readonly fault: (path: readonly PropertyKey[], reason: string) => SandboxError;
}

/** The alias that stands for all others. */
export const everyAlias = "*";

/** Reads a routes file. @throws SandboxError `routes/not-yaml`, `routes/field-wrong`: each with file and line */
export function parseRoutes(source: string, file: string): RoutesFile {
  const { value, lineOf } = readYaml(
    source,
    ({ line, reason, cause }) => new SandboxError("routes/not-yaml", { file, line, reason }, { cause }),
  );
  const fault = (path: readonly PropertyKey[], reason: string) =>
    new SandboxError("routes/field-wrong", { file, line: lineOf(path), field: fieldText(path), reason });
  /** One schema at one place: a union's own message would not say which member is wrong. */
  const read = <Schema extends z.ZodType>(schema: Schema, given: unknown, at: readonly PropertyKey[]) => {
    const result = schema.safeParse(given);
    if (result.success) return result.data;
    const { path, reason } = firstFault(result.error);
    throw fault([...at, ...path], reason);
  };
  const whole = read(document, value(), []);

  const models = mapped(whole.models, (given, name): ModelSpec => {
    const at = ["models", name];
    const { model: written, ...rest } = read(model, typeof given === "string" ? { model: given } : given, at);
    const reference = referenceOf(written);
    if (!reference) {
      const where = typeof given === "string" ? at : [...at, "model"];
      throw fault(
        where,
        `${written} is no model; write vendor:name, with one of the vendors ${vendorNames.join(", ")}`,
      );
    }
    if (reference.vendor === "compatible" && rest.baseUrl === undefined) {
      throw fault(at, "a compatible model needs a baseUrl");
    }
    return present({ reference, ...rest });
  });
  const known = (name: string, at: readonly PropertyKey[]): string => {
    if (Object.hasOwn(models, name)) return name;
    throw fault(at, `there is no model ${name}; the models are ${Object.keys(models).join(", ")}`);
  };
  const listed = (given: string | readonly string[], at: readonly PropertyKey[]): readonly string[] =>
    typeof given === "string" ? [known(given, at)] : given.map((name, index) => known(name, [...at, index]));

  const routes = mapped(whole.routes, (given, alias): RouteSpec => {
    const at = ["routes", alias];
    if (typeof given === "string" || Array.isArray(given)) {
      return { candidates: listed(given as string | readonly string[], at), rules: [], targets: {} };
    }
    const { candidates, rules, split, targets } = read(route, given, at);
    for (const name of Object.keys(split?.weights ?? {})) known(name, [...at, "split", "weights", name]);
    return present({
      candidates: listed(candidates, [...at, "candidates"]),
      rules: rules.map((one, index) => present({ ...one, use: listed(one.use, [...at, "rules", index, "use"]) })),
      split,
      targets: present(targets),
    });
  });
  const prices = mapped(whole.prices, ({ input, output, cachedInput }, name): Price => {
    const called = Object.values(models).map(({ reference }) => reference.name);
    // The model that --model names may stand in no list of the file.
    if (Object.keys(models).includes(name) && !called.includes(name)) {
      throw fault(["prices", name], `a price is by the vendor's name of a model: ${models[name]?.reference.name}`);
    }
    return present({ inputPerMillion: input, outputPerMillion: output, cachedInputPerMillion: cachedInput });
  });
  return { models, routes, prices, fault };
}

/**
 * A routes file again from what was read of it: without servers' addresses, the names of variables that hold keys, and
 * whatever else somebody wrote beside it.
 */
export function routesText({ models, routes, prices }: Omit<RoutesFile, "fault">): string {
  const document = {
    models: mapped(models, ({ reference, baseUrl: _url, keyVariable: _variable, ...rest }) => ({
      model: referenceText(reference),
      ...(reference.vendor === "compatible" ? { baseUrl: noServer } : {}),
      ...rest,
    })),
    routes,
    prices: mapped(prices, ({ inputPerMillion, outputPerMillion, cachedInputPerMillion }) =>
      present({ input: inputPerMillion, output: outputPerMillion, cachedInput: cachedInputPerMillion }),
    ),
  };
  return JSON.stringify(document, null, 2); // JSON is YAML.
}

/** Stands where a server's address was; nobody answers there. */
const noServer = "http://recorded.invalid";

function mapped<Given, Made>(
  record: Readonly<Record<string, Given>>,
  make: (given: Given, key: string) => Made,
): Readonly<Record<string, Made>> {
  return Object.fromEntries(Object.entries(record).map(([key, given]) => [key, make(given, key)]));
}

type Present<Fields> = { [Key in keyof Fields as undefined extends Fields[Key] ? never : Key]: Fields[Key] } & {
  [Key in keyof Fields as undefined extends Fields[Key] ? Key : never]?: Exclude<Fields[Key], undefined>;
};

/** The same without the members that are undefined: an absent field of YAML is absent here too. */
function present<Fields extends object>(fields: Fields): Present<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, one]) => one !== undefined)) as Present<Fields>;
}
