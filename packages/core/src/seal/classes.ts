import type { JsonSchema } from "../json.ts";
import { referred } from "../referred.ts";

/**
 * Which places of a value hold data of a class, as its schema declares it: `z.string().meta({ dataClass: "email" })`. Read
 * from the JSON Schema, so that a tool from another house declares it in the same way.
 */
export interface DeclaredClasses {
  /** Of the value itself: a text, or every text in a list or an object. */
  readonly own?: string;
  /** One of a few values that the schema names: it is of no class that is said of what it stands in. */
  readonly listed?: true;
  readonly members?: { readonly [name: string]: DeclaredClasses };
  /** Of members that are not named, and of the items of a list. */
  readonly rest?: DeclaredClasses;
}

type Node = { readonly [key: string]: unknown };

/** How deep a schema is followed; one that holds itself is declared so far. */
const depthMax = 24;

/** What a schema declares; nothing where it declares no class at all. */
export function declaredClasses(schema: JsonSchema): DeclaredClasses | undefined {
  const root = schema as Node;
  return JSON.stringify(schema).includes('"dataClass"') ? read(root, root, 0) : undefined;
}

/** What is declared of a member or an item, in a value of a class. */
export function within(own: string | undefined, of: DeclaredClasses | undefined): DeclaredClasses | undefined {
  if (own === undefined || of?.own !== undefined || of?.listed) return of;
  return { ...of, own };
}

/** @param around class of what the value stands in */
function read(value: unknown, root: Node, depth: number, around?: string): DeclaredClasses | undefined {
  if (typeof value !== "object" || value === null || depth > depthMax) return undefined;
  const node = value as Node;
  let found: DeclaredClasses | undefined = typeof node.dataClass === "string" ? { own: node.dataClass } : undefined;
  const inside = found?.own ?? around;
  const isListed = around !== undefined && !found && ("const" in node || "enum" in node);
  const also = (more: DeclaredClasses | undefined) => {
    found = both(found, more);
  };
  if (typeof node.$ref === "string") also(read(referred(root as JsonSchema, node.$ref), root, depth + 1, around));
  const choices = ["anyOf", "oneOf", "allOf"].flatMap((key) => listOf(node[key]));
  for (const part of [...choices, node.if, node.then, node.else, ...partsOf(node.dependentSchemas)]) {
    also(read(part, root, depth + 1, around));
  }
  const members: Record<string, DeclaredClasses> = {};
  for (const [name, member] of Object.entries((node.properties ?? {}) as Node)) {
    const declared = read(member, root, depth + 1, inside);
    if (declared) members[name] = declared;
  }
  if (Object.keys(members).length > 0) also({ members });
  const items = [...listOf(node.items), ...listOf(node.prefixItems), node.items, node.unevaluatedItems, node.contains];
  const others = [node.additionalProperties, node.unevaluatedProperties, ...partsOf(node.patternProperties)];
  for (const part of [...items, ...others]) {
    const rest = read(part, root, depth + 1, inside);
    if (rest) also({ rest });
  }
  if (isListed) return { ...found, listed: true };
  return found;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function partsOf(value: unknown): readonly unknown[] {
  return typeof value === "object" && value !== null ? Object.values(value) : [];
}

function both(left: DeclaredClasses | undefined, right: DeclaredClasses | undefined): DeclaredClasses | undefined {
  if (!left || !right) return left ?? right;
  const own = left.own ?? right.own;
  const listed = own === undefined && (left.listed ?? right.listed);
  const rest = both(left.rest, right.rest);
  const names = new Set([...Object.keys(left.members ?? {}), ...Object.keys(right.members ?? {})]);
  const members: Record<string, DeclaredClasses> = {};
  for (const name of names) {
    const member = both(left.members?.[name], right.members?.[name]);
    if (member) members[name] = member;
  }
  return {
    ...(own === undefined ? {} : { own }),
    ...(listed ? { listed } : {}),
    ...(names.size === 0 ? {} : { members }),
    ...(rest === undefined ? {} : { rest }),
  };
}
