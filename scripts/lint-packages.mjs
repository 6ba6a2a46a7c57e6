// @ts-check
/**
 * Asks publint and "are the types wrong?" (ESM-only profile) about every tarball; any message is a failure.
 *
 *   node scripts/lint-packages.mjs <folder of tarballs>
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { tarballOf } from "./pack.mjs";
import { cache, program, workspacePackages } from "./workspace.mjs";

const folder = resolve(process.argv[2] ?? join(cache, "tarballs"));
let failed = false;
for (const item of workspacePackages()) {
  const problems = [...(await publintProblems(item)), ...typeProblems(item)];
  console.log(`  ${item.name}: ${problems.length === 0 ? "publint and attw have nothing to say" : ""}`);
  for (const problem of problems) console.log(`    ${problem}`);
  failed ||= problems.length > 0;
}
process.exitCode = failed ? 1 : 0;

/** @param {import("./workspace.mjs").Package} item */
async function publintProblems({ manifest, entries, bins }) {
  const tarball = new Uint8Array(readFileSync(tarballOf(folder, manifest))).buffer;
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
  const planned = new Set([
    ...entries.filter((entry) => entry.planned).map(({ subpath }) => `exports ${subpath}`),
    ...bins.filter((bin) => bin.planned).map(({ name }) => `bin ${name}`),
  ]);
  return messages
    .filter(({ path }) => !planned.has(`${path[0]} ${path[1]}`))
    .map((message) => `publint ${message.type}: ${formatMessage(message, pkg) ?? message.code}`);
}

/** @param {import("./workspace.mjs").Package} item */
function typeProblems({ manifest, entries }) {
  const planned = entries.filter((entry) => entry.planned).map((entry) => entry.subpath);
  const args = [program("@arethetypeswrong/cli", "attw"), tarballOf(folder, manifest)];
  args.push("--profile", "esm-only", "--format", "ascii", "--no-emoji", "--no-color", "--no-definitely-typed");
  if (planned.length > 0) args.push("--exclude-entrypoints", ...planned);
  const attw = spawnSync(process.execPath, args, { encoding: "utf8" });
  return attw.status === 0 ? [] : [`attw: ${attw.stdout}${attw.stderr}`];
}
