import { randomUUID } from "node:crypto";
import type { ToolContext } from "@remit/core";
import type { Answering } from "../answering.ts";
import type { ServedCallContext } from "../served.ts";
import type { GatewaySection } from "./settings.ts";

/** Clients' calls under way, so that what a server asks in the course of one comes to its client and to nobody else. */
export interface GatewayCalls {
  /** The run's attributes that lead back to this call. */
  readonly attributes: (context: ServedCallContext) => Readonly<Record<string, string>>;
  readonly during: <Value>(context: ServedCallContext, work: () => Promise<Value>) => Promise<Value>;
  readonly answering: Answering;
  /** The client of a call of a run; nobody when the client has gone, or the run was taken up again later. */
  readonly clientOf: (call: ToolContext) => ServedCallContext | undefined;
}

const attribute = "gatewayCall";

export function gatewayCalls(allow: GatewaySection["allow"]): GatewayCalls {
  const byContext = new WeakMap<ServedCallContext, string>();
  const byRef = new Map<string, ServedCallContext>();
  const clientOf = ({ attributes }: ToolContext) => byRef.get(attributes[attribute] ?? "");
  const asked = (call: ToolContext): ServedCallContext => {
    const client = clientOf(call);
    if (!client) throw new Error("the client whose call this is has gone");
    return client;
  };
  return {
    attributes: (context) => ({ [attribute]: byContext.get(context) ?? "" }),
    during: async (context, work) => {
      const ref = randomUUID();
      byContext.set(context, ref);
      byRef.set(ref, context);
      try {
        return await work();
      } finally {
        byRef.delete(ref);
      }
    },
    clientOf,
    answering: {
      ...(allow.includes("elicitation")
        ? { elicit: async (ask, call, signal) => asked(call).elicit(ask, { signal }) }
        : {}),
      ...(allow.includes("sampling")
        ? {
            sample: async (params, call, signal) =>
              asked(call).sample(params as { readonly [key: string]: unknown }, { signal }),
          }
        : {}),
      ...(allow.includes("roots") ? { roots: async (call, signal) => asked(call).roots({ signal }) } : {}),
      progress: ({ progress, total, message }, call) => {
        clientOf(call)?.progress({
          progress,
          ...(total === undefined ? {} : { total }),
          ...(message === undefined ? {} : { message }),
        });
      },
    },
  };
}
