import type { CedarValueJson } from "@cedar-policy/cedar-wasm/nodejs";
import type { CedarShape } from "./cedar-schema.ts";
import type { UsedContext } from "./cedar-used.ts";
import type { PolicyRequest } from "./request.ts";

/** The context of a request, as far as the policies look at it. Throws for arguments that do not fit their schema. */
export function contextOf(
  request: PolicyRequest,
  { members }: UsedContext,
  shape: CedarShape | undefined,
): Record<string, CedarValueJson> {
  const made: Record<string, CedarValueJson> = {};
  const put = (name: string, value: () => CedarValueJson | undefined) => {
    if (members !== undefined && !members.has(name)) return;
    const given = value();
    if (given !== undefined) made[name] = given;
  };
  const { tenant, run, supervisor, path, principal, labels, attributes } = request;
  put("tenant", () => tenant);
  put("run", () => run);
  put("supervisor", () => supervisor);
  put("path", () => path);
  put("principal", () => {
    const { id, kind, roles, authenticated } = principal;
    return only({ id, kind, roles: [...roles], authenticated }, members?.get("principal"));
  });
  put("labels", () => [...labels]);
  put("attributes", () => Object.entries(attributes).map(([name, value]) => `${name}=${value}`));
  switch (request.edge) {
    case "tool": {
      const { flow } = request;
      put("effect", () => request.effect);
      put("risk", () => request.risk);
      put("reversible", () => request.reversible);
      put("flow", () => {
        if (flow === undefined) return undefined;
        const { untrusted, planned, clean } = flow;
        return only({ untrusted: [...untrusted], planned, clean }, members?.get("flow"));
      });
      put("arguments", () =>
        shape?.type.type === "Record" ? shape.read(request.arguments, members?.get("arguments")) : {},
      );
      break;
    }
    case "handoff":
      put("handoff", () => ({ __entity: { type: "Handoff", id: request.handoff } }));
      break;
    case "message":
      put("text", () => request.text);
      break;
    case "memory.read":
    case "memory.write":
      put("key", () => request.key);
      break;
    case "source":
      put("query", () => request.query);
      break;
    case "model":
      put("purpose", () => request.purpose);
      put("tools", () => [...request.tools]);
      break;
    case "egress":
  }
  return made;
}

/** The members that somebody looks at; all of them where that is not known. */
function only(record: Record<string, CedarValueJson>, used: ReadonlySet<string> | undefined): CedarValueJson {
  if (used === undefined) return record;
  return Object.fromEntries(Object.entries(record).filter(([name]) => used.has(name)));
}
