import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { restateEngine } from "@remit/core/restate";
import { afterAll, expect, test } from "vitest";
import { parse } from "yaml";
import { serverBinary, startNodes } from "../../scripts/restate/server.mjs";
import { finish, makeDesk, turns } from "../contract/engine-desk.ts";
import { input, start } from "../contract/engine-kit.ts";
import { isAll, long } from "./place.ts";

/** The example of three machines in docs/guides/cluster: what of it can be tried here, is. */

const examples = join(import.meta.dirname, "..", "..", "docs", "guides", "cluster");
const toml = readFileSync(join(examples, "restate.toml"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "remit-example-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The settings of a file without nested values, each as `section.key`, as they are written. */
function settingsOf(text: string): Map<string, string> {
  const found = new Map<string, string>();
  let section = "";
  for (const line of text.replaceAll(/,?\n\s*(?=["\]])/g, ",").split("\n")) {
    const [, name] = /^\[([\w.-]+)\]/.exec(line) ?? [];
    if (name !== undefined) section = `${name}.`;
    const [, key, value] = /^([\w-]+)\s*=\s*(.*?)\s*(?:#.*)?$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) found.set(`${section}${key}`, plain(value));
  }
  return found;
}

/** A value without what a server writes otherwise: lists in another order, a slash behind an address. */
function plain(value: string): string {
  const list = /^\[,?(.*?),?\]$/.exec(value);
  if (!list) return value.replace(/\/"$/, '"');
  const items = (list[1] ?? "").split(",").map((item) => plain(item.trim()));
  return `[${items.sort().join(", ")}]`;
}

test("the server knows every setting of the example, and takes each as it is written", () => {
  // It says nothing of a setting that it does not know: what it has taken is what it says it has.
  const file = join(folder, "restate.toml");
  writeFileSync(file, toml);
  const { status, stdout, stderr } = spawnSync(serverBinary(), ["--no-logo", "--config-file", file, "--dump-config"], {
    encoding: "utf8",
    env: { RESTATE_DISABLE_TELEMETRY: "true" },
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const taken = settingsOf(stdout);
  const written = settingsOf(toml);
  expect(written.size).toBe(17);
  for (const [name, value] of written) expect([name, taken.get(name)]).toEqual([name, value]);
});

test("the balancer's example is YAML, and what it sends workers is bounded by nothing but the workers", () => {
  const { static_resources: all } = parse(readFileSync(join(examples, "envoy.yaml"), "utf8"));
  const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name);
  expect(names(all.listeners)).toEqual(["ingress_tls", "workers"]);
  expect(names(all.clusters)).toEqual(["restate", "workers"]);
  for (const { filter_chains } of all.listeners) {
    const [{ filters }] = filter_chains;
    const { stream_idle_timeout, route_config } = filters[0].typed_config;
    const [{ routes }] = route_config.virtual_hosts;
    expect(stream_idle_timeout).toBe("0s");
    for (const { route } of routes) {
      expect(route.timeout).toBe("0s");
      expect(names(all.clusters)).toContain(route.cluster);
    }
  }
  expect(all.clusters[1].circuit_breakers.thresholds[0].max_requests).toBeGreaterThan(1_024);
});

test.skipIf(!isAll)(
  `three nodes start from the example, but for addresses, key and snapshots, and drive a run (${long})`,
  async () => {
    const config = join(folder, "three.toml");
    // Snapshots need an object store, which is not here.
    writeFileSync(config, toml.slice(0, toml.indexOf("# Snapshots")));
    const nodes = await startNodes({ count: 3, sign: true, config });
    try {
      const { ingress, admin, identityKey } = nodes;
      const identityKeys = identityKey === undefined ? [] : [identityKey];
      const engine = restateEngine({ ingress, admin, deadlineMs: 60_000, worker: { port: 0, identityKeys } });
      try {
        const run = await makeDesk({ engine, model: turns({ clerk: [finish("ok")] }) }).start(input, start);
        expect((await run.result()).status).toBe("completed");
      } finally {
        await engine.close();
      }
      const metrics = await (await fetch(`${nodes.nodes[0]?.fabric}/metrics`)).text();
      expect(metrics).toMatch(/restate_num_partitions\{[^}]*\} 24/);
    } finally {
      await nodes.close();
    }
  },
  300_000,
);
