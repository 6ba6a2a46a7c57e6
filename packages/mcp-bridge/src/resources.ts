import { defineTool, inertMedia, type Json, type Tool, ToolRefusal } from "@remit/core";
import { z } from "zod";
import type { Answers, AskingCall } from "./answering.ts";
import type { ArtifactKeeper } from "./artifacts.ts";
import { readBlock } from "./content.ts";
import { McpError } from "./errors.ts";
import type { McpLimits } from "./limits.ts";
import type { Link, LinkParams } from "./link.ts";
import { nextCursor } from "./listing.ts";
import { isNamed } from "./named-uri.ts";
import { exposedName } from "./names.ts";
import type { PinBoard } from "./pins.ts";
import { outputOf, unlessTooDeep } from "./result.ts";
import { type Mask, maskJson, unmasked, visible } from "./text.ts";
import type { WireMethod } from "./wire/port.ts";

/** What a server has beside tools. For code of ours: an agent gets it only by a tool that names what it may read. */
export interface McpResources {
  /** All that is listed, page by page, as it came. */
  readonly list: (options?: McpReadOptions) => Promise<readonly Json[]>;
  readonly templates: (options?: McpReadOptions) => Promise<readonly Json[]>;
  /** The contents behind an address of the server, as they came. Nothing else is fetched. */
  readonly read: (uri: string, options?: McpReadOptions) => Promise<readonly Json[]>;
  /** What might stand in a template's variable. */
  readonly complete: (
    template: string,
    argument: { readonly name: string; readonly value: string },
    options?: McpCompleteOptions,
  ) => Promise<McpCompletion>;
  /** Asks the server to tell of changes of a resource, for as long as this connection to it stands. */
  readonly watch: (uri: string, options?: McpReadOptions) => Promise<void>;
  /** Asks it to tell of them no more. */
  readonly unwatch: (uri: string, options?: McpReadOptions) => Promise<void>;
}

export interface McpPrompts {
  readonly list: (options?: McpReadOptions) => Promise<readonly Json[]>;
  /** The messages of a prompt, as they came: text of the server, never instructions of ours. */
  readonly get: (
    name: string,
    values?: Readonly<Record<string, string>>,
    options?: McpReadOptions,
  ) => Promise<{ readonly [key: string]: Json }>;
  readonly complete: (
    prompt: string,
    argument: { readonly name: string; readonly value: string },
    options?: McpCompleteOptions,
  ) => Promise<McpCompletion>;
}

export interface McpCompletion {
  readonly values: readonly string[];
  readonly total?: number;
  readonly hasMore?: boolean;
}

export interface McpReadOptions {
  /** Milliseconds; 30,000 when absent. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** In whose name it is asked: what the server asks in its course comes to them. Nobody when absent. */
  readonly call?: AskingCall;
}

export interface McpCompleteOptions extends McpReadOptions {
  /** Arguments that are filled in already. */
  readonly filled?: Readonly<Record<string, string>>;
}

/** What models may read of a server. */
export interface McpReads {
  /** Reads one resource. Its name is `<server>_read_resource`. */
  readonly resource?: Tool<string, z.ZodType, z.ZodType, "read">;
  /** Gets one prompt. Its name is `<server>_get_prompt`. */
  readonly prompt?: Tool<string, z.ZodType, z.ZodType, "read">;
}

/** Which resources and prompts models may read. */
export interface McpReadsConfig {
  /** Addresses; `*` stands for anything but `/`, `**` for anything. */
  readonly resources?: { readonly uris: readonly string[] } | undefined;
  readonly prompts?: { readonly names: readonly string[] } | undefined;
}

export interface ReadPorts {
  readonly server: string;
  readonly link: Link;
  readonly board: PinBoard;
  readonly limits: McpLimits;
  readonly artifacts: ArtifactKeeper | undefined;
  readonly answers: Pick<Answers, "begin" | "end">;
  /** Takes secrets out. */
  readonly mask: Mask;
}

const timeoutMsDefault = 30_000;
const anything = z.json() as unknown as z.ZodType<Json, Json>;
const modelBytes = 256 * 1024;

type Ask = (method: WireMethod, params: LinkParams, options?: McpReadOptions) => Promise<unknown>;

const nobody: AskingCall = { attributes: {} };

/** Requests, to a server that is accepted: it is looked at before it is asked, and once more as it is. */
function asker({ link, board, answers, mask }: ReadPorts): Ask {
  return async (method, params, options = {}) => {
    const { timeoutMs = timeoutMsDefault, signal = new AbortController().signal, call = nobody } = options;
    await link.ready();
    const refusal = await board.host();
    if (refusal) throw refusal;
    // The session may end before it is sent, and the server of the next one is another one.
    const check = () => {
      const changed = board.hostAsJudged();
      if (changed) throw changed;
    };
    const asking = answers.begin(call);
    try {
      const answer = await link.request(method, params, { timeoutMs, signal, repeatable: true, check, ...asking });
      return mask === unmasked ? answer : maskJson(answer, mask);
    } finally {
      answers.end(asking);
    }
  };
}

export function resourcesOf(ports: ReadPorts): McpResources {
  const ask = asker(ports);
  return {
    list: (options) => pages(ports, ask, "resources/list", "resources", options),
    templates: (options) => pages(ports, ask, "resources/templates/list", "resourceTemplates", options),
    read: (uri, options) => contentsAt(ports.server, ask, uri, options),
    complete: (uri, argument, options) =>
      completed(ports.server, ask, { type: "ref/resource", uri }, argument, options),
    watch: async (uri, options) => {
      await ask("resources/subscribe", { uri }, options);
    },
    unwatch: async (uri, options) => {
      await ask("resources/unsubscribe", { uri }, options);
    },
  };
}

export function promptsOf(ports: ReadPorts): McpPrompts {
  const ask = asker(ports);
  return {
    list: (options) => pages(ports, ask, "prompts/list", "prompts", options),
    get: async (name, values = {}, options) => {
      return levelled(ports.server, "prompts/get", async () => {
        const answer = await ask("prompts/get", { name, arguments: values }, options);
        return known(ports.server, "prompts/get", prompt, answer) as { readonly [key: string]: Json };
      });
    },
    complete: (name, argument, options) =>
      completed(ports.server, ask, { type: "ref/prompt", name }, argument, options),
  };
}

const completion = z.looseObject({
  completion: z.looseObject({
    values: z.array(z.string()).max(1_000),
    total: z.number().optional(),
    hasMore: z.boolean().optional(),
  }),
});
const prompt = z.looseObject({ messages: z.array(z.looseObject({ role: z.string(), content: z.unknown() })) });

/** The tools by which models read what is named for them, and nothing else. */
export function readsOf({ resources, prompts }: McpReadsConfig, ports: ReadPorts): McpReads {
  const { server, limits, artifacts, mask } = ports;
  const ask = asker(ports);
  const common = { effect: "read" as const, labels: [`mcp:${server}`], breaker: `mcp:${server}`, output: anything };
  const nameOf = (tool: string) => exposedName({ server, tool }, { prefix: true });
  const shaped = (tool: string, tenant: string, received: unknown) =>
    outputOf(received, {
      server,
      tool,
      resultBytes: limits.resultBytes,
      modelBytes,
      mediaBytes: limits.mediaBytes,
      typed: false,
      keep: artifacts && ((artifact) => artifacts.put(tenant, artifact)),
      mask,
    });
  const made: { -readonly [Key in keyof McpReads]: McpReads[Key] } = {};
  if (resources) {
    const name = nameOf("read_resource");
    made.resource = defineTool({
      ...common,
      name,
      description: `Reads one resource of ${server}. Addresses: ${resources.uris.join(", ")}`,
      input: z.object({ uri: z.string() }),
      version: JSON.stringify(resources.uris),
      execute: async ({ uri }, { signal, tenant }) => {
        if (!isNamed(uri, resources.uris)) {
          const { message } = new McpError("mcp/resource-denied", { server, uri: visible(uri.slice(0, 500)) });
          throw new ToolRefusal(message);
        }
        return levelled(server, name, async () => {
          const contents = await contentsAt(server, ask, uri, { signal });
          return shaped(name, tenant, { content: contents.map((resource) => ({ type: "resource", resource })) });
        });
      },
    });
  }
  if (prompts) {
    const name = nameOf("get_prompt");
    made.prompt = defineTool({
      ...common,
      name,
      description: `Gets one prompt of ${server}, as text to look at. Prompts: ${prompts.names.join(", ")}`,
      input: z.object({ name: z.enum(prompts.names), arguments: z.record(z.string(), z.string()).default({}) }),
      version: JSON.stringify(prompts.names),
      execute: async ({ name: wanted, arguments: values }, { signal, tenant }) => {
        return levelled(server, name, async () => {
          const answer = await ask("prompts/get", { name: wanted, arguments: values }, { signal });
          const { messages } = known(server, "prompts/get", prompt, answer);
          const read = messages.map(({ role, content }) => {
            const block = readBlock(content);
            if (block.ok) return { role, content: block.block };
            throw new McpError("mcp/result-invalid", {
              server,
              tool: name,
              reason: `a message's content, ${block.reason}`,
            });
          });
          return shaped(name, tenant, { structuredContent: { messages: read } });
        });
      },
    });
  }
  return made;
}

function contentsAt(
  server: string,
  ask: Ask,
  uri: string,
  options: McpReadOptions | undefined,
): Promise<readonly Json[]> {
  const form = z.looseObject({ contents: z.array(z.looseObject({ uri: z.string() })) });
  return levelled(server, "resources/read", async () => {
    const { contents } = known(server, "resources/read", form, await ask("resources/read", { uri }, options));
    return contents.map((one) => inertMedia(one as Json));
  });
}

/** What is made of an answer; one that is nested too deeply for that is an error of its server. */
async function levelled<Value>(server: string, tool: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (thrown) {
    throw unlessTooDeep(server, tool, thrown);
  }
}

async function completed(
  server: string,
  ask: Ask,
  ref: { readonly [key: string]: string },
  argument: { readonly name: string; readonly value: string },
  { filled = {}, ...options }: McpCompleteOptions = {},
): Promise<McpCompletion> {
  const more = Object.keys(filled).length > 0 ? { context: { arguments: filled } } : {};
  const answer = await ask("completion/complete", { ref, argument, ...more }, options);
  const { values, total, hasMore } = known(server, "completion/complete", completion, answer).completion;
  return { values, ...(total === undefined ? {} : { total }), ...(hasMore === undefined ? {} : { hasMore }) };
}

function pages(
  ports: ReadPorts,
  ask: Ask,
  method: WireMethod,
  member: string,
  options: McpReadOptions | undefined,
): Promise<readonly Json[]> {
  return levelled(ports.server, method, () => allPages(ports, ask, method, member, options));
}

async function allPages(
  { server, limits }: ReadPorts,
  ask: Ask,
  method: WireMethod,
  member: string,
  options: McpReadOptions | undefined,
): Promise<readonly Json[]> {
  const failed = (reason: string) => new McpError("mcp/result-invalid", { server, tool: method, reason });
  const form = z.looseObject({ [member]: z.array(z.json()), nextCursor });
  const found: Json[] = [];
  const cursors = new Set<string>();
  let bytes = 0;
  for (let cursor: string | undefined; ; ) {
    const page = known(server, method, form, await ask(method, cursor === undefined ? {} : { cursor }, options));
    bytes += JSON.stringify(page).length;
    // Not all at once: there may be more than there can be arguments.
    for (const one of page[member] as readonly Json[]) found.push(one);
    cursor = page.nextCursor as string | undefined;
    if (cursor === undefined) return found;
    if (cursors.has(cursor)) throw failed("the list leads back to a page that was read before");
    cursors.add(cursor);
    if (cursors.size >= limits.pages) throw failed(`the list has more than ${limits.pages} pages (limit \`pages\`)`);
    if (bytes > limits.listBytes) throw failed(`the list exceeds ${limits.listBytes} bytes (limit \`listBytes\`)`);
  }
}

function known<Schema extends z.ZodType>(
  server: string,
  tool: string,
  form: Schema,
  answer: unknown,
): z.output<Schema> {
  const read = form.safeParse(answer);
  if (read.success) return read.data;
  throw new McpError("mcp/result-invalid", { server, tool, reason: "it has another form" }, { cause: read.error });
}
