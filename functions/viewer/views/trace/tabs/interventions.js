// The Interventions tab: what mods changed, grouped by mod and kind, with the effect of each group and of each change.

import { h, replace } from "../../../lib/dom.js"
import { formatAmount, formatLeastNats, formatNats, formatNumber, formatProbability, nameToken } from "../../../lib/format.js"
import { nameMod, splitHandler } from "../../../lib/mods.js"
import { drawWide } from "../../../lib/parts.js"
import { drawRows, drawTokenLink } from "./rows.js"

const MANY = 8
const COLUMNS = ["Tokens", "Surprisal of first token", "Replaced", "Confidence before", "Confidence after", "Discarded"]
const KINDS = { ForceTokens: "forced tokens", ForceOutput: "forced output", Backtrack: "backtrack", AdjustedLogits: "adjusted logits" }

/** Draw the groups, and the actions with their payloads. */
export function drawInterventions(panel, { trace, goTo }) {
  const { log } = trace
  const groups = groupInterventions(log.interventions ?? [])
  if (!log.actions.length && !groups.length) return replace(panel, h("p", { class: "faint" }, "No mod changed this request."))
  replace(panel,
    groups.length ? h("p", { class: "faint" }, "The confidence covers the 8 sampled tokens before and after. A change does not prove a cause.") : null,
    groups.map((group) => drawGroup(group, trace, goTo, groups.length === 1)),
    log.actions.length ? h("details", { class: "actions-list" }, h("summary", null, `${formatAmount(log.actions.length, "action")} with their payloads`),
      drawWide("Actions", drawRows("Actions and their payloads, in order", ["Token", "Action", "Mod", "Event", "Payload"], log.actions, (action) => drawAction(action, trace, goTo)))) : null)
}

function groupInterventions(interventions) {
  const groups = new Map()
  for (const one of interventions) {
    const [mod, kind] = [nameMod(one.mod_name) || "A mod", one.action_type ?? "unreported"]
    const key = JSON.stringify([mod, kind])
    if (!groups.has(key)) groups.set(key, { mod, kind, items: [] })
    groups.get(key).items.push(one)
  }
  return [...groups.values()]
}

function drawGroup({ mod, kind, items }, { tokens }, goTo, isAlone) {
  return h("details", { class: "group", open: isAlone && items.length <= MANY },
    h("summary", null, h("strong", null, mod), ` ${KINDS[kind] ?? kind}, ${formatAmount(items.length, "time")}`, h("span", { class: "faint" }, describeEffect(items))),
    drawWide(`Interventions of ${mod}`, drawRows(`${KINDS[kind] ?? kind}, in order`, COLUMNS, items, (one) => drawEffect(one, tokens, goTo))))
}

/** Describe the effect of a group: "confidence 31.0 % → 35.2 %, …", over the interventions with both numbers. */
function describeEffect(items) {
  const measured = items.filter((one) => one.sequence_confidence_before !== null && one.sequence_confidence_after !== null)
  const mean = (list, read) => list.reduce((sum, one) => sum + read(one), 0) / list.length
  const gone = items.reduce((sum, one) => sum + (one.discarded?.tokens ?? 0), 0)
  const pushed = items.filter((one) => one.intervention_surprisal !== null)
  const surprisal = pushed.length ? formatNats(mean(pushed, (one) => one.intervention_surprisal)) : null
  const isBound = pushed.some((one) => one.intervention_surprisal_is_bound)
  return [
    measured.length ? `confidence ${formatProbability(mean(measured, (one) => one.sequence_confidence_before))} before, ${formatProbability(mean(measured, (one) => one.sequence_confidence_after))} after` : null,
    surprisal ? `surprisal ${isBound ? "≥ " : ""}${surprisal}` : null,
    gone ? `${formatAmount(gone, "token")} discarded` : null,
  ].filter(Boolean).map((text) => ` · ${text}`).join("")
}

function drawEffect(one, tokens, goTo) {
  const index = one.first_index ?? one.discarded?.first_index ?? null
  const surprisal = (one.intervention_surprisal_is_bound ? formatLeastNats : formatNats)(one.intervention_surprisal)
  const hasInstead = one.overridden_token !== null || one.overridden_text !== null
  const instead = hasInstead ? [h("code", null, nameToken({ id: one.overridden_token, text: one.overridden_text })), ` ${formatProbability(one.overridden_prob)}`] : "–"
  const first = tokens[one.first_index]
  return h("tr", null,
    h("td", null, drawTokenLink(index, goTo), first ? [" ", h("code", null, nameToken(first)), one.last_index > one.first_index ? " …" : null] : null),
    h("td", { class: "number" }, surprisal),
    h("td", null, instead),
    h("td", { class: "number" }, formatProbability(one.sequence_confidence_before)),
    h("td", { class: "number" }, formatProbability(one.sequence_confidence_after)),
    h("td", { class: "number" }, one.discarded ? `${formatNumber(one.discarded.tokens, 0)} (${formatProbability(one.discarded.sequence_confidence)})` : "–"))
}

function drawAction(action, { passes }, goTo) {
  const [mod, event] = splitHandler(action.block_key)
  return h("tr", null,
    h("td", null, drawTokenLink(passes[action.generation_step]?.first ?? null, goTo)),
    h("th", { scope: "row" }, action.action_type),
    h("td", null, mod),
    h("td", null, event),
    h("td", null, h("code", null, JSON.stringify(action.payload))))
}
