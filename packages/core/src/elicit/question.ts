import { z } from "zod";
import { hashJson } from "../hash.ts";
import { canonicalJson, findNonJson, notJsonText } from "../json.ts";
import { once } from "../once.ts";
import { type Parsed, parseWith } from "../schema.ts";

/**
 * What a tool under way may ask a person: to fill in a flat form, or to open a page. All of it is text of the tool's
 * server, so it is bounded and read member by member; what is not known is left out and reaches nobody.
 *
 * Q1 A form has primitive fields only, as the Model Context Protocol defines them (elicitation, 2025-11-25 §form mode).
 * Q2 A page is `http` or `https`, without a name or a password in its address.
 * Q3 A `pattern` is shown and never run: it is somebody else's regular expression.
 */
export type ToolQuestion =
  | { readonly mode: "form"; readonly message: string; readonly schema: FormSchema }
  | { readonly mode: "url"; readonly message: string; readonly url: string };

/** What may be said to a question. `content` comes with an accepted form only. */
export type ToolAnswer =
  | { readonly action: "accept"; readonly content?: FormContent }
  | { readonly action: "decline" }
  | { readonly action: "cancel" };

/** Values by field. */
export type FormContent = { readonly [field: string]: string | number | boolean | readonly string[] };

const messageChars = 4_000;
const wordChars = 1_000;
const fieldsMax = 50;
const choicesMax = 200;
const urlChars = 2_048;
const schemaBytes = 32_768;

const schemas = once(() => {
  const word = z.string().max(wordChars);
  const told = { title: word.optional(), description: word.optional() };
  const count = z.int().min(0);
  const choice = z.object({ const: word, title: word });

  const formField = z.union([
    z.object({ ...told, type: z.literal("boolean"), default: z.boolean().optional() }),
    z.object({
      ...told,
      type: z.enum(["number", "integer"]),
      minimum: z.number().optional(),
      maximum: z.number().optional(),
      default: z.number().optional(),
    }),
    z.object({
      ...told,
      type: z.literal("string"),
      enum: z.array(word).min(1).max(choicesMax),
      enumNames: z.array(word).max(choicesMax).optional(),
      default: word.optional(),
    }),
    z.object({
      ...told,
      type: z.literal("string"),
      oneOf: z.array(choice).min(1).max(choicesMax),
      default: word.optional(),
    }),
    z.object({
      ...told,
      type: z.literal("string"),
      minLength: count.optional(),
      maxLength: count.optional(),
      pattern: word.optional(),
      format: z.enum(["email", "uri", "date", "date-time"]).optional(),
      default: word.optional(),
    }),
    z.object({
      ...told,
      type: z.literal("array"),
      minItems: count.optional(),
      maxItems: count.optional(),
      items: z.union([
        z.object({ type: z.literal("string"), enum: z.array(word).min(1).max(choicesMax) }),
        z.object({ anyOf: z.array(choice).min(1).max(choicesMax) }),
      ]),
      default: z.array(word).max(choicesMax).optional(),
    }),
  ]);

  const fieldName = z
    .string()
    .min(1)
    .max(100)
    .refine((name) => !/\p{C}/u.test(name), "not a field's name");

  const formSchema = z
    .object({
      type: z.literal("object"),
      properties: z.record(fieldName, formField),
      required: z.array(fieldName).max(fieldsMax).optional(),
    })
    .refine(({ properties }) => Object.keys(properties).length <= fieldsMax, `more than ${fieldsMax} fields`)
    .refine(
      ({ properties, required = [] }) => required.every((name) => Object.hasOwn(properties, name)),
      "a required field is not among the properties",
    )
    .refine((schema) => Buffer.byteLength(canonicalJson(schema)) <= schemaBytes, `more than ${schemaBytes} bytes`);

  const message = z.string().min(1).max(messageChars);
  const toolQuestion = z.discriminatedUnion("mode", [
    z.object({ mode: z.literal("form"), message, schema: formSchema }),
    z.object({
      mode: z.literal("url"),
      message,
      url: z.string().max(urlChars).refine(isPage, "not an http or https address without a name and a password"),
    }),
  ]);
  return { formField, formSchema, toolQuestion };
});
type Schemas = ReturnType<typeof schemas>;

export type FormField = Immutable<z.output<Schemas["formField"]>>;
/** JSON Schema of a form: an object of flat primitive fields. */
export type FormSchema = Immutable<z.output<Schemas["formSchema"]>>;
type Immutable<T> = T extends object ? { readonly [Key in keyof T]: Immutable<T[Key]> } : T;

/** A question as a tool gives it, checked and cut down to what is known. */
export function readQuestion(given: unknown): Parsed<ToolQuestion> {
  const fault = findNonJson(given);
  if (fault) return { ok: false, issues: [{ pointer: fault.pointer, message: notJsonText(fault) }] };
  const read = parseWith(schemas().toolQuestion, given);
  // Members without a value are no members of JSON.
  return read.ok ? { ok: true, value: JSON.parse(JSON.stringify(read.value)) as ToolQuestion } : read;
}

/** The same question has the same hash, in whatever order its members come. */
export function questionHash(question: ToolQuestion): string {
  return hashJson(question);
}

function isPage(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null &&
    (url.protocol === "https:" || url.protocol === "http:") &&
    url.username === "" &&
    url.password === ""
  );
}
