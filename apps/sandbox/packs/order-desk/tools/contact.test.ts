import { beforeEach, expect, test } from "vitest";
import { openTrial, type Trial } from "../trial.ts";

let desk: Trial;
beforeEach(() => {
  desk = openTrial();
});

test("notes and messages are kept on the ticket, in order", () => {
  const { customer, ticket } = desk.fixtures.pendingOrder;
  const { ticketId } = ticket;
  const { customerId } = customer;
  desk.call("add_ticket_note", { customerId, ticketId, text: "  asked for the order number " });
  const message = { customerId, ticketId, language: "en", text: "Which order is it?" };
  expect(desk.call("send_message", message)).toEqual({ ticketId, messages: 1 });
  expect(desk.state().tickets[ticketId]).toMatchObject({
    status: "open",
    notes: ["asked for the order number"],
    messages: [{ from: "desk", on: desk.state().today, language: "en", text: "Which order is it?" }],
  });
});

test("a ticket is written to only for its own customer", () => {
  const { ticketId } = desk.fixtures.pendingOrder.ticket;
  const { customerId } = desk.fixtures.packedOrder.customer;
  const calls: readonly (readonly [string, object])[] = [
    ["send_message", { language: "en", text: "Hello." }],
    ["add_ticket_note", { text: "Hello." }],
    ["escalate_ticket", { queue: "legal", severity: "high", summary: "Speaks of a lawyer." }],
  ];
  for (const [tool, rest] of calls) {
    expect(desk.call(tool, { customerId, ticketId, ...rest })).toBe(
      `refused: Ticket ${ticketId} does not belong to customer ${customerId} (POL-PRV-01).`,
    );
  }
  expect(desk.changes()).toEqual([]);
});

test("what looks like a full card number is written nowhere", () => {
  const { customer, ticket } = desk.fixtures.pendingOrder;
  const { ticketId } = ticket;
  const { customerId } = customer;
  for (const number of [
    "4000000000000000",
    "4000 0000 0000 0000",
    "4000-0000-0000-000",
    "4000\u00a00000\u00a00000\u00a00000",
    "4000\u20130000\u20130000\u20130000",
    "4000.0000.0000.0000",
    "4000  0000  0000  0000",
    "4000\n0000\n0000\n0000",
    "\uff14\uff10\uff10\uff10 0000 0000 0000",
    "4000\u200b0000\u200b0000\u200b0000",
  ]) {
    const text = `The card is ${number}, thanks`;
    expect(desk.call("add_ticket_note", { customerId, ticketId, text })).toMatch(/POL-PAY-02/);
    expect(desk.call("send_message", { customerId, ticketId, language: "en", text })).toMatch(/POL-PAY-02/);
    expect(
      desk.call("escalate_ticket", { customerId, ticketId, queue: "payments", severity: "low", summary: text }),
    ).toMatch(/POL-PAY-02/);
  }
  const harmless = "Card ending 4821, parcel FH12345678, on 2026-03-16, order L-50001";
  expect(desk.call("add_ticket_note", { customerId, ticketId, text: harmless })).toMatchObject({ notes: 1 });
  const beside = "L-50001 2026-03-16 2026-03-17, 2026-03-16 12345, C-2001 T-8001 FH12345678";
  expect(desk.call("add_ticket_note", { customerId, ticketId, text: beside })).toMatchObject({ notes: 2 });
  expect(JSON.stringify(desk.state().tickets)).not.toContain("4000");
});

test("an escalation moves the ticket with its summary, once; it can still be written to", () => {
  const { customer, ticket } = desk.fixtures.pendingOrder;
  const { ticketId } = ticket;
  const { customerId } = customer;
  const summary = "The customer speaks of a lawyer.";
  expect(
    desk.call("escalate_ticket", { customerId, ticketId, queue: "legal", severity: "high", summary }),
  ).toMatchObject({
    status: "escalated",
  });
  expect(desk.state().tickets[ticketId]).toMatchObject({ queue: "legal", severity: "high", notes: [summary] });
  expect(desk.call("escalate_ticket", { customerId, ticketId, queue: "legal", severity: "high", summary })).toMatch(
    /is with legal already/,
  );
  const message = { customerId, ticketId, language: "en", text: "A colleague will write." };
  expect(desk.call("send_message", message)).toMatchObject({ messages: 1 });
});

test("a closed ticket and one that is not there are refused", () => {
  const { customer, ticket } = desk.fixtures.closedTicket;
  const { ticketId } = ticket;
  const { customerId } = customer;
  expect(desk.call("add_ticket_note", { customerId, ticketId, text: "x" })).toBe(
    `refused: Ticket ${ticketId} is closed.`,
  );
  expect(desk.call("send_message", { customerId, ticketId, language: "en", text: "x" })).toMatch(/is closed/);
  expect(
    desk.call("escalate_ticket", { customerId, ticketId, queue: "safety", severity: "low", summary: "ten letters" }),
  ).toMatch(/is closed/);
  expect(desk.call("add_ticket_note", { customerId, ticketId: "T-9999", text: "x" })).toBe(
    "refused: There is no ticket T-9999.",
  );
});
