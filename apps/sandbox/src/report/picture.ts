import type { Entry, SupervisorDefinition } from "@remit/core";
import { count, widthOf } from "../face/text.ts";
import { escapeHtml } from "./escape.ts";
import { type Box, type Layout, type Link, layered } from "./layout.ts";

/** How often a suite's runs took an edge or gave an agent work, by name. Absent: nothing is counted. */
export interface Traffic {
  readonly edges: Readonly<Record<string, number>>;
  readonly agents: Readonly<Record<string, number>>;
  /** Ends without an edge of their own: `low_confidence`, `completed`. */
  readonly ends: Readonly<Record<string, number>>;
}

/** What the runs of these entries took. */
export function trafficOf(runs: Iterable<readonly Entry[]>): Traffic {
  const traffic = { edges: {}, agents: {}, ends: {} };
  const more = (tally: Record<string, number>, name: string) => {
    tally[name] = (tally[name] ?? 0) + 1;
  };
  for (const entries of runs) {
    for (const entry of entries) {
      if (entry.type === "edge.chosen") more(traffic.edges, entry.body.edge);
      if (entry.type === "handoff.delivered") more(traffic.agents, entry.body.agent);
      if (entry.type === "run.completed") more(traffic.ends, "completed");
      if (entry.type === "run.escalated" || entry.type === "run.denied") more(traffic.ends, entry.body.reason);
    }
  }
  return traffic;
}

/** The same for several runs, one after the other. */
export function addTraffic(left: Traffic, right: Traffic): Traffic {
  const sum = (one: Traffic["edges"], other: Traffic["edges"]) => {
    const all: Record<string, number> = { ...one };
    for (const [name, number] of Object.entries(other)) all[name] = (all[name] ?? 0) + number;
    return all;
  };
  return {
    edges: sum(left.edges, right.edges),
    agents: sum(left.agents, right.agents),
    ends: sum(left.ends, right.ends),
  };
}

interface PictureBox extends Box {
  readonly style: "start" | "agent" | "person" | "fork" | "completed" | "escalated" | "denied";
  readonly lines: readonly string[];
  readonly tip: string;
  /** An agent that was given work, where that is counted. */
  readonly seen: boolean;
}

interface PictureLink extends Link {
  readonly text: string;
  readonly tip: string;
  readonly taken: number | undefined;
}

const margin = 12;

/**
 * The supervisor as an SVG element for a page that brings the styles; the words of the edges are their names.
 * @param zeros whether a number stands at edges that nobody took
 */
export function pictureOf(definition: SupervisorDefinition, traffic?: Traffic, zeros = true): string {
  const { boxes, links } = graphOf(definition, traffic, zeros);
  return drawn(boxes, links, layered(boxes, links, "start"), definition.name);
}

function graphOf(definition: SupervisorDefinition, traffic: Traffic | undefined, zeros: boolean) {
  const boxes: PictureBox[] = [];
  const links: PictureLink[] = [];
  const box = (id: string, style: PictureBox["style"], lines: readonly string[], tip = "") => {
    const round = style === "start" || style === "fork";
    const width = round
      ? 18
      : Math.max(...lines.map((line, index) => textWidth(line, index === 0 ? 15.5 : 11.5)), 44) + 26;
    const seen = style === "agent" && (traffic?.agents[lines[0] ?? ""] ?? 0) > 0;
    boxes.push({ id, style, lines, tip, seen, width, height: round ? 18 : lines.length > 1 ? 44 : 30 });
  };
  /** The second half of a way is as much taken as the first, which has the words. */
  const goesOn = (from: string, to: string, taken: number | undefined) =>
    links.push({ from, to, text: "", taken, tip: "" });
  const link = (from: string, to: string, text: string, taken: number | undefined, tip = "") => {
    const words =
      taken === undefined || (taken === 0 && !zeros) ? text : text === "" ? `${taken}×` : `${text} ${taken}×`;
    const label = words === "" ? {} : { label: { width: textWidth(words, 11.5) + 12, height: 20 } };
    links.push({ from, to, text: words, taken, tip, ...label });
  };
  const times = (of: Readonly<Record<string, number>> | undefined, name: string) => (of ? (of[name] ?? 0) : undefined);

  box("start", "start", []);
  for (const agent of definition.agents.values()) {
    const writes = agent.tools.filter(({ effect }) => effect === "write").length;
    const reads = agent.tools.length - writes;
    const tools = [...(reads > 0 ? [count(reads, "read")] : []), ...(writes > 0 ? [count(writes, "write")] : [])];
    const about = agent.team
      ? `team of ${agent.team.agents.size}`
      : `${agent.model} · ${tools.join(", ") || "no tools"}`;
    const tip = `${agent.description}\n${agent.tools.map(({ name, effect }) => `${effect} ${name}`).join("\n")}`;
    box(`agent ${agent.name}`, "agent", [agent.name, about], tip);
  }
  goesOn("start", `agent ${definition.entry}`, times(traffic?.agents, definition.entry));

  for (const [index, edge] of definition.edges.entries()) {
    const from = `agent ${edge.from}`;
    const name = edge.name.includes("->") ? "" : edge.name;
    const bound = edge.max === undefined ? "" : `at most ${edge.max} times`;
    const taken = times(traffic?.edges, edge.name);
    switch (edge.kind) {
      case "handoff":
        link(from, `agent ${edge.to}`, name, taken, bound);
        break;
      case "parallel": {
        box(`fork ${index}`, "fork", [], edge.name);
        box(`join ${index}`, "fork", [], "waits for all");
        link(from, `fork ${index}`, name, taken, bound);
        for (const branch of edge.branches) {
          link(`fork ${index}`, `agent ${branch.to}`, branch.key, undefined);
          goesOn(`agent ${branch.to}`, `join ${index}`, taken);
        }
        goesOn(`join ${index}`, `agent ${edge.join.to}`, taken);
        break;
      }
      case "question":
        box(`person ${index}`, "person", [`${edge.of} answers`], edge.name);
        link(from, `person ${index}`, name, taken, bound);
        goesOn(`person ${index}`, `agent ${edge.to}`, taken);
        break;
      case "ending":
        box(`end ${index}`, edge.status, [edge.status, name === "" ? edge.reason : name], `reason ${edge.reason}`);
        link(from, `end ${index}`, "", taken, bound);
        break;
    }
  }
  for (const { agent, atLeast, stronger } of definition.thresholds.values()) {
    const tip = stronger === undefined ? "" : `asks ${stronger} first`;
    box(`low ${agent}`, "escalated", ["escalated", `confidence < ${atLeast}`], tip);
    link(`agent ${agent}`, `low ${agent}`, "", times(traffic?.ends, "low_confidence"));
  }
  // Judges are asked about single writes; they are on nobody's way through the case.
  const { compliance, reviewer } = definition.judges;
  const gated = [...definition.tools.values()].filter(
    (tool) => tool.effect === "write" && definition.approvals.has(tool.name),
  );
  const holders = [...definition.agents.values()].filter(({ tools }) => tools.some((tool) => gated.includes(tool)));
  if (gated.length > 0 && holders.length > 0) {
    const judges = [compliance, reviewer].flatMap((agent) => (agent ? [agent] : []));
    const calls = judges.reduce((sum, { name }) => sum + (traffic?.agents[name] ?? 0), 0);
    const tip = gated.map(({ name }) => `${name}: ${definition.approvals.get(name)?.tier}`).join("\n");
    const about = judges.length > 0 ? judges.map(({ name }) => name).join(", ") : "a person";
    box("gate", "person", ["before a write", about], tip);
    for (const { name } of holders)
      link(`agent ${name}`, "gate", "", traffic ? calls : undefined, "writes of medium and high risk");
  }
  for (const exit of definition.exits) {
    box(`done ${exit}`, "completed", ["completed"]);
    link(`agent ${exit}`, `done ${exit}`, "", times(traffic?.ends, "completed"));
  }
  return { boxes, links };
}

function drawn(boxes: readonly PictureBox[], links: readonly PictureLink[], layout: Layout, name: string): string {
  const width = Math.ceil(layout.width + 2 * margin);
  const height = Math.ceil(layout.height + 2 * margin);
  const at = (number: number) => (number + margin).toFixed(1);
  const most = Math.max(1, ...links.map(({ taken }) => taken ?? 0));
  const lines = links.map(({ text, tip, taken }, index) => {
    const route = layout.routes[index];
    if (!route || route.points.length === 0) return "";
    const steps = route.points.slice(1).map((point, place) => {
      const from = route.points[place] ?? point;
      // Points come in pairs: through a label or a bend straight, between them in a curve.
      if (place % 2 === 1) return `L${at(point.x)} ${at(point.y)}`;
      const middle = (from.y + point.y) / 2;
      return `C${at(from.x)} ${at(middle)} ${at(point.x)} ${at(middle)} ${at(point.x)} ${at(point.y)}`;
    });
    const [first] = route.points;
    const weight = taken === undefined ? 1.4 : 1 + 2.2 * Math.sqrt(taken / most);
    const style = `${route.upwards ? " up" : ""}${taken === 0 ? " unused" : ""}${(taken ?? 0) > 0 ? " taken" : ""}`;
    const path = `<path class="link${style}" stroke-width="${weight.toFixed(2)}" marker-end="url(#arrow)" d="M${at(first?.x ?? 0)} ${at(first?.y ?? 0)}${steps.join("")}"/>`;
    const { label } = route;
    const words =
      label && text !== ""
        ? `<g class="words${style}"><rect x="${at(label.x - label.width / 2)}" y="${at(label.y - label.height / 2)}" width="${label.width.toFixed(1)}" height="${label.height}" rx="6"/><text x="${at(label.x)}" y="${at(label.y + 4)}">${escapeHtml(text)}</text>${tip === "" ? "" : `<title>${escapeHtml(tip)}</title>`}</g>`
        : "";
    return path + words;
  });
  const shapes = boxes.map(({ id, style, lines: texts, tip, seen }) => {
    const place = layout.boxes.get(id);
    if (!place) return "";
    const { x, y } = place;
    const title = tip.trim() === "" ? "" : `<title>${escapeHtml(tip)}</title>`;
    if (texts.length === 0)
      return `<g class="box ${style}"><circle cx="${at(x)}" cy="${at(y)}" r="${style === "start" ? 7 : 5}"/>${title}</g>`;
    const words = texts.map((text, index) => {
      const line = texts.length === 1 ? y + 5 : y - 3 + index * 16;
      return `<text class="${index === 0 ? "first" : "more"}" x="${at(x)}" y="${at(line)}">${escapeHtml(text)}</text>`;
    });
    const radius = style === "agent" ? 8 : place.height / 2;
    return `<g class="box ${style}${seen ? " seen" : ""}"><rect x="${at(x - place.width / 2)}" y="${at(y - place.height / 2)}" width="${place.width.toFixed(1)}" height="${place.height}" rx="${radius}"/>${words.join("")}${title}</g>`;
  });
  return `<svg class="picture" role="img" aria-label="The supervisor ${escapeHtml(name)}: agents and the edges between them" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"><defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0.5L7.5 4L0 7.5Z"/></marker></defs>${lines.join("")}${shapes.join("")}</svg>`;
}

/** About how wide a text is in the page's font, in pixels. */
function textWidth(text: string, size: number): number {
  return widthOf(text) * size * 0.56;
}
