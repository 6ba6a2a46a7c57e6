import type { Json } from "@remit/core";
import { ToolRefusal } from "@remit/core";
import { z } from "zod";
import { McpError } from "./errors.ts";
import { outcomeMeta, unknownOutcome } from "./meta.ts";
import { cut } from "./text.ts";

/**
 * What a tool of a server answered, as the output of a Remit tool. The first of these that applies:
 *
 * 1. `isError: true` → a {@link ToolRefusal} with the text, cut to 4 kB. A server of ours that does not know whether a
 *    write happened says so in `_meta`; then it is `mcp/call-failed`.
 * 2. `structuredContent` → that value, unchanged.
 * 3. one block of text that is a JSON object or list → the value.
 * 4. only text, or nothing → `{ text }`, blocks joined by a line feed.
 * 5. anything else → `{ text, content }`, where `content` holds every block as it came: text, images and audio as
 *    base64, links (never followed) and embedded resources.
 */
export interface ResultContext {
  readonly server: string;
  readonly tool: string;
  readonly resultBytes: number;
}

const refusalBytes = 4_096;

const text = z.object({ type: z.literal("text"), text: z.string() });
const block = z.discriminatedUnion("type", [
  text,
  z.looseObject({ type: z.literal("image"), data: z.string(), mimeType: z.string() }),
  z.looseObject({ type: z.literal("audio"), data: z.string(), mimeType: z.string() }),
  z.looseObject({ type: z.literal("resource_link"), uri: z.string() }),
  z.looseObject({ type: z.literal("resource"), resource: z.looseObject({ uri: z.string() }) }),
]);
const result = z.looseObject({
  // Servers of the first protocol versions leave it out when there is nothing to say.
  content: z.array(z.unknown()).default([]),
  structuredContent: z.unknown().optional(),
  isError: z.boolean().default(false),
  _meta: z.record(z.string(), z.unknown()).optional(),
});

/**
 * Reads the result of one call.
 * @throws ToolRefusal when the server answered that it could or would not
 * @throws McpError `mcp/result-invalid`, `mcp/result-too-large`, `mcp/call-failed`
 */
export function outputOf(answer: unknown, { server, tool, resultBytes }: ResultContext): Json {
  const invalid = (reason: string) => new McpError("mcp/result-invalid", { server, tool, reason });
  const bytes = Buffer.byteLength(JSON.stringify(answer) ?? "");
  if (bytes > resultBytes) throw new McpError("mcp/result-too-large", { server, tool, bytes, limit: resultBytes });
  const parsed = result.safeParse(answer);
  if (!parsed.success) throw invalid("it has neither content nor structured content");
  const { content, structuredContent, isError, _meta } = parsed.data;
  const blocks = content.map((item, index) => {
    const read = block.safeParse(item);
    if (read.success) return read.data;
    const type = String((item as { type?: unknown } | null)?.type).slice(0, 50);
    throw invalid(
      `its content at index ${index}, of type "${type}" and ${JSON.stringify(item).length} characters, is not known`,
    );
  });
  const words = blocks.flatMap((item) => (item.type === "text" ? [item.text] : [])).join("\n");
  if (isError) {
    const message = cut(words || "the tool gave no reason", refusalBytes);
    if (_meta?.[outcomeMeta] === unknownOutcome) {
      throw new McpError("mcp/call-failed", { server, tool, rpcCode: "isError", reason: message });
    }
    throw new ToolRefusal(message);
  }
  if (structuredContent !== undefined) return structuredContent as Json;
  if (blocks.some(({ type }) => type !== "text")) return { text: words, content: blocks as unknown as Json };
  return (blocks.length === 1 ? jsonOf(words) : undefined) ?? { text: words };
}

function jsonOf(words: string): Json | undefined {
  if (!/^\s*[[{]/.test(words)) return undefined;
  try {
    return JSON.parse(words) as Json;
  } catch {
    return undefined; // Text that only begins like JSON.
  }
}
