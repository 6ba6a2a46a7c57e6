import type { AnyAgent, AnyTool, SupervisorDefinition } from "@remit/core";

/**
 * The same team with other hands: each of its tools, those of teams inside, of judges and of undos included, is what `of`
 * makes of it. What it decides, and its hash, stay as they are, so `of` may change functions and no data.
 */
export function retooled(definition: SupervisorDefinition, of: (tool: AnyTool) => AnyTool): SupervisorDefinition {
  const made = new Map<AnyTool, AnyTool>();
  const tool = (from: AnyTool): AnyTool => {
    const known = made.get(from);
    if (known) return known;
    const other = of(from);
    const { undo } = from;
    const whole = undo ? { ...other, undo: { ...undo, tool: tool(undo.tool) } } : other;
    made.set(from, whole);
    return whole;
  };
  const agent = (from: AnyAgent): AnyAgent =>
    ({
      ...from,
      tools: from.tools.map(tool),
      ...(from.team ? { team: team(from.team) } : {}),
    }) as AnyAgent;
  const team = (from: SupervisorDefinition): SupervisorDefinition => {
    const { compliance, reviewer } = from.judges;
    return {
      ...from,
      agents: new Map([...from.agents].map(([name, one]) => [name, agent(one)])),
      judges: {
        ...(compliance ? { compliance: agent(compliance) } : {}),
        ...(reviewer ? { reviewer: agent(reviewer) } : {}),
      },
      tools: new Map([...from.tools].map(([name, one]) => [name, tool(one)])),
    };
  };
  return team(definition);
}
