import { defineConfig } from "@remit/sandbox";
import { desk, journal, models } from "./application.ts";

/** What the `remit` command finds here: a pack to play, and the application's own runs. */
export default defineConfig({
  packs: { claims: "./pack.ts" },
  supervisors: desk,
  engine: { sqlite: journal },
  tenants: "acme",
  models,
});
