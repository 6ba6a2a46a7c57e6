import {
  httpServer,
  type InputRequired,
  type ServedAsk,
  type ServedCallContext,
  type ServedPrompts,
  type ServedResources,
  type ServedResult,
  type ServedTool,
  serveMcp,
} from "@remit/mcp-bridge";

/**
 * The server that the conformance suite asks for by name, made of `serveMcp`: `conformance-server.ts [port]` over HTTP,
 * `conformance-server.ts --stdio` on standard input and output. Says its address on the first line.
 */

const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const wav = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";

type Call = (
  input: Readonly<Record<string, unknown>>,
  context: ServedCallContext,
) => Promise<ServedResult | InputRequired>;

const text = (value: string): ServedResult => ({ content: [{ type: "text", text: value }] });

function tool(name: string, call: Call, inputSchema: ServedTool["definition"]["inputSchema"] = noInput): ServedTool {
  return {
    kind: "served-tool",
    definition: { name, description: `Fixture of the conformance suite: ${name}.`, inputSchema },
    call: (input, context) => call(input as Readonly<Record<string, unknown>>, context),
  };
}

const noInput = { type: "object", properties: {} } as const;
const oneText = (name: string) =>
  ({ type: "object", properties: { [name]: { type: "string" } }, required: [name] }) as const;
const form = (message: string, properties: Readonly<Record<string, unknown>>, required: readonly string[] = []) =>
  ({ mode: "form", message, schema: { type: "object", properties, required } }) as const;

/** A tool that returns what it needs and is called anew. */
const needs = (requests: Readonly<Record<string, ServedAsk>>, state: string): InputRequired => ({
  kind: "input-required",
  requests,
  state,
});
const asksFor = (message: string, name: string, type = "string"): ServedAsk => ({
  method: "elicitation/create",
  params: { message, requestedSchema: { type: "object", properties: { [name]: { type } }, required: [name] } },
});
const sampling = (prompt: string, maxTokens = 100) => ({
  messages: [{ role: "user", content: { type: "text", text: prompt } }],
  maxTokens,
});
const asName = form("What is your name?", { name: { type: "string" } }, ["name"]);

const elicits = async (context: ServedCallContext, asked: ReturnType<typeof form>, said: string) => {
  const { action, content = {} } = await context.elicit(asked);
  return text(`${said}: action=${action}, content=${JSON.stringify(content)}`);
};

const tools: readonly ServedTool[] = [
  tool("test_simple_text", async () => text("This is a simple text response for testing.")),
  tool("test_image_content", async () => ({ content: [{ type: "image", data: png, mimeType: "image/png" }] })),
  tool("test_audio_content", async () => ({ content: [{ type: "audio", data: wav, mimeType: "audio/wav" }] })),
  tool("test_embedded_resource", async () => ({
    content: [
      {
        type: "resource",
        resource: {
          uri: "test://embedded-resource",
          mimeType: "text/plain",
          text: "This is an embedded resource content.",
        },
      },
    ],
  })),
  tool("test_multiple_content_types", async () => ({
    content: [
      { type: "text", text: "Multiple content types test:" },
      { type: "image", data: png, mimeType: "image/png" },
      {
        type: "resource",
        resource: {
          uri: "test://mixed-content-resource",
          mimeType: "application/json",
          text: JSON.stringify({ test: "data", value: 123 }),
        },
      },
    ],
  })),
  tool("test_tool_with_logging", async (_, { log }) => {
    log("info", "Tool execution started");
    log("info", "Tool processing data");
    log("info", "Tool execution completed");
    return text("Tool with logging executed successfully");
  }),
  tool("test_logging_tool", async (_, { log }) => {
    log("info", "A line for who asked for it");
    return text("Logged");
  }),
  tool("test_tool_with_progress", async (_, { progress }) => {
    for (const step of [0, 50, 100]) progress({ progress: step, total: 100, message: `Completed step ${step} of 100` });
    return text("Progress was told");
  }),
  tool("test_error_handling", async () => ({
    ...text("This tool intentionally returns an error for testing"),
    isError: true,
  })),
  tool(
    "test_sampling",
    async ({ prompt }, { sample }) => {
      const { content } = (await sample(sampling(String(prompt)))) as { content: { text?: string } };
      return text(`LLM response: ${content.text ?? "none"}`);
    },
    oneText("prompt"),
  ),
  tool(
    "test_elicitation",
    ({ message }, context) =>
      elicits(
        context,
        form(String(message), { username: { type: "string" }, email: { type: "string" } }, ["username", "email"]),
        "User response",
      ),
    oneText("message"),
  ),
  tool("test_elicitation_sep1034_defaults", (_, context) =>
    elicits(
      context,
      form("Please review and update the form fields with defaults", {
        name: { type: "string", description: "User name", default: "John Doe" },
        age: { type: "integer", description: "User age", default: 30 },
        score: { type: "number", description: "User score", default: 95.5 },
        status: { type: "string", description: "Status", enum: ["active", "inactive", "pending"], default: "active" },
        verified: { type: "boolean", description: "Verification status", default: true },
      }),
      "Elicitation completed",
    ),
  ),
  tool("test_elicitation_sep1330_enums", (_, context) => {
    const titled = (first: string) => [
      { const: "value1", title: `First ${first}` },
      { const: "value2", title: `Second ${first}` },
      { const: "value3", title: `Third ${first}` },
    ];
    const plain = ["option1", "option2", "option3"];
    const several = { type: "array", minItems: 1, maxItems: 3 };
    const properties = {
      untitledSingle: { type: "string", enum: plain },
      titledSingle: { type: "string", oneOf: titled("Option") },
      legacyEnum: { type: "string", enum: ["opt1", "opt2", "opt3"], enumNames: ["One", "Two", "Three"] },
      untitledMulti: { ...several, items: { type: "string", enum: plain } },
      titledMulti: { ...several, items: { anyOf: titled("Choice") } },
    };
    return elicits(context, form("Please select options from the enum fields", properties), "Elicitation completed");
  }),
  tool("json_schema_2020_12_tool", async (input) => text(`Called with: ${JSON.stringify(input)}`), {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    $defs: {
      address: {
        $anchor: "addressDef",
        type: "object",
        properties: { street: { type: "string" }, city: { type: "string" } },
      },
    },
    properties: { name: { type: "string" }, address: { $ref: "#/$defs/address" }, contact: { type: "string" } },
    allOf: [{ anyOf: [{ required: ["name"] }, { required: ["contact"] }] }],
    if: { properties: { name: { const: "nobody" } }, required: ["name"] },
    // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema.
    then: { required: ["address"] },
    else: { properties: { contact: { type: "string" } } },
    additionalProperties: false,
  }),
  tool("test_missing_capability", async (_, { sample }) => {
    await sample(sampling("needs the client's model"));
    return text("The client's model answered");
  }),
  tool("test_streaming_elicitation", (_, context) => {
    context.progress({ progress: 1, total: 2 });
    return elicits(context, asName, "User response");
  }),
  tool("test_trigger_tool_change", async () => {
    serving.changed({ kind: "list-changed", of: "tools" });
    return text("The list of tools changed");
  }),
  tool("test_trigger_prompt_change", async () => {
    serving.changed({ kind: "list-changed", of: "prompts" });
    return text("The list of prompts changed");
  }),
  // What waits where it asks, and is held meanwhile.
  tool("test_input_required_result_elicitation", async (_, { elicit }) => {
    const { content } = await elicit(asName, { key: "user_name" });
    return text(`Hello, ${String(content?.name)}!`);
  }),
  tool("test_input_required_result_sampling", async (_, { sample }) => {
    const { content } = await sample(sampling("What is the capital of France?"), { key: "capital_question" });
    return text(JSON.stringify(content));
  }),
  tool("test_input_required_result_list_roots", async (_, { roots }) => {
    const found = await roots({ key: "client_roots" });
    return text(found.map(({ uri }) => uri).join(", "));
  }),
  tool("test_input_required_result_multiple_inputs", async (_, { elicit, sample, roots }) => {
    const [{ content }, greeting, found] = await Promise.all([
      elicit(asName, { key: "user_name" }),
      sample(sampling("Generate a greeting", 50), { key: "greeting" }),
      roots({ key: "client_roots" }),
    ]);
    return text(JSON.stringify({ content, greeting: greeting.content, roots: found }));
  }),
  tool("test_input_required_result_capabilities", async (_, { can, elicit, sample }) => {
    const asked = [
      ...(can.form ? [elicit(asName, { key: "user_name" })] : []),
      ...(can.sample ? [sample(sampling("Generate a greeting", 50), { key: "greeting" })] : []),
    ];
    return text(JSON.stringify(await Promise.all<unknown>(asked)));
  }),
  // What returns what it needs, and is called anew.
  tool("test_input_required_result_request_state", async (_, { resumed }) => {
    if (!resumed) return needs({ confirm: asksFor("Please confirm", "ok", "boolean") }, "state-ok");
    return text(String(resumed.state));
  }),
  tool("test_input_required_result_tampered_state", async (_, { resumed }) => {
    if (!resumed) return needs({ confirm: asksFor("Please confirm", "ok", "boolean") }, "state-ok");
    return text(String(resumed.state));
  }),
  tool("test_input_required_result_multi_round", async (_, { resumed }) => {
    if (!resumed) return needs({ step1: asksFor("Step 1: What is your name?", "name") }, "1");
    if (resumed.state === "1") return needs({ step2: asksFor("Step 2: What is your favorite color?", "color") }, "2");
    return text("Both steps are done");
  }),
];

const contents: Readonly<Record<string, object>> = {
  "test://static-text": { mimeType: "text/plain", text: "This is the content of the static text resource." },
  "test://static-binary": { mimeType: "image/png", blob: png },
  "test://watched-resource": { mimeType: "text/plain", text: "Watched resource content" },
};

const resources: ServedResources = {
  watch: async () => {},
  list: async () => Object.keys(contents).map((uri) => ({ uri, name: uri.slice("test://".length) })),
  templates: async () => [{ uriTemplate: "test://template/{id}/data", name: "template", mimeType: "application/json" }],
  read: async (uri) => {
    const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
    if (id !== undefined) {
      const data = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
      return { contents: [{ uri, mimeType: "application/json", text: data }] };
    }
    return Object.hasOwn(contents, uri) ? { contents: [{ uri, ...contents[uri] } as never] } : undefined;
  },
};

const said = (value: string) => ({ role: "user", content: { type: "text", text: value } }) as const;
const prompts: ServedPrompts = {
  list: async () => [
    { name: "test_simple_prompt", description: "A simple prompt without arguments" },
    {
      name: "test_prompt_with_arguments",
      description: "A prompt with required arguments",
      arguments: [
        { name: "arg1", description: "First test argument", required: true },
        { name: "arg2", description: "Second test argument", required: true },
      ],
    },
    {
      name: "test_prompt_with_embedded_resource",
      description: "A prompt that includes an embedded resource",
      arguments: [{ name: "resourceUri", description: "URI of the resource to embed", required: true }],
    },
    { name: "test_prompt_with_image", description: "A prompt that includes image content" },
    { name: "test_input_required_result_prompt", description: "A prompt that asks its client" },
  ],
  get: async (name, args, { elicit }) => {
    switch (name) {
      case "test_simple_prompt":
        return { messages: [said("This is a simple prompt for testing.")] };
      case "test_prompt_with_arguments":
        return { messages: [said(`Prompt with arguments: arg1='${args.arg1}', arg2='${args.arg2}'`)] };
      case "test_prompt_with_embedded_resource": {
        const held = { mimeType: "text/plain", text: "Embedded resource content for testing." };
        const resource = { uri: args.resourceUri ?? "", ...held };
        return {
          messages: [
            { role: "user", content: { type: "resource", resource } },
            said("Please process the embedded resource above."),
          ],
        };
      }
      case "test_prompt_with_image":
        return {
          messages: [
            { role: "user", content: { type: "image", data: png, mimeType: "image/png" } },
            said("Please analyze the image above."),
          ],
        };
      case "test_input_required_result_prompt": {
        const asked = form("What context should the prompt use?", { context: { type: "string" } }, ["context"]);
        const { content } = await elicit(asked, { key: "user_context" });
        return { messages: [said(`The context is ${String(content?.context)}.`)] };
      }
      default:
        return undefined;
    }
  },
};

const [argument = "0"] = process.argv.slice(2);
const serving = await serveMcp({
  name: "remit-conformance",
  version: "1.0.0",
  tools,
  resources,
  prompts,
  completions: async ({ argument: { value } }) => ({
    values: ["paris", "park", "party"].filter((one) => one.startsWith(value)),
  }),
  logging: true,
  transport: argument === "--stdio" ? "stdio" : httpServer({ port: Number(argument) }),
});
if (serving.address) console.log(serving.address.url);
process.once("SIGTERM", () => void serving.close());
await serving.closed;
