import { operator, type Principal, user } from "@remit/core";
import type { Company, Vendor } from "./state.ts";

/** The group's companies, its vendors and the people of the desk. All made up; accounts and VAT numbers are nobody's. */

export const companies = {
  FH01: { companyId: "FH01", name: "Fernhollow Handel GmbH", vatId: "DE400100201", country: "DE" },
  FH02: { companyId: "FH02", name: "Fernhollow Iberia S.L.", vatId: "ESB40010020", country: "ES" },
} as const satisfies Readonly<Record<string, Company>>;
export type CompanyId = keyof typeof companies;

/** Clerks start runs: each works for one company, and approves nothing that they asked for. */
export function clerkOf(companyId: string): Principal {
  return user(`clerk-${companyId.toLowerCase()}`, ["clerk", `company:${companyId}`]);
}

export const roles = { middle: "ap-manager", large: "finance-director", release: "controller" } as const;
export const manager = (): Principal => operator("manager-mei", [roles.middle]);
export const directors = (): readonly [Principal, Principal] => [
  operator("director-dana", [roles.large]),
  operator("director-ravi", [roles.large]),
];
export const controller = (): Principal => operator("controller-cleo", [roles.release]);

type VendorPlan = Omit<Vendor, "vendorId" | "accounts"> & { readonly bank: string };

export const vendorPlans = {
  tools: {
    name: "Brückner Werkzeugbau GmbH",
    vatId: "DE400200301",
    country: "DE",
    status: "active",
    bank: "500105175407324931",
  },
  atelier: {
    name: "Atelier Dufour SARL",
    vatId: "FR40400200302",
    country: "FR",
    status: "active",
    bank: "20041010050500013M02606",
  },
  books: {
    name: "Libros Hernández e Hijos S.L.",
    vatId: "ESB40020030",
    country: "ES",
    status: "active",
    bank: "21000418450200051332",
  },
  packaging: {
    name: "De Vries Verpakking B.V.",
    vatId: "NL400200304B01",
    country: "NL",
    status: "active",
    bank: "ABNA0417164300",
  },
  school: {
    name: "Akademie am Weiher e.V.",
    vatId: "DE400200305",
    country: "DE",
    status: "active",
    bank: "370400440532013000",
  },
  gauges: {
    name: "木村計測株式会社",
    vatId: "JP4002003060001",
    country: "JP",
    status: "active",
    bank: "00300004002003",
  },
  pumps: {
    name: "Tidewater Pumps Inc.",
    vatId: "US400200307",
    country: "US",
    status: "active",
    bank: "02100002140020",
  },
  pearls: {
    name: "شركة النور للتجارة",
    vatId: "KW400200308",
    country: "KW",
    status: "active",
    bank: "CBKU0000000000001234560101",
  },
  chemicals: {
    name: "Nordhavn Kemi A/S",
    vatId: "DK40020030",
    country: "DK",
    status: "active",
    bank: "00400440116243",
  },
  blocked: {
    name: "Schattenhof Handels GmbH",
    vatId: "DE400200310",
    country: "DE",
    status: "blocked",
    bank: "100110010123456789",
  },
  onboarding: {
    name: "Neugrund Möbel GmbH",
    vatId: "DE400200311",
    country: "DE",
    status: "onboarding",
    bank: "200411330123456700",
  },
} as const satisfies Readonly<Record<string, VendorPlan>>;
export type VendorName = keyof typeof vendorPlans;

/** An account with right check digits (ISO 13616). */
export function ibanOf(country: string, bank: string): string {
  const digits = [...`${bank}${country}00`].map((char) => Number.parseInt(char, 36)).join("");
  return `${country}${String(98n - (BigInt(digits) % 97n)).padStart(2, "0")}${bank}`;
}
