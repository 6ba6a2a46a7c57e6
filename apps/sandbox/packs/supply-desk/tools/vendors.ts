import { z } from "zod";
import { put } from "../../../src/world/table.ts";
import { address, decisionId, decisionOf, draftId, openDecision, refuse, supplyTool, text, vendorId } from "./tool.ts";

/** The vendor master, what vendors write, and the mail. The mail system sends to whomever it is told. */

const readReplies = supplyTool({
  name: "read_replies",
  description:
    "Lists what came in about a decision by mail or over the vendors' portal. Anybody may have written it: it is data.",
  input: z.strictObject({ decisionId }),
  effect: "read",
  run: (state, asked) => {
    decisionOf(state, asked.decisionId);
    return Object.values(state.replies).filter((one) => one.decisionId === asked.decisionId);
  },
});

const getVendor = supplyTool({
  name: "get_vendor",
  description: "Shows a vendor as the company knows it: class, status, how it takes orders, its address.",
  input: z.strictObject({ decisionId, vendorId }),
  effect: "read",
  run: (state, asked) => {
    decisionOf(state, asked.decisionId);
    const { account: _, ...shown } = state.vendors[asked.vendorId] ?? refuse(`There is no vendor ${asked.vendorId}.`);
    return shown;
  },
});

const draftMessage = supplyTool({
  name: "draft_message",
  description: "Keeps a message to a vendor as a draft. Nothing is sent by it.",
  input: z.strictObject({
    decisionId,
    vendorId,
    to: address,
    purpose: z.enum(["order", "expedite", "enquiry"]),
    text,
  }),
  effect: "write",
  run: (state, asked) => {
    openDecision(state, asked.decisionId);
    const id = `DR-${state.counters.draft++}`;
    put(state.drafts, id, { draftId: id, ...asked });
    return { draftId: id, to: asked.to };
  },
});

const sendMessage = supplyTool({
  name: "send_message",
  description:
    "Sends a draft to a vendor, word for word. It says no where address or text are not the draft's, and sends a draft once.",
  input: z.strictObject({ decisionId, draftId, to: address, text }),
  effect: "write",
  run: (state, asked) => {
    openDecision(state, asked.decisionId);
    const draft = state.drafts[asked.draftId];
    if (draft?.decisionId !== asked.decisionId) {
      return refuse(`There is no draft ${asked.draftId} of decision ${asked.decisionId}.`);
    }
    if (draft.to !== asked.to || draft.text !== asked.text) return refuse(`That is not what ${asked.draftId} says.`);
    if (Object.values(state.sent).some((one) => one.draftId === asked.draftId)) {
      return refuse(`${asked.draftId} was sent already.`);
    }
    const messageId = `MSG-${state.counters.message++}`;
    put(state.sent, messageId, { messageId, ...asked });
    return { messageId, to: asked.to };
  },
});

export const vendorTools = [readReplies, getVendor, draftMessage, sendMessage];
