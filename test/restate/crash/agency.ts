import { restateEngine } from "@remit/core/restate";
import { Bank, done, makeAgency } from "../../contract/engine-agency.ts";
import { call, turns } from "../../contract/engine-desk.ts";
import { outsideAt } from "./team.ts";

/** A specialist's worker as a process of its own, whose payments go to the ledger. */

export interface AgencySettings {
  readonly ingress: readonly string[];
  readonly admin: readonly string[];
  readonly identityKey?: string;
  readonly namespace: string;
  readonly ledger: string;
  readonly port: number;
  /** Address of the balancer before it; its own when absent. */
  readonly uri?: string;
  /** True for one that says `paid` behind its payment, and never comes back from there. */
  readonly holds: boolean;
}

const settings = JSON.parse(process.argv[2] ?? "{}") as AgencySettings;
const { ingress, admin, identityKey, namespace, ledger, port, uri, holds } = settings;
const outside = outsideAt(ledger);
const engine = restateEngine({
  ingress,
  admin,
  namespace,
  worker: {
    port,
    ...(uri === undefined ? {} : { uri }),
    ...(identityKey === undefined ? {} : { identityKeys: [identityKey] }),
  },
});
const bank = new Bank();
bank.before = async (_tool, { runId: run, idempotencyKey: key, attempt, signal }) => {
  await outside.apply({ run, write: 1, key, attempt, kind: "key" }, signal);
  if (!holds) return;
  console.log("paid");
  await new Promise(() => {});
};
const served = makeAgency({ engine, bank, model: turns({ clerk: [[call("pay_back", "7")], done("7")] }) });
await served.ready();
console.log("ready");
