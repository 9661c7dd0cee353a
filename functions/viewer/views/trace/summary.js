// A summary in words: how the answer ended, what mods did, exceptions, speed and sampling parameters.

import { announce, h } from "../../lib/dom.js"
import { formatAmount, formatCount, formatDuration, formatNumber } from "../../lib/format.js"
import { nameMod } from "../../lib/mods.js"
import { linkTo } from "./address.js"

const STOPPED = new Set(["stop", "end_turn", "eos", "eos_token", "stop_sequence", "stop_token", "complete", "completed", "finish"])
const CUT = new Set(["length", "max_tokens", "max_output_tokens", "max_length", "model_length"])
const FILTERED = new Set(["content_filter", "safety", "recitation", "refusal", "blocklist", "prohibited_content"])
const CALLED = new Set(["tool_calls", "tool_use", "function_call"])
const LIMITS = ["max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens", "max_new_tokens", "n_predict", "num_predict"]
const SHOWN_EXCEPTIONS = 3

/** Draw the sentences. `onToken(index)` goes to a token. */
export function drawSummary(trace, onToken) {
  const sentences = [describeEnding(trace, onToken), ...describeMods(trace, onToken), ...describeExceptions(trace, onToken)]
  return h("div", { class: "summary" },
    h("p", { class: "story" }, sentences.map((sentence, index) => [index ? " " : null, sentence])),
    h("p", { class: "facts" }, drawSettings(trace.log)))
}

/** Describe how the answer ended. An action of a mod that ends the generation is the ending, whatever the engine reports. */
function describeEnding(trace, onToken) {
  const { log } = trace
  const ending = findEndingAction(log)
  if (ending) {
    const [mod, place] = [callerOf(trace, ending), placeOf(trace, ending.generation_step)]
    const link = place === null ? null : [" at ", drawLink(place, onToken)]
    if (ending.action_type === "EmitError") {
      const message = ending.payload?.error_message
      return h("span", { class: "bad" }, `⚠ ${mod} ended the request with an error`, link, typeof message === "string" && message ? `: ${message}` : ".")
    }
    const names = listToolNames(ending.payload)
    return h("span", null, `${mod} ended the request with ${names.length ? `${formatAmount(names.length, "tool call")} (${names.join(", ")})` : "tool calls"}`, link, ".")
  }
  if (log.error) return h("span", { class: "bad" }, `⚠ The call failed: ${log.error}`)
  return describeReason(trace)
}

function findEndingAction({ actions }) {
  return actions.findLast((action) => action.action_type === "EmitError" || action.action_type === "ToolCalls")
}

function describeReason({ log, tokens }) {
  const reason = log.eos_reason
  const name = (reason ?? "").toLowerCase()
  const kept = tokens.filter((token) => !token.discarded).length
  const limit = findLimit(log)
  const after = kept ? ` after ${formatAmount(kept, "token")}` : ""
  if (CUT.has(name)) return `Cut off at the limit${limit === null ? "" : ` of ${formatAmount(limit, "token")}`} (${reason}).`
  if (FILTERED.has(name)) return h("span", { class: "bad" }, `⚠ Stopped by a filter (${reason}).`)
  if (CALLED.has(name)) return `Ended with tool calls (${reason}).`
  if (STOPPED.has(name)) return `Stopped${after} (${reason}).`
  if (reason) return `Ended${after}: ${reason}.`
  if (!kept) return log.final_text ? "The trace has the text of the answer, but no tokens." : "The request has no answer."
  if (limit !== null && kept >= limit) return `Cut off at the limit of ${formatAmount(limit, "token")}.`
  return limit === null ? `Ended after ${formatAmount(kept, "token")}.` : `Stopped after ${formatAmount(kept, "token")}, before the limit of ${formatCount(limit)}.`
}

function findLimit({ sampling, max_steps: steps }) {
  const limit = LIMITS.map((name) => sampling?.[name]).find((value) => typeof value === "number") ?? steps
  return typeof limit === "number" && limit > 0 ? limit : null
}

/** List the names of the called tools, as far as the action reports them. */
function listToolNames(payload) {
  const calls = Array.isArray(payload?.tool_calls) ? payload.tool_calls : [payload?.tool_calls].filter((one) => one && typeof one === "object")
  return calls.map((call) => call?.function?.name ?? call?.name ?? "unnamed").map(String)
}

/** Describe what each mod did: "ban_the adjusted the logits 60 times." Each change is a link to its tokens. */
function describeMods(trace, onToken) {
  const { log, tokens } = trace
  const names = [...new Set([...log.mod_calls.map((call) => nameMod(call.mod_name)), ...tokens.map((token) => nameMod(token.forcedBy))])].filter(Boolean)
  if (!names.length) return [log.active_mod ? `${nameMod(log.active_mod.name)} was never called.` : "No mod was active."]
  return names.map((name) => {
    const calls = log.mod_calls.filter((call) => nameMod(call.mod_name) === name)
    const did = listChanges(trace, name).map(([text, places]) => drawChange(text, places, onToken))
    const ending = findEndingAction(log)
    if (!did.length && ending && callerOf(trace, ending) === name) return null
    return did.length ? h("span", null, `${name} `, joinParts(did), ".") : `${name} was called ${formatTimes(calls.length)} and changed nothing.`
  }).filter(Boolean)
}

/** List what a mod did as [text, places]; the places are indexes of tokens. The ending is described separately. */
function listChanges(trace, name) {
  const { log, tokens } = trace
  const ending = findEndingAction(log)
  const find = (type) => log.actions.filter((action) => action !== ending && action.action_type === type && callerOf(trace, action) === name)
  const placesOf = (actions) => actions.map((action) => placeOf(trace, action.generation_step)).filter((place) => place !== null)
  const [prefills, adjusted, backtracks, calls, errors] = ["AdjustedPrefill", "AdjustedLogits", "Backtrack", "ToolCalls", "EmitError"].map(find)
  const forced = tokens.filter((token) => token.forced && nameMod(token.forcedBy) === name)
  const removals = (log.interventions ?? []).filter((one) => one.discarded && nameMod(one.mod_name) === name)
  const gone = removals.reduce((sum, one) => sum + one.discarded.tokens, 0)
  const tries = formatAmount(backtracks.length, "backtrack")
  return [
    prefills.length && ["changed the prompt", []],
    adjusted.length && [`adjusted the logits ${formatTimes(adjusted.length)}`, placesOf(adjusted)],
    backtracks.length && (gone
      ? [`removed ${formatAmount(gone, "token")} in ${tries}`, removals.map((one) => one.discarded.first_index)]
      : [`tried ${tries} without removing a token`, placesOf(backtracks)]),
    forced.length && [`forced ${formatAmount(forced.length, "token")}`, forced.filter((token) => token.startsRun).map((token) => token.index)],
    calls.length && ["called tools", placesOf(calls)],
    errors.length && ["raised an error", placesOf(errors)],
  ].filter(Boolean)
}

/** Draw a change as a link to its places. Each click goes to the next place. */
function drawChange(text, places, onToken) {
  if (!places.length) return text
  let visits = 0
  const follow = (event) => {
    event.preventDefault()
    const visit = visits % places.length
    onToken(places[visit])
    announce(`${visit + 1} of ${formatCount(places.length)}.`)
    visits += 1
  }
  const title = places.length > 1 ? `Go to the first of ${formatCount(places.length)} places; click again for the next` : null
  return h("a", { href: linkTo(places[0]), title, onclick: follow }, text)
}

function describeExceptions({ log, passes }, onToken) {
  const raised = log.mod_calls.filter((call) => call.exception_occurred)
  const placed = new Map(passes.flatMap((pass) => pass.calls.map((call) => [call.id, pass.first])))
  const shown = raised.slice(0, SHOWN_EXCEPTIONS).map((call) => {
    const place = placed.get(call.id) ?? null
    return h("span", { class: "bad" }, `⚠ ${nameMod(call.mod_name)} raised an exception`, place === null ? null : [" at ", drawLink(place, onToken)],
      call.exception_message ? `: ${call.exception_message}` : ".")
  })
  return raised.length > shown.length ? [...shown, `${formatCount(raised.length - shown.length)} more exceptions are listed below.`] : shown
}

function drawSettings({ inference_stats: stats, sampling, events }) {
  const ms = stats?.wall_time_ms
  const speed = stats?.avg_tokens_per_sec
  const first = findTimeToFirst(events)
  const facts = [
    typeof ms === "number" ? formatDuration(ms) : null,
    typeof speed === "number" ? `${formatNumber(speed, speed < 10 ? 1 : 0)} tokens/s` : null,
    first === null ? null : `first token after ${formatDuration(first)}`,
    typeof stats?.prompt_tokens === "number" ? `${formatAmount(stats.prompt_tokens, "prompt token")}` : null,
    ...Object.entries(sampling ?? {}).map(([name, value]) => `${name} ${value}`),
  ].filter(Boolean)
  return facts.flatMap((fact, index) => [index ? " · " : null, h("span", null, fact)])
}

// Engines that send whole seconds only would show 0 ms.
function findTimeToFirst(events) {
  const [begin, first] = [events[0], events.find((event) => event.event_type === "Added")].map((event) => Date.parse(event?.created_at ?? ""))
  return first > begin ? first - begin : null
}

/** Return the index of the first token of a forward pass, or null. */
export function placeOf({ passes }, step) {
  return passes[step]?.first ?? null
}

/** Return the name of the mod whose call requested an action. */
function callerOf({ log }, action) {
  return nameMod(log.mod_calls[action.mod_id - 1]?.mod_name) || "a mod"
}

/** Draw a button that goes to a token. */
export function drawLink(index, onToken) {
  return h("button", { class: "place", onclick: () => onToken?.(index) }, `token ${index + 1}`)
}

function formatTimes(count) {
  return count === 1 ? "once" : count === 2 ? "twice" : `${formatCount(count)} times`
}

function joinParts(parts) {
  return parts.flatMap((part, index) => [index ? (index === parts.length - 1 ? " and " : ", ") : null, part])
}
