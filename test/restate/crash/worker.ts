import { createServer } from "node:http2";
import { restateEngine } from "@remit/core/restate";
import * as restate from "@restatedev/restate-sdk";
import { type Effect, openTeam, outsideAt, writesOfRun } from "./team.ts";

/** A worker of the crash cases, as a process of its own: the team, and beside it a handler as one would write it by hand. */

export interface WorkerSettings {
  readonly ingress: readonly string[];
  readonly admin: readonly string[];
  readonly identityKey?: string;
  readonly ledger: string;
  readonly port: number;
  readonly uri: string;
  readonly plainPort: number;
  readonly version?: string;
  readonly afterMs?: number;
}

const settings = JSON.parse(process.argv[2] ?? "{}") as WorkerSettings;
const { ingress, admin, identityKey, port, uri, ledger, plainPort, version, afterMs = 1_000 } = settings;
const outside = outsideAt(ledger);
const identityKeys = identityKey === undefined ? {} : { identityKeys: [identityKey] };
const engine = restateEngine({ ingress, admin, worker: { port, uri, ...identityKeys } });
openTeam({ engine, outside, afterMs, ...(version === undefined ? {} : { version }) });

const plain = restate.service({
  name: "Plain",
  handlers: {
    run: async (ctx: restate.Context, { run }: { readonly run: string }): Promise<void> => {
      for (let write = 1; write <= writesOfRun; write++) {
        if (write === 4) await ctx.sleep(afterMs);
        const effect: Effect = { run, write, key: "", attempt: 1, kind: "plain" };
        await ctx.run(`write ${write}`, () => outside.apply(effect, new AbortController().signal));
      }
    },
  },
  options: { retryPolicy: { initialInterval: 50, maxInterval: 2_000, maxAttempts: 5_000 } },
});
const handler = restate.createEndpointHandler({ services: [plain], ...identityKeys, logger: () => {} });
await new Promise<void>((resolve) => createServer(handler).listen(plainPort, "127.0.0.1", resolve));
await engine.ready();
process.on("SIGTERM", () => {
  engine.close().finally(() => process.exit(0));
});
console.log("ready");
