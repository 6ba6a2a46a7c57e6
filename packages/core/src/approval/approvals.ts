import { type ErrorRecord, errorFrom, OrchestrationError, reasonOf } from "../errors.ts";
import type { Entry, InputBodies } from "../event.ts";
import { openRun } from "../journal/open-run.ts";
import { canonicalJson, type Json, notJsonText, plainJson } from "../json.ts";
import type { RunRecord } from "../port/journal.ts";
import { type Principal, plainPrincipal } from "../principal.ts";
import { type Issue, parseWith } from "../schema.ts";
import type { Withheld } from "../seal/withheld.ts";
import type { AnyTool } from "../tool.ts";
import { assertOptions, oneOf, text } from "../wanted.ts";
import { refusalOf } from "./decide.ts";
import { type ApprovalCase, addressOf, caseTypes, openCasesOf, parseAddress, whyNotOpen } from "./open-cases.ts";
import { pagesOf } from "./page.ts";
import { questionService, type ToolQuestions } from "./questions.ts";
import { isServed } from "./served.ts";
import type { ApprovalFilter, ApprovalServiceOptions, DecisionSignature } from "./service.ts";
import { type DecisionFacts, factsOf } from "./signature.ts";

/**
 * The inbox of approvals: what waits, and people's words on it. It holds no state; what is open follows from the runs'
 * journals, and whether a word counts the core says. What is checked here first is checked for the sake of the answer.
 */

interface DecisionOptions {
  readonly reason: string;
  /** Who decides; whoever acts now when absent. */
  readonly principal?: Principal;
  /** The same key twice, in one run, is one decision; a new one when absent. */
  readonly key?: string;
  /** Binding of the case that the person saw; that of the case as it is now when absent. */
  readonly binding?: string;
  /** With `key`: what the person signed. */
  readonly signature?: DecisionSignature;
  /** Signs the decision, where no signature is given. */
  readonly sign?: (facts: DecisionFacts) => DecisionSignature | Promise<DecisionSignature>;
}

/** A person's word on one case. */
export type ApprovalDecision = DecisionOptions &
  (
    | { readonly decision: "approve" | "reject"; readonly input?: undefined }
    /** The arguments as they shall be: this proposal is void, and a new one waits for somebody else. */
    | { readonly decision: "edit"; readonly input: Json }
  );

/** What came of a decision that counts. */
export interface DecisionTaken {
  readonly address: string;
  readonly key: string;
  /** `recorded`: it counts, and more people have to approve. */
  readonly outcome: "recorded" | "granted" | "rejected" | "edited";
  /** Address of the proposal that took the place of an edited one. */
  readonly next?: string;
}

/** What came of one decision of many. */
export type DecisionOutcome =
  | ({ readonly ok: true } & DecisionTaken)
  | { readonly ok: false; readonly address: string; readonly error: ErrorRecord };

/** A case with the values of its arguments, as far as the roles of who decides are cleared for them. */
export interface RevealedCase extends ApprovalCase {
  /** Classes of which values stand in `input` and `diff`; that they were shown is on record. */
  readonly revealed: readonly string[];
  /** Of which tokens still stand there, and why; pointers are of `/input` and `/diff`. */
  readonly withheld: readonly Withheld[];
}

export interface Approvals extends ToolQuestions {
  /** Cases that wait, those of the newest run first, of one run in the order in which they were asked for. */
  readonly list: (filter: ApprovalFilter) => Promise<readonly ApprovalCase[]>;
  /** @throws OrchestrationError `approval/unknown` */
  readonly show: (tenant: string, address: string, as?: { readonly principal?: Principal }) => Promise<ApprovalCase>;
  /**
   * The same case with the sealed values of its arguments, for whoever may decide on it. Each value is on record as shown to
   * them before this resolves. Where nothing is sealed it is what `show` gives.
   * @throws OrchestrationError `approval/unknown`, `policy/operator-not-allowed`, `approval/self-approval`,
   *   `approval/role-missing`, `approval/expired`, `approval/reveal-not-allowed`
   */
  readonly reveal: (tenant: string, address: string, as?: { readonly principal?: Principal }) => Promise<RevealedCase>;
  /**
   * Says a person's word. Resolves when it is durable and counts.
   * @throws OrchestrationError `options/invalid` for a word that is none; `approval/unknown` for what is not open, or was decided by somebody else meanwhile;
   *   `approval/binding-mismatch` (also for a key that another decision of the run has), `approval/expired`,
   *   `approval/self-approval`, `approval/role-missing`, `approval/already-decided`, `approval/signature-invalid`;
   *   `journal/conflict` when another process wrote to the run meanwhile and the case is still open: say it again;
   *   `tool/input-invalid` for an edit that does not fit the tool, `definition/unknown` where the tool is not loaded
   */
  readonly decide: (tenant: string, address: string, decision: ApprovalDecision) => Promise<DecisionTaken>;
  /** As `decide`. */
  readonly approve: (tenant: string, address: string, options: DecisionOptions) => Promise<DecisionTaken>;
  readonly reject: (tenant: string, address: string, options: DecisionOptions) => Promise<DecisionTaken>;
  readonly edit: (tenant: string, address: string, input: Json, options: DecisionOptions) => Promise<DecisionTaken>;
  /** Decides one after the other; what fails is a value and stops nothing. Outcomes come in the order of decisions. */
  readonly decideAll: (
    tenant: string,
    decisions: readonly (ApprovalDecision & { readonly address: string })[],
  ) => Promise<readonly DecisionOutcome[]>;
}

/** Makes the inbox over a journal. */
export function approvalService(options: ApprovalServiceOptions): Approvals {
  const { journal, clock, ids, principals, deliver, toolOf, registry, may } = options;
  const seal = options.seal ?? (async (_run, value) => value);

  const entriesOf = ({ tenant, runId }: RunRecord, fromSeq?: number, only?: ReadonlySet<string>) =>
    openRun(journal, tenant, runId, fromSeq, only);

  const recordAt = async (tenant: string, address: string) => {
    assertOptions("the inbox", { address }, { address: text });
    const place = parseAddress(address);
    const record = place && (await journal.findRun(tenant, place.run));
    if (!record || !isServed(options, record)) throw unknownCase(address);
    return record;
  };

  const list = async (given: ApprovalFilter) => {
    assertOptions("the inbox", given);
    const { principal, ...filter } = given;
    may?.("see", principal);
    return pagesOf(options, filter, async (record) => openCasesOf(await entriesOf(record, 1, caseTypes), record));
  };

  const show = async (tenant: string, address: string, as?: { readonly principal?: Principal }) => {
    may?.("see", as?.principal);
    const record = await recordAt(tenant, address);
    return caseAt(address, await entriesOf(record), record);
  };

  const reveal = async (tenant: string, address: string, as?: { readonly principal?: Principal }) => {
    const principal = plainPrincipal(as?.principal ?? principals.current());
    may?.("see", principal);
    may?.("approve", principal);
    const record = await recordAt(tenant, address);
    const open = caseAt(address, await entriesOf(record), record);
    // Whoever could say no to it may see it: also somebody who has approved already.
    const { binding, effect, input, diff } = open;
    const refusal = refusalOf(open, { binding, decision: "reject", principal }, clock.now());
    if (refusal) throw refusal;
    if (!options.show) return { ...open, revealed: [], withheld: [] };
    const { value, ...told } = await options.show(record, { input, diff }, principal, effect);
    return { ...open, ...value, ...told };
  };

  const decide = async (tenant: string, address: string, decision: ApprovalDecision) => {
    assertOptions("a decision", decision, { decision: oneOf("approve", "reject", "edit"), reason: text });
    const record = await recordAt(tenant, address);
    const entries = await entriesOf(record);
    const key = decision.key ?? ids.id("decision");
    const given = plainInput(decision, address);
    const tool =
      given === undefined ? undefined : openCasesOf(entries, record).find((one) => one.address === address)?.tool;
    const plain = given === undefined ? undefined : await seal(record, given, tool);
    const principal = plainPrincipal(decision.principal ?? principals.current());
    may?.("approve", principal);
    const said = { effect: effectOf(address), decision: decision.decision, input: plain, principal: principal.id };
    const earlier = decidedBy(entries, key);
    if (earlier) {
      // A second delivery of what was said before gets the answer that the first one got.
      if (isSame(earlier.body, said)) return takenOf(entries, earlier, address);
      throw new OrchestrationError("approval/binding-mismatch", { effect: said.effect, key });
    }
    const open = caseAt(address, entries, record);
    const unsigned: InputBodies["approval.decided"] = {
      effect: open.effect,
      binding: decision.binding ?? open.binding,
      decision: decision.decision,
      ...(plain === undefined ? {} : { input: plain }),
      reason: await seal(record, decision.reason),
      // Only a signature that was checked shows here who somebody is.
      principal: { ...principal, authenticated: registry !== undefined },
      key,
    };
    const refusal = refusalOf(open, unsigned, clock.now());
    if (refusal) throw refusal;
    if (plain !== undefined) assertFits(toolOf(record, open.tool), open, plain, record);
    const facts = factsOf(unsigned, tenant, open.run);
    const signature = decision.signature ?? (await decision.sign?.(facts));
    const body = signature === undefined ? unsigned : { ...unsigned, signature };
    const unproven = registry?.check(body, tenant, open.run);
    if (unproven) throw unproven;

    try {
      await deliver(record, { id: `approval:${key}`, type: "approval.decided", path: open.effect, body });
    } catch (thrown) {
      // Another process was quicker. If that was a word on this very case, what stands is the answer; else it is open yet.
      if (!OrchestrationError.is(thrown, "journal/conflict")) throw thrown;
      if (openCasesOf(await entriesOf(record), record).some((one) => one.address === address)) throw thrown;
    }
    // Somebody else may have decided, or the run may have ended, between our look and our word.
    const now = await entriesOf(record, entries.length + 1);
    const decided = decidedBy(now, key);
    if (!decided || !isSame(decided.body, said)) throw unknownCase(address, [...entries, ...now]);
    return takenOf(now, decided, address);
  };

  return {
    ...questionService(options),
    list,
    show,
    reveal,
    decide,
    approve: (tenant, address, given) => decide(tenant, address, { ...given, decision: "approve" }),
    reject: (tenant, address, given) => decide(tenant, address, { ...given, decision: "reject" }),
    edit: (tenant, address, input, given) => decide(tenant, address, { ...given, decision: "edit", input }),
    decideAll: async (tenant, decisions) => {
      const outcomes: DecisionOutcome[] = [];
      for (const { address, ...decision } of decisions) {
        try {
          outcomes.push({ ok: true, ...(await decide(tenant, address, decision)) });
        } catch (thrown) {
          outcomes.push({ ok: false, address, error: recordOf(thrown) });
        }
      }
      return outcomes;
    },
  };
}

function effectOf(address: string): string {
  return parseAddress(address)?.effect ?? address;
}

function unknownCase(address: string, entries: readonly Entry[] = []): OrchestrationError {
  const { run, effect } = parseAddress(address) ?? { run: "", effect: address };
  return new OrchestrationError("approval/unknown", { effect, run, why: whyNotOpen(entries, effect) });
}

function caseAt(address: string, entries: readonly Entry[], record: RunRecord): ApprovalCase {
  const found = openCasesOf(entries, record).find((one) => one.address === address);
  if (!found) throw unknownCase(address, entries);
  return found;
}

function decidedBy(entries: readonly Entry[], key: string): Entry<"approval.decided"> | undefined {
  return entries.find((entry): entry is Entry<"approval.decided"> => {
    return entry.type === "approval.decided" && entry.body.key === key;
  });
}

/** True for the same word of the same person; they may have given another reason the second time. */
function isSame({ effect, decision, input, principal }: InputBodies["approval.decided"], said: object): boolean {
  return canonicalJson({ effect, decision, input, principal: principal.id }) === canonicalJson(said);
}

/** What the core made of a decision. @throws the error for which it does not count, or `approval/unknown` */
function takenOf(entries: readonly Entry[], { seq, body }: Entry<"approval.decided">, address: string): DecisionTaken {
  const { run = "" } = parseAddress(address) ?? {};
  const taken = (outcome: DecisionTaken["outcome"]) => ({ address, key: body.key, outcome });
  let recorded: DecisionTaken | undefined;
  for (const entry of entries) {
    if (entry.cause !== seq) continue;
    switch (entry.type) {
      case "approval.refused":
        throw errorFrom(entry.body.error);
      case "approval.granted":
        return taken("granted");
      case "approval.rejected":
        return taken("rejected");
      case "approval.edited":
        return { ...taken("edited"), next: addressOf(run, entry.body.next) };
      case "approval.recorded":
        recorded = taken("recorded"); // The last one that is needed is recorded, then granted.
        break;
      default:
    }
  }
  if (!recorded) throw unknownCase(address, entries);
  return recorded;
}

/** The arguments of an edit as JSON. @throws OrchestrationError `tool/input-invalid` */
function plainInput({ decision, input }: ApprovalDecision, address: string): Json | undefined {
  const invalid = (issue: Issue) =>
    new OrchestrationError("tool/input-invalid", { tool: address, issues: [issue] as unknown as Json });
  if (decision !== "edit") {
    // Whoever gives arguments wants them to count; an approval of others is not what they meant.
    if (input !== undefined) throw invalid({ pointer: "", message: "only an edit has arguments" });
    return undefined;
  }
  const plain = plainJson(input);
  if (plain.ok) return plain.value;
  throw invalid({ pointer: plain.fault.pointer, message: notJsonText(plain.fault) });
}

/** @throws OrchestrationError `tool/input-invalid`, or `definition/unknown` where nobody can say whether it fits */
function assertFits(tool: AnyTool | undefined, open: ApprovalCase, input: Json, record: RunRecord): void {
  if (!tool) {
    const { definitionHash: definition, supervisor } = record;
    throw new OrchestrationError("definition/unknown", { run: open.run, definition, supervisor });
  }
  const parsed = parseWith(tool.input, input);
  if (parsed.ok) return;
  throw new OrchestrationError("tool/input-invalid", { tool: tool.name, issues: parsed.issues as unknown as Json });
}

function recordOf(thrown: unknown): ErrorRecord {
  if (OrchestrationError.is(thrown)) return { code: thrown.code, message: thrown.message, data: thrown.data };
  return new OrchestrationError("run/internal", { reason: reasonOf(thrown) }).toRecord();
}
