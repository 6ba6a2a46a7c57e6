import { describe, expect, it } from "vitest";
import type { JsonSchema } from "./json.ts";
import { referred } from "./referred.ts";

describe("references within a schema", () => {
  const money = { type: "string" };
  const root: JsonSchema = {
    $defs: { money, "a b": money, "100%": money, "x/y~z": money, list: { prefixItems: [money] } },
  };

  it.each([
    "#/$defs/money",
    "#/$defs/a b",
    "#/$defs/a%20b",
    "#/$defs/100%",
    "#/$defs/100%25",
    "#/$defs/x~1y~0z",
    "#/$defs/x%7E1y%7E0z",
    "#/%24defs/money",
    "#/$defs/list/prefixItems/0",
  ])("are found by name, percent-encoded or not: %s", (ref) => {
    expect(referred(root, ref)).toBe(money);
  });

  it.each([
    "",
    "money",
    "other.json#/$defs/money",
    "#money",
    "#/$defs/none",
    "#/$defs/money/type/length",
    "#/constructor",
  ])("are not made up where nothing is: %s", (ref) => {
    expect(referred(root, ref)).toBeUndefined();
  });

  it("can be to the whole", () => {
    expect(referred(root, "#")).toBe(root);
  });
});
