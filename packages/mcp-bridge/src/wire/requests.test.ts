import { isJSONRPCResultResponse } from "@modelcontextprotocol/sdk/types.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesAtMost, readResult, resultForm } from "../result.ts";
import type { WireMessage } from "./channel.ts";
import { isPlainResult } from "./requests.ts";

/** What is seen by hand, against what it stands for. */

const arbAny = fc.oneof(fc.jsonValue(), fc.constant(undefined), fc.boolean(), fc.dictionary(fc.string(), fc.string()));

test("what is taken for an answer by hand is one by the SDK's measure", () => {
  const arbResult = fc.oneof(arbAny, fc.record({ _meta: arbAny, content: arbAny }, { requiredKeys: [] }));
  const arbMessage = fc.record(
    {
      jsonrpc: fc.oneof(fc.constant("2.0"), fc.constant("1.0")),
      id: fc.oneof(fc.nat(), fc.string(), fc.double(), arbAny),
      result: arbResult,
      error: arbAny,
    },
    { requiredKeys: ["jsonrpc", "id"] },
  );
  fc.assert(
    fc.property(arbMessage, (message) => {
      if (isPlainResult(message as WireMessage)) expect(isJSONRPCResultResponse(message)).toBe(true);
    }),
  );
  expect(isPlainResult({ jsonrpc: "2.0", id: 1, result: {} })).toBe(true);
  expect(isPlainResult({ jsonrpc: "2.0", id: 1, result: { _meta: {} } })).toBe(false);
  expect(isPlainResult({ jsonrpc: "2.0", id: 1, result: {}, error: {} })).toBe(false);
});

test("a result that is read by hand is what its form makes of it", () => {
  const arbResult = fc.oneof(
    arbAny,
    fc.record(
      {
        content: fc.oneof(fc.array(fc.jsonValue()), arbAny),
        structuredContent: arbAny,
        isError: fc.oneof(fc.boolean(), arbAny),
        _meta: arbAny,
      },
      { requiredKeys: [] },
    ),
  );
  fc.assert(
    fc.property(arbResult, (received) => {
      const { success, data } = resultForm.safeParse(received);
      const read = readResult(received);
      expect(read !== undefined).toBe(success);
      const { content, structuredContent, isError, _meta } = data ?? {};
      if (read)
        expect({ _meta: undefined, structuredContent: undefined, ...read }).toMatchObject({
          content,
          structuredContent,
          isError,
          _meta,
        });
    }),
  );
});

test("a value takes no more bytes than is said, and what takes more is not measured to its end", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary" }), fc.nat(2_000), (value, enough) => {
      const bytes = bytesAtMost(value, enough);
      if (bytes <= enough) expect(Buffer.byteLength(JSON.stringify(value))).toBeLessThanOrEqual(bytes);
      else expect(bytes).toBe(Number.POSITIVE_INFINITY);
    }),
  );
});
