import type { EffectCase, Json, ModelRequest } from "@remit/core";
import { describe, expect, test } from "vitest";
import { judgement } from "./judge.ts";

/** The packet that a scripted reviewer makes of a call with these arguments. */
function packetOf(input: EffectCase["input"]) {
  const asked: EffectCase = {
    ...{
      effect: "action#1/tool#1",
      agent: "action",
      tool: "update_field",
      description: "",
      input,
      risk: "high" as const,
    },
    ...{ reversible: true, tier: "person" as const, labels: [], requestedBy: "u_1" },
  };
  const outputSchema = { type: "object", properties: { what: {}, diff: {} } };
  return judgement({ input: asked, outputSchema } as unknown as ModelRequest, []) as {
    readonly diff: Json;
    readonly evidence: Json;
  };
}

describe("a scripted reviewer's packet", () => {
  test("names each argument where nothing says what was there", () => {
    expect(packetOf({ orderId: "o_7", cents: 900 }).diff).toEqual([
      { what: "orderId", to: "o_7" },
      { what: "cents", to: "900" },
    ]);
    expect(packetOf("all of it").diff).toEqual([{ what: "input", to: '"all of it"' }]);
  });

  test("goes field by field where the arguments say what was there", () => {
    expect(packetOf({ recordId: "r_1", field: "phone", from: null, to: "+49" }).diff).toEqual([
      { what: "phone", from: "nothing", to: "+49" },
    ]);
    const takes = [
      { field: "size", from: "1-10", to: "11-50" },
      { field: "limit", from: 5, to: 9 },
    ];
    expect(packetOf({ keepId: "r_1", goneId: "r_2", takes }).diff).toEqual([
      { what: "size", from: "1-10", to: "11-50" },
      { what: "limit", from: "5", to: "9" },
    ]);
  });

  test("shows as evidence what the arguments give as such, beside their ids", () => {
    expect(packetOf({ keepId: "r_1", evidence: ["same_vat", 7] }).evidence).toEqual(["r_1", "same_vat"]);
  });
});
