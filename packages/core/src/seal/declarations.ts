import { jsonSchemaOf } from "../schema.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { type DeclaredClasses, declaredClasses } from "./classes.ts";

/** What the schemas of a definition declare, each read once. */
export function declarations(definition: SupervisorDefinition) {
  const read = new WeakMap<object, { readonly declared: DeclaredClasses | undefined }>();
  const of = (schema: object): DeclaredClasses | undefined => {
    const known = read.get(schema);
    if (known) return known.declared;
    const declared = declaredClasses(schema as Parameters<typeof declaredClasses>[0]);
    read.set(schema, { declared });
    return declared;
  };
  const answers = new Map<string, DeclaredClasses | undefined>();
  const walk = ({ edges, agents }: SupervisorDefinition) => {
    for (const edge of edges) {
      if (edge.kind === "question") answers.set(edge.name, of(jsonSchemaOf(edge.answer, "input", edge.name)));
    }
    for (const { team } of agents.values()) if (team) walk(team);
  };
  walk(definition);
  return {
    input: ({ inputSchema }: { readonly inputSchema: object }) => of(inputSchema),
    output: ({ outputSchema }: { readonly outputSchema: object }) => of(outputSchema),
    answer: (edge: string | undefined) => (edge === undefined ? undefined : answers.get(edge)),
  };
}
