import { PassThrough, Writable } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { lineWriter, readLines } from "./lines.ts";

/** What a reader tells of a text that arrives in pieces. */
function told(pieces: readonly Buffer[], bytesMax = 1_000): unknown[] {
  const found: unknown[] = [];
  const input = new PassThrough();
  const { stop } = readLines(input, bytesMax, {
    message: (message) => found.push(message),
    noise: (line) => found.push({ noise: line }),
    overflow: (bytes) => found.push({ overflow: bytes }),
  });
  for (const piece of pieces) input.emit("data", piece);
  stop();
  input.emit("data", Buffer.from('{"jsonrpc":"2.0","late":true}\n'));
  return found;
}

test("messages are the same however the bytes are cut", () => {
  const arbMessage = fc.record({ jsonrpc: fc.constant("2.0"), text: fc.string({ unit: "grapheme", maxLength: 20 }) });
  fc.assert(
    fc.property(fc.array(arbMessage, { maxLength: 6 }), fc.array(fc.integer({ min: 1, max: 40 })), (messages, cuts) => {
      const bytes = Buffer.from(messages.map((message) => `${JSON.stringify(message)}\n`).join(""));
      const pieces: Buffer[] = [];
      let at = 0;
      for (const size of cuts) {
        pieces.push(bytes.subarray(at, at + size));
        at += size;
      }
      pieces.push(bytes.subarray(at));
      expect(told(pieces)).toEqual(messages);
    }),
  );
});

test("empty lines are nothing, other lines are noise, a last line without its end is dropped", () => {
  const text = 'ready\r\n\n  \r\n{"jsonrpc":"1.0"}\n[]\n{"jsonrpc":"2.0","id":1}\r\n{"jsonrpc":"2.0"';
  expect(told([Buffer.from(text)])).toEqual([
    { noise: "ready\r" },
    { noise: '{"jsonrpc":"1.0"}' },
    { noise: "[]" },
    { jsonrpc: "2.0", id: 1 },
  ]);
});

test("a line over the limit is told once, whether its end is there or not, and nothing is read after it", () => {
  const good = '{"jsonrpc":"2.0"}\n';
  expect(
    told([Buffer.from(good), Buffer.from("x".repeat(60)), Buffer.from("x".repeat(60)), Buffer.from(good)], 100),
  ).toEqual([{ jsonrpc: "2.0" }, { overflow: 120 }]);
  expect(told([Buffer.from(`${"x".repeat(150)}\n${good}`)], 100)).toEqual([{ overflow: 150 }]);
});

test("a flood leaves everything else its turn, and every message is told, in order", async () => {
  const found: unknown[] = [];
  const input = new PassThrough();
  const { stop } = readLines(input, 1_000, {
    message: ({ id }) => found.push(id),
    noise: (line) => found.push(line),
    overflow: (bytes) => found.push(bytes),
  });
  const ids = Array.from({ length: 5_000 }, (_, id) => id);
  input.write(ids.map((id) => `${JSON.stringify({ jsonrpc: "2.0", id })}\n`).join(""));
  await new Promise(setImmediate);
  expect(found.length).toBeLessThan(1_000);
  for (let turns = 0; found.length < ids.length && turns < 100; turns++) await new Promise(setImmediate);
  expect(found).toEqual(ids);
  stop();
});

test("a stream that hands over little at a time is never paused, however long it goes on", async () => {
  let [found, pauses] = [0, 0];
  const input = new PassThrough();
  input.on("pause", () => pauses++);
  const { stop } = readLines(input, 1_000, {
    message: () => found++,
    noise: () => {},
    overflow: () => {},
  });
  const lines = Array.from({ length: 32 }, (_, id) => `${JSON.stringify({ jsonrpc: "2.0", id })}\n`).join("");
  for (let turn = 0; turn < 50; turn++) {
    input.write(lines);
    await new Promise(setImmediate);
  }
  expect({ found, pauses }).toEqual({ found: 50 * 32, pauses: 0 });
  stop();
});

/** What reaches a stream, piece by piece. */
function written(): { readonly pieces: string[]; readonly output: Writable } {
  const pieces: string[] = [];
  const output = new Writable({
    decodeStrings: false,
    write: (piece: string, _, done) => {
      pieces.push(piece);
      done();
    },
  });
  return { pieces, output };
}

const numbered = (id: number) => ({ jsonrpc: "2.0" as const, id });
const lineOf = (id: number) => `{"jsonrpc":"2.0","id":${id}}\n`;

test("what is alone leaves at once, the rest of a turn in one piece, and in the order it was written", async () => {
  const { pieces, output } = written();
  const { post, send } = lineWriter(output);
  post(numbered(1), true);
  expect(pieces).toEqual([lineOf(1)]);
  post(numbered(2), false);
  post(numbered(3), true);
  const sent = send(numbered(4));
  expect(pieces).toEqual([lineOf(1)]);
  await sent;
  expect(pieces).toEqual([lineOf(1), lineOf(2) + lineOf(3) + lineOf(4)]);
});

test("what is none of JSON is not written, and what is written to a stream that is gone is nothing", async () => {
  const { pieces, output } = written();
  const { post, send } = lineWriter(output);
  const none = { jsonrpc: "2.0" as const, id: 1n };
  expect(() => post(none, true)).toThrow(TypeError);
  await expect(send(none)).rejects.toThrow(TypeError);
  const sent = send(numbered(1));
  output.destroy();
  await sent;
  await send(numbered(2));
  post(numbered(3), true);
  expect(pieces).toEqual([]);
});
