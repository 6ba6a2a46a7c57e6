import { createHash } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { sha256 } from "@remit/core";

/** A body that was too long for a model, kept whole. */
export interface Artifact {
  readonly mediaType: string;
  readonly body: Uint8Array;
}

/**
 * Where bodies are kept that a model is shown a part of. The handle is made of the content, so keeping one twice is
 * keeping it once. One tenant's handle finds nothing for another.
 */
export interface ArtifactStore {
  /** @returns the handle, `[A-Za-z0-9_-]` only */
  readonly put: (tenant: string, artifact: Artifact) => Promise<string>;
  /** Undefined where there is none of that handle for that tenant, or none any more. */
  readonly get: (tenant: string, handle: string) => Promise<Artifact | undefined>;
}

/** What of a store is needed to keep: the handle, or `null` where it could not. */
export interface ArtifactKeeper {
  readonly put: (tenant: string, artifact: Artifact) => Promise<string | null>;
}

/**
 * The same store, where what cannot be kept is told to `failed` and has no handle: the answer that it belongs to was given,
 * and a write that was made is not undone by a full disk.
 */
export function keeperOf(store: ArtifactStore, failed: (reason: unknown) => void): ArtifactKeeper {
  return {
    put: async (tenant, artifact) => {
      try {
        return await store.put(tenant, artifact);
      } catch (thrown) {
        failed(thrown);
        return null;
      }
    },
  };
}

export interface MemoryArtifactsOptions {
  /** All bodies together; the oldest go first. 64 MiB when absent. */
  readonly bytesMax?: number;
}

/** Artifacts for as long as the process lives. */
export function memoryArtifacts({ bytesMax = 64 * 1024 * 1024 }: MemoryArtifactsOptions = {}): ArtifactStore {
  const kept = new Map<string, Artifact>();
  let bytes = 0;
  const drop = (key: string) => {
    bytes -= kept.get(key)?.body.byteLength ?? 0;
    kept.delete(key);
  };
  return {
    put: async (tenant, artifact) => {
      const handle = handleOf(artifact);
      const key = `${tenant}\0${handle}`;
      drop(key);
      kept.set(key, artifact);
      bytes += artifact.body.byteLength;
      for (const oldest of [...kept.keys()]) {
        if (bytes <= bytesMax || oldest === key) break;
        drop(oldest);
      }
      return handle;
    },
    get: async (tenant, handle) => kept.get(`${tenant}\0${handle}`),
  };
}

/** Artifacts as files that their owner alone may read, in a folder for each tenant. Nothing is ever removed. */
export function folderArtifacts(path: string): ArtifactStore {
  const root = resolve(path);
  // A name made of the tenant's: a tenant may be called what no folder can.
  const folderOf = (tenant: string) => join(root, sha256(tenant).slice(0, 22));
  return {
    put: async (tenant, artifact) => {
      const handle = handleOf(artifact);
      const folder = folderOf(tenant);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeWhole(join(folder, handle), artifact);
      return handle;
    },
    get: async (tenant, handle) => {
      if (!handleForm.test(handle)) return undefined;
      let file: Buffer;
      try {
        file = await readFile(join(folderOf(tenant), handle));
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw thrown;
      }
      const end = file.indexOf(0x0a);
      return { mediaType: file.toString("utf8", 0, end), body: file.subarray(end + 1) };
    },
  };
}

const handleForm = /^art_[A-Za-z0-9_-]{43}$/;

function handleOf({ mediaType, body }: Artifact): string {
  return `art_${createHash("sha256").update(`${mediaType}\n`).update(body).digest("base64url")}`;
}

/** The media type on a line of its own, then the body; on the disk before it has its name. */
function writeWhole(target: string, { mediaType, body }: Artifact): void {
  const beside = `${target}.${process.pid}.new`;
  rmSync(beside, { force: true });
  const handle = openSync(beside, "wx", 0o600);
  try {
    writeSync(handle, `${mediaType}\n`);
    for (let at = 0; at < body.byteLength; ) at += writeSync(handle, body, at);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(beside, target);
}
