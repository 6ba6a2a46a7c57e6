import { definePack } from "@remit/sandbox";
import { claimsDesk, openBooks } from "./desk.ts";

/** The desk as a pack: `remit run ./pack.ts` plays it, each scenario over books of its own. */
export default definePack({
  name: "claims",
  title: "Claims desk",
  description: "Two agents that assess and pay claims.",
  world: openBooks,
  team: claimsDesk,
  endState: (books) => Object.fromEntries(books),
  scenarios: ["./scenarios"],
});
