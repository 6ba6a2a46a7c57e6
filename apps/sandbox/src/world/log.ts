import { closeSync, fdatasyncSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { isRecord } from "./canonical.ts";
import { WorldError } from "./errors.ts";
import type { WorldLogLine } from "./world.ts";

/**
 * The log file of one world: JSON lines, append-only. A line counts only with its newline; text after the last newline
 * is what a crash left of a line that was never answered for. Anything else that cannot be read is damage, and an error.
 */

/** How far a reader has come in one file. `inode` tells a replaced file from a grown one. */
export interface LogPosition {
  readonly inode: number;
  readonly bytes: number;
  readonly lines: number;
}

export const logStart: LogPosition = { inode: 0, bytes: 0, lines: 0 };

export interface LogTail {
  /** True when the file is not the one that `from` was taken in (replaced or shortened): `lines` starts at the first. */
  readonly fresh: boolean;
  readonly lines: readonly WorldLogLine[];
  readonly position: LogPosition;
  /** Bytes after the last newline. */
  readonly tornBytes: number;
}

/** Writes the bytes at the file's end and returns how many it wrote. A seam for tests of full disks. */
export type WriteBytes = (fd: number, bytes: Buffer) => number;

const safeId = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;

/** @throws WorldError `world/id-invalid` when the id could leave the folder or is too long */
export function logPath(dir: string, worldId: string): string {
  if (!safeId.test(worldId)) {
    throw new WorldError("world/id-invalid", `"${worldId}" cannot name a world`, { worldId });
  }
  return join(dir, `${worldId}.jsonl`);
}

/**
 * The lines after `from`. A missing file is an empty log.
 * @throws WorldError `world/log-torn` when a line is not a log line, `world/log-gap` when its number is not the next
 */
export function readTail(path: string, from: LogPosition): LogTail {
  const fd = openIfThere(path);
  if (fd === undefined) return { fresh: from.lines > 0, lines: [], position: logStart, tornBytes: 0 };
  try {
    const { ino: inode, size } = fstatSync(fd);
    const fresh = from.lines > 0 && (inode !== from.inode || size < from.bytes);
    const start = fresh ? logStart : from;
    const text = readBytes(fd, start.bytes, size - start.bytes);
    const end = text.lastIndexOf(10) + 1;
    const lines = parseLines(path, text.subarray(0, end), start.lines);
    return {
      fresh,
      lines,
      position: { inode, bytes: start.bytes + end, lines: start.lines + lines.length },
      tornBytes: text.length - end,
    };
  } finally {
    closeSync(fd);
  }
}

/**
 * Adds one line after `position`, cutting away what a crash left there. The caller holds the folder's lock.
 * @param durable true: the line is on the disk (not only in the system's memory) before this returns
 * @param lasting false: not even the name of a new file is; for a folder that nobody needs once the machine has stopped
 * @throws WorldError `world/log-write-failed`; the file is cut back, so the line is not in it
 */
export function appendLine(
  path: string,
  position: LogPosition,
  line: WorldLogLine,
  {
    durable,
    lasting = true,
    write = writeAll,
  }: { readonly durable: boolean; readonly lasting?: boolean; readonly write?: WriteBytes | undefined },
): LogPosition {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
  try {
    const fd = openSync(path, "a");
    try {
      const { ino: inode, size } = fstatSync(fd);
      if (size > position.bytes) ftruncateSync(fd, position.bytes);
      try {
        const written = write(fd, bytes);
        if (written !== bytes.length) throw new Error(`only ${written} of ${bytes.length} bytes were written`);
        if (durable) fdatasyncSync(fd);
        if (size === 0 && lasting) syncFolder(dirname(path));
      } catch (error) {
        ftruncateSync(fd, position.bytes);
        throw error;
      }
      return { inode, bytes: position.bytes + bytes.length, lines: position.lines + 1 };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WorldError("world/log-write-failed", `line ${line.n} could not be written: ${reason}`, { path }, error);
  }
}

function writeAll(fd: number, bytes: Buffer): number {
  return writeSync(fd, bytes);
}

function parseLines(path: string, text: Buffer, already: number): readonly WorldLogLine[] {
  const lines: WorldLogLine[] = [];
  for (const [index, row] of text.toString("utf8").split("\n").slice(0, -1).entries()) {
    const n = already + index + 1;
    const line = parseLine(row);
    if (line === undefined) {
      throw new WorldError("world/log-torn", `line ${n} of ${path} cannot be read`, { path, line: n });
    }
    if (line.n !== n) {
      throw new WorldError("world/log-gap", `line ${n} of ${path} says it is ${line.n}`, {
        path,
        line: n,
        says: line.n,
      });
    }
    lines.push(line);
  }
  return lines;
}

function parseLine(row: string): WorldLogLine | undefined {
  try {
    const value: unknown = JSON.parse(row);
    const known =
      isRecord(value) &&
      Number.isInteger(value.n) &&
      typeof value.tool === "string" &&
      (value.effect === "read" || value.effect === "write") &&
      (value.outcome === "done" || value.outcome === "refused" || value.outcome === "duplicate");
    return known ? (value as unknown as WorldLogLine) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function readBytes(fd: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const count = readSync(fd, bytes, done, length - done, offset + done);
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** A new file is durable only when its name in the folder is. */
function syncFolder(dir: string): void {
  const fd = openSync(dir, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
