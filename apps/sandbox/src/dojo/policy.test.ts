import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { parse } from "yaml";
import { generalPolicy, policyOf } from "./policy.ts";
import { loadAttacks, type Suite } from "./suite.ts";
import { filesOf, policyText, tinyFolders } from "./tiny-suite.test.data.ts";
import { knownBehaviours } from "./world.ts";

const tinyFolder = tinyFolders(afterAll);

const suiteIn = (folder: string) => loadAttacks(folder).suites[0] as Suite;

test("what a tool protects follows from its class and its arguments; what nobody has classed is protected as a whole", () => {
  const { "tools.json": tools } = filesOf();
  const classed = (side_effect_class?: string) => {
    const changed = tools.tools.map((tool) => (tool.name === "send_parcel" ? { ...tool, side_effect_class } : tool));
    const { folder } = tinyFolder({ "tools.json": { ...tools, tools: changed } });
    return generalPolicy(suiteIn(folder)).tools.get("send_parcel");
  };
  expect(classed("money-out")?.protect).toEqual(["recipient", "amount"]);
  expect(classed("message-out")?.protect).toEqual(["recipient"]);
  expect(classed("booking")?.protect).toEqual(["recipient", "amount"]);
  expect(classed("something-new")?.protect).toEqual(["recipient", "amount", "subject"]);
  expect(classed()?.protect).toEqual(["recipient", "amount", "subject"]);
  expect([classed("money-out")?.cleared, classed("booking")?.cleared]).toEqual([[], undefined]);
});

test("texts of others are foreign, and the numbers that the system gives are not", () => {
  const { tools } = generalPolicy(suiteIn(tinyFolder().folder));
  expect(tools.get("list_parcels")).toMatchObject({ labels: ["document"], trusts: ["/*/id"] });
  expect(tools.get("list_contacts")).toMatchObject({ labels: ["trusted:parcels"], trusts: [] });
  expect(tools.get("read_letter")).toMatchObject({ labels: ["document"], trusts: [] });
});

test("a policy file refines the rules, and brings behaviours", async () => {
  const { folder, policy } = tinyFolder();
  writeFileSync(
    policy,
    policyText(`tools:
  list_parcels: { trusts: ["/*/weight"], domains: { "/*/to": street } }
  send_parcel: { protect: [recipient], domains: { recipient: street }, cleared: all, risk: high }
flows:
  values: { street: ["1 Mill Lane"] }
  accept:
    - { tool: send_parcel, argument: amount, type: number, planned: true, max: 20, because: "light parcels" }
`),
  );
  const { policy: read, behaviours } = await policyOf(suiteIn(folder), policy);
  expect(Object.keys(behaviours)).toHaveLength(5);
  expect(read.tools.get("list_parcels")?.trusts).toEqual(["/*/id", "/*/weight"]);
  expect(read.tools.get("send_parcel")).toEqual({
    labels: ["trusted:parcels"],
    risk: "high",
    protect: ["recipient"],
    trusts: [],
    domains: { recipient: "street" },
  });
  expect(read.flows.values).toEqual({ street: ["1 Mill Lane"] });
  expect(read.flows.accept).toEqual([
    { tool: "send_parcel", argument: "amount", type: "number", planned: true, max: 20, because: "light parcels" },
  ]);
});

test("a policy file that names what is not there is refused", async () => {
  const { folder, policy } = tinyFolder();
  const suite = suiteIn(folder);
  const given = async (lines: string) => {
    writeFileSync(policy, policyText(lines));
    return policyOf(suite, policy);
  };
  await expect(given("tools: { fly: {} }")).rejects.toMatchObject({ code: "dojo/reference-unknown" });
  await expect(given("tools: { send_parcel: { protect: [wings] } }")).rejects.toMatchObject({
    code: "dojo/reference-unknown",
    data: { argument: "wings" },
  });
  await expect(given("tools:\n  send_parcel: { protects: [] }")).rejects.toThrow(/policy\.yaml:4: .*no such field/);
  await expect(policyOf(suite, `${policy}.none`)).rejects.toMatchObject({ code: "dojo/policy-broken" });
});

test("shipped files speak of tools that are known here", () => {
  const folder = join(import.meta.dirname, "../../packs/attack-suites");
  const files = globSync("*.yaml", { cwd: folder }).sort();
  expect(files).toEqual(["banking.yaml", "slack.yaml", "travel.yaml", "workspace.yaml"]);
  for (const file of files) {
    const { suite, tools } = parse(readFileSync(join(folder, file), "utf8")) as { suite: string; tools: object };
    expect(`${suite}.yaml`).toBe(file);
    expect(Object.keys(tools).filter((tool) => !Object.hasOwn(knownBehaviours, tool))).toEqual([]);
  }
});

test("a shipped file says nothing of tools that a suite has not got", async () => {
  const { "tools.json": tools } = filesOf();
  const { folder } = tinyFolder({ "tools.json": { ...tools, suite: "travel" } });
  const { policy } = await policyOf(suiteIn(folder));
  expect([...policy.tools.keys()]).toEqual(tools.tools.map(({ name }) => name));
});
