import { describe, test } from "vitest";
import { engineThemes } from "../contract/engine.ts";
import { clusterContract } from "./contract.ts";
import { isAll, long } from "./place.ts";

/** The other half, which is played in full by `npm run soak -- --only restate`. */
// Specialists have a file of their own.
if (isAll) clusterContract(engineThemes.slice(6).filter((theme) => theme !== "specialists"));
else describe.skip(`the rest of the contract (${long})`, () => test.todo("all of it"));
