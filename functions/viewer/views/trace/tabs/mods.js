// The Mods, Actions and Exceptions tabs.

import { h, replace } from "../../../lib/dom.js"
import { formatLeastNats, formatNats, formatNumber, formatProbability, nameToken } from "../../../lib/format.js"

const PAGE = 50

/** Draw the mod calls, with their log lines and actions. */
export function drawMods(panel, { trace: { log, passes }, goTo }) {
  if (!log.mod_calls.length) return replace(panel, h("p", { class: "faint" }, "No mod was called."))
  replace(panel, h("table", null,
    h("caption", null, "Mod calls, in order"),
    drawColumns("Token", "Mod", "Event", "Time (ms)", "Actions", "Logs"),
    drawRows(passes.length ? passes.flatMap((pass) => pass.calls) : log.mod_calls.map((call) => ({ ...call, pass: null, logs: [], actions: [] })), (call) => drawCall(call, goTo))))
}

/** Draw the body of a table, one page at a time. */
function drawRows(items, drawRow, start = 0) {
  const end = Math.min(start + PAGE, items.length)
  const more = h("button", {
    onclick: () => {
      const rest = drawRows(items, drawRow, end)
      more.closest("tr").replaceWith(...rest.childNodes)
    },
  }, `Show more (${items.length - end})`)
  return h("tbody", null, items.slice(start, end).map(drawRow), end < items.length ? h("tr", null, h("td", { colspan: 7 }, more)) : null)
}

function drawColumns(...names) {
  return h("thead", null, h("tr", null, names.map((name) => h("th", { scope: "col" }, name))))
}

function drawCall(call, goTo) {
  return h("tr", null,
    h("td", null, drawTokenLink(call.pass?.first ?? null, goTo)),
    h("th", { scope: "row" }, call.mod_name, call.exception_occurred ? h("span", { class: "bad" }, " ⚠ raised") : null),
    h("td", null, call.event_type),
    h("td", { class: "number" }, formatNumber(call.execution_time_ms)),
    h("td", null, call.actions.map((action) => action.action_type).join(", ") || "–"),
    h("td", null, call.logs.length ? call.logs.map(drawLine) : "–"))
}

/** Draw a button that goes to a token; "–" for a forward pass without one. */
function drawTokenLink(index, goTo) {
  return index === null ? "–" : h("button", { class: "place", onclick: () => goTo(index) }, `token ${index + 1}`)
}

function drawLine(line) {
  return h("p", { class: "log-line" }, h("span", { class: "level" }, line.log_level), " ", line.log_message)
}

/** Draw the actions of mods and their effects. */
export function drawActions(panel, { trace, goTo }) {
  const { log } = trace
  if (!log.actions.length && !log.interventions?.length) return replace(panel, h("p", { class: "faint" }, "No actions."))
  replace(panel, drawEffects(trace, goTo), log.actions.length ? h("table", null,
    h("caption", null, "Actions and their payloads, in order"),
    drawColumns("Token", "Action", "Handler", "Payload"),
    drawRows(log.actions, (action) => drawAction(action, trace, goTo))) : null)
}

function drawAction(action, { passes }, goTo) {
  return h("tr", null,
    h("td", null, drawTokenLink(passes[action.generation_step]?.first ?? null, goTo)),
    h("th", { scope: "row" }, action.action_type),
    h("td", null, action.block_key),
    h("td", null, h("code", null, JSON.stringify(action.payload))))
}

function drawEffects({ log, tokens }, goTo) {
  if (!log.interventions?.length) return null
  return h("table", null,
    h("caption", null, "Interventions, with the confidence over the 8 sampled tokens before and after. A change does not prove a cause."),
    drawColumns("Intervention", "Tokens", "Surprisal of first token", "Replaced", "Confidence before", "Confidence after", "Discarded"),
    drawRows(log.interventions, (one) => drawEffect(one, tokens, goTo)))
}

function drawEffect(one, tokens, goTo) {
  const index = one.first_index ?? one.discarded?.first_index ?? null
  const surprisal = (one.intervention_surprisal_is_bound ? formatLeastNats : formatNats)(one.intervention_surprisal)
  const hasInstead = one.overridden_token !== null || one.overridden_text !== null
  const instead = hasInstead ? [h("code", null, nameToken({ id: one.overridden_token, text: one.overridden_text })), ` ${formatProbability(one.overridden_prob)}`] : "–"
  const first = tokens[one.first_index]
  return h("tr", null,
    h("th", { scope: "row" }, one.action_type ?? "unreported", one.mod_name ? ` by ${one.mod_name}` : null),
    h("td", null, drawTokenLink(index, goTo), first ? [" ", h("code", null, nameToken(first)), one.last_index > one.first_index ? " …" : null] : null),
    h("td", { class: "number" }, surprisal),
    h("td", null, instead),
    h("td", { class: "number" }, formatProbability(one.sequence_confidence_before)),
    h("td", { class: "number" }, formatProbability(one.sequence_confidence_after)),
    h("td", { class: "number" }, one.discarded ? `${one.discarded.tokens} (${formatProbability(one.discarded.sequence_confidence)})` : "–"))
}

/** Draw the exceptions that mods raised. */
export function drawExceptions(panel, { trace: { log } }) {
  const raised = log.mod_calls.filter((call) => call.exception_occurred)
  if (!raised.length) return replace(panel, h("p", { class: "faint" }, "No mod raised an exception."))
  replace(panel, raised.map((call) => h("section", null,
    h("h3", null, `${call.mod_name} at ${call.event_type}, step ${call.step}`),
    h("p", { class: "bad" }, call.exception_message ?? "No message."),
    call.exception_traceback ? h("pre", { class: "traceback", tabindex: "0" }, call.exception_traceback) : null)))
}
