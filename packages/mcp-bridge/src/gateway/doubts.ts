import type { AnyTool } from "@remit/core";
import { operatorToolNames } from "./operator-tools.ts";
import type { GatewaySettings } from "./settings.ts";

/** What in a configuration is mostly a mistake and may be none: it keeps back what somebody is meant to have. */
export interface Doubt {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly sentence: string;
}

export function doubtsOf(
  { clients, approvals }: Pick<GatewaySettings, "clients" | "approvals">,
  tools: readonly Pick<AnyTool, "name" | "effect" | "risk">[],
): readonly Doubt[] {
  const names = new Set<string>([...tools.map(({ name }) => name), ...operatorToolNames]);
  const unknown = clients.flatMap(({ client }) =>
    (client.tools ?? [])
      .filter((tool) => !names.has(tool))
      .map((tool) => ({
        fields: { client: client.principal.id, tool },
        sentence: "A client may call a tool that no server of this file has under that name.",
      })),
  );
  const waiting = tools.filter(({ effect, risk }) => effect === "write" && risk !== "low").map(({ name }) => name);
  const nobody = approvals.by === "operator" && !clients.some(({ isOperator }) => isOperator);
  return [
    ...unknown,
    ...(nobody && waiting.length > 0
      ? [
          {
            fields: { tools: waiting },
            sentence: 'Calls of these tools wait for an operator, and no client is one ("operator": true).',
          },
        ]
      : []),
  ];
}
