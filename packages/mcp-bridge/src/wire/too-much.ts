import type { WireMessage } from "./channel.ts";
import { WireError, type WireFault } from "./port.ts";

/** An answer that is not read because there is too much in it. */
export const tooManyParts: WireFault = {
  kind: "malformed",
  reason: "it has more lists, objects or members than are read",
};

const version = String.raw`"jsonrpc"\s*:\s*"2\.0"`;
const id = String.raw`"id"\s*:\s*(\d{1,15}|"[^"\\]{1,100}")`;
const outcome = String.raw`"(?:result|error)"\s*:`;
/** What stands first is a member of the message itself, and so is what stands before its last bracket. */
const atHead = new RegExp(String.raw`^\s*\{\s*(?:${version}\s*,\s*)?${id}\s*,\s*(?:${version}\s*,\s*)?${outcome}`);
const answerHead = new RegExp(String.raw`^\s*\{\s*(?:${version}\s*,\s*)?${outcome}`);
const atTail = new RegExp(String.raw`,\s*${id}\s*(?:,\s*${version}\s*)?\}\s*$`);
const lookedAt = 300;

/**
 * In place of an answer that is not read, one that fails its request: its `error` is a {@link WireError}, which no text of
 * JSON can be. Nothing where the number of the request stands in neither the first nor the last 300 characters.
 */
export function refusalOf(text: string): WireMessage | undefined {
  const head = text.slice(0, lookedAt);
  const found = atHead.exec(head) ?? (answerHead.test(head) ? atTail.exec(text.slice(-lookedAt)) : null);
  if (!found?.[1]) return undefined;
  return { jsonrpc: "2.0", id: JSON.parse(found[1]) as unknown, error: new WireError(tooManyParts) };
}
