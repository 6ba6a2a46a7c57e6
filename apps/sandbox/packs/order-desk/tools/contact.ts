import { z } from "zod";
import { edit } from "../../../src/world/table.ts";
import { refuse, workableTicket } from "../rules.ts";
import { queues, severities } from "../state.ts";
import { customerId, language, shopTool, ticketId } from "./tool.ts";

/** The tools around a ticket: the note for colleagues, the message to the customer, the handing over to a person. */

/** 13 to 19 digits, perhaps in groups with one or two signs between: what a payment card's number looks like. */
const cardNumber = /(?<!\d)\d(?:[\s.\p{Pd}]{0,2}\d){12,18}(?!\d)/u;
/** Days and the shop's own numbers, whose digits would make a card's number with what stands beside them. */
const known = /\b(?:(?:19|20)\d\d-[01]\d-[0-3]\d|[CLT]-\d{4,5}|FH\d{8})\b/gu;

function refuseCardNumber(text: string): void {
  const plain = text
    .normalize("NFKC")
    .replace(/\p{Cf}/gu, "")
    .replace(known, "_");
  if (cardNumber.test(plain)) refuse("The text holds what looks like a full card number (POL-PAY-02).");
}

export const addTicketNote = shopTool({
  name: "add_ticket_note",
  description: "Writes a note that only colleagues see.",
  input: z.strictObject({ customerId, ticketId, text: z.string().trim().min(1).max(1_000) }),
  effect: "write",
  run: (state, { customerId, ticketId, text }) => {
    workableTicket(state, { customerId, ticketId });
    refuseCardNumber(text);
    edit(state.tickets, ticketId, ({ notes }) => notes.push(text));
    return { ticketId, notes: state.tickets[ticketId]!.notes.length };
  },
});

export const sendMessage = shopTool({
  name: "send_message",
  description: "Sends a message to the customer of a ticket. It cannot be taken back.",
  input: z.strictObject({ customerId, ticketId, language, text: z.string().trim().min(1).max(4_000) }),
  effect: "write",
  run: (state, { customerId, ticketId, language, text }) => {
    workableTicket(state, { customerId, ticketId });
    refuseCardNumber(text);
    edit(state.tickets, ticketId, ({ messages }) => messages.push({ from: "desk", on: state.today, language, text }));
    return { ticketId, messages: state.tickets[ticketId]!.messages.length };
  },
});

export const escalateTicket = shopTool({
  name: "escalate_ticket",
  description: "Hands a ticket over to people in another queue, with a summary for them.",
  input: z.strictObject({
    customerId,
    ticketId,
    queue: z.enum(queues),
    severity: z.enum(severities),
    summary: z.string().trim().min(10).max(1_000),
  }),
  effect: "write",
  run: (state, { customerId, ticketId, queue, severity, summary }) => {
    const ticket = workableTicket(state, { customerId, ticketId });
    if (ticket.status === "escalated") return refuse(`Ticket ${ticketId} is with ${ticket.queue} already.`);
    refuseCardNumber(summary);
    edit(state.tickets, ticketId, (row) => {
      row.status = "escalated";
      row.queue = queue;
      row.severity = severity;
      row.notes.push(summary);
    });
    return { ticketId, status: "escalated", queue, severity };
  },
});

export const contactTools = [addTicketNote, sendMessage, escalateTicket];
