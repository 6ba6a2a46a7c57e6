import { defineTool, ToolRefusal } from "@remit/core";
import { z } from "zod";
import type { ArtifactStore } from "./artifacts.ts";

const bytesDefault = 16 * 1024;
const bytesMax = 128 * 1024;

/** A tool by which an agent reads on in an answer that was too long for it; of its own tenant, and text only. */
export function artifactTool(artifacts: ArtifactStore, { labels = [] }: { readonly labels?: readonly string[] } = {}) {
  return defineTool({
    name: "read_artifact",
    description: "Reads a part of a long answer that was cut, by the handle in its `$truncated`.",
    input: z.object({
      artifact: z.string(),
      offset: z.int().min(0).default(0),
      bytes: z.int().min(1).max(bytesMax).default(bytesDefault),
    }),
    output: z.object({ text: z.string(), offset: z.int(), next: z.int().nullable(), bytes: z.int() }),
    effect: "read",
    // What is in it came from a server, whichever.
    labels: ["mcp", ...labels],
    execute: async ({ artifact, offset, bytes }, { tenant }) => {
      const found = await artifacts.get(tenant, artifact);
      if (!found) throw new ToolRefusal(`there is no artifact ${artifact.slice(0, 100)}`);
      if (!/^(?:text\/|application\/json)/.test(found.mediaType))
        throw new ToolRefusal(`it is ${found.mediaType}, no text`);
      const body = Buffer.from(found.body);
      let end = Math.min(offset + bytes, body.byteLength);
      // Never in the middle of a character.
      while (end < body.byteLength && ((body[end] ?? 0) & 0xc0) === 0x80) end++;
      const text = new TextDecoder().decode(body.subarray(Math.min(offset, end), end));
      return { text, offset, next: end < body.byteLength ? end : null, bytes: body.byteLength };
    },
  });
}
