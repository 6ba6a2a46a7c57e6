import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "@remit/core";
import { readText } from "../json-source.ts";
import { readWorkflow, type WorkflowEdge } from "../workflow.ts";
import { confirmation, phoneQuestion } from "./plan.ts";
import type { SpokenCall } from "./spoken.ts";

/**
 * A specialist that knows no ground truth: it goes through the published diagnoses node by node. The drawing says where it goes;
 * what is here is how a node is carried out (who is asked for what, which tool is called) and what a question of the drawing is
 * answered by. It knows the world only by what tools answer and what the customer says.
 */

/** What the specialist does next: a call of a tool, or a question to the customer. */
export type Step =
  | { readonly call: string; readonly input: { readonly [argument: string]: Json } }
  | { readonly ask: string };
/** What came of it; nothing where a tool said no. */
export type Reply = Json | undefined;
export interface Diagnosed {
  readonly done: readonly string[];
  readonly handedOver: boolean;
}

/** The diagnoses of a folder, as one drawing. */
export interface Diagnoses {
  readonly label: ReadonlyMap<string, string>;
  readonly edges: readonly WorkflowEdge[];
  readonly ends: ReadonlySet<string>;
}

const inWords = (text: string): string => text.replaceAll(/\\[nlr]|\s+/g, " ").toLowerCase();

/** Nothing where the folder has none. @throws Tau2Error `tau2/file-broken` */
export function readDiagnoses(folder: string): Diagnoses | undefined {
  const place = join(folder, "workflows");
  const files = existsSync(place) ? readdirSync(place).filter((name) => name.endsWith(".dot")) : [];
  if (files.length === 0) return undefined;
  const all = files.sort().map((name) => readWorkflow(readText(place, name), join(place, name)));
  const label = new Map(
    all.flatMap(({ nodes }) => [...nodes.values()].map((one) => [one.id, inWords(one.label)] as const)),
  );
  const edges = all.flatMap((one) => one.edges);
  const leaves = new Set(edges.map(({ from }) => from));
  return { label, edges, ends: new Set([...label.keys()].filter((id) => !leaves.has(id))) };
}

/** What is known so far, by the last answer to each look. */
class Case {
  readonly #diagnoses: Diagnoses;
  readonly #request: string;
  readonly #shown = new Map<string, string>();
  readonly done: string[] = [];
  customer = "";
  line = "";
  #record: { readonly [name: string]: Json } = {};
  #bills: readonly { readonly [name: string]: Json }[] = [];
  #usage: { readonly [name: string]: Json } = {};
  #gb = 0;
  #confirmed = false;
  readonly #today: string;

  constructor(diagnoses: Diagnoses, request: string, today: string) {
    this.#diagnoses = diagnoses;
    this.#request = request;
    this.#today = today;
  }

  /** Looks and acts on the phone, by asking. */
  *phone(...wanted: readonly (string | SpokenCall)[]): Generator<Step, void, Reply> {
    const calls = wanted.map((one) => (typeof one === "string" ? { tool: one, input: {} } : one));
    const said = String((yield { ask: phoneQuestion(calls) }) ?? "");
    // Each answer begins with the name of what was asked for.
    for (const part of said.split("\n\n")) {
      const [, tool = "", shown = ""] = /^(\w+): ([\s\S]*)$/.exec(part) ?? [];
      if (tool !== "") this.#shown.set(tool, shown);
      const bar = /Status Bar: (.*)$/s.exec(shown)?.[1];
      if (bar !== undefined) this.#shown.set("check_status_bar", bar);
    }
    this.done.push(...calls.map(({ tool }) => tool));
  }

  *call(name: string, input: { readonly [argument: string]: Json }): Generator<Step, Reply, Reply> {
    const answer = yield { call: name, input };
    if (answer !== undefined) this.done.push(name);
    return answer;
  }

  shows(tool: string, text: RegExp): boolean {
    return text.test(this.#shown.get(tool) ?? "");
  }

  /** Finds the customer and the line of the number that they gave. */
  *identify(): Generator<Step, boolean, Reply> {
    const number = /\d{3}[-. ]?\d{3}[-. ]?\d{4}/.exec(this.#request)?.[0];
    if (number === undefined) return false;
    const found = recordOf(yield* this.call("get_customer_by_phone", { phone_number: number }));
    this.customer = String(found.customer_id ?? "");
    const ids = Array.isArray(found.line_ids) ? found.line_ids : [];
    for (const id of ids) {
      const record = recordOf(yield* this.call("get_details_by_id", { id: String(id) }));
      if (record.phone_number !== number) continue;
      this.line = String(id);
      this.#record = record;
      return true;
    }
    return false;
  }

  get #own() {
    return { customer_id: this.customer, line_id: this.line };
  }

  *#readLine(): Generator<Step, void, Reply> {
    this.#record = recordOf(yield* this.call("get_details_by_id", { id: this.line }));
  }

  *#readBills(): Generator<Step, void, Reply> {
    const bills = yield* this.call("get_bills_for_customer", { customer_id: this.customer });
    this.#bills = Array.isArray(bills) ? bills.map(recordOf) : [];
  }

  get #overdue() {
    return this.#bills.find(({ status }) => status === "Overdue");
  }

  /** Carries out what a node says; nothing where it only names a part of the drawing. */
  *carryOut(label: string): Generator<Step, void, Reply> {
    const is = (pattern: RegExp) => pattern.test(label);
    const mode = { tool: "set_network_mode_preference", input: { mode: "4g_5g_preferred" } };
    const grant = (permission: string) => ({
      tool: "grant_app_permission",
      input: { app_name: "messaging", permission },
    });
    if (is(/airplane mode off/)) yield* this.phone("toggle_airplane_mode");
    else if (is(/re-seat the sim/)) yield* this.phone("reseat_sim_card");
    else if (is(/user to reset apn settings to/)) yield* this.phone("reset_apn_settings", "reboot_device");
    else if (is(/user to reset apn settings/)) yield* this.phone("reset_apn_settings");
    else if (is(/restart their device|reboot their device/)) yield* this.phone("reboot_device");
    else if (is(/no service issue|status bar|check if service is restored/)) yield* this.phone("check_status_bar");
    else if (is(/verify sim/)) yield* this.phone("check_sim_status");
    else if (is(/send payment request/)) {
      const bill = this.#overdue;
      if (bill) yield* this.call("send_payment_request", { customer_id: this.customer, bill_id: bill.bill_id ?? "" });
    } else if (is(/check payment requests/)) yield* this.phone("check_payment_request");
    else if (is(/make the payment/)) {
      yield* this.phone("make_payment");
      // The policy: always look whether it is paid.
      yield* this.#readBills();
    } else if (is(/resume the line/)) yield* this.call("resume_line", this.#own);
    else if (is(/check line suspension/)) {
      yield* this.#readLine();
      yield* this.#readBills();
    } else if (is(/rerun speed test|facing (?:a data|an unavailable|a slow)/)) yield* this.phone("run_speed_test");
    else if (is(/data roaming on/)) yield* this.phone("toggle_roaming");
    else if (is(/verify line is roaming/)) yield* this.#readLine();
    else if (is(/enable roaming/)) yield* this.call("enable_roaming", this.#own);
    else if (is(/mobile data on/)) yield* this.phone("toggle_data");
    else if (is(/check airplane mode|roaming settings|mobile data settings|network technology/)) {
      yield* this.phone("check_network_status");
    } else if (is(/check data usage/)) this.#usage = recordOf(yield* this.call("get_data_usage", this.#own));
    else if (is(/how much data/)) {
      const said = yield { ask: "How much data would you like to refuel? At most 2 GB can be added." };
      this.#gb = Number(/(\d+(?:\.\d+)?)\s*GB/i.exec(String(said))?.[1] ?? 0);
    } else if (is(/confirm the price/)) {
      const input = { ...this.#own, gb_amount: this.#gb };
      const plan = recordOf(yield* this.call("get_details_by_id", { id: this.#record.plan_id ?? "" }));
      const said = yield {
        ask: confirmation({ name: "refuel_data", input }, Number(plan.data_refueling_price_per_gb)),
      };
      this.#confirmed = /^yes\b/i.test(String(said));
    } else if (is(/apply the refueled/)) yield* this.call("refuel_data", { ...this.#own, gb_amount: this.#gb });
    else if (is(/data saver mode off/)) yield* this.phone("toggle_data_saver_mode");
    else if (is(/data restriction/)) yield* this.phone("check_data_restriction_status");
    else if (is(/change network/)) yield* this.phone(mode);
    else if (is(/network mode preference/)) yield* this.phone("check_network_mode_preference");
    else if (is(/turn off vpn/)) yield* this.phone("disconnect_vpn");
    else if (is(/active vpn/)) yield* this.phone("check_vpn_status");
    else if (is(/facing a mms|try mms again/)) yield* this.phone("can_send_mms");
    else if (is(/wi-fi calling off/)) yield* this.phone("toggle_wifi_calling");
    else if (is(/wi-fi calling status/)) yield* this.phone("check_wifi_calling_status");
    else if (is(/grant both/)) yield* this.phone(grant("storage"), grant("sms"));
    else if (is(/app permissions/)) {
      yield* this.phone({ tool: "check_app_permissions", input: { app_name: "messaging" } });
    } else if (is(/check apn settings/)) yield* this.phone("check_apn_settings");
  }

  /** What a question of the drawing is answered by, as the words that an edge may begin with; the first that fits counts. */
  *decide(label: string): Generator<Step, readonly string[], Reply> {
    const is = (pattern: RegExp) => pattern.test(label);
    const yes = (so: boolean) => [so ? "yes" : "no"];
    const down = this.shows("check_status_bar", /No Signal|Airplane Mode/);
    const excellent = this.shows("run_speed_test", /\(Excellent\)/);
    const connected = this.shows("run_speed_test", /Mbps/);
    const network = (text: RegExp) => this.shows("check_network_status", text);
    if (is(/no service\/airplane mode/)) return yes(down);
    if (is(/airplane mode on/)) return yes(network(/Airplane Mode: ON/));
    if (is(/service restored/)) return yes(!down);
    if (is(/sim missing/)) return yes(this.shows("check_sim_status", /Missing/));
    if (is(/sim locked/)) return yes(this.shows("check_sim_status", /Locked/));
    if (is(/line suspended/)) return yes(this.#record.status === "Suspended");
    if (is(/suspension type/)) {
      const { contract_end_date: end } = this.#record;
      return [typeof end === "string" && end < this.#today ? "due to contract" : "due to bill"];
    }
    if (is(/overdue bill/)) return yes(this.#overdue !== undefined);
    if (is(/no connection/)) return yes(!connected);
    if (is(/excellent/)) return yes(excellent);
    if (is(/connectivity restored/)) {
      if (!connected) return ["no"];
      return excellent
        ? ["yes (connectivity restored, speed excellent", "yes"]
        : ["yes (connectivity restored but", "yes"];
    }
    if (is(/traveling/)) {
      const said = yield { ask: "Are you outside your usual service area, for example abroad?" };
      return yes(/^yes\b/i.test(String(said)));
    }
    if (is(/data roaming off/)) return yes(network(/Data Roaming Enabled: No/));
    if (is(/line not roaming/)) return yes(this.#record.roaming_enabled === false);
    if (is(/mobile data off/)) return yes(network(/Mobile Data Enabled: No/));
    if (is(/usage exceeded/)) {
      const { data_used_gb: used, data_limit_gb: limit, data_refueling_gb: more } = this.#usage;
      return yes(Number(used) >= Number(limit) + Number(more));
    }
    // There is no tool to change a plan.
    if (is(/change plan/)) return ["no"];
    if (is(/confirms refuel/)) return yes(this.#confirmed);
    if (is(/data saver on/)) return yes(this.shows("check_data_restriction_status", /is ON/));
    if (is(/older network/)) return yes(this.shows("check_network_mode_preference", /2g|3g/));
    if (is(/vpn active/)) return yes(this.shows("check_vpn_status", /ON and connected/));
    if (is(/mms works|can send mms/)) return yes(this.shows("can_send_mms", /can send/));
    if (is(/2g only/)) return yes(network(/Network Type: 2G/));
    if (is(/wi-fi calling on/)) return yes(this.shows("check_wifi_calling_status", /is ON/));
    if (is(/permission missing/)) {
      const has = (permission: string) => this.shows("check_app_permissions", new RegExp(`\\b${permission}\\b`));
      return yes(!has("sms") || !has("storage"));
    }
    if (is(/mmsc url missing/)) return yes(this.shows("check_apn_settings", /Not Set/));
    // Several ways without a question: the one that what is known calls for.
    return [connected ? "path 2.2" : "path 2.1"];
  }

  /** The node that a part of the drawing begins with: `path 2.1`. */
  startOf(path: string): string {
    for (const [id, label] of this.#diagnoses.label) if (label.startsWith(`${path}:`)) return id;
    throw new RangeError(`the drawings have no ${path}`);
  }

  /** Goes from a node on to an end. `until` is where somebody who came for a part of it has what they came for. */
  *follow(start: string, until?: string): Generator<Step, "resolved" | "escalated", Reply> {
    const { label, edges, ends } = this.#diagnoses;
    let node = start;
    for (let steps = 0; steps < nodesMax; steps++) {
      const text = label.get(node) ?? "";
      if (node === until) return "resolved";
      if (ends.has(node)) return /resolved/.test(text) ? "resolved" : "escalated";
      const ways = edges.filter(({ from }) => from === node);
      const referred = ways.find(({ to }) => /run path [\d.]+:/.test(label.get(to) ?? ""));
      if (referred) {
        const [, path = ""] = /run (path [\d.]+):/.exec(label.get(referred.to) ?? "") ?? [];
        // Path 2.1 is about whether there is a connection: how fast it is, is another part's.
        const came = yield* this.follow(this.startOf(path), path === "path 2.1" ? this.startOf("path 2.2") : undefined);
        if (came === "escalated") return came;
      }
      // A question of the drawing is answered by what is known.
      if (!text.endsWith("?")) yield* this.carryOut(text);
      const open = ways.filter((way) => way !== referred);
      const words = open.length > 1 ? yield* this.decide(text) : [];
      node = (open.length > 1 ? chosenBy(words, open) : open[0])?.to ?? "";
      if (node === "") return "escalated";
    }
    return "escalated";
  }
}

const nodesMax = 400;

/** The edge whose label begins with one of the words; where only the other answer is labelled, the one that is not. */
function chosenBy(words: readonly string[], ways: readonly WorkflowEdge[]): WorkflowEdge | undefined {
  for (const word of words) {
    const found = ways.find(({ choice }) => inWords(choice).startsWith(word));
    if (found) return found;
  }
  const unlabelled = ways.filter(({ choice }) => !/^(?:yes|no)\b/i.test(choice));
  return unlabelled.length === 1 ? unlabelled[0] : undefined;
}

function recordOf(value: unknown): { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as { [name: string]: Json })
    : {};
}

/** Which diagnosis a request is for. */
function pathFor(request: string): string {
  if (/\bMMS\b|picture message/i.test(request)) return "path 3";
  return /mobile data|internet|slow/i.test(request) ? "path 2" : "path 1";
}

/** The whole conversation of the specialist that serves the line. @param today as the policy says it */
export function* diagnose(diagnoses: Diagnoses, request: string, today: string): Generator<Step, Diagnosed, Reply> {
  const found = new Case(diagnoses, request, today);
  const known = yield* found.identify();
  const came = known ? yield* found.follow(found.startOf(pathFor(request))) : "escalated";
  if (came === "resolved") return { done: found.done, handedOver: false };
  yield* found.call("transfer_to_human_agents", { summary: "The diagnosis was gone through, and it is not fixed." });
  return { done: found.done, handedOver: true };
}
