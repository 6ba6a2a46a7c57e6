import type { Logger } from "@remit/core";
import { McpError } from "./errors.ts";
import type { Link } from "./link.ts";
import { type Mask, maskJson, unmasked } from "./text.ts";

/** What leaves a connection as a log line, an error or a status, without its secrets. */

export function maskedLogger(logger: Logger, mask: Mask): Logger {
  const at =
    (level: "debug" | "info" | "warn" | "error"): Logger["info"] =>
    (fields, sentence) =>
      logger[level](maskJson(fields, mask), sentence);
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/**
 * A link whose errors say no secret: a server may well repeat in a message what it was given.
 * @param telling for the reasons why tools are refused, which people read to see what changed in them
 */
export function maskedLink(link: Link, mask: Mask, telling: Mask = mask): Link {
  if (mask === unmasked) return link;
  const masked = <Result>(made: Promise<Result>): Promise<Result> =>
    made.catch((thrown) => {
      throw McpError.is(thrown) ? maskedError(thrown, mask) : thrown;
    });
  const status = () => {
    const found = link.status();
    const { lastError, refreshError, refused } = found;
    return {
      ...found,
      refused: new Map([...refused].map(([tool, error]) => [tool, maskedError(error, telling)])),
      lastError: lastError && maskedError(lastError, mask),
      refreshError: refreshError && maskedError(refreshError, mask),
    };
  };
  return {
    ...link,
    connect: (signal) => masked(link.connect(signal)),
    ready: () => masked(link.ready()),
    call: (call) => masked(link.call(call)),
    request: (method, params, options) => masked(link.request(method, params, options)),
    status,
  };
}

/** The error itself where it says none; otherwise another one, whose cause is left out where it would. */
export function maskedError(thrown: McpError, mask: Mask): McpError {
  const words = wordsOf(thrown);
  if (mask(words) === words) return thrown;
  const { mayHaveExecuted: _, ...data } = thrown.data;
  return new McpError(thrown.code, maskJson(data, mask));
}

function wordsOf({ message, data, cause }: McpError): string {
  const texts = [message, JSON.stringify(data)];
  for (let at: unknown = cause, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    texts.push(at.message, JSON.stringify("fault" in at ? at.fault : null));
  }
  return texts.join("\n");
}
