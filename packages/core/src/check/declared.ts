import { jsonSchemaOf } from "../schema.ts";
import { type DeclaredClasses, declaredClasses } from "../seal/classes.ts";
import type { CheckOptions, Rule } from "./rule.ts";

/**
 * Classes that a schema declares and nobody seals: what is declared is journaled as it is, and goes with its run or not at
 * all. Looked at where it is known how runs are sealed: with `seal`, `vault`, or the models that a supervisor is run with.
 */
export const checkDeclared: Rule = ({ agents, teams, root }, note, options) => {
  if (options.seal === undefined && options.vault === undefined && options.models === undefined) return;
  const whyOf = unsealedBy(options);
  const look = (owner: string, side: "input" | "output" | "answer", schema: object, path: readonly string[]) => {
    const declared = declaredClasses(schema as Parameters<typeof declaredClasses>[0]);
    for (const kind of [...new Set(classesIn(declared))].sort()) {
      const why = whyOf(kind);
      if (why !== undefined) note("check/class-not-sealed", [...path, side], { owner, side, class: kind, why });
    }
    for (const kind of numbersIn(schema)) {
      const why = "only texts are sealed, and it declares it of a number";
      if (whyOf(kind) === undefined) note("check/class-not-sealed", [...path, side], { owner, side, class: kind, why });
    }
  };
  const paths = new Map<string, readonly string[]>();
  for (const { agent, path } of agents.values()) {
    // What goes into a team goes into its entry, and comes out of its exits: they say it.
    if (!agent.team) {
      look(agent.name, "input", agent.inputSchema, path);
      look(agent.name, "output", agent.outputSchema, path);
    }
    for (const { name } of agent.tools) if (!paths.has(name)) paths.set(name, [...path, name]);
  }
  for (const { name, inputSchema, outputSchema } of root.tools.values()) {
    const path = paths.get(name) ?? [root.name, name];
    look(name, "input", inputSchema, path);
    look(name, "output", outputSchema, path);
  }
  for (const { definition, path } of teams) {
    for (const edge of definition.edges) {
      if (edge.kind !== "question") continue;
      look(edge.name, "answer", jsonSchemaOf(edge.answer, "input", edge.name), [...path, edge.name]);
    }
  }
};

/** Why a class is not sealed, if it is not. */
function unsealedBy({ seal, vault }: CheckOptions): (kind: string) => string | undefined {
  if (seal === undefined && vault === undefined) return () => "nothing is sealed here";
  const { classes = {}, tenants = {} } = seal === "mask" || seal === undefined ? {} : seal;
  const own = (table: { readonly [name: string]: string }, kind: string) => {
    const named = [kind, "*"].find((name) => Object.hasOwn(table, name));
    return named === undefined ? undefined : table[named];
  };
  return (kind) => {
    if (own(classes, kind) === "keep") return "`seal.classes` keeps it";
    const tenant = Object.keys(tenants).find((name) => own(tenants[name] ?? {}, kind) === "keep");
    return tenant === undefined ? undefined : `\`seal.tenants\` keeps it for ${tenant}`;
  };
}

/** Classes that are declared of what is no text, and cannot be one. */
function numbersIn(schema: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  const walk = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    const { dataClass, type } = node as { readonly dataClass?: unknown; readonly type?: unknown };
    const isNumber = typeof type === "string" && ["number", "integer", "boolean"].includes(type);
    if (typeof dataClass === "string" && isNumber) found.add(dataClass);
    Object.values(node).forEach(walk);
  };
  walk(schema);
  return found;
}

function classesIn(declared: DeclaredClasses | undefined): readonly string[] {
  if (!declared) return [];
  const { own, members = {}, rest } = declared;
  return [...(own === undefined ? [] : [own]), ...Object.values(members).flatMap(classesIn), ...classesIn(rest)];
}
