import { hostKind, isLocalHost } from "./address.ts";
import type { ToolQuestion } from "./question.ts";

/**
 * What a person should know before they answer a tool's question. Found in its text alone: no name is looked up, so a
 * name that leads into a private network is not among them.
 */
export type QuestionWarning =
  /** The page is on the machine or in the network of whoever opens it. */
  | "local-address"
  /** The page is named by a number. */
  | "address-by-number"
  /** The host's name has letters beyond ASCII, which may look like others. */
  | "look-alike-host"
  /** What is typed there can be read on the way. */
  | "not-encrypted"
  /** A field is named like a password or a token; a form is no place for one, and its journal keeps it. */
  | "asks-for-secret";

const secret = /pass(word|phrase|code)?\b|secret|token|api.?key|credential|private.?key|\bpin\b|\botp\b|cvv|cvc/i;

export function warningsOf(question: ToolQuestion): readonly QuestionWarning[] {
  if (question.mode === "form") {
    const asks = Object.entries(question.schema.properties).some(([name, { title = "" }]) => {
      // `apiKey` and `api_key` are two words each.
      const words = `${name} ${title}`.replaceAll("_", " ").replace(/([a-z])([A-Z])/g, "$1 $2");
      return secret.test(words);
    });
    return asks ? ["asks-for-secret"] : [];
  }
  const url = URL.parse(question.url);
  if (!url) return [];
  const { hostname, protocol } = url;
  return [
    ...(isLocalHost(hostname) ? (["local-address"] as const) : []),
    ...(hostKind(hostname) === "name" ? [] : (["address-by-number"] as const)),
    ...(hostname.split(".").some((part) => part.startsWith("xn--")) ? (["look-alike-host"] as const) : []),
    ...(protocol === "http:" ? (["not-encrypted"] as const) : []),
  ];
}
