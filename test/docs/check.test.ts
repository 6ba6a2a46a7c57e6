import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkErrorCodes } from "@remit/core";
import { expect, test } from "vitest";
import { root } from "../architecture/module.ts";

test("the guide names every finding with its severity", () => {
  const guide = readFileSync(join(root, "docs", "guides", "check.md"), "utf8");
  const rows = [...guide.matchAll(/^\| `(check\/[a-z-]+)` \| (error|warning) \|/gm)].map(([, code, severity]) => [
    code,
    severity,
  ]);
  const codes = Object.entries(checkErrorCodes).map(([code, { severity }]) => [code, severity]);
  expect(rows.sort()).toEqual(codes.sort());
});
