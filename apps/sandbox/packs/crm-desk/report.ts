import type { Frozen } from "../../src/world/table.ts";
import { kindOf } from "./fields.ts";
import type { Truth } from "./generate.ts";
import type { CrmRecord, CrmState } from "./state.ts";

/**
 * The report that others steer by: what is open in the pipeline, by country. It is made of the CRM as it stands, so a deal
 * that is there twice counts twice, and one whose account has no country is nobody's. Against it stands what is true.
 */
export type Report = ReadonlyMap<string, number>;

const nowhere = "nowhere";

/** The accounts that records are or belong to. */
export function accountsOf({ records }: Pick<CrmState, "records">, recordIds: readonly string[]): ReadonlySet<string> {
  const found = recordIds.map((id) => (kindOf(id) === "account" ? id : records[id]?.accountId));
  return new Set(found.filter((id) => id !== undefined));
}

/** Cents of open deals by country, of these accounts, as the CRM has it. */
export function reportOf({ records }: Pick<CrmState, "records">, accounts: ReadonlySet<string>): Report {
  return sumOf(dealsOf(records, accounts), ({ fields, accountId }) => [
    fields,
    records[accountId ?? ""]?.fields.country,
  ]);
}

/** The same as it is in truth: each deal once. */
export function truthOf({ records }: Pick<CrmState, "records">, accounts: ReadonlySet<string>, truth: Truth): Report {
  const counted = new Set<string>();
  const deals = dealsOf(records, accounts).filter(({ recordId }) => {
    const entity = truth.entityOf.get(recordId) ?? recordId;
    return !counted.has(entity) && counted.add(entity);
  });
  return sumOf(deals, ({ recordId, accountId }) => [
    truth.fieldsOf.get(recordId) ?? {},
    truth.fieldsOf.get(accountId ?? "")?.country,
  ]);
}

/** Cents by which a report is off, all countries together, and how many there are in truth. */
export function errorOf(report: Report, truth: Report): { readonly off: number; readonly all: number } {
  const countries = new Set([...report.keys(), ...truth.keys()]);
  const off = [...countries].reduce((sum, one) => sum + Math.abs((report.get(one) ?? 0) - (truth.get(one) ?? 0)), 0);
  return { off, all: [...truth.values()].reduce((sum, one) => sum + one, 0) };
}

function dealsOf(records: CrmState["records"], accounts: ReadonlySet<string>): readonly Frozen<CrmRecord>[] {
  return Object.values(records).filter(
    ({ recordId, accountId }) => kindOf(recordId) === "deal" && accounts.has(accountId ?? ""),
  );
}

function sumOf(
  deals: readonly Frozen<CrmRecord>[],
  of: (deal: Frozen<CrmRecord>) => readonly [Frozen<CrmRecord>["fields"], Frozen<CrmRecord>["fields"]["country"]],
): Report {
  const sums = new Map<string, number>();
  for (const deal of deals) {
    const [{ amountCents, stage }, country = nowhere] = of(deal);
    if (stage === "won" || stage === "lost") continue;
    sums.set(String(country), (sums.get(String(country)) ?? 0) + Number(amountCents ?? 0));
  }
  return sums;
}
