import { expect, test } from "vitest";
import { metaOf, readMeta } from "./meta.ts";
import { contextOf } from "./testing/fixture.ts";

test("attributes travel beside the members of the context, and never in their place", () => {
  const attributes = { desk: "7", idempotencyKey: "made-up", tenant: "other", agent: "" };
  expect(metaOf(contextOf({ idempotencyKey: "", attributes }))).toEqual({
    "remit/desk": "7",
    "remit/tenant": "acme",
    "remit/runId": "run_1",
    "remit/agent": "action",
    "remit/path": "action#1/tool#1",
  });
  expect(readMeta(metaOf(contextOf({ idempotencyKey: "", attributes })))).toMatchObject({
    idempotencyKey: "",
    tenant: "acme",
    attributes: { desk: "7" },
  });
});
