import { describe, expect, test } from "vitest";
import { generateCrm } from "./generate.ts";
import { matchOf, nameKeys } from "./match.ts";
import { plannedJobs } from "./plan.ts";
import { allPairs, jobOf, jobsOf, pairsOf } from "./sweep.ts";

const { state, truth, recordsOf } = generateCrm(1);

const account = (recordId: string, name: string, fields: object = {}) => ({
  recordId,
  orgId: "TB-N" as const,
  name,
  fields,
});
const contact = (recordId: string, name: string, fields: object = {}, accountId = "ACC-1001") => ({
  ...account(recordId, name, fields),
  accountId,
});

describe("UC2-L1 the deterministic pass", () => {
  test.each([
    ["one VAT number", {}, { vatId: "DE100000001" }, { vatId: "DE100000001" }, "certain"],
    [
      "two VAT numbers, whatever else is the same",
      {},
      { vatId: "DE100000001", website: "a-b.example" },
      { vatId: "DE100000002", website: "a-b.example" },
      "apart",
    ],
    [
      "one VAT number in two countries",
      {},
      { vatId: "DE100000001", country: "DE" },
      { vatId: "DE100000001", country: "FR" },
      "doubtful",
    ],
    ["one website", {}, { website: "a-b.example" }, { website: "a-b.example" }, "certain"],
    ["a name alone", {}, {}, {}, "doubtful"],
    ["a name in two countries", {}, { country: "DE" }, { country: "FR" }, "apart"],
  ] as const)("of two accounts of one name with %s", (_, __, left, right, verdict) => {
    expect(matchOf(account("ACC-1", "Seewasser"), account("ACC-2", "Seewasser")).verdict).toBe("doubtful");
    expect(matchOf(account("ACC-1", "Seewasser", left), account("ACC-2", "Seewasser", right)).verdict).toBe(verdict);
  });

  test("of people goes by address and telephone, and by a name only where nothing speaks against it", () => {
    const mail = { email: "anna.kern@a.example" };
    const plus = { email: "Anna.Kern+news@a.example" };
    expect(matchOf(contact("CON-1", "Anna Kern", mail), contact("CON-2", "Kern, Anna", plus)).evidence).toContain(
      "same_email",
    );
    expect(matchOf(contact("CON-1", "Anna Kern", mail), contact("CON-2", "Anna Kern", plus)).verdict).toBe("certain");
    expect(matchOf(contact("CON-1", "Anna Kern", mail), contact("CON-2", "Otto Wolf", mail)).verdict).toBe("doubtful");
    expect(matchOf(contact("CON-1", "Anna Kern"), contact("CON-2", "Anna Kern", {}, "ACC-1009")).verdict).toBe("apart");
    expect(matchOf(contact("CON-1", "Anna Kern"), contact("CON-2", "Anna Kern")).verdict).toBe("doubtful");
  });

  test("holds apart what is of another kind or organisation, and a record and itself", () => {
    const one = account("ACC-1", "Seewasser", { vatId: "DE100000001" });
    expect(matchOf(one, one).verdict).toBe("apart");
    expect(matchOf(one, { ...one, recordId: "ACC-2", orgId: "TB-S" }).verdict).toBe("apart");
    expect(matchOf(one, { ...one, recordId: "CON-2" }).verdict).toBe("apart");
  });

  test.each([
    ["Müller", "Mueller"],
    ["Müller", "Muller"],
    ["Harz-Wasser GmbH", "Harz Wasser"],
    ["Weißbach", "Weissbach"],
    ["Société Générale d'Eau S.A.", "Societe Generale d Eau"],
    ["Ольга Бондар", "Olga Bondar"],
    ["ＡＣＭＥ", "acme"],
  ])("%s and %s are one name", (left, right) => {
    expect(nameKeys(left).filter((key) => nameKeys(right).includes(key))).not.toEqual([]);
  });

  test("is the same both ways, and certain of nothing that is not so", () => {
    const records = Object.values(state.records);
    for (const { keepId, goneId, verdict } of [...allPairs(state, "TB-N"), ...allPairs(state, "TB-S")]) {
      if (verdict !== "certain") continue;
      expect([keepId, goneId, truth.entityOf.get(keepId)]).toEqual([keepId, goneId, truth.entityOf.get(goneId)]);
    }
    for (const [index, left] of records.slice(0, 60).entries()) {
      for (const right of records.slice(index)) expect(matchOf(left, right)).toEqual(matchOf(right, left));
    }
  });

  test("finds every duplicate that there is, and nobody else's", () => {
    for (const { key, twins = [] } of plannedJobs) {
      const [recordId = "", ...others] = recordsOf.get(key) ?? [];
      const same = others.slice(0, twins.length).filter((_, index) => twins[index]?.same);
      const found = pairsOf(state, recordId).flatMap(({ keepId, goneId }) => [keepId, goneId]);
      expect([key, same.filter((id) => !found.includes(id))]).toEqual([key, []]);
      expect([key, found.filter((id) => id !== recordId && !others.includes(id))]).toEqual([key, []]);
    }
  });

  test("goes over an organisation, and leaves nothing out that a scenario is about", () => {
    const jobs = [...jobsOf(state, "TB-N"), ...jobsOf(state, "TB-S")];
    const found = new Set(jobs.map(({ job: { task, recordId } }) => `${task} ${recordId}`));
    expect(jobs).toHaveLength(found.size);
    for (const { key, task } of plannedJobs) {
      const [recordId = ""] = recordsOf.get(key) ?? [];
      const { job } = jobOf(state, task, recordId);
      if (job.targets.length === 0 && job.pairs.length === 0) continue;
      expect([key, found.has(`${task} ${job.pairs[0]?.keepId ?? recordId}`)]).toEqual([key, true]);
    }
  });

  test("makes a job of what it has found, and says of it what the policy goes by", () => {
    const [recordId = ""] = recordsOf.get("fillsGap") ?? [];
    const { job, attributes } = jobOf(state, "dedupe", recordId);
    const [pair] = job.pairs;
    expect(pair).toMatchObject({ keepId: recordId, verdict: "certain", takes: [{ field: "phone", from: null }] });
    expect(attributes).toEqual({
      ...{ orgId: "TB-N", task: "dedupe", targets: "" },
      records: `${pair?.keepId} ${pair?.goneId}`,
      pairs: `${pair?.keepId}+${pair?.goneId}=same_vat,same_name`,
    });
  });
});
