import { type KpiReport, type Kpis, namedKpi } from "@remit/core/kpi";
import { bySize, headlines, readingText, segmentKpis } from "../face/kpi.ts";
import { escapeHtml } from "./escape.ts";

/** KPIs on the page: over all runs, and by tag. Everything that a run or a scenario names is escaped here. */
export function kpiSection({ overall, segments }: Kpis): string {
  const rows = headlines(overall).map(
    ([name, value]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  return `<section class="kpis">
<h2>KPIs</h2>
<p class="note">From the journals, by the functions that score runs in production. Rates are of runs that have ended.</p>
<div class="scroll" tabindex="0" role="region" aria-label="KPIs of all runs"><table class="headlines">${rows.join("")}</table></div>
${byTag(segments.tag ?? {})}</section>`;
}

/** Tags that do not push the scenarios out of sight. */
const openMost = 12;

function byTag(tags: Readonly<Record<string, KpiReport>>): string {
  const sorted = bySize(tags);
  if (sorted.length === 0) return "";
  const heads = segmentKpis.map(([title]) => `<th scope="col" class="number">${escapeHtml(title)}</th>`);
  const rows = sorted.map(([tag, report]) => {
    const cells = segmentKpis.map(([, name]) => {
      const { unit, read } = namedKpi(name);
      return `<td class="number">${escapeHtml(readingText(unit, read(report)))}</td>`;
    });
    return `<tr><th scope="row">${escapeHtml(tag)}</th><td class="number">${report.runs.cases.toLocaleString("en")}</td>${cells.join("")}</tr>`;
  });
  return `<details${sorted.length > openMost ? "" : " open"}><summary>By tag (${sorted.length})</summary><div class="scroll" tabindex="0" role="region" aria-label="KPIs by tag"><table class="segments"><thead><tr><th scope="col">tag</th><th scope="col" class="number">runs</th>${heads.join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div></details>
`;
}
