import { defineConfig } from "@remit/sandbox";
import { claimsDesk, openBooks } from "./desk.ts";

/** What the `remit` command finds here: a pack to play, and the supervisor that the application serves. */
export default defineConfig({
  packs: { claims: "./pack.ts" },
  supervisors: claimsDesk(openBooks()),
});
