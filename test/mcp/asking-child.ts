import { user } from "@remit/core";
import { type Era, openAskingDesk } from "./asking-desk.ts";

/** A process that starts a run whose tool asks, says when the question is open, and waits to be killed. */
const [era = "v1", path = "", log = ""] = process.argv.slice(2);
const { desk } = await openAskingDesk({ era: era as Era, path, log });
desk.on("question.opened", (_, { runId }) => process.send?.({ runId }));
await desk.start({ text: "go" }, { tenant: "acme", principal: user("u") });
