import { z } from "zod";

/**
 * What a record is made of, as policy data: the form of each field, whether it has to be there, whether a person has to
 * agree before it changes, how sure a source has to be, and after how many days a value has to be looked at again. Tools,
 * rules, agents, the deterministic pass and the figures read this table and no other.
 */

export const kinds = ["account", "contact", "deal"] as const;
export type Kind = (typeof kinds)[number];
export type Value = string | number;

export const countries = ["DE", "FR", "NL", "PL", "GB", "ES", "JP", "UA"] as const;
export const industries = ["waterworks", "municipality", "chemistry", "food", "engineering", "housing"] as const;
export const sizes = ["1-10", "11-50", "51-250", "251-1000", "1001+"] as const;
export const roles = ["buyer", "engineer", "finance", "director", "operations"] as const;
export const languages = ["de", "en", "fr", "nl", "pl", "es", "ja", "uk"] as const;
export const consents = ["granted", "withdrawn"] as const;
export const stages = ["qualified", "proposed", "negotiated", "won", "lost"] as const;

/**
 * Forms in which no sentence has room: whoever reads them out of a text of others can say nothing else with them. Two fields
 * of one kind of record have no value in common, so that a value tells which field it is of.
 */
const forms = {
  website: z
    .string()
    .max(60)
    .regex(/^[a-z0-9-]{2,40}\.(?:example|test)$/),
  phone: z
    .string()
    .max(16)
    .regex(/^\+[1-9]\d{7,14}$/),
  industry: z.enum(industries),
  country: z.enum(countries),
  size: z.enum(sizes),
  vatId: z
    .string()
    .max(14)
    .regex(/^[A-Z]{2}\d{8,12}$/),
  creditLimitCents: z.int().min(0).max(1_000_000_000),
  email: z.email().max(60),
  role: z.enum(roles),
  language: z.enum(languages),
  consent: z.enum(consents),
  amountCents: z.int().min(1).max(1_000_000_000),
  closeDate: z.iso.date(),
  stage: z.enum(stages),
} as const;
export type Field = keyof typeof forms;
export const fieldNames = Object.keys(forms) as Field[];

interface FieldFacts {
  readonly of: readonly Kind[];
  /** A record without it is not complete. */
  readonly required: boolean;
  /** A change of it needs the approval of a person of {@link approverOf}. */
  readonly sensitive: boolean;
  /** Percent that a source has to be sure. */
  readonly surePercent: number;
  /** Days after which somebody has to look at it again; never when absent. */
  readonly freshDays?: number;
}

export const fields: Readonly<Record<Field, FieldFacts>> = {
  website: { of: ["account"], required: true, sensitive: false, surePercent: 80 },
  phone: { of: ["account", "contact"], required: true, sensitive: false, surePercent: 80, freshDays: 730 },
  industry: { of: ["account"], required: true, sensitive: false, surePercent: 70 },
  country: { of: ["account"], required: true, sensitive: false, surePercent: 85 },
  size: { of: ["account"], required: true, sensitive: false, surePercent: 70, freshDays: 730 },
  vatId: { of: ["account"], required: true, sensitive: true, surePercent: 90 },
  creditLimitCents: { of: ["account"], required: false, sensitive: true, surePercent: 90, freshDays: 365 },
  email: { of: ["contact"], required: true, sensitive: false, surePercent: 85 },
  role: { of: ["contact"], required: true, sensitive: false, surePercent: 70, freshDays: 730 },
  language: { of: ["contact"], required: true, sensitive: false, surePercent: 70 },
  consent: { of: ["contact"], required: false, sensitive: true, surePercent: 95 },
  amountCents: { of: ["deal"], required: true, sensitive: true, surePercent: 90, freshDays: 90 },
  closeDate: { of: ["deal"], required: true, sensitive: false, surePercent: 85, freshDays: 90 },
  stage: { of: ["deal"], required: true, sensitive: true, surePercent: 90 },
};

export function fieldsOf(kind: Kind): readonly Field[] {
  return fieldNames.filter((name) => fields[name].of.includes(kind));
}

export function isField(name: unknown): name is Field {
  return typeof name === "string" && Object.hasOwn(fields, name);
}

export function isSensitive(field: Field): boolean {
  return fields[field].sensitive;
}

/** True for a value of the field's form. */
export function fits(field: Field, value: unknown): value is Value {
  return forms[field].safeParse(value).success;
}

/** Any value that a field can have; whether it fits its own field, {@link fits} says. */
export const anyValue = z.union([
  z.int().min(0).max(1_000_000_000),
  z.enum([...industries, ...countries, ...sizes, ...roles, ...languages, ...consents, ...stages]),
  z.iso.date(),
  forms.email,
  forms.phone,
  forms.website,
  forms.vatId,
]);

/** The kind of a record, by its number. */
export function kindOf(recordId: string): Kind {
  return recordId.startsWith("ACC-") ? "account" : recordId.startsWith("CON-") ? "contact" : "deal";
}

/** Who says yes to what. */
export const approverOf = { sensitive: "revenue-operations", merge: "data-steward", mail: "account-owner" } as const;

/** Text that changes when the table does: another table is another policy. */
export function editionOfFields(): string {
  return fieldNames.map((name) => `${name}:${JSON.stringify(fields[name])}`).join(" ");
}
