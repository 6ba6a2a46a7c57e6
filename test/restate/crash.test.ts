import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";

/** A small one of the crash cases; all of them, with a thousand writes each, are `npm run crash`. */

const program = join(import.meta.dirname, "crash", "run.ts");
const runs = 10;

test("R7 on three nodes, with workers killed under load, every run ends and every write is made once", async () => {
  const asked = [
    "--conditions=@remit/source",
    program,
    "--quick",
    "--json",
    "--case",
    "worker",
    "--runs",
    String(runs),
  ];
  const child = spawn(process.execPath, asked, { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const [code] = await once(child, "close");
  const report = JSON.parse(printed.split("\n").find((line) => line.startsWith("{")) ?? "{}");
  expect(report).toMatchObject({
    case: "worker",
    ended: { completed: runs },
    ours: { effects: runs * 5, doubled: 0, missing: 0 },
  });
  expect(code).toBe(0);
});
