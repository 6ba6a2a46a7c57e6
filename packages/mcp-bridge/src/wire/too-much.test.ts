import { expect, test } from "vitest";
import { WireError } from "./port.ts";
import { refusalOf } from "./too-much.ts";

const long = `[${"{},".repeat(5_000)}{}]`;

test("an answer that is not read fails its request, whose number stands first or last in it", () => {
  const failed = (id: unknown) => ({ jsonrpc: "2.0", id, error: expect.any(WireError) });
  expect(refusalOf(`{"jsonrpc":"2.0","id":7,"result":{"content":${long}}}`)).toEqual(failed(7));
  expect(refusalOf(`{ "id": "a-1", "jsonrpc": "2.0", "error": {"data":${long}}}`)).toEqual(failed("a-1"));
  expect(refusalOf(`{"result":{"content":${long}},"jsonrpc":"2.0","id":7}`)).toEqual(failed(7));
  expect(refusalOf(`{"jsonrpc":"2.0","result":{"content":${long}},"id":7,"jsonrpc":"2.0"}\r`)).toEqual(failed(7));
});

test("what is no answer, or has a number only further in, is nobody's", () => {
  expect(refusalOf(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":${long}}`)).toBeUndefined();
  expect(refusalOf(`{"jsonrpc":"2.0","method":"notifications/message","params":${long},"id":7}`)).toBeUndefined();
  expect(refusalOf(`{"jsonrpc":"2.0","result":{"content":${long},"id":7},"more":1}`)).toBeUndefined();
  expect(refusalOf(long)).toBeUndefined();
});
