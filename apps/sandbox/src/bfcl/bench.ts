import { type ContractReport, checkContracts } from "./contract.ts";
import type { BfclFolder } from "./load.ts";
import type { BfclModel } from "./model.ts";
import { type ConversationOutcome, openStage, type RunOutcome, type Stage, sameCall, sameCalls } from "./stage.ts";

/** How many of how many. */
export interface Share {
  readonly of: number;
  readonly right: number;
}

/** What came of the conversations of one file. */
export interface ConversationLine {
  readonly name: string;
  /** Conversations of which every run ended as it should, with exactly the right calls and questions. */
  readonly conversations: Share;
  readonly runs: number;
  /** Calls of ground truth that ran in their turn, at their place. */
  readonly calls: Share;
  /** Calls that ran and that ground truth has not got there. */
  readonly others: number;
  /** Turns in which something is left out that ended in a question, with nothing called before. */
  readonly asked: Share;
  /** Questions after whose answer the run went on to its right end. */
  readonly wentOn: Share;
  /** Turns in which a function is missing that were handed to a person, with nothing called. */
  readonly handedOver: Share;
  /** Of these, matters that came right when the function was there. */
  readonly takenUp: Share;
  readonly denied: Denials;
}

/** What came of requests for which no function fits. */
export interface RequestLine {
  readonly name: string;
  /** Requests that went to a person with nothing called. */
  readonly requests: Share;
  readonly ran: number;
  /** Calls that fit their schema and waited for a person. */
  readonly approvals: number;
  readonly denied: Denials;
}

/** Denied calls by code. */
export type Denials = Readonly<Record<string, number>>;

export interface BfclReport {
  readonly model: BfclModel;
  readonly contracts: ContractReport;
  readonly conversations: readonly ConversationLine[];
  readonly requests: readonly RequestLine[];
  /** What did not come out right, as far as it is shown. */
  readonly findings: readonly string[];
  readonly ok: boolean;
}

export interface BfclOptions {
  readonly folder: BfclFolder;
  readonly model: BfclModel;
  readonly onProgress?: (done: number, total: number) => void;
}

const findingsMax = 50;

/** Checks the schemas of a folder and plays all that is in it, one after the other. */
export async function runBfcl({ folder, model, onProgress }: BfclOptions): Promise<BfclReport> {
  const stage = openStage(model);
  const total =
    folder.conversations.reduce((sum, { conversations }) => sum + conversations.length, 0) +
    folder.requests.reduce((sum, { requests }) => sum + requests.length, 0);
  let done = 0;
  const told = <Value>(value: Value): Value => {
    onProgress?.(++done, total);
    return value;
  };
  const findings: string[] = [];
  const found = (text: string) => {
    if (findings.length < findingsMax) findings.push(text);
  };
  const contracts = checkContracts(folder);
  const conversations: ConversationLine[] = [];
  for (const set of folder.conversations) {
    const outcomes: ConversationOutcome[] = [];
    for (const one of set.conversations) outcomes.push(told(await stage.converse(one)));
    conversations.push(lineOf(set.name, outcomes, found));
  }
  const requests: RequestLine[] = [];
  for (const set of folder.requests) requests.push(await playRequests(stage, set, { told, found }));
  const isRight = ({ of, right }: Share) => of === right;
  const refused = Object.values(contracts.mutants).every(({ made, refused }) => made === refused);
  return {
    model,
    contracts,
    conversations,
    requests,
    findings,
    ok:
      refused &&
      contracts.unreadable.length === 0 &&
      contracts.calls === contracts.fitting &&
      conversations.every((line) => isRight(line.conversations)) &&
      requests.every((line) => isRight(line.requests)),
  };
}

async function playRequests(
  stage: Stage,
  { name, requests }: BfclFolder["requests"][number],
  { told, found }: { readonly told: <Value>(value: Value) => Value; readonly found: (text: string) => void },
): Promise<RequestLine> {
  let [right, ran, approvals] = [0, 0, 0];
  const denied = new Map<string, number>();
  for (const request of requests) {
    const outcome = told(await stage.request(request));
    const calls = outcome.ran.flat();
    ran += calls.length;
    approvals += outcome.approvals;
    count(denied, outcome);
    if (outcome.status === "escalated" && calls.length === 0) right++;
    else found(`${request.id}: ended ${outcome.status}, ${calls.length} calls ran`);
  }
  return { name, requests: { of: requests.length, right }, ran, approvals, denied: Object.fromEntries(denied) };
}

function lineOf(
  name: string,
  outcomes: readonly ConversationOutcome[],
  found: (text: string) => void,
): ConversationLine {
  const share = () => ({ of: 0, right: 0 });
  const line = { calls: share(), asked: share(), wentOn: share(), handedOver: share(), takenUp: share() };
  const conversations = { of: outcomes.length, right: 0 };
  const denied = new Map<string, number>();
  let [runs, others] = [0, 0];
  const add = (sum: { of: number; right: number }, isRight: boolean) => {
    sum.of++;
    if (isRight) sum.right++;
  };
  for (const { id, runs: played } of outcomes) {
    let isRight = true;
    for (const [index, { plan, outcome }] of played.entries()) {
      runs++;
      count(denied, outcome);
      const endsRight = outcome.status === (plan.end === "open" ? "cancelled" : plan.end);
      let allRight = endsRight && outcome.ran.length === plan.turns.length;
      for (const [turn, { calls, kind }] of plan.turns.entries()) {
        const ran = outcome.ran[turn] ?? [];
        const callsRight = sameCalls(ran, calls);
        allRight &&= callsRight;
        line.calls.of += calls.length;
        line.calls.right += calls.filter((call, at) => sameCall(call, ran[at])).length;
        others += ran.filter((call, at) => !sameCall(call, calls[at])).length;
        if (kind === "ask") add(line.asked, outcome.questions > turn && callsRight);
        if (kind === "ask" && turn < plan.turns.length - 1)
          add(line.wentOn, endsRight && outcome.ran.length > turn + 1);
        if (kind !== "missing") continue;
        add(line.handedOver, endsRight && callsRight);
        const next = played[index + 1];
        add(
          line.takenUp,
          next?.outcome.status === "completed" && sameCalls(next.outcome.ran.flat(), callsOf(next.plan)),
        );
      }
      if (!allRight)
        found(`${id}, run ${index + 1}: ended ${outcome.status}, ${JSON.stringify(outcome.ran).slice(0, 300)}`);
      isRight &&= allRight;
    }
    if (isRight) conversations.right++;
  }
  return { name, conversations, runs, ...line, others, denied: Object.fromEntries(denied) };
}

function callsOf({ turns }: ConversationOutcome["runs"][number]["plan"]) {
  return turns.flatMap(({ calls }) => calls);
}

function count(denied: Map<string, number>, outcome: RunOutcome): void {
  for (const { code } of outcome.denied) denied.set(code, (denied.get(code) ?? 0) + 1);
}
