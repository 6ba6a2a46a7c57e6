import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "rolldown";

/**
 * The official conformance suite against the bridge: `npm run conformance [-- --side client|server|gateway]
 * [--requirements 2025-11-25|2026-07-28] [--scenario name]`. Without options everything is run, one run after the other.
 * Nothing is expected to fail: there is no baseline.
 */

const root = fileURLToPath(new URL("..", import.meta.url));
/** How long one scenario may take. They all run at once, and machines differ. */
const scenarioMs = 90_000;

/** What there is. `arguments`: of the suite, before its own. */
const runs = [
  { side: "client", requirements: "2025-11-25", start: client },
  { side: "client", requirements: "2026-07-28", start: client },
];

const { values: only } = parseArgs({
  options: {
    side: { type: "string" },
    requirements: { type: "string" },
    scenario: { type: "string" },
    verbose: { type: "boolean", default: false },
  },
});
const chosen = runs.filter(
  ({ side, requirements }) => (only.side ?? side) === side && (only.requirements ?? requirements) === requirements,
);
if (chosen.length === 0) {
  console.error(`There is no such run; there are ${runs.map((run) => `${run.side} ${run.requirements}`).join(", ")}.`);
  process.exit(2);
}

const suite = join(
  dirname(createRequire(join(root, "test/mcp/package.json")).resolve("@modelcontextprotocol/conformance/package.json")),
  "dist/index.js",
);
let failed = 0;
for (const { side, requirements, start } of chosen) {
  console.log(`\n== ${side}, ${requirements} ==`);
  const { parameters, stop } = await start(requirements);
  try {
    const which = only.scenario
      ? ["--scenario", only.scenario, "--spec-version", requirements]
      : ["--requirements", requirements];
    const code = await ran([suite, ...parameters, ...which, ...(only.verbose ? ["--verbose"] : [])], requirements);
    if (code !== 0) failed++;
    console.log(`== ${side}, ${requirements}: ${code === 0 ? "all that is required holds" : `exit code ${code}`} ==`);
  } finally {
    await stop();
  }
}
process.exitCode = failed === 0 ? 0 : 1;

/** The suite starts the client itself, once for each scenario and all at once: as one file it starts much faster. */
async function client() {
  const folder = await mkdtemp(join(tmpdir(), "remit-conformance-"));
  const file = join(folder, "client.mjs");
  await build({
    input: join(root, "test/mcp/conformance-client.ts"),
    platform: "node",
    resolve: { conditionNames: ["@remit/source", "node", "import", "default"] },
    output: { file, format: "esm", codeSplitting: false },
    logLevel: "silent",
  });
  const command = `"${process.execPath}" "${file}"`;
  return {
    parameters: ["client", "--command", command, "--timeout", String(scenarioMs)],
    stop: () => rm(folder, { recursive: true, force: true }),
  };
}

function ran(parameters, requirements) {
  // Set where the suite forgets to pass it on.
  const env = { ...process.env, MCP_CONFORMANCE_PROTOCOL_VERSION: requirements };
  const child = spawn(process.execPath, parameters, { cwd: root, env, stdio: ["ignore", "inherit", "inherit"] });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? signal));
  });
}
