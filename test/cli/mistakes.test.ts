import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { graphOf } from "../architecture/module.ts";
import { folder, main, remit, remitHere } from "./remit.ts";

/** Every mistake that a person can make: one message with the value and what to do, no stack, exit code 2. */
interface Mistake {
  readonly args: readonly string[];
  /** What standard error has to hold, in this order. */
  readonly says: readonly string[];
  /** Puts files into the folder before. */
  readonly given?: (cwd: string) => void;
}

const file = (name: string, text: string) => (cwd: string) => writeFileSync(join(cwd, name), text);
const yaml = (text: string) => file("mine.yaml", text);
const own = ["run", "--scenarios", "mine.yaml"];

const mistakes: Readonly<Record<string, Mistake>> = {
  "a command that is none": {
    args: ["grahp"],
    says: ['there is no command "grahp"; did you mean graph?', "remit --help"],
  },
  "one that is none, and like none": {
    args: ["fly"],
    says: ['there is no command "fly"', "there are demo, run, list"],
  },
  "one that a command does not have": {
    args: ["runs", "shwo", "x"],
    says: ['there is no command "runs shwo"; did you mean show?', "remit runs --help"],
  },
  "another one": {
    args: ["approvals", "grant", "x"],
    says: ['there is no command "approvals grant"; there are list, show,', "remit approvals --help"],
  },
  "an option that is none": { args: ["run", "--modle", "x"], says: ["unknown option '--modle'", "remit run --help"] },
  "the help of a command that is none": {
    args: ["help", "grahp"],
    says: ['there is no command "grahp"', "remit --help"],
  },
  "the help of one that a command does not have": {
    args: ["approvals", "help", "grant"],
    says: ['there is no command "grant"', "remit approvals --help"],
  },
  "an argument too few": { args: ["show"], says: ["missing required argument 'run'", "remit show --help"] },
  "a policy that nothing would be asked": {
    args: ["run", "order-desk", "--policy", "mine.cedar"],
    says: ["usage/wrong", "--policy is for --agentdojo: leave it out", "remit run --help"],
  },
  "seeds of an attack suite": {
    args: ["run", "--agentdojo", "suites", "--seed", "1..3"],
    says: ["usage/wrong", "attack suites take no --seed"],
  },
  "a base URL of functions": {
    args: ["run", "--bfcl", "conversations", "--base-url", "http://127.0.0.1:1/v1"],
    says: ["usage/wrong", "leave --base-url out"],
  },
  "an unknown pack": {
    args: ["run", "nope"],
    says: [
      "pack/unknown",
      "nope",
      "order-desk, code-desk, crm-desk, files-desk, invoice-desk, operations-desk, supply-desk, tau2-retail, tau2-telecom",
    ],
  },
  "a pack without its data": { args: ["run", "tau2-retail"], says: ["usage/wrong", "--tau2 <folder"] },
  "invoices for another pack": {
    args: ["run", "order-desk", "--invoices", "."],
    says: ["usage/wrong", "--invoices is for invoice-desk, not for order-desk"],
  },
  "a folder without invoices": {
    args: ["run", "--invoices", "."],
    says: ["invoices/folder-unfit", "0 XML and PDF files"],
  },
  "a folder of invoices that is not there": {
    args: ["run", "--invoices", "nowhere"],
    says: ["system/refused", "nowhere"],
  },
  "a desk of a misspelt member": {
    args: ["run", "--invoices", "."],
    given: (cwd) => {
      file("a.xml", "<a/>")(cwd);
      file("desk.json", '{ "vendor": [] }')(cwd);
    },
    says: ["invoices/desk-wrong", "desk.json", "vendor"],
  },
  "an unknown model": {
    args: ["run", "--model", "gpt"],
    says: ["model/choice-unknown", "gpt", "oracle, noop, noisy or workflow"],
  },
  "a procedure that a pack does not have": {
    args: ["run", "--model", "workflow"],
    says: ["usage/wrong", "order-desk", "no procedure"],
  },
  "a vendor that is none": {
    args: ["run", "--model", "mistral:large"],
    says: ["model/choice-unknown", "mistral:large", "openai:<name>, anthropic:<name>, or compatible:<name>"],
  },
  "a server of no address": {
    args: ["run", "--model", "compatible:x"],
    says: ["usage/wrong", "compatible:x needs --base-url"],
  },
  "a spend limit of nothing": {
    args: ["run", "--model", "openai:gpt-5-mini", "--spend-limit", "0"],
    says: ["usage/wrong", "--spend-limit takes US dollars above 0", '"0"'],
  },
  "a routes file that is not there": { args: ["run", "--routes", "r.yaml"], says: ["routes/file-missing", "r.yaml"] },
  "a route of an alias that is none": {
    args: ["run", "--routes", "r.yaml"],
    given: file("r.yaml", 'models: { a: "openai:gpt-5-mini" }\nroutes: { fats: a, "*": a }\n'),
    says: ["routes/field-wrong", "r.yaml:2: routes.fats", "its aliases are careful, fast"],
  },
  "seeds that are none": { args: ["run", "--seed", "9..1"], says: ["usage/wrong", '"9..1"', "remit run --help"] },
  "an approver that is none": {
    args: ["run", "--approver", "me"],
    says: ["usage/wrong", "--approver takes auto or none", '"me"'],
  },
  "a decision without a reason": {
    args: ["approvals", "approve", "x"],
    says: ["--reason <text>", "approvals approve --help"],
  },
  "a reason without a word": {
    args: ["approvals", "approve", "x", "--reason", " "],
    says: ["usage/wrong", "--reason <text>", "Say why", "approvals approve --help"],
  },
  "somebody who is nobody": {
    args: ["approvals", "approve", "x", "--reason", "y", "--as", "jo"],
    says: ["usage/wrong", "operator:jo"],
  },
  "an edit of no JSON": {
    args: ["approvals", "edit", "x", "--reason", "y", "--input", "{"],
    says: ["usage/wrong", "--input is not JSON"],
  },
  "approvals of nothing": { args: ["approvals"], says: ["state/missing", ".remit"] },
  "a concurrency of none": { args: ["run", "--concurrency", "0"], says: ["--concurrency takes a number from 1 to 64"] },
  "a filter that nothing fits": {
    args: ["run", "--filter", "zzz"],
    says: ["scenario/unknown", "zzz", "list --scenarios"],
  },
  "a folder without tau2": { args: ["run", "--tau2", "none"], says: ["tau2/file-missing", "none", "db.json"] },
  "a broken tau2 file": {
    args: ["run", "--tau2", "."],
    given: file("db.json", "{\n"),
    says: ["tau2/file-broken", "db.json line 2", "Restore"],
  },
  "a YAML file that is not there": { args: own, says: ["scenario/file-missing", "mine.yaml"] },
  "YAML that is none": { args: own, given: yaml("name: x\ntitle: [\n"), says: ["scenario/not-yaml", "mine.yaml:3"] },
  "a field that is none": {
    args: own,
    given: yaml("name: x\ntitle: y\ninput: {}\nscript:\n  - triage: { answrs: {} }\nexpect: {}\n"),
    says: ["scenario/field-wrong", "mine.yaml:5", "answrs", "no such field"],
  },
  "a name that no record has": {
    args: own,
    given: yaml(
      `name: x\ntitle: y\ninput: { text: "\${nobody.name}" }\nscript:\n  - triage: { says: hm }\nexpect: {}\n`,
    ),
    says: ["scenario/fixture-unknown", "mine.yaml:3", "nobody.name"],
  },
  "a state folder that is a file": {
    args: ["run", "--filter", "thanks", "--state", "taken"],
    given: file("taken", ""),
    says: ["state/unusable", "taken", "--state <folder>"],
  },
  "a state folder where no folder can be": {
    args: ["run", "--filter", "thanks", "--state", "/proc/remit/state"],
    says: ["state/unusable", "/proc/remit/state", "--state <folder>"],
  },
  "a look at nothing": { args: ["replay", "--all"], says: ["state/missing", ".remit", "remit run"] },
  "a journal that is not ours": {
    args: ["list"],
    given: (cwd) => {
      mkdirSync(join(cwd, ".remit"));
      writeFileSync(join(cwd, ".remit", "journal.db"), "a diary ".repeat(200));
    },
    says: ["journal/foreign-file", "journal.db", "left as it is"],
  },
  "a journal from a newer version": {
    args: ["show", "run_1"],
    given: (cwd) => {
      mkdirSync(join(cwd, ".remit"));
      const database = new DatabaseSync(join(cwd, ".remit", "journal.db"));
      database.exec("PRAGMA application_id = 1382378868; PRAGMA user_version = 99; CREATE TABLE later (x)");
      database.close();
    },
    says: ["journal/newer-version", "99", "Update Remit"],
  },
};

test.concurrent.for(Object.entries(mistakes))("%s", async ([, { args, given, says }], { onTestFinished }) => {
  const cwd = folder(onTestFinished);
  given?.(cwd);
  const { code, stdout, stderr } = await remitHere(cwd, args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  let from = 0;
  for (const text of says) {
    const at = stderr.indexOf(text, from);
    expect(at, `"${text}" in: ${stderr}`).toBeGreaterThanOrEqual(0);
    from = at + text.length;
  }
  expect(stderr).not.toMatch(/\n\s+at /);
});

test("with --json a mistake is one document as well; --debug adds the stack", async () => {
  const cwd = folder();
  const [json, debug] = await Promise.all([
    remit(cwd, ["run", "nope", "--json"]),
    remit(cwd, ["run", "nope", "--debug"]),
  ]);
  expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, exitCode: 2, error: { code: "pack/unknown" } });
  expect(debug.stderr).toMatch(/\n\s+at /);
});

test("a hint names the state folder that the command was given", async () => {
  const cwd = folder();
  await remitHere(cwd, ["run", "--filter", "thanks", "--no-report", "--state", "mine"]);
  const { stderr } = await remitHere(cwd, ["--state", "mine", "show", "nope"]);
  expect(stderr).toContain("`remit list --state mine` shows the runs.");
});

test("a run that is not there, and one of too few letters; a server that dies at its start", async () => {
  const cwd = folder();
  await remitHere(cwd, ["run", "--filter", "thanks", "--no-report"]);
  await remit(cwd, ["run", "--filter", "warranty", "--no-report"]);
  const state = join(cwd, ".remit");
  const [unknown, ambiguous] = await Promise.all([remitHere(cwd, ["show", "run_!"]), remitHere(cwd, ["show", "run_"])]);
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining("suite/run-unknown") });
  expect(ambiguous).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/suite\/run-ambiguous: run_ stands for 2 runs/),
  });

  // A suite that has not begun, and whose world cannot take its lock.
  const [first = ""] = readdirSync(join(state, "suites"));
  const suite = { ...JSON.parse(readFileSync(join(state, "suites", first), "utf8")), id: "not-begun", startedAt: 9e12 };
  writeFileSync(join(state, "suites", "not-begun.json"), JSON.stringify(suite));
  mkdirSync(join(state, "worlds", "not-begun", ".lock"), { recursive: true });
  const dead = await remit(cwd, ["resume"]);
  expect(dead.code).toBe(2);
  expect(dead.stderr).toContain('mcp/exited-at-start: the server "order-desk" ended before it was ready');
  expect(dead.stderr).toContain("Run the command by hand");
});

test("help is there for every command, and loads neither packs nor an SDK", async () => {
  const cwd = folder();
  const { stdout, code } = await remitHere(cwd, ["--help"]);
  const commands = [
    "run",
    "list",
    "show",
    "replay",
    "resume",
    "approvals",
    "cancel",
    "restrict",
    "compensate",
    "graph",
    "check",
  ];
  expect(code).toBe(0);
  const names = [...stdout.matchAll(/^ {2}([a-z]+)(?: \[| <| {2})/gm)].map(([, name = ""]) => name);
  expect(names).toEqual(expect.arrayContaining(["demo", ...commands]));
  const pages = await Promise.all([...commands, "dead-letters"].map((name) => remitHere(cwd, [name, "--help"])));
  for (const page of pages)
    expect(page).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("Examples:") });

  const entry = new URL("../../apps/sandbox/src/cli/start.ts", import.meta.url).pathname;
  const { files, outside } = graphOf(entry, { lazy: false });
  expect([...outside.keys()].filter((name) => !name.startsWith("node:"))).toEqual(["commander"]);
  expect([...files].filter((path) => /\/packs\/|\/suite\/|\/world\/|\/tau2\//.test(path))).toEqual([]);
});

test.each([
  ["remit", main],
  ["remit-mcp", fileURLToPath(new URL("../../packages/mcp-bridge/src/cli/main.ts", import.meta.url))],
])("%s of an old Node says which one it needs, and loads nothing before", async (name, entry) => {
  const { files, outside } = graphOf(entry, { lazy: false });
  expect([[...files], [...outside.keys()]]).toEqual([[entry], []]);
  // Says that it is an old one, and that is all that can be had of one here.
  const old = `data:text/javascript,Object.defineProperty(process.versions, "node", { value: "20.20.2" })`;
  const ended = spawnSync(process.execPath, ["--conditions=@remit/source", "--import", old, entry, "--version"], {
    env: { PATH: process.env.PATH },
    encoding: "utf8",
  });
  expect(ended).toMatchObject({ status: 2, stdout: "" });
  expect(ended.stderr).toMatch(
    new RegExp(`^${name}: this is Node 20\\.20\\.2, and ${name} needs Node 24 or newer\n {2}`),
  );
  expect(ended.stderr).toContain(process.execPath);
});

test.skipIf(!existsSync("/dev/full"))("output that cannot be written is one sentence and 2, and no stack", async () => {
  const full = openSync("/dev/full", "w");
  const child = spawn(process.execPath, ["--conditions=@remit/source", main, "--version"], {
    cwd: folder(),
    stdio: ["ignore", full, "pipe"],
    env: { PATH: process.env.PATH },
  });
  closeSync(full);
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, "close");
  expect(stderr).toMatch(
    /^remit: system\/refused: the system refused: ENOSPC: no space left on device, write\n {2}Check/,
  );
  expect(stderr).not.toContain("    at ");
  expect(code).toBe(2);
});
