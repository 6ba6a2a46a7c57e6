import { canonicalJson, type Json, type JsonSchema } from "@remit/core";
import { compilePattern, PatternRefused, type StepBudget, StepsExhausted } from "./pattern.ts";

/**
 * Checks values by a JSON Schema document, without generating code: making a checker costs about as much as reading the
 * document once, and a check counts its steps and stops when they are used up. What it does not take it says
 * ({@link NotTaken}), and it never guesses.
 *
 * C1 A check does at most `steps` steps, each of constant time; beyond that it throws {@link StepsExhausted}.
 * C2 A checker agrees with ajv on every document that it takes. `format` and the `content*` keywords are annotations.
 */
export interface Checker {
  /** What does not fit, at most 20 places; empty when all does. @throws StepsExhausted */
  readonly problemsOf: (value: unknown) => readonly Problem[];
}

export interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export type Dialect = "2020-12" | "2019-09" | "07";

/** The document is no JSON Schema. */
export class SchemaWrong extends Error {
  override readonly name = "SchemaWrong";
}

/** A document that may well be a schema, but not one that is checked here. */
export class NotTaken extends Error {
  override readonly name = "NotTaken";
  /** The pattern that is to blame. */
  readonly pattern: string | undefined;

  constructor(reason: string, pattern?: string, options?: { readonly cause?: unknown }) {
    super(reason, options);
    this.pattern = pattern;
  }
}

export interface CheckerOptions {
  readonly dialect: Dialect;
  /** Steps of one check. */
  readonly steps: number;
  /** Instructions that all patterns of the document may compile to. */
  readonly instructions: number;
  /** What a reference of the document leads to; bounds were checked before, so it is there and leads to no circle. */
  readonly target: (reference: string) => unknown;
}

/** True when the value fits. */
type Check = (value: unknown) => boolean;
type Members = { readonly [name: string]: unknown };

const problemsMax = 20;
const typeNames = ["array", "boolean", "integer", "null", "number", "object", "string"];

/**
 * Makes a checker of a document whose bounds were checked (`schema-bounds.ts`).
 * @throws SchemaWrong, NotTaken
 */
export function compileChecker(document: JsonSchema, options: CheckerOptions): Checker {
  const { dialect, steps } = options;
  const modern = dialect !== "07";
  const budget: StepBudget = { left: 0 };
  const room = { left: options.instructions };
  const made = new Map<unknown, Check>();
  const open = new Set<unknown>();
  let problems: Problem[] = [];
  let path: (string | number)[] = [];
  /** Above 0 inside of a part that may fail without a consequence. */
  let quiet = 0;

  const spend = (count: number) => {
    budget.left -= count;
    if (budget.left < 0) throw new StepsExhausted("checking this value took too many steps");
  };
  const fail = (message: string): false => {
    if (quiet === 0 && problems.length < problemsMax) problems.push({ path: [...path], message });
    return false;
  };
  const under = (key: string | number, check: Check, value: unknown): boolean => {
    path.push(key);
    const fits = check(value);
    path.pop();
    return fits;
  };
  const silently = (check: Check, value: unknown): boolean => {
    quiet++;
    const fits = check(value);
    quiet--;
    return fits;
  };
  const canonical = (value: unknown): string => {
    let text: string;
    try {
      text = canonicalJson(value as Json);
    } catch (cause) {
      // Nested too deeply, or no JSON: what it is compared with is neither.
      throw new StepsExhausted("a value that is compared is nested too deeply", { cause });
    }
    spend(text.length >> 3);
    return text;
  };

  const schemaOf = (schema: unknown): Check => {
    if (schema === true) return () => true;
    if (schema === false) return () => fail("boolean schema is false");
    if (!isRecord(schema)) throw new SchemaWrong("schema is neither an object nor a boolean");
    const known = made.get(schema);
    if (known) return known;
    if (open.has(schema)) throw new SchemaWrong("a reference leads back to where it is");
    open.add(schema);
    const type = typeOf(schema);
    const rest = Object.keys(keywords).flatMap((keyword) =>
      Object.hasOwn(schema, keyword) ? (keywords[keyword]?.(schema[keyword], schema) ?? []) : [],
    );
    const check: Check = (value) => {
      spend(1);
      if (type && !type(value)) return false;
      let fits = true;
      for (const one of rest) if (!one(value)) fits = false;
      return fits;
    };
    made.set(schema, check);
    open.delete(schema);
    return check;
  };

  const typeOf = (schema: Members): Check | undefined => {
    if (schema.type === undefined) {
      if (schema.nullable !== undefined) throw new SchemaWrong('"nullable" cannot be used without "type"');
      return undefined;
    }
    const listed = Array.isArray(schema.type) ? (schema.type as unknown[]) : [schema.type];
    if (listed.length === 0 || listed.some((name) => !typeNames.includes(name as string))) {
      throw new SchemaWrong("data/type must be equal to one of the allowed values");
    }
    const names = new Set(listed as string[]);
    if (schema.nullable === true) names.add("null");
    const message = `must be ${[...names].join(",")}`;
    return (value) => {
      const found = kindOf(value);
      const fits = names.has(found) || (found === "number" && names.has("integer") && Number.isInteger(value));
      return fits || fail(message);
    };
  };

  const listOf = (keyword: string, value: unknown): readonly Check[] => {
    if (!Array.isArray(value) || value.length === 0) throw new SchemaWrong(`${keyword} must be a list of schemas`);
    return value.map(schemaOf);
  };
  const mapOf = (keyword: string, value: unknown): readonly (readonly [string, Check])[] => {
    if (!isRecord(value)) throw new SchemaWrong(`${keyword} must be an object`);
    return Object.entries(value).map(([name, schema]) => [name, schemaOf(schema)] as const);
  };
  const patternOf = (source: unknown): Check => {
    if (typeof source !== "string") throw new SchemaWrong("pattern must be string");
    try {
      const pattern = compilePattern(source, budget, room);
      return (text) => pattern.test(text as string);
    } catch (cause) {
      if (cause instanceof PatternRefused) throw new NotTaken(cause.message, source, { cause });
      throw cause;
    }
  };
  const count = (keyword: string, value: unknown): number => {
    if (!Number.isInteger(value) || (value as number) < 0) throw new SchemaWrong(`${keyword} must be >= 0`);
    return value as number;
  };

  const ofNumber = (keyword: string, holds: (value: number, bound: number) => boolean, words: string) => ({
    [keyword]: (bound: unknown): Check => {
      if (typeof bound !== "number") throw new SchemaWrong(`${keyword} must be number`);
      return (value) => typeof value !== "number" || holds(value, bound) || fail(`must ${words} ${bound}`);
    },
  });
  const ofSize = (keyword: string, size: (value: unknown) => number | undefined, more: boolean, what: string) => ({
    [keyword]: (argument: unknown): Check => {
      const bound = count(keyword, argument);
      return (value) => {
        const found = size(value);
        if (found === undefined || (more ? found >= bound : found <= bound)) return true;
        return fail(`must NOT have ${more ? "fewer" : "more"} than ${bound} ${what}`);
      };
    },
  });
  const characters = (value: unknown) => {
    if (typeof value !== "string") return undefined;
    spend(value.length >> 3);
    let pairs = 0;
    for (let index = 0; index < value.length - 1; index++) {
      if ((value.charCodeAt(index) & 0xfc00) !== 0xd800 || (value.charCodeAt(index + 1) & 0xfc00) !== 0xdc00) continue;
      pairs++;
      index++;
    }
    return value.length - pairs;
  };
  const items = (value: unknown) => (Array.isArray(value) ? value.length : undefined);
  const members = (value: unknown) => (isRecord(value) ? Object.keys(value).length : undefined);

  /** Items from `start` on. */
  const itemsFrom = (start: number, schema: unknown): Check => {
    const check = schemaOf(schema);
    return (value) => {
      if (!Array.isArray(value)) return true;
      if (schema === false) {
        return value.length <= start || fail(`must NOT have more than ${start} items`);
      }
      let fits = true;
      for (let index = start; index < value.length; index++) if (!under(index, check, value[index])) fits = false;
      return fits;
    };
  };
  const tuple = (keyword: string, schemas: unknown): Check => {
    const checks = listOf(keyword, schemas);
    return (value) => {
      if (!Array.isArray(value)) return true;
      let fits = true;
      for (const [index, check] of checks.entries()) {
        if (index < value.length && !under(index, check, value[index])) fits = false;
      }
      return fits;
    };
  };
  const required = (keyword: string, names: unknown): readonly string[] => {
    if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names as string[];
    throw new SchemaWrong(`${keyword} must be a list of names`);
  };
  const has = (value: Members, name: string, because = ""): boolean =>
    (Object.hasOwn(value, name) && value[name] !== undefined) ||
    fail(`must have required property '${name}'${because}`);
  const dependentNames = (keyword: string, trigger: string, names: unknown): Check => {
    const wanted = required(keyword, names);
    return (value) => {
      if (!isRecord(value) || !Object.hasOwn(value, trigger)) return true;
      spend(wanted.length);
      return wanted.map((name) => has(value, name, ` when property ${trigger} is present`)).every(Boolean);
    };
  };
  const dependentSchema = (trigger: string, schema: unknown): Check => {
    const check = schemaOf(schema);
    return (value) => !isRecord(value) || !Object.hasOwn(value, trigger) || check(value);
  };

  const keywords: { readonly [keyword: string]: (argument: unknown, schema: Members) => Check | Check[] } = {
    $ref: (reference) => {
      if (typeof reference !== "string") throw new SchemaWrong("$ref must be string");
      return schemaOf(options.target(reference));
    },
    enum: (allowed) => {
      if (!Array.isArray(allowed) || allowed.length === 0) throw new SchemaWrong("enum must have non-empty array");
      const simple = new Set<unknown>(allowed.filter((value) => typeof value !== "object" || value === null));
      const others = new Set(
        allowed.filter((value) => typeof value === "object" && value !== null).map((value) => canonicalJson(value)),
      );
      const message = `must be equal to one of the allowed values: ${JSON.stringify(allowed).slice(0, 240)}`;
      return (value) => {
        const fits =
          typeof value !== "object" || value === null
            ? simple.has(value)
            : others.size > 0 && others.has(canonical(value));
        return fits || fail(message);
      };
    },
    const: (wanted) => {
      const text = canonicalJson(wanted as Json);
      return (value) => {
        const fits =
          typeof wanted !== "object" || wanted === null
            ? value === wanted
            : typeof value === "object" && canonical(value) === text;
        return fits || fail("must be equal to constant");
      };
    },
    ...ofNumber("minimum", (value, bound) => value >= bound, "be >="),
    ...ofNumber("maximum", (value, bound) => value <= bound, "be <="),
    ...ofNumber("exclusiveMinimum", (value, bound) => value > bound, "be >"),
    ...ofNumber("exclusiveMaximum", (value, bound) => value < bound, "be <"),
    multipleOf: (factor) => {
      if (typeof factor !== "number" || factor <= 0) throw new SchemaWrong("multipleOf must be > 0");
      return (value) =>
        typeof value !== "number" || Number.isInteger(value / factor) || fail(`must be multiple of ${factor}`);
    },
    ...ofSize("minLength", characters, true, "characters"),
    ...ofSize("maxLength", characters, false, "characters"),
    ...ofSize("minItems", items, true, "items"),
    ...ofSize("maxItems", items, false, "items"),
    ...ofSize("minProperties", members, true, "properties"),
    ...ofSize("maxProperties", members, false, "properties"),
    pattern: (source) => {
      const matches = patternOf(source);
      return (value) => typeof value !== "string" || matches(value) || fail(`must match pattern "${String(source)}"`);
    },
    uniqueItems: (wanted) => {
      if (typeof wanted !== "boolean") throw new SchemaWrong("uniqueItems must be boolean");
      return (value) => {
        if (!wanted || !Array.isArray(value)) return true;
        spend(value.length);
        return new Set(value.map(canonical)).size === value.length || fail("must NOT have duplicate items");
      };
    },
    prefixItems: (schemas) => (dialect === "2020-12" ? tuple("prefixItems", schemas) : []),
    items: (schema, { prefixItems }) => {
      if (!Array.isArray(schema)) {
        return itemsFrom(dialect === "2020-12" && Array.isArray(prefixItems) ? prefixItems.length : 0, schema);
      }
      if (dialect === "2020-12") throw new SchemaWrong("data/items must be object,boolean");
      return schema.length === 0 ? [] : tuple("items", schema);
    },
    additionalItems: (schema, { items: before }) =>
      dialect === "2020-12" || !Array.isArray(before) ? [] : itemsFrom(before.length, schema),
    contains: (schema, { minContains, maxContains }) => {
      const check = schemaOf(schema);
      const least = modern && minContains !== undefined ? count("minContains", minContains) : 1;
      const most = modern && maxContains !== undefined ? count("maxContains", maxContains) : Infinity;
      return (value) => {
        if (!Array.isArray(value)) return true;
        const found = value.filter((item) => silently(check, item)).length;
        return (found >= least && found <= most) || fail(`must contain at least ${least} valid item(s)`);
      };
    },
    required: (argument) => {
      const names = required("required", argument);
      return (value) => {
        if (!isRecord(value)) return true;
        spend(names.length);
        let fits = true;
        for (const name of names) if (!has(value, name)) fits = false;
        return fits;
      };
    },
    properties: (argument) => {
      const checks = mapOf("properties", argument);
      return (value) => {
        if (!isRecord(value)) return true;
        spend(checks.length);
        let fits = true;
        for (const [name, check] of checks) {
          if (Object.hasOwn(value, name) && value[name] !== undefined && !under(name, check, value[name])) fits = false;
        }
        return fits;
      };
    },
    patternProperties: (argument) => {
      const checks = mapOf("patternProperties", argument).map(([source, check]) => [patternOf(source), check] as const);
      return (value) => {
        if (!isRecord(value)) return true;
        let fits = true;
        for (const name of Object.keys(value)) {
          for (const [matches, check] of checks) if (matches(name) && !under(name, check, value[name])) fits = false;
        }
        return fits;
      };
    },
    additionalProperties: (schema, { properties, patternProperties }) => {
      const named = isRecord(properties) ? properties : {};
      const patterns = isRecord(patternProperties) ? Object.keys(patternProperties).map(patternOf) : [];
      const check = schemaOf(schema);
      return (value) => {
        if (schema === true || !isRecord(value)) return true;
        let fits = true;
        for (const name of Object.keys(value)) {
          spend(1);
          if (Object.hasOwn(named, name) || patterns.some((matches) => matches(name))) continue;
          if (schema === false) fits = fail(`must NOT have additional properties (${JSON.stringify(name)})`);
          else if (!under(name, check, value[name])) fits = false;
        }
        return fits;
      };
    },
    propertyNames: (schema) => {
      const check = schemaOf(schema);
      return (value) => {
        if (!isRecord(value)) return true;
        const wrong = Object.keys(value).find((name) => !silently(check, name));
        return wrong === undefined || fail(`property name must be valid (${JSON.stringify(wrong)})`);
      };
    },
    dependentRequired: (argument) => {
      if (!modern) return [];
      if (!isRecord(argument)) throw new SchemaWrong("dependentRequired must be object");
      return Object.entries(argument).map(([trigger, names]) => dependentNames("dependentRequired", trigger, names));
    },
    dependentSchemas: (argument) => {
      if (!modern) return [];
      if (!isRecord(argument)) throw new SchemaWrong("dependentSchemas must be object");
      return Object.entries(argument).map(([trigger, schema]) => dependentSchema(trigger, schema));
    },
    dependencies: (argument) => {
      if (!isRecord(argument)) throw new SchemaWrong("dependencies must be object");
      return Object.entries(argument).map(([trigger, wanted]) =>
        Array.isArray(wanted) ? dependentNames("dependencies", trigger, wanted) : dependentSchema(trigger, wanted),
      );
    },
    allOf: (argument) => [...listOf("allOf", argument)],
    anyOf: (argument) => {
      const checks = listOf("anyOf", argument);
      return (value) => checks.some((check) => silently(check, value)) || fail("must match a schema in anyOf");
    },
    oneOf: (argument) => {
      const checks = listOf("oneOf", argument);
      return (value) => {
        const found = checks.filter((check) => silently(check, value)).length;
        return found === 1 || fail("must match exactly one schema in oneOf");
      };
    },
    not: (schema) => {
      const check = schemaOf(schema);
      return (value) => !silently(check, value) || fail("must NOT be valid");
    },
    if: (schema, branches) => {
      const check = schemaOf(schema);
      const yes = branches.then === undefined ? undefined : schemaOf(branches.then);
      const no = branches.else === undefined ? undefined : schemaOf(branches.else);
      return (value) => (silently(check, value) ? yes : no)?.(value) ?? true;
    },
    unevaluatedItems: () => later("unevaluatedItems", modern),
    unevaluatedProperties: () => later("unevaluatedProperties", modern),
    // Nothing applies there before a reference leads to it, but it must be a schema all the same.
    $defs: (argument) => unused(mapOf("$defs", argument)),
    definitions: (argument) => unused(mapOf("definitions", argument)),
  };

  const root = schemaOf(document);
  return {
    problemsOf: (value) => {
      budget.left = steps;
      problems = [];
      path = [];
      quiet = 0;
      if (value === undefined) return [{ path: [], message: "there is no value" }];
      return root(value) ? [] : problems;
    },
  };
}

function later(keyword: string, known: boolean): Check[] {
  if (known) throw new NotTaken(`${keyword} depends on what other keywords have looked at`);
  return [];
}

function unused(_: unknown): Check[] {
  return [];
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function isRecord(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
