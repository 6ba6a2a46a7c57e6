import { runSupervisor, user } from "@remit/core";
import { sqliteEngine } from "@remit/core/sqlite";
import { desk, journal, models } from "./application.ts";

/** The application: `node start.ts "Claim C-100: the hail broke our window."` begins a run and says how it stands. */
const engine = sqliteEngine({ path: journal });
const supervisor = runSupervisor(desk, { engine, models });
const [text = "Claim C-100: the hail broke our window."] = process.argv.slice(2);
const run = await supervisor.start({ text }, { tenant: "acme", principal: user("u_17") });
console.log(run.id, await run.settled());
await engine.close();
