import { expect, test } from "vitest";
import { withOutput } from "./answer.ts";

const value = { text: "hi" };
const json = JSON.stringify(value);

test.each([
  json,
  `\ufeff${json}\u00a0`,
  `\`\`\`json\r\n${json}\r\n\`\`\``,
  `\`\`\`${json}\`\`\``,
  `<think>\nperhaps {"a":1}\n</think>\n\n${json}`,
  `perhaps\n</think>\n\`\`\`json\n${json}\n\`\`\``,
])("%j is the output", (text) => {
  expect(withOutput([{ type: "text", text }])).toEqual([{ type: "output", value }]);
});

test("what stands in a value is no end of thoughts", () => {
  const said = { text: `</think>${json}` };
  expect(withOutput([{ type: "text", text: JSON.stringify(said) }])).toEqual([{ type: "output", value: said }]);
});

test.each(["", "```", "``````", "```json\n```", "<think>", "hm </think>", `See ${json}`])("%j stays a text", (text) => {
  expect(withOutput([{ type: "text", text }])).toEqual([{ type: "text", text }]);
});

test("a model that writes white space until it is stopped is read at once", () => {
  const text = `\`\`\`json\n${"\n".repeat(1_000_000)}`;
  expect(withOutput([{ type: "text", text }])).toEqual([{ type: "text", text }]);
});
