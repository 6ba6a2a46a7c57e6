import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { AnyTool, Json, Model, ModelResponse } from "@remit/core";
import type { Scenario } from "@remit/core/testing";
import type { Pack } from "../../apps/sandbox/src/pack.ts";

/** Values that nobody else has, one of each class, and a sentence that carries them all. */
export const canaries: Readonly<Record<string, string>> = {
  email: "quentin.canary+q7@birdsong.example.org",
  card: "4929 1122 3344 5569",
  iban: "DE75 5121 0800 1245 1261 99",
  ssn: "536-90-4399",
  phone: "+44 20 7946 0958",
  ip: "2001:db8:77:beef::5a1",
  nationalId: "756.9217.0769.85",
  token: "ghp_q7Rt5Yx2Wv9Kp4Lm8Nb3Zc6Hd1Jf0Gs5Ta7U",
  password: "canary-pw-77!q",
};

export const song = [
  `mail ${canaries.email}`,
  `card ${canaries.card}`,
  `iban ${canaries.iban}`,
  `ssn ${canaries.ssn}`,
  `call ${canaries.phone}`,
  `host ${canaries.ip}`,
  `AHV ${canaries.nationalId}`,
  `token ${canaries.token}`,
  `password: ${canaries.password}`,
].join("; ");

/** The same JSON with the song behind the last of its texts that is long enough to be words. */
export function sung(value: Json): Json {
  const at = { done: false };
  const walk = (one: Json): Json => {
    if (typeof one === "string" && !at.done && one.includes(" ")) {
      at.done = true;
      return `${one} (${song})`;
    }
    if (typeof one !== "object" || one === null) return one;
    if (Array.isArray(one)) return one.map(walk);
    return Object.fromEntries(Object.entries(one).map(([name, member]) => [name, walk(member as Json)]));
  };
  return walk(value);
}

/** A pack in which everything that comes in sings. */
export function planted(pack: Pack): Pack {
  const scenario = (one: Scenario): Scenario => ({
    ...one,
    input: sung(one.input),
    external: one.external.map((said) => {
      if (said.of === "approver") return { ...said, reason: `${said.reason}: ${song}` };
      return { ...said, answer: typeof said.answer === "string" ? `${said.answer} (${song})` : sung(said.answer) };
    }),
  });
  const tool = (one: AnyTool): AnyTool => ({
    ...one,
    execute: async (input, context) => {
      try {
        const output = (await one.execute(input, context)) as Json;
        const singing = sung(structuredClone(output));
        return one.output.safeParse(singing).success ? singing : output;
      } catch (thrown) {
        if (thrown instanceof Error) thrown.message = `${thrown.message} (${song})`;
        throw thrown;
      }
    },
  });
  return {
    ...pack,
    scenarios: () => pack.scenarios().map(scenario),
    team: (tools) => pack.team(new Map([...tools].map(([name, one]) => [name, tool(one)]))),
  };
}

/** A model that sings beside whatever it says. */
export function singing(model: Model): Model {
  const add = (response: ModelResponse): ModelResponse => ({
    ...response,
    parts: response.parts.some(({ type }) => type === "output" || type === "toolCall")
      ? [{ type: "text", text: song }, ...response.parts]
      : response.parts,
  });
  return {
    ...model,
    generate: async (request, options) => add(await model.generate(request, options)),
  };
}

/** Names of canaries, with the files of a folder in whose bytes they stand. */
export function heard(folder: string): readonly string[] {
  const found: string[] = [];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    found.push(...heardIn(readFileSync(file)).map((name) => `${name} in ${file.slice(folder.length)}`));
  }
  return found;
}

export function heardIn(bytes: Buffer | string): readonly string[] {
  const all = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
  return Object.entries(canaries).flatMap(([name, value]) =>
    all.includes(value) || all.includes(value.replaceAll(/[ -]/g, "")) || all.includes(Buffer.from(value, "utf16le"))
      ? [name]
      : [],
  );
}
