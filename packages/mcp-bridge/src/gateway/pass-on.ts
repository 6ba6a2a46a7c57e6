import type { Logger } from "@remit/core";
import { z } from "zod";
import type { Host } from "../connect.ts";
import { McpError } from "../errors.ts";
import { isNamed } from "../resources.ts";
import type {
  ServedCompletions,
  ServedContents,
  ServedPrompt,
  ServedPromptResult,
  ServedPrompts,
  ServedRequestContext,
  ServedResource,
  ServedResources,
  ServedResourceTemplate,
} from "../served.ts";
import type { McpToolConfigs } from "../tool-config.ts";
import type { WireMethod } from "../wire/port.ts";
import { rpcCodes, ServedError } from "../wire/serving.ts";
import type { GatewayCalls } from "./calls.ts";

/**
 * Resources, prompts and completions of several servers as those of one. What no list of the configuration names does not
 * exist; addresses and names are the servers' own, and of two servers with the same one the first has it.
 */
export interface PassOnServer {
  readonly name: string;
  readonly host: Pick<Host<McpToolConfigs>, "link" | "during">;
  /** As `remit.resources.uris` has them: `*` within a part of an address, `**` across. */
  readonly uris: readonly string[];
  readonly prompts: readonly string[];
}

export interface PassOn {
  readonly resources: ServedResources | undefined;
  readonly prompts: ServedPrompts | undefined;
  readonly completions: ServedCompletions | undefined;
}

const timeoutMs = 30_000;
const pagesMax = 64;
const named = z.looseObject({ name: z.string() });
const resource = named.extend({ uri: z.string() });
const template = named.extend({ uriTemplate: z.string() });
const contents = z.looseObject({ contents: z.array(z.looseObject({ uri: z.string() })) });
const promptResult = z.looseObject({
  messages: z.array(
    z.looseObject({ role: z.enum(["user", "assistant"]), content: z.looseObject({ type: z.string() }) }),
  ),
});
const completion = z.looseObject({
  completion: z.looseObject({
    values: z.array(z.string()).max(100),
    total: z.number().optional(),
    hasMore: z.boolean().optional(),
  }),
});

export function passOn(servers: readonly PassOnServer[], calls: GatewayCalls, logger: Logger): PassOn {
  const ask = async <Schema extends z.ZodType>(
    { host, name }: PassOnServer,
    method: WireMethod,
    params: { readonly [key: string]: unknown },
    schema: Schema,
    context: ServedRequestContext,
  ): Promise<z.output<Schema>> => {
    const { signal } = context;
    const answer = await calls.during(context, () =>
      host.during({ attributes: calls.attributes(context) }, (asking) =>
        host.link.request(method, params, { timeoutMs, signal, ...asking }),
      ),
    );
    const read = schema.safeParse(answer);
    if (read.success) return read.data;
    throw new McpError("mcp/result-invalid", { server: name, tool: method, reason: "it has another form" });
  };

  /** Every page of a list; of a server that has none, or cannot be asked now, nothing. */
  const listed = async <Schema extends z.ZodType>(
    server: PassOnServer,
    method: WireMethod,
    member: string,
    schema: Schema,
    context: ServedRequestContext,
  ): Promise<z.output<Schema>[]> => {
    const all: z.output<Schema>[] = [];
    const page = z.looseObject({ [member]: z.array(z.unknown()), nextCursor: z.string().optional() });
    let cursor: string | undefined;
    try {
      for (let pages = 0; pages < pagesMax; pages++) {
        const found = (await ask(server, method, cursor === undefined ? {} : { cursor }, page, context)) as {
          readonly [key: string]: unknown;
          readonly nextCursor?: string;
        };
        for (const item of found[member] as readonly unknown[]) {
          const read = schema.safeParse(item);
          if (read.success) all.push(read.data);
        }
        cursor = found.nextCursor;
        if (cursor === undefined) return all;
      }
      return all;
    } catch (thrown) {
      if (!McpError.is(thrown)) throw thrown;
      logger.warn({ server: server.name, method, code: thrown.code }, "A server's list could not be read.");
      return all;
    }
  };

  const withResources = servers.filter(({ uris }) => uris.length > 0);
  const withPrompts = servers.filter(({ prompts }) => prompts.length > 0);
  const ownerOf = (uri: string) => withResources.filter(({ uris }) => isNamed(uri, uris));

  const resources: ServedResources = {
    list: async (context) =>
      firstOfEach(
        await Promise.all(
          withResources.map(async (server) => {
            const all = await listed(server, "resources/list", "resources", resource, context);
            return all.filter(({ uri }) => isNamed(uri, server.uris));
          }),
        ),
        ({ uri }) => uri,
      ) as readonly ServedResource[],
    templates: async (context) =>
      firstOfEach(
        await Promise.all(
          withResources.map(async (server) => {
            const all = await listed(server, "resources/templates/list", "resourceTemplates", template, context);
            return all.filter(({ uriTemplate }) => server.uris.some((form) => mayFit(form, uriTemplate)));
          }),
        ),
        ({ uriTemplate }) => uriTemplate,
      ) as readonly ServedResourceTemplate[],
    read: async (uri, context) => {
      for (const server of ownerOf(uri)) {
        try {
          const read = await ask(server, "resources/read", { uri }, contents, context);
          return { contents: read.contents as unknown as readonly ServedContents[] };
        } catch (thrown) {
          if (!McpError.is(thrown, "mcp/call-rejected") && !McpError.is(thrown, "mcp/call-failed")) throw thrown;
        }
      }
      return undefined;
    },
    subscriptions: true,
  };

  const prompts: ServedPrompts = {
    list: async (context) =>
      firstOfEach(
        await Promise.all(
          withPrompts.map(async (server) => {
            const all = await listed(server, "prompts/list", "prompts", named, context);
            return all.filter(({ name }) => server.prompts.includes(name));
          }),
        ),
        ({ name }) => name,
      ) as readonly ServedPrompt[],
    get: async (name, args, context) => {
      const server = withPrompts.find((one) => one.prompts.includes(name));
      if (!server) return undefined;
      const found = await ask(server, "prompts/get", { name, arguments: args }, promptResult, context);
      return found as unknown as ServedPromptResult;
    },
  };

  const completions: ServedCompletions = async ({ ref, argument, filled }, context: ServedRequestContext) => {
    const owner =
      ref.type === "ref/prompt" ? withPrompts.find((one) => one.prompts.includes(ref.name)) : ownerOf(ref.name)[0];
    if (!owner) throw new ServedError(rpcCodes.invalidParams, "There is nothing of that name to complete");
    const about = ref.type === "ref/prompt" ? { type: ref.type, name: ref.name } : { type: ref.type, uri: ref.name };
    const params = {
      ref: about,
      argument,
      ...(Object.keys(filled).length > 0 ? { context: { arguments: filled } } : {}),
    };
    const { completion: found } = await ask(owner, "completion/complete", params, completion, context);
    const { values, total, hasMore } = found;
    return { values, ...(total === undefined ? {} : { total }), ...(hasMore === undefined ? {} : { hasMore }) };
  };

  return {
    resources: withResources.length > 0 ? resources : undefined,
    prompts: withPrompts.length > 0 ? prompts : undefined,
    completions: withResources.length + withPrompts.length > 0 ? completions : undefined,
  };
}

/** True where something made of the template may fit. */
function mayFit(form: string, uriTemplate: string): boolean {
  const fixed = uriTemplate.replace(/\{.*$/s, "");
  const start = form.replace(/\*.*$/s, "");
  return fixed.startsWith(start) || start.startsWith(fixed);
}

function firstOfEach<Item>(lists: readonly (readonly Item[])[], keyOf: (item: Item) => string): readonly Item[] {
  const seen = new Map<string, Item>();
  for (const item of lists.flat()) if (!seen.has(keyOf(item))) seen.set(keyOf(item), item);
  return [...seen.values()];
}
