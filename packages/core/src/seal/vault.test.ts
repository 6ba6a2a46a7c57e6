import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { eraseRun, erasureStream } from "../audit/erasure.ts";
import { memoryEngine } from "../engine/memory.ts";
import { keyedDigest } from "../hash.ts";
import { openBatch, verifyChain } from "../journal/chain.ts";
import { operator } from "../principal.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { readVaultKey, runCipher } from "./cipher.ts";
import { disclosureStream } from "./disclosures.ts";
import { luhnDigit, makeToken, tokenHint } from "./token.ts";
import { classStream, openVault, passingId, vaultStream } from "./vault.ts";

const run = { tenant: "acme", runId: "run_1" };
const one = readVaultKey(Buffer.alloc(32, 1));
const two = readVaultKey(Buffer.alloc(32, 2).toString("base64"));
const salt = () => "0123456789012345678901";

function vaults(journal = memoryEngine().journal) {
  const open = (keys = [one], key = run) =>
    openVault({ key, journal, now: () => 0, salt, keys, passing: { ...two, id: passingId } });
  return { journal, open };
}

const draw = (value: string) => (attempt: number) => runCipher(one, run).draw(value, attempt);

describe("tokens have the form of what they stand for", () => {
  const token = (kind: string, value: string) => makeToken(kind, value, draw(value), () => true);

  test.each([
    ["email", "Ada.Lovelace+x@example.org", /^[a-z0-9]{14}@sealed\.invalid$/],
    ["card", "4111-1111-1111-1111", /^99\d\d-\d{4}-\d{4}-\d{4}$/],
    ["iban", "DE89 3704 0044 0532 0130 00", /^ZZ\d\d \d{4} \d{4} \d{4} \d{4} \d\d$/],
    ["phone", "+1 (415) 555-2671", /^\+9 \(99\d\) \d{3}-\d{4}$/],
    ["us-ssn", "078-05-1120", /^9\d\d-\d\d-\d{4}$/],
    ["ip", "203.0.113.7", /^198\.1[89]\.\d{1,3}\.\d{1,3}$/],
    ["ip", "fe80::1", /^2001:db8(?::[0-9a-f]{1,4}){6}$/],
    ["secret", "hunter2", /^sealed_secret_[a-z0-9]{14}$/],
    ["Given Name", "Ada", /^sealed_given-name_[a-z0-9]{14}$/],
  ])("%s %s", (kind, value, form) => {
    expect(token(kind, value)).toMatch(form);
    expect(token(kind, value)).toBe(token(kind, value));
    expect(tokenHint.test(token(kind, value))).toBe(true);
  });

  test("card tokens pass Luhn's check and IBAN tokens have their check digits, whatever the value", () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^\d{12,19}$/),
        fc.stringMatching(/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/),
        (card, iban) => {
          const number = token("card", card);
          expect(number).toHaveLength(card.length);
          expect(luhnDigit(number.slice(0, -1))).toBe(number.at(-1));
          const account = token("iban", iban);
          expect(account).toHaveLength(iban.length);
          const digits = `${account.slice(4)}${account.slice(0, 4)}`.replaceAll(/[A-Z]/g, (sign) =>
            String(sign.charCodeAt(0) - 55),
          );
          expect(BigInt(digits) % 97n).toBe(1n);
        },
      ),
    );
  });

  test("whatever signs are between the digits of a value, its token is looked for in a text", () => {
    const digits = fc.array(
      fc.tuple(fc.constantFrom(..."0123456789"), fc.constantFrom("", " ", "\u00a0", "-", " – ", "_")),
      {
        minLength: 7,
        maxLength: 15,
      },
    );
    fc.assert(
      fc.property(fc.constantFrom("phone", "us-ssn", "card", "iban"), digits, (kind, pairs) => {
        const value = `${kind === "iban" ? "D E " : ""}${pairs.flat().join("")}`;
        expect(token(kind, value)).toMatch(tokenHint);
      }),
      { numRuns: 300 },
    );
  });

  test("a value whose form gives no token that is looked for gets one without a form soon", () => {
    const value = [..."5551234567"].join("\u00a0\u00a0");
    let draws = 0;
    const counted = (attempt: number) => {
      draws++;
      return draw(value)(attempt);
    };
    expect(makeToken("phone", value, counted, () => true)).toMatch(/^sealed_phone_/);
    expect(draws).toBeLessThan(200);
  });

  test("a token that something else has is not taken", () => {
    const first = token("phone", "555-0199");
    expect(makeToken("phone", "555-0199", draw("555-0199"), (free) => free !== first)).not.toBe(first);
  });
});

describe("K1–K4", () => {
  test("another process finds what was sealed, and names it the same", async () => {
    const { journal, open } = vaults();
    const first = await open();
    const token = first.seal("email", "ada@example.org", true);
    expect(await journal.read(classStream(run, "email"))).toEqual([]);
    await first.flush();
    const [batch] = await journal.read(classStream(run, "email"));
    expect(batch?.lines).toContain(token);
    expect(batch?.lines).not.toContain("ada@example.org");
    const second = await open();
    expect(second.valueOf(token)).toBe("ada@example.org");
    expect(second.seal("email", "ada@example.org", true)).toBe(token);
    expect(second.known(`x ${token}, ada@example.org`)).toMatchObject([
      { start: 2, token, isValue: false },
      { token, isValue: true },
    ]);
  });

  test.each([
    ["Han", "请联系", "谢谢"],
    ["kana", "メールは", "です"],
    ["Hangul", "메일은", "입니다"],
    ["Thai", "อีเมล", "ครับ"],
  ])("values and tokens stand beside letters of %s, which have no spaces between words", async (_, before, after) => {
    const vault = await vaults().open();
    const token = vault.seal("email", "ada@example.org", true);
    for (const [of, isValue] of [
      ["ada@example.org", true],
      [token, false],
    ] as const) {
      expect(vault.known(`${before}${of}${after}`)).toMatchObject([{ start: before.length, token, isValue }]);
    }
    vault.seal("person", "東京都千代田区", true);
    expect(vault.known("住所は東京都千代田区です")).toMatchObject([{ start: 3, end: 10, isValue: true }]);
  });

  test("a value is found behind the end of a longer number that has its beginning", async () => {
    const vault = await vaults().open();
    vault.seal("pin", "12 12", true);
    expect(vault.known("312 12 12")).toMatchObject([{ start: 4, end: 9 }]);
  });

  test("two that seal at once write each value once", async () => {
    const { journal, open } = vaults();
    const [left, right] = [await open(), await open()];
    left.seal("email", "ada@example.org", true);
    right.seal("email", "ada@example.org", true);
    right.seal("email", "bob@example.org", true);
    await Promise.all([left.flush(), right.flush(), left.flush()]);
    const lines = (await journal.read(classStream(run, "email"))).map((batch) => batch.lines).join("");
    expect(lines.match(/"token"/g)).toHaveLength(2);
    await left.refresh();
    expect(left.seal("email", "bob@example.org", true)).toBe(right.seal("email", "bob@example.org", true));
  });

  test("who waits for a flush under way waits for its values as well", async () => {
    const { journal, open } = vaults();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = {
      ...journal,
      append: async (...given: Parameters<typeof journal.append>) => held.then(() => journal.append(...given)),
    };
    const vault = await vaults(slow).open();
    vault.seal("email", "ada@example.org", true);
    const first = vault.flush();
    let done = false;
    const second = vault.flush().then(() => {
      done = true;
    });
    await Promise.resolve();
    expect(done).toBe(false);
    release();
    await Promise.all([first, second]);
    expect((await open()).isEmpty()).toBe(false);
  });

  test("under another key there are tokens and no values; with the old one beside it the run goes on as it was", async () => {
    const { open } = vaults();
    const first = await open();
    const token = first.seal("email", "ada@example.org", true);
    await first.flush();
    const blind = await open([two]);
    expect(blind.valueOf(token)).toBeUndefined();
    expect(() => blind.seal("email", "bob@example.org", true)).toThrow(
      expect.objectContaining({ code: "vault/key-missing" }),
    );
    const turned = await open([two, one]);
    expect(turned.valueOf(token)).toBe("ada@example.org");
    expect(turned.seal("email", "bob@example.org", true)).toBe(first.seal("email", "bob@example.org", true));
  });

  test("a masked value is nowhere, and its token is no value", async () => {
    const { journal, open } = vaults();
    const vault = await open([]);
    const token = vault.seal("email", "ada@example.org", false);
    await vault.flush();
    expect(vault.seal("email", "ada@example.org", false)).toBe(token);
    expect(vault.valueOf(token)).toBeUndefined();
    const again = await open([one]);
    expect(again.seal("email", token, true)).toBe(token);
    expect(again.valueOf(again.seal("email", "bob@example.org", true))).toBe("bob@example.org");
    expect(JSON.stringify(await journal.read(classStream(run, "email")))).not.toContain("box");
  });

  test("a box opens for its run and token alone", () => {
    const cipher = runCipher(one, run);
    const box = cipher.lock("t", "Ada");
    expect(cipher.unlock("t", box)).toBe("Ada");
    expect(cipher.unlock("u", box)).toBeUndefined();
    expect(runCipher(one, { ...run, tenant: "other" }).unlock("t", box)).toBeUndefined();
    expect(runCipher(two, run).unlock("t", box)).toBeUndefined();
    expect(cipher.unlock("t", `${box.slice(0, -2)}AA`)).toBeUndefined();
    expect(cipher.unlock("t", "")).toBeUndefined();
  });
});

test("names are HMACs", () => {
  const key = Buffer.alloc(32, 9);
  for (const text of ["", "Ada", "ü".repeat(200)]) {
    expect(keyedDigest(key)(text)).toEqual(createHmac("sha256", key).update(text).digest());
  }
});

test("a key has 32 bytes", () => {
  expect(() => readVaultKey("short")).toThrow(expect.objectContaining({ code: "vault/key-invalid" }));
  expect(readVaultKey(Buffer.alloc(32, 1).toString("hex"))).toEqual(one);
});

test("erasing a run drops its vault, and leaves on record what was disclosed to whom", async () => {
  const engine = memoryEngine();
  const agent = defineAgent({
    name: "echo",
    description: "Echoes.",
    instructions: "Echo.",
    model: "m",
    tools: [],
    input: z.object({ name: z.string().meta({ dataClass: "person" }) }),
    output: z.object({ name: z.string() }),
  });
  const supervisor = createSupervisor({
    agents: { echo: agent },
    entry: "echo",
    exit: "echo",
    handoffs: [],
    engine,
    vault: { key: one.bytes },
    answers: { reveals: ["person"] },
    models: { m: { id: "m", cost: "zero", generate: ({ input }) => ({ parts: [{ type: "output", value: input }] }) } },
  });
  const started = await supervisor.start({ name: "Ada Lovelace" }, { tenant: "acme" });
  expect(await started.result()).toMatchObject({ output: { name: "Ada Lovelace" } });
  const key = { tenant: "acme", runId: started.id };
  await eraseRun(engine.journal, key, { by: operator("o"), reason: "asked", now: () => 0, salt });
  const [index] = await engine.journal.read(vaultStream(key));
  const [batch] = await engine.journal.read(classStream(key, "person"));
  expect(`${index?.lines}${batch?.lines}`).not.toContain("sealed_person");
  expect(JSON.stringify(await engine.journal.read(disclosureStream(key)))).toContain("sealed_person");
  expect(await supervisor.disclosures(started.id, { tenant: "acme" })).toMatchObject([{ to: { kind: "caller" } }]);
});

test("one class is erased alone: its tokens stay, what they stood for is gone, and the chain holds", async () => {
  const engine = memoryEngine();
  const clerk = defineAgent({
    name: "clerk",
    description: "",
    model: "m",
    tools: [],
    input: z.object({ name: z.string().meta({ dataClass: "person" }), mail: z.string().meta({ dataClass: "email" }) }),
    output: z.object({ name: z.string(), mail: z.string() }),
    instructions: "",
  });
  const supervisor = createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    engine,
    vault: { key: one.bytes },
    answers: { reveals: ["*"] },
    models: { m: { id: "m", cost: "zero", generate: ({ input }) => ({ parts: [{ type: "output", value: input }] }) } },
  });
  const given = { name: "Ada Lovelace", mail: "ada@example.org" };
  const started = await supervisor.start(given, { tenant: "acme" });
  expect(await started.result()).toMatchObject({ output: given });
  const key = { tenant: "acme", runId: started.id };
  const stream = { tenant: "acme", kind: "run", id: started.id } as const;
  const before = await engine.journal.read(stream);
  const erased = await eraseRun(engine.journal, key, {
    by: operator("o"),
    reason: "asked",
    classes: ["email"],
    now: () => 0,
    salt,
  });
  expect(erased).toBe(1);
  const again = await supervisor.find(started.id, { tenant: "acme" });
  const result = (await again.result()) as { readonly output: typeof given };
  expect(result.output.name).toBe("Ada Lovelace");
  expect(result.output.mail).toMatch(/@sealed\.invalid$/);
  expect(await engine.journal.read(stream)).toEqual(before);
  expect(verifyChain(await engine.journal.read(classStream(key, "email"))).fault).toBeUndefined();
  const told = await engine.journal.read(erasureStream("acme"));
  const words = told.flatMap((batch) => openBatch(batch, "erasures"));
  expect(words.map(({ type, body }) => [type, (body as { readonly classes?: unknown }).classes])).toEqual([
    ["erasure.requested", ["email"]],
    ["run.erased", ["email"]],
  ]);
});
