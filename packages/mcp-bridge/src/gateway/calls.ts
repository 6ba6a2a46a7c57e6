import { randomUUID } from "node:crypto";
import type { Answering, AskingCall } from "../answering.ts";
import type { ServedRequestContext } from "../served.ts";
import type { GatewaySection } from "./settings.ts";

/** Clients' requests under way, so that what a server asks in the course of one comes to its client and to nobody else. */
export interface GatewayCalls {
  /** The attributes that lead back to a request under way. */
  readonly attributes: (context: ServedRequestContext) => Readonly<Record<string, string>>;
  readonly during: <Value>(context: ServedRequestContext, work: () => Promise<Value>) => Promise<Value>;
  readonly answering: Answering;
  /** Whose request it is; nobody when the client has gone, or the run was taken up again later. */
  readonly clientOf: (call: AskingCall) => ServedRequestContext | undefined;
  /** Keeps what a call came to, for its client. */
  readonly failed: (call: AskingCall, thrown: unknown) => void;
  readonly failureOf: (context: ServedRequestContext) => unknown;
}

const attribute = "gatewayCall";

export function gatewayCalls(allow: GatewaySection["allow"]): GatewayCalls {
  const refs = new WeakMap<ServedRequestContext, string>();
  const failures = new WeakMap<ServedRequestContext, unknown>();
  const byRef = new Map<string, ServedRequestContext>();
  const clientOf = ({ attributes }: AskingCall) => byRef.get(attributes[attribute] ?? "");
  const asked = (call: AskingCall): ServedRequestContext => {
    const client = clientOf(call);
    if (!client) throw new Error("the client whose call this is has gone");
    return client;
  };
  const options = ({ signal, key }: { readonly signal: AbortSignal; readonly key?: string }) => ({
    signal,
    ...(key === undefined ? {} : { key }),
  });
  const may = {
    elicit: allow.includes("elicitation"),
    sample: allow.includes("sampling"),
    roots: allow.includes("roots"),
  };
  return {
    attributes: (context) => ({ [attribute]: refs.get(context) ?? "" }),
    during: async (context, work) => {
      const ref = randomUUID();
      refs.set(context, ref);
      byRef.set(ref, context);
      try {
        return await work();
      } finally {
        byRef.delete(ref);
      }
    },
    clientOf,
    failed: (call, thrown) => {
      const client = clientOf(call);
      if (client) failures.set(client, thrown);
    },
    failureOf: (context) => failures.get(context),
    answering: {
      ...(may.elicit ? { elicit: async (ask, call, context) => asked(call).elicit(ask, options(context)) } : {}),
      ...(may.sample
        ? {
            sample: async (params, call, context) =>
              asked(call).sample(params as { readonly [key: string]: unknown }, options(context)),
          }
        : {}),
      ...(may.roots ? { roots: async (call, context) => asked(call).roots(options(context)) } : {}),
      progress: ({ progress, total, message }, call) => {
        clientOf(call)?.progress({
          progress,
          ...(total === undefined ? {} : { total }),
          ...(message === undefined ? {} : { message }),
        });
      },
      can: (call) => {
        const can = clientOf(call)?.can;
        return (
          can && {
            form: may.elicit && can.form,
            url: may.elicit && can.url,
            sample: may.sample && can.sample,
            roots: may.roots && can.roots,
          }
        );
      },
    },
  };
}
