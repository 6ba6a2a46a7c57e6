// @ts-check
/**
 * What a cluster and a worker say to each other, counted: every invocation by its handler, and every message of the
 * service protocol by its kind. It looks over the shoulder of `node:http2`, so it must be called before a worker listens.
 */
import http2 from "node:http2";
import { syncBuiltinESMExports } from "node:module";

/** Kinds of messages by their number: https://github.com/restatedev/service-protocol */
const kinds = new Map([
  [0x0001, "suspended"],
  [0x0002, "failed"],
  [0x0005, "run"],
  [0x0402, "read state"],
  [0x0403, "write state"],
  [0x0404, "clear state"],
  [0x0405, "clear state"],
  [0x0406, "read state"],
  [0x040d, "call"],
  [0x040e, "send"],
  [0x0410, "signal"],
  [0x0414, "awakeable done"],
]);

/** @returns {{ take: () => Map<string, number> }} `take` gives what was counted since it was last asked */
export function countWire() {
  /** @type {Map<string, number>} */
  let counts = new Map();
  const add = (/** @type {string} */ name, by = 1) => counts.set(name, (counts.get(name) ?? 0) + by);
  const reader = (/** @type {string} */ handler) => {
    /** @type {Buffer} */
    let rest = Buffer.alloc(0);
    return (/** @type {Uint8Array} */ chunk) => {
      add("bytes from workers", chunk.length);
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 8) {
        const length = rest.readUInt32BE(4);
        if (rest.length < 8 + length) return;
        const kind = kinds.get(rest.readUInt16BE(0));
        if (kind) add(`${handler}: ${kind}`);
        rest = rest.subarray(8 + length);
      }
    };
  };
  const { createServer } = http2;
  /** @type {any} */
  const patched = (/** @type {any} */ first, /** @type {any} */ second) => {
    const listener = second ?? first;
    return createServer((request, response) => {
      const [service = "", handler = ""] = request.url.split("/").slice(-2);
      const name = `${service.replace(/\.[0-9a-f]{16}$/, "").replace(/^[a-z]+\./, "")}.${handler}`;
      add(name);
      const read = reader(name);
      const { write, end } = response;
      response.write = (/** @type {any} */ chunk, /** @type {any[]} */ ...others) => {
        read(chunk);
        return write.call(response, chunk, .../** @type {[any]} */ (others));
      };
      response.end = (/** @type {any} */ chunk, /** @type {any[]} */ ...others) => {
        if (chunk && typeof chunk !== "function") read(chunk);
        return end.call(response, chunk, .../** @type {[any]} */ (others));
      };
      listener(request, response);
    });
  };
  http2.createServer = patched;
  syncBuiltinESMExports();
  return {
    take: () => {
      const taken = counts;
      counts = new Map();
      return taken;
    },
  };
}
