import type { PolicyJson } from "@cedar-policy/cedar-wasm/nodejs";

/**
 * What of a request's context a set of policies looks at. Cedar reads a context as a whole before it decides, which costs
 * more than deciding; what no policy mentions is left out. Two levels are told apart: `context.arguments.amountCents`.
 */
export interface UsedContext {
  /** Members by name; `undefined`: all of them. */
  readonly members: ReadonlyMap<string, ReadonlySet<string> | undefined> | undefined;
}

type Found = Map<string, Set<string> | undefined>;

export function usedContext(policies: readonly PolicyJson[]): UsedContext {
  const found: Found = new Map();
  let whole = false;
  const note = (member: string, inner: string | undefined) => {
    if (inner === undefined) return void found.set(member, undefined);
    if (found.has(member)) found.get(member)?.add(inner);
    else found.set(member, new Set([inner]));
  };
  const walk = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    const path = pathOf(node);
    if (path) {
      const [member, inner] = path;
      if (member === undefined) whole = true;
      else note(member, inner);
      return;
    }
    for (const child of Object.values(node)) walk(child);
  };
  for (const { conditions } of policies) for (const { body } of conditions) walk(body);
  return { members: whole ? undefined : found };
}

/** The way from `context` that an expression takes: `[]` for itself; nothing where it is about something else. */
function pathOf(node: object): readonly string[] | undefined {
  if ("Var" in node) return node.Var === "context" ? [] : undefined;
  for (const operator of [".", "has"] as const) {
    const access = (node as Record<string, { readonly left?: unknown; readonly attr?: unknown } | undefined>)[operator];
    if (!access || typeof access.left !== "object" || access.left === null) continue;
    const left = pathOf(access.left);
    if (!left) continue;
    return [...left, ...[access.attr].flat().filter((name) => typeof name === "string")];
  }
  return undefined;
}
