import { randomUUID } from "node:crypto";
import { chmod, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { McpError } from "../errors.ts";

/** Where tokens and the secrets of clients are kept. Whoever can read it can act in our name. */
export interface OAuthStore {
  /** What is kept under a key, as it was given. */
  readonly get: (key: string) => Promise<string | undefined>;
  /** Replaces it; `undefined` forgets it. Durable when it resolves, where the store is. */
  readonly set: (key: string, value: string | undefined) => Promise<void>;
}

/** Kept for as long as the program runs. */
export function memoryOAuthStore(): OAuthStore {
  const kept = new Map<string, string>();
  return {
    get: async (key) => kept.get(key),
    set: async (key, value) => {
      if (value === undefined) kept.delete(key);
      else kept.set(key, value);
    },
  };
}

/**
 * Kept in one file that only we may read (0600), replaced as a whole. One process at a time writes it.
 * @throws McpError `mcp/config-invalid` (from `get` and `set`) for a file that others may read, or that is not ours
 */
export function fileOAuthStore(path: string): OAuthStore {
  let last: Promise<unknown> = Promise.resolve();
  const invalid = (reason: string, cause?: unknown) =>
    new McpError("mcp/config-invalid", { server: "", reason: `the file of tokens ${path} ${reason}` }, { cause });
  const read = async (): Promise<Record<string, string>> => {
    let text: string;
    try {
      const { mode } = await stat(path);
      if (process.platform !== "win32" && (mode & 0o077) !== 0) throw invalid("can be read by others; chmod 600 it");
      text = await readFile(path, "utf8");
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return {};
      throw McpError.is(thrown) ? thrown : invalid("cannot be read", thrown);
    }
    try {
      const found: unknown = JSON.parse(text);
      if (typeof found === "object" && found !== null) return found as Record<string, string>;
    } catch {
      // Told below; what the parser says of it may hold a token.
    }
    throw invalid("is not one of ours; move it away");
  };
  const write = async (key: string, value: string | undefined) => {
    const kept = await read();
    if (value === undefined) delete kept[key];
    else kept[key] = value;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const draft = `${path}.${randomUUID()}`;
    try {
      const file = await open(draft, "wx", 0o600);
      try {
        await file.writeFile(JSON.stringify(kept));
        await file.sync();
      } finally {
        await file.close();
      }
      await chmod(draft, 0o600);
      await rename(draft, path);
    } catch (thrown) {
      await rm(draft, { force: true });
      throw invalid("cannot be written", thrown);
    }
  };
  /** One after the other, so that no change is lost. */
  const inTurn = <Value>(work: () => Promise<Value>): Promise<Value> => {
    const turn = last.then(work, work);
    last = turn.catch(() => {}); // Told to who asked for it.
    return turn;
  };
  return {
    get: (key) => inTurn(async () => (await read())[key]),
    set: (key, value) => inTurn(() => write(key, value)),
  };
}
