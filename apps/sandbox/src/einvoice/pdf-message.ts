import type { MessagePort } from "node:worker_threads";
import type { Json } from "@remit/core";
import type { InvoiceErrorCode } from "./errors.ts";

/** What passes between the reader of PDFs and its thread, and what comes of a PDF. */

export interface PdfLimits {
  /** Of the file. */
  readonly bytes: number;
  readonly pages: number;
  /** Of the text, over all pages. */
  readonly characters: number;
  /** Over all pages. */
  readonly lines: number;
  /** In one line. */
  readonly cells: number;
  /** Files that are attached. */
  readonly attachments: number;
  /** Of the electronic invoice that is attached, unpacked. */
  readonly attachedBytes: number;
  /** By which the memory of the process may grow while one PDF is read. */
  readonly memoryBytes: number;
  /** For one PDF, from when the thread is ready. */
  readonly limitMs: number;
}

/** A piece of text with nothing wider than a blank in it. */
export interface PdfCell {
  /** From the left edge of the page, in points. */
  readonly x: number;
  readonly width: number;
  readonly text: string;
}

export interface PdfLine {
  /** From 1. */
  readonly page: number;
  /** On its page, from the top, from 1. */
  readonly line: number;
  /** From left to right. */
  readonly cells: readonly PdfCell[];
}

/** A PDF as it is kept: plain JSON. All of it is text of whoever made the file. */
export interface PdfContent {
  readonly pages: number;
  readonly lines: readonly PdfLine[];
  /** The electronic invoice that is attached under one of the usual names. */
  readonly attached?: { readonly name: string; readonly contentBase64: string };
  /** Files that are attached beside it; nothing of them is read. */
  readonly others: number;
}

export interface PdfRequest {
  readonly bytes: Uint8Array;
  readonly limits: PdfLimits;
  /** Where the answer goes. */
  readonly port: MessagePort;
  /** Shared: one of `pdfStages`. */
  readonly stage: Int32Array;
}

export const pdfStages = { asked: 0, begun: 1, answered: 2 } as const;

export type PdfAnswer =
  | { readonly content: PdfContent }
  | { readonly code: InvoiceErrorCode; readonly data: { readonly [key: string]: Json } };
