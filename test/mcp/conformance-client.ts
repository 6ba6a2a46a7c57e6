import { silentLogger, systemClock } from "@remit/core";
import { clientCredentials, connectMcp, http, type OAuth, oauth } from "@remit/mcp-bridge";
import { resolveMcpLimits } from "../../packages/mcp-bridge/src/limits.ts";
import { createLink, type Link } from "../../packages/mcp-bridge/src/link.ts";
import { openWire } from "../../packages/mcp-bridge/src/wire/open-wire.ts";
import type { WireAsks } from "../../packages/mcp-bridge/src/wire/port.ts";

/**
 * The client that the official conformance suite drives: `conformance-client.ts <url of the scenario's server>`, with the
 * scenario's name, data and protocol version in the environment. It is the bridge; only what is asked, and by whom it is
 * answered, is written here.
 */
const url = process.argv.at(-1) ?? "";
const scenario = process.env.MCP_CONFORMANCE_SCENARIO ?? "";
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? "{}") as {
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: object }[];
  readonly client_id?: string;
  readonly client_secret?: string;
  readonly private_key_pem?: string;
  readonly signing_algorithm?: string;
};
const protocol = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION === "2026-07-28" ? "auto" : "legacy";
/** The suite runs every scenario at once: on a busy machine nothing is quick, and nothing of this is measured here. */
const patienceMs = 60_000;
const limits = { connectTimeoutMs: patienceMs };
const read = { effect: "read", timeoutMs: patienceMs } as const;
const toolContext = {
  signal: new AbortController().signal,
  idempotencyKey: "",
  tenant: "conformance",
  runId: "run_1",
  agent: "conformance",
  path: "conformance#1",
  attempt: 1,
  attributes: {},
};

/** A person who agrees to everything, at once. */
const agrees = async (authorise: URL): Promise<string> => {
  const answer = await fetch(authorise, { redirect: "manual" });
  await answer.text();
  const back = answer.headers.get("location");
  if (back === null) throw new Error(`no way back, but ${answer.status}`);
  return back;
};

function authorisation(): OAuth {
  const { client_id: clientId, client_secret: clientSecret, private_key_pem: privateKey, signing_algorithm } = context;
  if (scenario.startsWith("auth/client-credentials") && clientId !== undefined) {
    return clientCredentials({
      clientId,
      ...(clientSecret === undefined ? {} : { clientSecret }),
      ...(privateKey === undefined ? {} : { privateKey }),
      ...(signing_algorithm === undefined ? {} : { algorithm: signing_algorithm }),
    });
  }
  return oauth({
    redirectUrl: "http://127.0.0.1:8765/callback",
    openUrl: agrees,
    ...(clientId === undefined
      ? {
          clientName: "remit-conformance",
          clientMetadataUrl: "https://conformance-test.local/client-metadata.json",
        }
      : { clientId }),
    ...(clientSecret === undefined ? {} : { clientSecret }),
  });
}

/** Over the bridge as anybody uses it. */
async function governed(tool: string, input: object, auth?: OAuth): Promise<void> {
  const transport = http({ url, protocol, ...(auth ? { auth } : {}) });
  await using connection = await connectMcp({ name: "suite", transport, limits, tools: { [tool]: read } });
  await connection.tools[tool]?.execute({ ...input }, toolContext);
}

/** Over a link alone: nobody knows the names of its tools before it is there. */
async function linked(use: (link: Link) => Promise<void>, asks?: (link: () => Link) => WireAsks): Promise<void> {
  const resolved = resolveMcpLimits("suite", limits);
  const clock = systemClock();
  const transport = http({ url, protocol });
  const link: Link = createLink({
    server: "suite",
    target: url,
    wire: openWire({ server: "suite", transport, limits: resolved, clock, logger: silentLogger }),
    limits: resolved,
    clock,
    logger: silentLogger,
    inspect: () => new Map(),
    asks: asks?.(() => link) ?? {},
  });
  try {
    await link.connect();
    await use(link);
  } finally {
    await link.close();
  }
}

const call = (link: Link, name: string, input: object = {}) =>
  link.call({ tool: name, remoteName: name, input, meta: {}, timeoutMs: patienceMs, signal: toolContext.signal });

/** What the scenario says, of what is there. */
async function callAll(link: Link): Promise<void> {
  const { listing } = await link.ready();
  for (const wanted of context.toolCalls ?? []) {
    if (listing.definitions.has(wanted.name)) await call(link, wanted.name, wanted.arguments);
  }
}

const accepts: WireAsks = {
  elicit: async () => ({ action: "accept", content: {} }),
  sample: async () => ({ role: "assistant", content: { type: "text", text: "" }, model: "none" }),
  roots: async () => [],
};

const scenarios: { readonly [name: string]: () => Promise<void> } = {
  initialize: () => linked(callAll),
  tools_call: () => governed("add_numbers", { a: 5, b: 3 }),
  "elicitation-sep1034-client-defaults": () =>
    linked(
      async (link) => void (await call(link, "test_client_elicitation_defaults")),
      () => accepts,
    ),
  "sse-retry": () => linked(async (link) => void (await call(link, "test_reconnection"))),
  "request-metadata": () => linked(callAll, () => accepts),
  "sep-2322-client-request-state": () =>
    linked(
      async (link) => {
        await call(link, "test_mrtr_echo_state");
        await call(link, "test_mrtr_no_state");
        await call(link, "test_mrtr_no_result_type");
      },
      (link) => ({
        elicit: async () => {
          await call(link(), "test_mrtr_unrelated");
          return { action: "accept", content: { confirmed: true } };
        },
      }),
    ),
  "http-standard-headers": () =>
    linked(async (link) => {
      const options = { timeoutMs: patienceMs, signal: toolContext.signal };
      await callAll(link);
      const { listing } = await link.ready();
      for (const name of listing.definitions.keys()) await call(link, name);
      const lists = { resources: "resources/list", prompts: "prompts/list" } as const;
      const { resources } = (await link.request(lists.resources, {}, options)) as { resources: { uri: string }[] };
      for (const { uri } of resources) await link.request("resources/read", { uri }, options);
      const { prompts } = (await link.request(lists.prompts, {}, options)) as { prompts: { name: string }[] };
      for (const { name } of prompts) await link.request("prompts/get", { name }, options);
    }),
  "http-custom-headers": () => linked(callAll),
  "http-invalid-tool-headers": () =>
    linked(async (link) => {
      const { listing } = await link.ready();
      for (const name of listing.definitions.keys()) await call(link, name, { region: "us-west1" });
    }),
  "json-schema-ref-no-deref": () => linked(callAll),
  "json-schema-2020-12-preservation": () =>
    linked(async (link) => {
      const schema = (await link.ready()).listing.definitions.get("json_schema_2020_12_tool")?.inputSchema;
      await call(link, "json_schema_echo", { schema });
    }),
};

const run =
  scenarios[scenario] ?? (scenario.startsWith("auth/") ? () => governed("test-tool", {}, authorisation()) : undefined);
if (!run) throw new Error(`there is no scenario "${scenario}" here`);
await run();
