import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { memoryPins, parseMcpConfig } from "@remit/mcp-bridge";
import { openGateway, settingsOf } from "@remit/mcp-bridge/gateway";
import { compileCache } from "../../packages/mcp-bridge/src/testing/fixture.ts";

/**
 * The fixture server of the conformance suite behind the gateway: suite → our server → a run → our client → fixture. Says
 * its address on the first line, and ends on SIGTERM. With names as they are, because the suite calls tools by them.
 */

const folder = mkdtempSync(join(tmpdir(), "remit-gateway-"));
const fixture = fileURLToPath(new URL("conformance-server.ts", import.meta.url));
const protocol = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION === "2026-07-28" ? "2026-07-28" : "legacy";

const read = { effect: "read" } as const;
const tools = Object.fromEntries(
  [
    "test_simple_text",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_tool_with_logging",
    "test_logging_tool",
    "test_tool_with_progress",
    "test_error_handling",
    "test_sampling",
    "test_elicitation",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
    "json_schema_2020_12_tool",
    "test_missing_capability",
    "test_streaming_elicitation",
    "test_trigger_tool_change",
    "test_trigger_prompt_change",
    "test_input_required_result_elicitation",
    "test_input_required_result_sampling",
    "test_input_required_result_list_roots",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_capabilities",
    "test_input_required_result_request_state",
    "test_input_required_result_tampered_state",
    "test_input_required_result_multi_round",
  ].map((name) => [name, read]),
);
const text = JSON.stringify({
  mcpServers: {
    fixture: {
      command: process.execPath,
      args: ["--conditions=@remit/source", fixture, "--stdio"],
      env: compileCache(),
      remit: {
        protocol,
        prefix: false,
        required: true,
        tools,
        resources: { uris: ["test://**"] },
        prompts: {
          names: [
            "test_simple_prompt",
            "test_prompt_with_arguments",
            "test_prompt_with_embedded_resource",
            "test_prompt_with_image",
            "test_input_required_result_prompt",
          ],
        },
      },
    },
  },
  remit: { gateway: { listen: {}, journal: "memory", allow: ["elicitation", "sampling", "roots", "logging"] } },
});
const config = parseMcpConfig(text, join(folder, "mcp.json"));
const gateway = await openGateway({
  config,
  settings: settingsOf(config.file, config.gateway),
  pins: memoryPins(),
  trustOnFirstUse: true,
});
console.log(gateway.serving.address?.url);
process.once("SIGTERM", async () => {
  await gateway.close();
  rmSync(folder, { recursive: true, force: true });
});
