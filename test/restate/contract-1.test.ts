import { engineThemes } from "../contract/engine.ts";
import { clusterContract } from "./contract.ts";
import { isAll } from "./place.ts";

/** What `npm test` has of it; all of it is played by `npm run soak -- --only restate`. */
clusterContract(engineThemes.slice(0, isAll ? 6 : 2));
