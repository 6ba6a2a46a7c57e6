import { defineTool } from "@remit/core";
import { expect, test } from "vitest";
import { z } from "zod";
import { contextOf } from "./testing/fixture.ts";
import { searchTools, toolIndex } from "./tool-search.ts";

const tool = (name: string, description: string, input: z.ZodType = z.object({})) =>
  defineTool({ name, description, input, output: z.object({}), effect: "read", execute: () => ({}) });
const tools = [
  tool("git_commit", "Records changes in the repository.", z.object({ message: z.string() })),
  tool("git_log", "Shows the history of commits."),
  tool("files_read_text", "Reads one file as text.", z.object({ path: z.string() })),
  tool("sendMail", "Sends a letter.", z.object({ recipient: z.string() })),
];
const namesOf = (query: string, most = 3) =>
  toolIndex(tools)
    .search(query, most)
    .map(({ name }) => name);

test("tools are found by their names in any writing, by what they do, and by their arguments", () => {
  expect(namesOf("read a file")[0]).toBe("files_read_text");
  expect(namesOf("send mail")[0]).toBe("sendMail");
  expect(namesOf("commit changes", 2)).toEqual(["git_commit", "git_log"]);
  expect(namesOf("recipient")).toEqual(["sendMail"]);
  expect(namesOf("comit")[0]).toBe("git_commit");
  expect(namesOf("quantum")).toEqual([]);
});

test("a search gives tools of the list it was made of, with their arguments, and at most so many", async () => {
  const search = searchTools(tools, { most: 1 });
  const found = await search.execute({ query: "git" }, contextOf());
  expect(search.output.parse(found)).toMatchObject({
    tools: [{ name: expect.stringMatching(/^git_/), inputSchema: { type: "object" } }],
  });
  expect(search).toMatchObject({
    name: "search_tools",
    effect: "read",
    description: expect.stringContaining("among 4"),
  });
});
