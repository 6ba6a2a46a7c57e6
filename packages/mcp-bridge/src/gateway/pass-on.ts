import type { Json, Logger } from "@remit/core";
import { McpError } from "../errors.ts";
import type { Link } from "../link.ts";
import { isNamed, mayFit } from "../named-uri.ts";
import type { McpPrompts, McpReadOptions, McpResources } from "../resources.ts";
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
import { rpcCodes, ServedError } from "../wire/serving.ts";
import type { GatewayCalls } from "./calls.ts";

/**
 * Resources, prompts and completions of several servers as those of one. What no list of the configuration names does not
 * exist; addresses and names are the servers' own, and of two servers with the same one the first has it.
 */
export interface PassOnServer {
  readonly name: string;
  readonly link: Pick<Link, "onListingChange" | "status">;
  readonly resources: McpResources;
  readonly prompts: McpPrompts;
  /** As `remit.resources.uris` has them: `*` within a part of an address, `**` across. */
  readonly uris: readonly string[];
  readonly promptNames: readonly string[];
}

export interface PassOn {
  readonly resources: ServedResources | undefined;
  readonly prompts: ServedPrompts | undefined;
  readonly completions: ServedCompletions | undefined;
}

/** Addresses of one server that all clients together may watch at once; each of them has a bound of its own before that. */
const watchedMax = 10_000;

export function passOn(servers: readonly PassOnServer[], calls: GatewayCalls, logger: Logger): PassOn {
  /** Makes a request in a client's name. */
  const inName = <Value>(
    context: ServedRequestContext,
    ask: (options: McpReadOptions) => Promise<Value>,
  ): Promise<Value> =>
    calls.during(context, () => ask({ signal: context.signal, call: { attributes: calls.attributes(context) } }));

  /** What servers list, the first one first. One that cannot be asked is left out and told; when none can, it fails. */
  const listed = async (
    from: readonly PassOnServer[],
    context: ServedRequestContext,
    list: (server: PassOnServer, options: McpReadOptions) => Promise<readonly Json[]>,
    keyOf: (item: Listed) => string | undefined,
    isNamedBy: (server: PassOnServer, key: string) => boolean,
  ): Promise<readonly Listed[]> => {
    const answers = await Promise.allSettled(from.map((server) => inName(context, (one) => list(server, one))));
    const found = new Map<string, Listed>();
    const failures: unknown[] = [];
    for (const [index, answer] of answers.entries()) {
      const server = from[index] as PassOnServer;
      if (answer.status === "rejected") {
        if (!McpError.is(answer.reason)) throw answer.reason;
        logger.warn({ server: server.name, code: answer.reason.code }, "A server's list could not be read.");
        failures.push(answer.reason);
        continue;
      }
      for (const item of answer.value as readonly Listed[]) {
        const key = keyOf(item);
        if (typeof key === "string" && isNamedBy(server, key) && !found.has(key)) found.set(key, item);
      }
    }
    if (failures.length > 0 && failures.length === from.length) throw failures[0];
    return [...found.values()];
  };

  const withResources = servers.filter(({ uris }) => uris.length > 0);
  const withPrompts = servers.filter(({ promptNames }) => promptNames.length > 0);
  const ownersOf = (uri: string) => withResources.filter(({ uris }) => isNamed(uri, uris));
  const promptOwner = (name: string) => withPrompts.find(({ promptNames }) => promptNames.includes(name));

  const watched = new Map(withResources.map((server) => [server, new Set<string>()]));
  const watchAt = async (server: PassOnServer, uri: string): Promise<void> => {
    try {
      await server.resources.watch(uri);
    } catch (thrown) {
      if (!McpError.is(thrown)) throw thrown;
      logger.warn({ server: server.name, code: thrown.code }, "A server does not tell of changes of a resource.");
    }
  };
  for (const [server, uris] of watched) {
    // A connection that is new knows nothing of what was watched before.
    server.link.onListingChange(() => {
      for (const uri of uris) void watchAt(server, uri);
    });
  }

  const resources: ServedResources = {
    list: async (context) =>
      (await listed(
        withResources,
        context,
        (server, options) => server.resources.list(options),
        ({ uri }) => uri,
        ({ uris }, uri) => isNamed(uri, uris),
      )) as unknown as readonly ServedResource[],
    templates: async (context) =>
      (await listed(
        withResources,
        context,
        (server, options) => server.resources.templates(options),
        ({ uriTemplate }) => uriTemplate,
        ({ uris }, template) => uris.some((form) => mayFit(form, template)),
      )) as unknown as readonly ServedResourceTemplate[],
    read: async (uri, context) => {
      for (const server of ownersOf(uri)) {
        try {
          const contents = await inName(context, (options) => server.resources.read(uri, options));
          return { contents: contents as unknown as readonly ServedContents[] };
        } catch (thrown) {
          if (!McpError.is(thrown, "mcp/call-rejected") && !McpError.is(thrown, "mcp/call-failed")) throw thrown;
        }
      }
      return undefined;
    },
    watch: async (uri) => {
      for (const server of ownersOf(uri)) {
        const uris = watched.get(server) as Set<string>;
        if (uris.has(uri)) continue;
        if (uris.size >= watchedMax) throw new ServedError(rpcCodes.internal, "Too many resources are watched");
        uris.add(uri);
        await watchAt(server, uri);
      }
    },
    unwatch: async (uri) => {
      for (const server of ownersOf(uri)) {
        // A server that is away forgets of itself what was watched.
        if (!watched.get(server)?.delete(uri) || server.link.status().state !== "ready") continue;
        try {
          await server.resources.unwatch(uri);
        } catch (thrown) {
          if (!McpError.is(thrown)) throw thrown;
          logger.debug(
            { server: server.name, code: thrown.code },
            "A server goes on to tell of changes of a resource.",
          );
        }
      }
    },
  };

  const prompts: ServedPrompts = {
    list: async (context) =>
      (await listed(
        withPrompts,
        context,
        (server, options) => server.prompts.list(options),
        ({ name }) => name,
        ({ promptNames }, name) => promptNames.includes(name),
      )) as unknown as readonly ServedPrompt[],
    get: async (name, args, context) => {
      const owner = promptOwner(name);
      if (!owner) return undefined;
      return (await inName(context, (options) =>
        owner.prompts.get(name, args, options),
      )) as unknown as ServedPromptResult;
    },
  };

  const completions: ServedCompletions = async ({ ref, argument, filled }, context) => {
    const isPrompt = ref.type === "ref/prompt";
    const owner = isPrompt ? promptOwner(ref.name) : ownerOfTemplate(withResources, ref.name);
    if (!owner) throw new ServedError(rpcCodes.invalidParams, "There is nothing of that name to complete");
    const { complete } = isPrompt ? owner.prompts : owner.resources;
    return inName(context, (options) => complete(ref.name, argument, { ...options, filled }));
  };

  return {
    resources: withResources.length > 0 ? resources : undefined,
    prompts: withPrompts.length > 0 ? prompts : undefined,
    completions: withResources.length + withPrompts.length > 0 ? completions : undefined,
  };
}

/** One thing of a list, as it came. */
interface Listed {
  readonly name?: string;
  readonly uri?: string;
  readonly uriTemplate?: string;
}

function ownerOfTemplate(servers: readonly PassOnServer[], template: string): PassOnServer | undefined {
  return servers.find(({ uris }) => uris.some((form) => mayFit(form, template)));
}
