import type {
  WireAskable,
  WireAskContext,
  WireAsks,
  WireElicitation,
  WireElicitationAnswer,
  WireNotice,
} from "./port.ts";

/** What a server says and asks unasked, between the words of the protocol and ours. The same for every adapter. */

/** The server is told `rpcCode` and this message: neither may say anything about us. */
export class AskRefused extends Error {
  override readonly name = "AskRefused";
  readonly rpcCode: number;

  constructor(rpcCode: number, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.rpcCode = rpcCode;
  }
}

const methodNotFound = -32601;
const invalidParams = -32602;
const internalError = -32603;

/** What we declare: only what somebody is there to answer. */
export function capabilitiesOf({ elicit, sample, roots }: WireAsks = {}): {
  [name: string]: { [part: string]: object };
} {
  return {
    ...(elicit ? { elicitation: { form: { applyDefaults: true }, url: {} } } : {}),
    ...(sample ? { sampling: {} } : {}),
    ...(roots ? { roots: {} } : {}),
  };
}

/** The same for one request, by whoever is behind it. */
export function capabilitiesFor({ form, url, sample, roots }: WireAskable): {
  [name: string]: { [part: string]: object };
} {
  const modes = { ...(form ? { form: { applyDefaults: true } } : {}), ...(url ? { url: {} } : {}) };
  return {
    ...(form || url ? { elicitation: modes } : {}),
    ...(sample ? { sampling: {} } : {}),
    ...(roots ? { roots: {} } : {}),
  };
}

/**
 * Answers one question of a server.
 * @returns the result as it goes out
 * @throws AskRefused
 */
export async function answerAsk(
  asks: WireAsks | undefined,
  { method, params }: { readonly method: string; readonly params?: unknown },
  context: WireAskContext,
): Promise<{ [key: string]: unknown }> {
  const { elicit, sample, roots } = asks ?? {};
  try {
    if (method === "elicitation/create" && elicit) {
      const ask = elicitationOf(params);
      return elicitationResult(ask, await elicit(ask, context));
    }
    if (method === "sampling/createMessage" && sample) return { ...(await sample(params, context)) };
    if (method === "roots/list" && roots) return { roots: [...(await roots(context))] };
  } catch (cause) {
    if (cause instanceof AskRefused) throw cause;
    throw new AskRefused(internalError, "The request was refused.", { cause });
  }
  throw new AskRefused(methodNotFound, "Method not found");
}

type AnyRecord = { readonly [key: string]: unknown };

function isRecord(value: unknown): value is AnyRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function elicitationOf(params: unknown): WireElicitation {
  const invalid = (reason: string) => new AskRefused(invalidParams, reason);
  if (!isRecord(params) || typeof params.message !== "string") throw invalid("a question has a message");
  const { mode = "form", message, requestedSchema, url, elicitationId } = params;
  if (mode === "form") {
    if (!isRecord(requestedSchema)) throw invalid("a form has a schema");
    return { mode, message, schema: requestedSchema };
  }
  if (mode !== "url" || typeof url !== "string") throw invalid("a question is a form or an address");
  // Nothing but a web page may be opened, whoever opens it.
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) throw invalid("an address is one of http or https");
  return { mode, message, url, elicitationId: typeof elicitationId === "string" ? elicitationId : undefined };
}

/** What a person left out of a form is what its schema says it is then. */
function elicitationResult(ask: WireElicitation, answer: WireElicitationAnswer): { [key: string]: unknown } {
  if (answer.action !== "accept" || ask.mode !== "form") return { action: answer.action };
  const properties = isRecord(ask.schema.properties) ? ask.schema.properties : {};
  const defaults = Object.entries(properties).flatMap(([name, schema]) =>
    isRecord(schema) && Object.hasOwn(schema, "default") ? [[name, schema.default]] : [],
  );
  return { action: "accept", content: { ...Object.fromEntries(defaults), ...answer.content } };
}

/** A notification in our words; nothing when it is none that anybody here listens to. */
export function noticeOf(method: string, params: unknown): WireNotice | undefined {
  const given = isRecord(params) ? params : {};
  switch (method) {
    case "notifications/tools/list_changed":
      return { kind: "list-changed", of: "tools" };
    case "notifications/resources/list_changed":
      return { kind: "list-changed", of: "resources" };
    case "notifications/prompts/list_changed":
      return { kind: "list-changed", of: "prompts" };
    case "notifications/resources/updated":
      return typeof given.uri === "string" ? { kind: "resource-updated", uri: given.uri } : undefined;
    case "notifications/message": {
      const { level, logger, data } = given;
      if (typeof level !== "string") return undefined;
      return { kind: "log", level, logger: typeof logger === "string" ? logger : undefined, data };
    }
    default:
      return undefined;
  }
}
