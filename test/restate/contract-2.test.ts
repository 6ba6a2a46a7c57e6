import { describe, test } from "vitest";
import { engineThemes } from "../contract/engine.ts";
import { clusterContract } from "./contract.ts";

/** The other half, which is played in full by `npm run soak -- --only restate`. */
if (process.env.REMIT_RESTATE_THEMES === "all") clusterContract(engineThemes.slice(6));
else describe.skip("the rest of the contract (it takes long: npm run soak -- --only restate)", () => test("all of it"));
