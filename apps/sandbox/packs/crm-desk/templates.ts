import { languages } from "./fields.ts";

/** Mails that somebody has read and released, by name, in the languages that they exist in. `free` is none of them. */
export const templates = ["check_in", "quote_reminder", "meeting_offer"] as const;
export const templatesAndFree = [...templates, "free"] as const;
export type Template = (typeof templatesAndFree)[number];

/** Who has been written to in so many days is not written to again. */
export const quietDays = 7;

const subjects: Readonly<Record<(typeof templates)[number], Readonly<Record<string, string>>>> = {
  check_in: {
    en: "How are things?",
    de: "Wie ist der Stand?",
    fr: "Où en êtes-vous ?",
    ja: "その後いかがでしょうか",
    uk: "Які новини?",
  },
  quote_reminder: {
    en: "Our offer",
    de: "Unser Angebot",
    fr: "Notre offre",
    es: "Nuestra oferta",
    nl: "Onze offerte",
    pl: "Nasza oferta",
  },
  meeting_offer: { en: "A visit", de: "Ein Besuch", fr: "Une visite" },
};

/** Subject of a template in a language; in English where it was not translated. */
export function subjectOf(template: (typeof templates)[number], language: string): string {
  return subjects[template][language] ?? subjects[template].en ?? "";
}

/** Text of a template. The mail system puts in the name: no agent that writes mail has read one. */
export function bodyOf(template: (typeof templates)[number], language: string): string {
  return `{{salutation}} ${subjectOf(template, language)} {{offer}} {{signature}}`;
}

/** True for a draft that is word for word what was released, in any language. */
export function isTemplate({
  template,
  subject,
  body,
}: {
  readonly template: string;
  readonly subject: string;
  readonly body: string;
}): boolean {
  const name = templates.find((one) => one === (template as Template));
  if (name === undefined) return false;
  return languages.some((language) => subjectOf(name, language) === subject && bodyOf(name, language) === body);
}
