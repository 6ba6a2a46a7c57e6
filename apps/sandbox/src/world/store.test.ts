import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { WorldError } from "./errors.ts";
import { openWorldReader, openWorldStore, type WorldStore } from "./store.ts";
import { type Json, type World, WorldRefusal, worldTool } from "./world.ts";

interface Jars {
  litres: { [name: string]: number };
}

const names = ["blue", "red", "tall"] as const;
const name = z.enum(names);

/** Jars of water. `pour_jar` refuses in the middle of its work, which only a transaction makes harmless. */
const jars: World<Jars> = {
  name: "jars",
  initial: () => ({ litres: { blue: 5, red: 0 } }),
  clone: (state) => structuredClone(state),
  tools: [
    worldTool({
      name: "read_jar",
      description: "How much is in a jar.",
      input: z.object({ name }),
      effect: "read",
      run: (state: Jars, input) => ({ litres: state.litres[input.name] ?? null }),
    }),
    worldTool({
      name: "spoil_jar",
      description: "Says that it reads, and writes.",
      input: z.object({ name }),
      effect: "read",
      run: (state: Jars, input) => {
        state.litres[input.name] = -1;
        return null;
      },
    }),
    worldTool({
      name: "fill_jar",
      description: "Adds water.",
      input: z.object({ name, litres: z.int().min(1).max(3).default(1) }),
      effect: "write",
      run: (state: Jars, input) => {
        state.litres[input.name] = (state.litres[input.name] ?? 0) + input.litres;
        return { litres: state.litres[input.name] ?? 0, note: undefined } as unknown as Json;
      },
    }),
    worldTool({
      name: "pour_jar",
      description: "Moves water from one jar to another.",
      input: z.object({ from: name, to: name, litres: z.int().min(1).max(9) }),
      effect: "write",
      run: (state: Jars, { from, to, litres }) => {
        state.litres[to] = (state.litres[to] ?? 0) + litres;
        state.litres[from] = (state.litres[from] ?? 0) - litres;
        if ((state.litres[from] ?? 0) < 0) throw new WorldRefusal(`jar "${from}" does not hold ${litres} litres`);
        return { moved: litres };
      },
    }),
    worldTool({
      name: "drop_jar",
      description: "Breaks.",
      input: z.object({}),
      effect: "write",
      run: (state: Jars) => {
        state.litres.blue = 0;
        throw new TypeError("a jar is not a function");
      },
    }),
  ],
};

let dir: string;
let store: WorldStore<Jars>;
const path = (worldId: string) => join(dir, `${worldId}.jsonl`);
const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return error instanceof WorldError ? error.code : String(error);
  }
  return "nothing was thrown";
};
/** What a crash does: the process is gone, a new one opens the folder. */
const restart = () => {
  store.close();
  store = openWorldStore({ world: jars, dir });
};

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "remit-world-"));
  store = openWorldStore({ world: jars, dir });
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

describe("calls", () => {
  test("W1 every call is one line, and a write's line holds key, input as it came and result", () => {
    store.call("run_1", "read_jar", { name: "blue" });
    store.call("run_1", "fill_jar", { name: "red" }, { key: "k1" });
    store.call("run_1", "pour_jar", { from: "red", to: "tall", litres: 9 }, { key: "k2" });
    expect(
      readFileSync(path("run_1"), "utf8")
        .trimEnd()
        .split("\n")
        .map((row) => JSON.parse(row)),
    ).toEqual([
      { n: 1, tool: "read_jar", input: { name: "blue" }, effect: "read", outcome: "done" },
      {
        n: 2,
        tool: "fill_jar",
        input: { name: "red" },
        effect: "write",
        key: "k1",
        outcome: "done",
        result: { litres: 1 },
      },
      {
        n: 3,
        tool: "pour_jar",
        input: { from: "red", to: "tall", litres: 9 },
        effect: "write",
        key: "k2",
        outcome: "refused",
        message: 'jar "red" does not hold 9 litres',
      },
    ]);
  });

  test("W3 a key does its write once; the second call gets the first answer and is logged as a duplicate", () => {
    const first = store.call("run_1", "fill_jar", { name: "blue", litres: 2 }, { key: "k1" });
    expect(first).toEqual({ status: "done", result: { litres: 7 }, duplicate: false });
    store.call("run_1", "fill_jar", { name: "blue", litres: 1 }, { key: "k2" });
    expect(store.call("run_1", "fill_jar", { litres: 2, name: "blue" }, { key: "k1" })).toEqual({
      ...first,
      duplicate: true,
    });
    expect(store.endState("run_1").litres.blue).toBe(8);
    expect(store.log("run_1").map((line) => line.outcome)).toEqual(["done", "done", "duplicate"]);
  });

  test("W3 a refused key stays refused, even when the write would work by now", () => {
    const pour = { from: "red", to: "tall", litres: 1 };
    const first = store.call("run_1", "pour_jar", pour, { key: "k1" });
    store.call("run_1", "fill_jar", { name: "red" }, { key: "k2" });
    expect(store.call("run_1", "pour_jar", pour, { key: "k1" })).toEqual({ ...first, duplicate: true });
    expect(store.call("run_1", "pour_jar", pour, { key: "k3" }).status).toBe("done");
  });

  test("W3 a key that comes back with another call is refused and stays with its first call", () => {
    store.call("run_1", "fill_jar", { name: "red" }, { key: "k1" });
    expect(store.call("run_1", "fill_jar", { name: "blue" }, { key: "k1" })).toMatchObject({
      status: "refused",
      message: expect.stringContaining("belongs to another call of fill_jar"),
    });
    restart();
    expect(store.call("run_1", "fill_jar", { name: "red" }, { key: "k1" })).toMatchObject({ duplicate: true });
    expect(store.changes("run_1")).toEqual([{ path: "/litres/red", before: 0, after: 1 }]);
  });

  test("a write without a key is refused and logged without one", () => {
    for (const key of [undefined, ""]) {
      expect(store.call("run_1", "fill_jar", { name: "red" }, { key })).toMatchObject({ status: "refused" });
    }
    expect(store.log("run_1")[0]).toMatchObject({ effect: "write", outcome: "refused" });
    expect(store.log("run_1")[0]).not.toHaveProperty("key");
    expect(store.changes("run_1")).toEqual([]);
  });

  test("input that does not fit the schema is refused with the reason", () => {
    expect(store.call("run_1", "read_jar", { name: "green" })).toMatchObject({
      status: "refused",
      message: expect.stringMatching(/read_jar cannot take this input.*name/s),
    });
    expect(store.call("run_1", "read_jar", undefined)).toMatchObject({ status: "refused" });
  });

  test("W4 neither a refusal in the middle of a write, nor a tool that breaks, nor a read changes anything", () => {
    store.call("run_1", "pour_jar", { from: "blue", to: "red", litres: 9 }, { key: "k1" });
    expect(codeOf(() => store.call("run_1", "drop_jar", {}, { key: "k2" }))).toBe("world/tool-failed");
    store.call("run_1", "spoil_jar", { name: "blue" });
    expect(store.call("run_1", "read_jar", { name: "blue" })).toMatchObject({ result: { litres: 5 } });
    expect(store.changes("run_1")).toEqual([]);
    expect(store.log("run_1").map((line) => line.tool)).toEqual(["pour_jar", "spoil_jar", "read_jar"]);
  });

  test("an unknown tool and an id that leaves the folder are typed errors and write nothing", () => {
    expect(codeOf(() => store.call("run_1", "sell_jar", {}))).toBe("world/tool-unknown");
    for (const worldId of ["", "../run", "a/b", ".hidden", "x".repeat(129)]) {
      expect(codeOf(() => store.call(worldId, "read_jar", { name: "blue" }))).toBe("world/id-invalid");
    }
    expect(store.log("run_1")).toEqual([]);
  });

  test("two tools of one name are a typed error before anything starts", () => {
    const twice = { ...jars, tools: [...jars.tools, ...jars.tools.slice(0, 1)] };
    expect(codeOf(() => openWorldStore({ world: twice, dir }))).toBe("world/definition-invalid");
  });
});

describe("restarts", () => {
  test("W2 a new process continues where the old one was killed, keys included", () => {
    store.call("run_1", "fill_jar", { name: "red", litres: 3 }, { key: "k1" });
    restart();
    expect(store.call("run_1", "fill_jar", { name: "red", litres: 3 }, { key: "k1" })).toEqual({
      status: "done",
      result: { litres: 3 },
      duplicate: true,
    });
    expect(store.call("run_1", "pour_jar", { from: "red", to: "blue", litres: 2 }, { key: "k2" }).status).toBe("done");
    expect(store.endState("run_1").litres).toEqual({ blue: 7, red: 1 });
  });

  test("a torn last line is dropped at every length, its write runs when it comes again", () => {
    store.call("run_1", "fill_jar", { name: "red" }, { key: "k1" });
    const whole = readFileSync(path("run_1"));
    store.call("run_1", "fill_jar", { name: "blue" }, { key: "k2" });
    const both = readFileSync(path("run_1"));
    for (let bytes = whole.length; bytes < both.length; bytes += 1) {
      writeFileSync(path("run_1"), both);
      truncateSync(path("run_1"), bytes);
      expect(openWorldReader({ world: jars, dir }).endState("run_1").litres).toEqual({ blue: 5, red: 1 });
      restart();
      expect(store.call("run_1", "fill_jar", { name: "blue" }, { key: "k2" })).toMatchObject({ duplicate: false });
      expect(readFileSync(path("run_1"))).toEqual(both);
    }
  });

  test("a torn line in the middle, a missing line and foreign text are typed errors", () => {
    for (const key of ["k1", "k2", "k3"]) store.call("run_1", "fill_jar", { name: "red" }, { key });
    const [first = "", second = "", third = ""] = readFileSync(path("run_1"), "utf8").split("\n");
    const damaged: readonly (readonly [string, string])[] = [
      [`${first}\n${second.slice(0, 20)}\n${third}\n`, "world/log-torn"],
      [`${first}\n${second.slice(0, 20)}${third}\n`, "world/log-torn"],
      [`${first}\n${third}\n`, "world/log-gap"],
      [`${first}\n${first}\n`, "world/log-gap"],
      [`{"hello":"there"}\n`, "world/log-torn"],
    ];
    for (const [text, code] of damaged) {
      writeFileSync(path("run_1"), text);
      restart();
      expect(codeOf(() => store.call("run_1", "read_jar", { name: "red" }))).toBe(code);
      expect(codeOf(() => store.endState("run_1"))).toBe(code);
      expect(readFileSync(path("run_1"), "utf8")).toBe(text);
    }
  });

  test("a log that the world's tools no longer give again is a typed error", () => {
    store.call("run_1", "fill_jar", { name: "red" }, { key: "k1" });
    const line = readFileSync(path("run_1"), "utf8");
    for (const changed of [line.replace('"litres":1}', '"litres":2}'), line.replace("fill_jar", "lift_jar")]) {
      writeFileSync(path("run_1"), changed);
      restart();
      expect(codeOf(() => store.endState("run_1"))).toBe("world/log-diverged");
    }
  });

  test("a full disk is a typed error: the file is cut back, nothing changed, and the call works again later", () => {
    let room = 7;
    store.close();
    store = openWorldStore({
      world: jars,
      dir,
      write: (_, bytes) => {
        if (room > 0) appendFileSync(path("run_1"), bytes.subarray(0, room));
        return Math.min(room, bytes.length);
      },
    });
    expect(codeOf(() => store.call("run_1", "fill_jar", { name: "red" }, { key: "k1" }))).toBe(
      "world/log-write-failed",
    );
    expect(readFileSync(path("run_1"), "utf8")).toBe("");
    room = 1e6;
    expect(store.call("run_1", "fill_jar", { name: "red" }, { key: "k1" })).toMatchObject({ duplicate: false });
    expect(store.endState("run_1").litres.red).toBe(1);
  });
});

describe("several worlds, several processes", () => {
  test("worlds do not see each other, also when more are open than fit in memory", () => {
    store.close();
    store = openWorldStore({ world: jars, dir, hydratedMax: 2 });
    const ids = ["run_1", "run_2", "run_3", "run_4"];
    for (let turn = 1; turn <= 3; turn += 1) {
      for (const [index, id] of ids.entries()) {
        const litres = (index % 3) + 1;
        const answer = store.call(id, "fill_jar", { name: "red", litres }, { key: `k${turn}` });
        expect(answer).toEqual({ status: "done", result: { litres: litres * turn }, duplicate: false });
      }
    }
    expect(ids.map((id) => store.endState(id).litres.red)).toEqual([3, 6, 9, 3]);
  });

  test("W3 holds between two stores on one folder: each sees what the other wrote", () => {
    const other = openWorldStore({ world: jars, dir });
    store.call("run_1", "fill_jar", { name: "red" }, { key: "k1" });
    expect(other.call("run_1", "fill_jar", { name: "red" }, { key: "k1" })).toMatchObject({ duplicate: true });
    expect(other.call("run_1", "fill_jar", { name: "red" }, { key: "k2" })).toMatchObject({ result: { litres: 2 } });
    expect(store.call("run_1", "read_jar", { name: "red" })).toMatchObject({ result: { litres: 2 } });
    expect(store.log("run_1").map((line) => line.n)).toEqual([1, 2, 3, 4]);
    other.close();
  });

  test("a log that was removed is a world at its start", () => {
    store.call("run_1", "fill_jar", { name: "red" }, { key: "k1" });
    rmSync(path("run_1"));
    expect(store.call("run_1", "read_jar", { name: "red" })).toMatchObject({ result: { litres: 0 } });
  });

  test("a reader sees the same end state, and a world that was never called at its start", () => {
    store.call("run_1", "fill_jar", { name: "tall" }, { key: "k1" });
    const reader = openWorldReader({ world: jars, dir });
    expect(reader.changes("run_1")).toEqual([{ path: "/litres/tall", after: 1 }]);
    expect(reader.log("run_1")).toEqual(store.log("run_1"));
    expect(reader.endState("run_9")).toEqual(jars.initial());
    expect(reader.changes("run_9")).toEqual([]);
  });
});

test("W2 W3 W4 for any calls and restarts: disk, memory and a plain model agree", () => {
  const arbCall = fc.record({
    worldId: fc.constantFrom("run_1" as const, "run_2" as const),
    key: fc.constantFrom("k1", "k2", "k3", "k4", "k5"),
    restarts: fc.boolean(),
    call: fc.oneof(
      fc.record({
        tool: fc.constant("fill_jar"),
        input: fc.record({ name: fc.constantFrom(...names), litres: fc.integer({ min: 0, max: 4 }) }),
      }),
      fc.record({
        tool: fc.constant("pour_jar"),
        input: fc.record({
          from: fc.constantFrom(...names),
          to: fc.constantFrom(...names),
          litres: fc.integer({ min: 1, max: 4 }),
        }),
      }),
      fc.record({
        tool: fc.constantFrom("read_jar", "spoil_jar"),
        input: fc.record({ name: fc.constantFrom(...names) }),
      }),
    ),
  });
  fc.assert(
    fc.property(fc.array(arbCall, { maxLength: 25 }), fc.integer({ min: 1, max: 2 }), (calls, hydratedMax) => {
      const folder = mkdtempSync(join(dir, "property-"));
      const open = () => openWorldStore({ world: jars, dir: folder, hydratedMax });
      let subject = open();
      const model = {
        run_1: { state: jars.initial(), seen: new Set<string>() },
        run_2: { state: jars.initial(), seen: new Set<string>() },
      };
      for (const { worldId, key, restarts, call } of calls) {
        const expected = model[worldId];
        const answer = subject.call(worldId, call.tool, call.input, { key });
        const write = call.tool === "fill_jar" || call.tool === "pour_jar";
        if (write && !expected.seen.has(key)) {
          expected.seen.add(key);
          expect(answer.duplicate).toBe(false);
          if (answer.status === "done") {
            const draft = jars.clone(expected.state);
            const tool = jars.tools.find((one) => one.name === call.tool)!;
            expect(answer.result).toEqual(JSON.parse(JSON.stringify(tool.run(draft, call.input))));
            expected.state = draft;
          }
        }
        if (restarts) {
          subject.close();
          subject = open();
        }
        expect(subject.endState(worldId)).toEqual(expected.state);
        const read = subject.call(worldId, "read_jar", { name: "blue" });
        expect(read).toMatchObject({ result: { litres: expected.state.litres.blue } });
      }
      subject.close();
    }),
    { numRuns: 60 },
  );
});
