import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A little post office and its calendar, described as other people describe functions, and what people want of them. */

const shelf = [
  {
    name: "move_parcel",
    description: "Moves a parcel.",
    parameters: {
      type: "dict",
      properties: {
        parcel: { type: "string" },
        shelf: { type: "integer" },
        marks: { type: "array", items: { type: "string" }, default: [] },
      },
      required: ["parcel", "shelf"],
    },
    response: { type: "dict", properties: { moved: { type: "boolean" } } },
  },
  {
    name: "weigh",
    description: "Weighs a parcel.",
    parameters: { type: "dict", properties: { parcel: { type: "string" } }, required: ["parcel"] },
  },
  { name: "count_parcels", description: "Counts.", parameters: { type: "dict", properties: {}, required: [] } },
];
const calendar = [
  {
    name: "book_day",
    description: "Books a day.",
    parameters: {
      type: "dict",
      properties: { day: { type: "string" }, hours: { type: "float", default: 1 } },
      required: ["day"],
    },
  },
];

const says = (content: string) => [{ role: "user", content }];
const common = { involved_classes: ["ParcelDesk", "CalendarAPI"], initial_config: {}, path: [] };

export const tinyFiles = {
  "func_doc/parcel_desk.json": shelf,
  "func_doc/calendar_api.json": calendar,
  "multi_turn_base.jsonl": [
    {
      ...common,
      id: "multi_turn_base_0",
      question: [says("Put P-1 on shelf 4 and weigh it."), says("How many are there?")],
      ground_truth: [["move_parcel('P-1', 4)", "weigh(parcel='P-1')"], ["count_parcels()"]],
      excluded_function: ["book_day"],
    },
  ],
  "multi_turn_miss_func.jsonl": [
    {
      ...common,
      id: "multi_turn_miss_func_0",
      question: [says("Weigh P-2."), says("Book Monday for it."), [], says("And two hours on Tuesday.")],
      missed_function: { 2: ["book_day"] },
      ground_truth: [["weigh(parcel='P-2')"], [], ["book_day(day='Monday')"], ["book_day(day='Tuesday', hours=2.0)"]],
    },
  ],
  "multi_turn_miss_param.jsonl": [
    {
      ...common,
      id: "multi_turn_miss_param_0",
      question: [says("Put P-3 away."), says("On shelf 9."), says("And weigh the other one."), says("I mean P-4.")],
      ground_truth: [[], ["move_parcel(parcel='P-3', shelf=9, marks=['late'])"], [], ["weigh(parcel='P-4')"]],
    },
    {
      ...common,
      id: "multi_turn_miss_param_1",
      question: [says("Weigh it.")],
      ground_truth: [[]],
    },
  ],
  "irrelevance.jsonl": [
    {
      id: "irrelevance_0",
      question: [says("Sing something.")],
      function: [
        {
          name: "post.find",
          description: "Finds.",
          parameters: {
            type: "dict",
            properties: { n: { type: "tuple", items: { type: "float" }, minItems: 2 } },
            required: ["n"],
          },
        },
      ],
    },
    {
      id: "irrelevance_2",
      question: [says("Paint it.")],
      function: [
        { name: "now", description: "The time.", parameters: { type: "dict", properties: {}, required: [] } },
        {
          name: "pick",
          description: "Picks.",
          parameters: {
            type: "dict",
            properties: {
              one: { type: "string", enum: ["a", "b"] },
              deep: { type: "dict", properties: { x: { type: "integer", minimum: 3 } }, required: ["x"] },
            },
            required: ["one", "deep"],
          },
        },
      ],
    },
  ],
} satisfies Record<string, readonly object[]>;

/**
 * For the head of a test file: what writes such a folder, with what is given in the place of a file; `null` leaves one out.
 * @param afterAll called with what removes the folders when the file's tests have ended
 */
export function tinyCalls(
  afterAll: (remove: () => void) => void,
): (changed?: Readonly<Record<string, readonly object[] | string | null>>) => string {
  const place = mkdtempSync(join(tmpdir(), "remit-calls-"));
  afterAll(() => rmSync(place, { recursive: true, force: true }));
  return (changed = {}) => {
    const folder = mkdtempSync(join(place, "one-"));
    for (const [name, lines] of Object.entries({ ...tinyFiles, ...changed })) {
      if (lines === null) continue;
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(
        join(folder, name),
        typeof lines === "string" ? lines : lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
      );
    }
    return folder;
  };
}
