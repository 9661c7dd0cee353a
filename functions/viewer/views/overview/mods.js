// The handlers of each mod over all requests: calls, exceptions, timings, actions and their effect. A mod has one name,
// whether the engine wraps it or not.

import { drawName, emptyState, h } from "../../lib/dom.js"
import { formatAmount, formatChange, formatCount, formatNumber, formatProbability } from "../../lib/format.js"
import { nameMod, splitHandler } from "../../lib/mods.js"
import { drawNumberCells, drawNumberHead, drawTable, drawWide } from "../../lib/parts.js"

const HEADS = ["Calls", "Exceptions", "p50 / p95 (ms)", "Surprisal", "Confidence change", "Tokens forced", "Tokens discarded"]

/** Draw the answer of GET /v1/mods as a table. */
export function drawMods(mods) {
  if (!mods.length) return emptyState("No mods", "No request has called a mod yet.")
  const caption = "All requests, regardless of the filters above. Surprisal is the mean over the first tokens of interventions. A confidence change does not prove a cause."
  return drawWide("Mods", drawTable({ class: "mods", caption, heads: ["Mod", "Handler", "Actions", ...HEADS.map(drawNumberHead)] }, mergeMods(mods).map(drawMod)))
}

/** Merge the mods with the same name: {name, found, handlers}; `found` are the mods as stored. */
function mergeMods(mods) {
  const merged = new Map()
  for (const mod of mods) {
    const name = nameMod(mod.name)
    const one = merged.get(name) ?? { name, found: [], handlers: [] }
    one.found.push(mod)
    one.handlers.push(...mod.handlers)
    merged.set(name, one)
  }
  return [...merged.values()]
}

function drawMod({ name, found, handlers }) {
  const links = found.map((mod) => [h("br"),
    h("a", { href: `/?${new URLSearchParams({ mod: mod.name })}` }, formatAmount(mod.requests, "request"))])
  const head = h("th", { scope: "rowgroup", rowspan: handlers.length }, drawName(name), links)
  return handlers.map((handler, index) => h("tr", null, index === 0 ? head : null, drawHandler(handler)))
}

function drawHandler({ block_key: key, calls, exceptions, execution_ms: time, actions, effect }) {
  const points = effect.mean_confidence_change
  const numbers = [
    formatCount(calls),
    exceptions ? h("strong", null, formatCount(exceptions)) : "0",
    time.p50 === null ? "unknown" : `${formatNumber(time.p50)} / ${formatNumber(time.p95)}`,
    effect.mean_intervention_surprisal === null ? "–" : `${formatNumber(effect.mean_intervention_surprisal)} nats`,
    points === null ? "–" : formatChange(points, (size) => `${(size * 100).toFixed(1)} points`),
    effect.forced_share ? formatProbability(effect.forced_share) : "–",
    effect.discarded_tokens ? formatCount(effect.discarded_tokens) : "–",
  ]
  const did = Object.entries(actions).map(([type, count]) => h("div", null, `${type} × ${formatCount(count)}`))
  return [h("td", null, splitHandler(key)[1] || key), h("td", null, did.length ? did : "–"),
    drawNumberCells(numbers)]
}
