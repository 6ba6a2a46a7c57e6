import { isJSONRPCResultResponse } from "@modelcontextprotocol/sdk/types.js";
import fc from "fast-check";
import { expect, test } from "vitest";
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
