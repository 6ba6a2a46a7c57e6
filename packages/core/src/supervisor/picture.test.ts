import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { extendAgent } from "../extend.ts";
import { defineDenial, defineHandoff, defineParallel, defineQuestion } from "../handoff.ts";
import { findNonJson } from "../json.ts";
import { defineThreshold } from "../threshold.ts";
import { defineTool } from "../tool.ts";
import { asAgent, defineSupervisor } from "./definition.ts";
import { toMermaid, toStateJson } from "./picture.ts";

const text = z.object({ text: z.string() });
const stamp = defineTool({
  name: "stamp_form",
  description: "Stamps a form.",
  input: text,
  output: text,
  effect: "write",
  risk: "low",
  idempotency: "key",
  execute: (input) => input,
});
const clerk = defineAgent({
  name: "front-clerk",
  description: "Takes forms in.",
  model: "m",
  tools: [],
  input: text,
  output: text,
  instructions: "Take it.",
});
const stamper = defineAgent({
  name: "stamper",
  description: "Stamps forms.",
  model: "m",
  tools: [stamp],
  input: text,
  output: text,
  instructions: "Stamp it.",
});
const office = defineSupervisor({
  name: "office",
  agents: { "front-clerk": clerk, stamper },
  entry: "front-clerk",
  exit: "stamper",
  handoffs: [
    defineDenial({ from: clerk, reason: "empty_form", when: ({ text }) => text === "", name: "form is empty" }),
    defineHandoff({ from: clerk, to: stamper, map: (output) => output, max: 2 }),
  ],
  thresholds: [defineThreshold({ agent: clerk, atLeast: 0.7, read: () => 1, stronger: "big" })],
});

describe("pictures of a supervisor", () => {
  test("as a Mermaid state diagram", () => {
    expect(toMermaid(office)).toMatchInlineSnapshot(`
      "stateDiagram-v2
        direction LR
        state "front-clerk" as front_clerk
        state "stamper" as stamper
        stamper : stamp_form (write)
        [*] --> front_clerk
        state "denied empty_form" as end_0
        front_clerk --> end_0 : form is empty
        end_0 --> [*]
        front_clerk --> stamper : (at most 2)
        front_clerk --> front_clerk : confidence below 0.7, ask big
        state "escalated low confidence" as low_front_clerk
        front_clerk --> low_front_clerk : confidence below 0.7
        low_front_clerk --> [*]
        stamper --> [*] : completed
      "
    `);
  });

  test("as XState JSON with guards and actions by name", () => {
    const json = toStateJson(office) as { id: string; states: { working: { initial: string; states: object } } };
    expect(findNonJson(json)).toBeUndefined();
    expect(json.id).toBe("office");
    expect(json.states.working).toMatchInlineSnapshot(`
      {
        "initial": "front-clerk",
        "states": {
          "front-clerk": {
            "on": {
              "agent.ended": [
                {
                  "actions": [
                    {
                      "params": {
                        "why": "agent-ended",
                      },
                      "type": "endAs",
                    },
                  ],
                  "guard": {
                    "type": "denied",
                  },
                  "target": "#denied",
                },
                {
                  "actions": [
                    {
                      "params": {
                        "why": "agent-ended",
                      },
                      "type": "endAs",
                    },
                  ],
                  "target": "#escalated",
                },
              ],
              "agent.failed": {
                "actions": [
                  {
                    "params": {
                      "why": "agent-failed",
                    },
                    "type": "endAs",
                  },
                ],
                "target": "#failed",
              },
              "agent.returned": [
                {
                  "actions": [
                    {
                      "type": "xstate.assign",
                    },
                    {
                      "params": {
                        "agent": "front-clerk",
                        "model": "big",
                      },
                      "type": "delegate",
                    },
                  ],
                  "guard": {
                    "type": "confidence < 0.7",
                  },
                  "reenter": true,
                  "target": "front-clerk",
                },
                {
                  "actions": [
                    {
                      "params": {
                        "why": "low-confidence",
                      },
                      "type": "endAs",
                    },
                  ],
                  "guard": {
                    "type": "confidence < 0.7",
                  },
                  "target": "#escalated",
                },
                {
                  "actions": [
                    {
                      "type": "xstate.assign",
                    },
                    {
                      "params": {
                        "edge": "form is empty",
                      },
                      "type": "end",
                    },
                  ],
                  "guard": {
                    "type": "when form is empty",
                  },
                  "target": "#denied",
                },
                {
                  "actions": [
                    {
                      "type": "xstate.assign",
                    },
                    {
                      "params": {
                        "agent": "stamper",
                        "edge": "front-clerk->stamper",
                      },
                      "type": "delegate",
                    },
                  ],
                  "guard": {
                    "type": "otherwise",
                  },
                  "target": "stamper",
                },
                {
                  "actions": [
                    {
                      "params": {
                        "why": "no-edge",
                      },
                      "type": "endAs",
                    },
                  ],
                  "target": "#failed",
                },
              ],
              "handoff.rejected": {
                "actions": [
                  {
                    "params": {
                      "why": "rejected",
                    },
                    "type": "endAs",
                  },
                ],
                "target": "#failed",
              },
            },
          },
          "stamper": {
            "on": {
              "agent.ended": [
                {
                  "actions": [
                    {
                      "params": {
                        "why": "agent-ended",
                      },
                      "type": "endAs",
                    },
                  ],
                  "guard": {
                    "type": "denied",
                  },
                  "target": "#denied",
                },
                {
                  "actions": [
                    {
                      "params": {
                        "why": "agent-ended",
                      },
                      "type": "endAs",
                    },
                  ],
                  "target": "#escalated",
                },
              ],
              "agent.failed": {
                "actions": [
                  {
                    "params": {
                      "why": "agent-failed",
                    },
                    "type": "endAs",
                  },
                ],
                "target": "#failed",
              },
              "agent.returned": [
                {
                  "actions": [
                    {
                      "params": {
                        "agent": "stamper",
                      },
                      "type": "complete",
                    },
                  ],
                  "guard": {
                    "type": "sound",
                  },
                  "target": "#completed",
                },
                {
                  "actions": [
                    {
                      "params": {
                        "why": "no-edge",
                      },
                      "type": "endAs",
                    },
                  ],
                  "target": "#failed",
                },
              ],
              "handoff.rejected": {
                "actions": [
                  {
                    "params": {
                      "why": "rejected",
                    },
                    "type": "endAs",
                  },
                ],
                "target": "#failed",
              },
            },
          },
        },
      }
    `);
  });

  test("forks, questions and teams have states of their own, and names are safe in the text", () => {
    const inner = asAgent(office, { name: "office", description: "A team.", input: text, output: text });
    const fork = defineParallel({
      from: clerk,
      branches: { one: { to: stamper, map: (output) => output } },
      join: { to: inner, map: () => ({ text: "x" }) },
      when: () => true,
      name: "both: <at> once; #now",
    });
    const question = defineQuestion({
      from: clerk,
      to: inner,
      of: "customer",
      ask: () => "Which form?",
      map: (answer) => ({ text: answer }),
    });
    const picture = toMermaid(
      defineSupervisor({
        agents: { "front-clerk": clerk, stamper, office: inner },
        entry: "front-clerk",
        exit: "office",
        handoffs: [fork, question],
      }),
    );
    expect(picture).toContain("state fork_0 <<fork>>");
    expect(picture).toContain("state fork_0_join <<join>>");
    expect(picture).toContain("front_clerk --> fork_0 : both at once now");
    expect(picture).toContain('state "customer answers" as question_1');
    expect(picture).toContain("office : team of front-clerk, stamper");
  });

  test("agents may be named as states that wait are; every id of the picture is one thing", () => {
    const named = <const Name extends string>(name: Name) => extendAgent(clerk, { name });
    const fork0 = named("fork_0");
    const dash = named("a-b");
    const line = named("a_b");
    const definition = defineSupervisor({
      agents: { "a-b": dash, a_b: line, fork_0: fork0 },
      entry: "a-b",
      exit: "fork_0",
      handoffs: [
        defineParallel({
          from: dash,
          branches: { x: { to: line, map: (output) => output } },
          join: { to: fork0, map: () => ({ text: "joined" }) },
        }),
      ],
    });
    const states = (toStateJson(definition) as { states: { working: { states: object } } }).states.working.states;
    expect(Object.keys(states)).toEqual(["a-b", "a_b", "fork_0", "+fork_0"]);
    const ids = [...toMermaid(definition).matchAll(/ as (\w+)$|state (\w+) <</gm)].map(
      ([, left, right]) => left ?? right,
    );
    expect(ids).toEqual(["a_b", "a_b_2", "fork_0", "fork_0_2", "fork_0_join"]);
  });
});
