import type { Json } from "@remit/core";
import type { DescribedFunction } from "@remit/tools";
import type { FunctionCall } from "./load.ts";

/** Calls as somebody makes them who does not know what to give. */

type Schema = { readonly [keyword: string]: Json };

/** The call without the first argument that it must have; none where it must have none. */
export function callWithout({ tool }: DescribedFunction, args: FunctionCall["args"]): readonly FunctionCall[] {
  const { required } = (tool.input.meta() ?? {}) as { readonly required?: readonly string[] };
  const [first] = required ?? [];
  if (first === undefined) return [];
  const { [first]: _, ...others } = args;
  return [{ tool: tool.name, args: others }];
}

/** Arguments that are made up and fit, as far as types, bounds and lists of values say what fits. */
export function madeUp({ tool }: DescribedFunction): FunctionCall["args"] {
  const { required, properties } = (tool.input.meta() ?? {}) as {
    readonly required?: readonly string[];
    readonly properties?: { readonly [name: string]: Schema };
  };
  return Object.fromEntries((required ?? []).map((name) => [name, sample(properties?.[name] ?? {}, 0)]));
}

const nestingMax = 16;

function sample(schema: Schema, depth: number): Json {
  const { type, items, anyOf, properties, required } = schema;
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return (schema.enum[0] ?? null) as Json;
  if (depth > nestingMax) return null;
  if (Array.isArray(anyOf) && isSchema(anyOf[0])) return sample(anyOf[0], depth + 1);
  switch (Array.isArray(type) ? type[0] : type) {
    case "integer":
    case "number":
      return numberIn(schema);
    case "boolean":
      return true;
    case "null":
      return null;
    case "array": {
      const prefix: readonly Json[] = Array.isArray(schema.prefixItems) ? schema.prefixItems : [];
      const count = Math.min(100, Math.max(prefix.length, typeof schema.minItems === "number" ? schema.minItems : 1));
      return Array.from({ length: count }, (_, index) => {
        const item = prefix[index] ?? items;
        return sample(isSchema(item) ? item : {}, depth + 1);
      });
    }
    case "object": {
      const names = Array.isArray(required) ? required.map(String) : [];
      const members = isSchema(properties) ? properties : {};
      return Object.fromEntries(
        names.map((name) => [name, sample(isSchema(members[name]) ? members[name] : {}, depth + 1)]),
      );
    }
    default:
      return "x".repeat(Math.max(1, Math.min(1_000, typeof schema.minLength === "number" ? schema.minLength : 1)));
  }
}

function numberIn({ minimum, maximum, exclusiveMinimum }: Schema): number {
  if (typeof minimum === "number") return Math.ceil(minimum);
  if (typeof exclusiveMinimum === "number") return Math.floor(exclusiveMinimum) + 1;
  return typeof maximum === "number" ? Math.min(1, Math.floor(maximum)) : 1;
}

function isSchema(value: Json | undefined): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
