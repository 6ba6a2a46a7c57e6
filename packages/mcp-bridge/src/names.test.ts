import fc from "fast-check";
import { expect, test } from "vitest";
import { McpError } from "./errors.ts";
import { isNear, lookAlikes, skeleton } from "./look-alike.ts";
import { builtInNames, createNameMap, defaultNamePolicy, exposedName } from "./names.ts";

const arbServer = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,30}$/);
const arbTool = fc.oneof(
  fc.stringMatching(/^[a-z_]{1,20}$/),
  fc.string({ minLength: 1, maxLength: 128, unit: "grapheme" }),
  fc.constantFrom("files.read", "files/read", "a".repeat(64), "a".repeat(65), "ä"),
);
const anything = { ...defaultNamePolicy, confusable: "warn", near: "warn" } as const;

test("every name that models see has the form they know, and is the same wherever it is made", () => {
  fc.assert(
    fc.property(arbServer, arbTool, fc.boolean(), (server, tool, prefix) => {
      const name = exposedName({ server, tool }, { prefix });
      expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
      expect(exposedName({ server, tool }, { prefix })).toBe(name);
    }),
  );
});

test("the map leads from each tool to its name and back, or tells which two have one name", () => {
  const arbTools = fc.uniqueArray(fc.record({ server: arbServer, tool: arbTool, prefix: fc.boolean() }), {
    selector: ({ server, tool }) => `${server}\0${tool}`,
    maxLength: 12,
  });
  fc.assert(
    fc.property(arbTools, (tools) => {
      let map: ReturnType<typeof createNameMap>;
      try {
        map = createNameMap(tools, anything);
      } catch (thrown) {
        expect(McpError.is(thrown, "mcp/name-refused")).toBe(true);
        const names = tools.map((tool) => exposedName(tool, tool));
        expect(new Set(names).size < names.length || names.some((name) => builtInNames.includes(name))).toBe(true);
        return;
      }
      expect(map.names).toHaveLength(tools.length);
      for (const { server, tool } of tools) {
        const exposed = map.exposedOf({ server, tool });
        expect(map.sourceOf(exposed ?? "")).toEqual({ server, tool });
      }
      expect(map.sourceOf("no_such_name_anywhere")).toBeUndefined();
    }),
  );
});

test("a name that does not fit keeps what fits of it, and a hash that depends on nothing else", () => {
  expect(exposedName({ server: "files", tool: "read_file" }, { prefix: true })).toBe("files_read_file");
  expect(exposedName({ server: "files", tool: "read_file" }, { prefix: false })).toBe("read_file");
  // Written out, so that a change is seen: agents' allowlists and journals hold these names.
  expect(exposedName({ server: "files", tool: "read.file" }, { prefix: true })).toBe("files_read_file_l4dSlstt");
  expect(exposedName({ server: "files", tool: "x".repeat(80) }, { prefix: true })).toHaveLength(64);
});

const refusals: readonly (readonly [string, readonly (readonly [string, string])[], string])[] = [
  [
    "one name on two servers",
    [
      ["one", "read_file"],
      ["other", "read_file"],
    ],
    "read_file of one has it",
  ],
  ["the name of a ready-made tool", [["one", "calculate"]], "it is the name of a ready-made tool"],
  [
    "upper and lower case",
    [
      ["one", "read_file"],
      ["other", "Read_File"],
    ],
    "it looks like read_file",
  ],
  [
    "a digit for a letter",
    [
      ["one", "read_file"],
      ["other", "read_fi1e"],
    ],
    "it looks like read_file",
  ],
  [
    "another joint",
    [
      ["one", "read_file"],
      ["other", "read-file"],
    ],
    "it looks like read_file",
  ],
  [
    "Cyrillic letters",
    [
      ["one", "read_file"],
      ["other", "rеаd_file"],
    ],
    "it looks like read_file",
  ],
  [
    "wide letters",
    [
      ["one", "read_file"],
      ["other", "ｒead_file"],
    ],
    "it looks like read_file",
  ],
  ["a look at a ready-made tool", [["one", "ca1culate"]], "it looks like calculate"],
];

test.each(refusals)("%s is refused", (_, tools, reason) => {
  const listed = tools.map(([server, tool]) => ({ server, tool, prefix: false }));
  expect(() => createNameMap(listed)).toThrow(reason);
});

test("names that are close on two servers are told, or refused where the policy says so", () => {
  const tools = [
    { server: "one", tool: "send_mail", prefix: false },
    { server: "other", tool: "send_mails", prefix: false },
    { server: "other", tool: "send_mail2", prefix: false },
  ];
  expect(createNameMap(tools).warnings.map(({ name, like, kind }) => [name, like, kind])).toEqual([
    ["send_mails", "send_mail", "near"],
    ["send_mail2", "send_mail", "near"],
  ]);
  expect(() => createNameMap(tools, { ...defaultNamePolicy, near: "refuse" })).toThrow("it is close to send_mail");
  const own = [{ server: "one", tool: "transfer", prefix: false }];
  expect(() => createNameMap(own, { ...defaultNamePolicy, reserved: ["Transfer"] })).toThrow("looks like Transfer");
});

test("two letters apart is near, in every direction, and three are not", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (one, other) => {
      expect(isNear(one, other)).toBe(isNear(other, one));
      expect(isNear(one, one)).toBe(false);
      expect(isNear(one, `${one}ab`)).toBe(true);
      expect(isNear(one, `${one}abc`)).toBe(false);
    }),
  );
});

test("what a skeleton leaves out looks alike, and nothing looks like itself", () => {
  expect(skeleton("Ｒeаd-FlLE")).toBe(skeleton("read_file"));
  expect(skeleton("modern")).toBe(skeleton("modem"));
  expect(skeleton("TRANSFER")).toBe(skeleton("transfer"));
  const same = [{ server: "one", tool: "read_file", name: "one_read_file" }];
  expect(lookAlikes(same, builtInNames)).toEqual([]);
});
