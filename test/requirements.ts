/**
 * What Remit promises, as data: each promise with the tests that prove it. A requirement in scope without a proof, or a
 * proof that is not there, fails the tests. A proof is named by its file and by the title of a test or of a group, as
 * it is written in that file.
 */

export interface Proof {
  readonly file: string;
  readonly titles: readonly string[];
}

export interface Requirement {
  readonly id: `R${number}`;
  readonly sentence: string;
  /** `now`: kept in full. `later`: has its place in the schema, and perhaps its first proofs. */
  readonly scope: "now" | "later";
  readonly proofs: readonly Proof[];
}

const core = "packages/core/src";

export const requirements: readonly Requirement[] = [
  {
    id: "R1",
    sentence:
      "An entry in the journal comes before what it is about, and a run is nothing but what its entries add up to.",
    scope: "now",
    proofs: [
      {
        file: "test/property/durability.test.ts",
        titles: [
          "V2 R1 no write reaches its tool before its intent is durable, no paid model is asked before all that came before",
          "R1 R13 goes on from any snapshot as it would have from the start, and saves the same",
        ],
      },
      {
        file: "test/property/run.test.ts",
        titles: [
          "R1 R4 R5 R6 R7 R11 R13 hold for any run",
          "and for runs whose process dies again and again; snapshots change nothing",
        ],
      },
      { file: "test/contract/engine-signals.ts", titles: ["what is acknowledged is durable"] },
      {
        file: "test/contract/journal.ts",
        titles: ["a stale append is refused with both seqs and writes nothing, its record neither"],
      },
      {
        file: "test/contract/journal-process.test.ts",
        titles: ["has lost nothing that was acknowledged, and its streams go on"],
      },
      { file: "test/faults/append.test.ts", titles: ["a story"] },
      {
        file: "test/faults/kill.test.ts",
        titles: ["a suite that is killed at many points ends as if nothing had been"],
      },
    ],
  },
  {
    id: "R2",
    sentence: "Machines decide from events alone: no clock, no chance, nothing started by themselves.",
    scope: "now",
    proofs: [
      { file: "test/model/paths.test.ts", titles: ["every state can be reached"] },
      {
        file: `${core}/gate.test.ts`,
        titles: ["R2 nothing that decides asks a clock, draws a random number or waits"],
      },
      {
        file: "test/model/steps.test.ts",
        titles: [
          "the agent loop; A1 at most `turns` model calls, A3 nothing after an end",
          "a call; E1 E2 a write is called once after its intent, again only under its key or after `never`",
          "any supervisor; S1 only defined edges are taken, S2 at most `max` times, S3 a fault takes none",
        ],
      },
    ],
  },
  {
    id: "R3",
    sentence: "Tools are called in one place and models in one other, and nothing else leads outside.",
    scope: "now",
    proofs: [
      {
        file: `${core}/gate.test.ts`,
        titles: ["R3 only the dispatcher calls what a tool does, only the model gateway calls a model"],
      },
      {
        file: `${core}/effect/dispatcher.test.ts`,
        titles: ["what the gate asks again, it asks before anything is called"],
      },
      {
        file: `${core}/model/gateway.test.ts`,
        titles: ["of an unknown alias or agent fails and asks nobody"],
      },
    ],
  },
  {
    id: "R4",
    sentence: "Whatever is not listed for an agent is denied to it, and the denial is on record with its reason.",
    scope: "now",
    proofs: [
      {
        file: `${core}/run/flow.test.ts`,
        titles: ["a tool outside the allowlist is denied with its reason, and the agent is told"],
      },
      { file: `${core}/effect/dispatcher.test.ts`, titles: ["a tool of another agent"] },
      { file: `${core}/supervisor/check.test.ts`, titles: ["%s with an unknown agent is named"] },
      { file: "test/property/run.test.ts", titles: ["R1 R4 R5 R6 R7 R11 R13 hold for any run"] },
      {
        file: "test/scenario/tau2-retail.test.ts",
        titles: ["a noisy specialist gets nowhere it may not be (seed %i)"],
      },
      {
        file: "packages/mcp-bridge/src/connect.test.ts",
        titles: ["only the named tools exist, as ordinary tools with what we say of them"],
      },
    ],
  },
  {
    id: "R5",
    sentence:
      "Between two agents goes the payload of their contract, checked as it leaves and as it arrives, and no more.",
    scope: "now",
    proofs: [
      {
        file: `${core}/run/entering.test.ts`,
        titles: ["that a schema makes something else than JSON of reaches nobody"],
      },
      {
        file: `${core}/run/flow.test.ts`,
        titles: ["%s reaches nobody", "gives each branch its own payload and joins their results"],
      },
      {
        file: `${core}/supervisor/check.test.ts`,
        titles: [
          "a source that every path passes through may be read, the sender's own input too",
          "a source that a path goes round is refused, and the path is named",
        ],
      },
      { file: "test/property/run.test.ts", titles: ["R1 R4 R5 R6 R7 R11 R13 hold for any run"] },
    ],
  },
  {
    id: "R6",
    sentence: "What may be used is role ∩ tenant ∩ run ∩ every delegation on the way down; nothing widens it.",
    scope: "now",
    proofs: [
      {
        file: `${core}/grant.test.ts`,
        titles: [
          "is the intersection: a tool passes the whole exactly when it passes each part, in any order",
          "narrows what its tenant and its starter left, and only that",
          "to a team bounds everybody in it",
          "stays as narrow when a stronger model tries again",
        ],
      },
      { file: "test/property/run.test.ts", titles: ["R1 R4 R5 R6 R7 R11 R13 hold for any run"] },
      {
        file: `${core}/run/flow.test.ts`,
        titles: ["R6 a team has its members' own tools and none of those who delegate to it"],
      },
      {
        file: `${core}/agent.test.ts`,
        titles: ["never widens a role that may only read", "a role that may only read is refused a tool that writes"],
      },
      {
        file: "test/property/undo.test.ts",
        titles: [
          "R6 neither a judge's allow, nor a person's, nor an undo reaches beyond what tenant and run were granted",
        ],
      },
      { file: "packages/tools/src/registry.test.ts", titles: ["a view holds only what it allows"] },
    ],
  },
  {
    id: "R7",
    sentence:
      "A write is intended before it is made, under a key that is always the same; nobody guesses what became of it.",
    scope: "now",
    proofs: [
      {
        file: "test/contract/engine-bounds.ts",
        titles: [
          "that may have happened and have no key park; a person's word ends the doubt",
          "whose answer was lost are called again under their key",
          "that can be looked up are: found is done, never is called again",
        ],
      },
      {
        file: "test/contract/engine-tries.ts",
        titles: [
          "D7 a key that is not valid any more is not used again: a person decides",
          "a write that was not reached is tried again, and what was refused or does not fit is not",
          "while its write is out: the write gets the signal and is settled, its supervisor goes on",
        ],
      },
      {
        file: `${core}/effect/machine.test.ts`,
        titles: [
          "E3 without key and look-up an unknown outcome waits for a person at once",
          "E4 for any history: once in doubt, a write is settled by an answer, a look-up or a person alone",
        ],
      },
      {
        file: "test/property/durability.test.ts",
        titles: [
          "V2 R1 no write reaches its tool before its intent is durable, no paid model is asked before all that came before",
        ],
      },
      { file: "test/property/run.test.ts", titles: ["R1 R4 R5 R6 R7 R11 R13 hold for any run"] },
    ],
  },
  {
    id: "R8",
    sentence: "An approval is for one act of one run, expires, and is never given by who asked for it.",
    scope: "now",
    proofs: [
      { file: "test/contract/engine-approvals.ts", titles: ["R8 a person's word", "an approval that is waited for"] },
      {
        file: "test/contract/engine-approvals.ts",
        titles: ["a team inside another one keeps its own rules, as deep as it may be"],
      },
      {
        file: "test/property/approvals.test.ts",
        titles: [
          "for every word on each, in any order, have one result each, and what was approved or edited alone is done",
          "answered last one first, with a crash between any two, are done in that order and once each",
        ],
      },
      {
        file: "test/contract/engine-repair.ts",
        titles: [
          "of an open approval asks anew, of as many people as it is now, and both definitions replay their part",
          "an edit of an undo waits for somebody else and is what is done",
        ],
      },
    ],
  },
  {
    id: "R9",
    sentence: "Where data came from stays with it, and what nobody vouches for moves nothing that is protected.",
    scope: "now",
    proofs: [
      {
        file: "test/property/flows.test.ts",
        titles: [
          "R9 whatever a model does, nothing is written that nobody vouches for; a replay decides the same",
          "R9 only a person lets through what foreign text brings, and is asked about exactly that",
        ],
      },
      {
        file: `${core}/label/flow.test.ts`,
        titles: [
          "F1 a foreign value in a protected argument",
          "F2 a write that comes after foreign text",
          "F3 data of a class",
          "no order of readings, and nothing that a page says, makes a value of the page trusted",
        ],
      },
      {
        file: `${core}/run/flows.test.ts`,
        titles: ["what others wrote", "labels on their way", "an answer as a sink"],
      },
    ],
  },
  {
    id: "R10",
    sentence: "Money is set aside before it is spent.",
    scope: "now",
    proofs: [
      {
        file: "test/contract/engine-budgets.ts",
        titles: [
          "a hundred runs at once on one budget, and the process dies: never overspent, nothing stays taken",
          "what is left of a slice is promised to one of two calls that ask at once",
          "a slice that was on its way when its process died and the run was cancelled is given back",
          "of a %s ends the run before a call that it does not hold",
          "a model without a price is not called: where a budget is in force, nothing starts with it",
          "failed, aborted and lost calls settle at what was set aside",
          "a call that an open breaker kept from being made settles at nothing",
        ],
      },
    ],
  },
  {
    id: "R11",
    sentence: "Everything has a bound, every call one result, and every run exactly one of five ends.",
    scope: "now",
    proofs: [
      {
        file: "test/property/calls.test.ts",
        titles: ["R11 however the run ended", "R11 wherever it was cancelled, and nothing is asked for after that"],
      },
      {
        file: `${core}/engine/local.test.ts`,
        titles: [
          "L5 tells who waits for a run: at work, parked, or as a stream",
          "a run whose step kills its process every time is given up in the end",
        ],
      },
      { file: "test/property/run.test.ts", titles: ["R1 R4 R5 R6 R7 R11 R13 hold for any run"] },
      { file: `${core}/limits.test.ts`, titles: ["%s takes a positive whole number and nothing else"] },
      {
        file: `${core}/run/flow.test.ts`,
        titles: [
          "the same call again and again is denied, and then the loop is stopped",
          "an edge that was taken `max` times is not there any more, and a loop ends",
          "bytes of a payload",
        ],
      },
      {
        file: "test/contract/engine-bounds.ts",
        titles: ["activeMs counts work, not the time parked", "deadlineMs wakes a parked run and ends it"],
      },
      {
        file: "test/contract/engine-signals.ts",
        titles: [
          "while a model call is out: its signal is aborted, its late answer dropped",
          "while a write is out: it is waited for and settled, and nothing follows",
        ],
      },
      {
        file: `${core}/supervisor/check.test.ts`,
        titles: ["a loop without an end is refused; an ending or a threshold is one"],
      },
    ],
  },
  {
    id: "R12",
    sentence: "No secret is ever stored.",
    scope: "now",
    proofs: [
      {
        file: "test/seal/canary.test.ts",
        titles: [
          "no byte of any file, line, event or report has one",
          "start, model, tool, refusal, failure, question, answer, span, log and stream: none has a canary, and tools get what they reveal",
        ],
      },
      {
        file: `${core}/seal/sealing.test.ts`,
        titles: ["nothing that was sealed is in any entry; a tool that reveals a class gets the value"],
      },
      {
        file: `${core}/seal/vault.test.ts`,
        titles: ["who waits for a flush under way waits for its values as well"],
      },
    ],
  },
  {
    id: "R13",
    sentence: "A journal alone gives the same decisions anywhere, and the first difference is named.",
    scope: "now",
    proofs: [
      {
        file: "test/property/durability.test.ts",
        titles: ["C1 C2 takes no input twice and none after the end"],
      },
      {
        file: `${core}/run/replay.test.ts`,
        titles: [
          "decides everything again from the journal alone",
          "names the line that was tampered with",
          "names the first decision that a changed guard makes differently",
        ],
      },
      { file: `${core}/journal/chain.test.ts`, titles: ["names the first line after any character of it was changed"] },
      {
        file: "test/golden/golden.test.ts",
        titles: ["comes out as it is written down", "its journal as it was once stored still verifies and replays"],
      },
      { file: "test/property/run.test.ts", titles: ["R1 R4 R5 R6 R7 R11 R13 hold for any run"] },
    ],
  },
];
