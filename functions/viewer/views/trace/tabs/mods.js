// The Mod calls and Exceptions tabs.

import { h, replace } from "../../../lib/dom.js"
import { formatNumber } from "../../../lib/format.js"
import { nameMod } from "../../../lib/mods.js"
import { drawRows, drawTokenLink } from "./rows.js"

/** Draw the mod calls, with their log lines and actions. */
export function drawMods(panel, { trace, goTo }) {
  if (!trace.log.mod_calls.length) return replace(panel, h("p", { class: "faint" }, "No mod was called."))
  replace(panel, drawRows("Mod calls, in order", ["Token", "Mod", "Event", "Time (ms)", "Actions", "Logs"], listCalls(trace), (call) => drawCall(call, goTo)))
}

function listCalls({ log, passes }) {
  return passes.length ? passes.flatMap((pass) => pass.calls) : log.mod_calls.map((call) => ({ ...call, pass: null, logs: [], actions: [] }))
}

function drawCall(call, goTo) {
  return h("tr", null,
    h("td", null, drawTokenLink(call.pass?.first ?? null, goTo)),
    h("th", { scope: "row" }, nameMod(call.mod_name), call.exception_occurred ? h("span", { class: "bad" }, " ⚠ raised") : null),
    h("td", null, call.event_type),
    h("td", { class: "number" }, formatNumber(call.execution_time_ms)),
    h("td", null, call.actions.map((action) => action.action_type).join(", ") || "–"),
    h("td", null, call.logs.length ? call.logs.map(drawLine) : "–"))
}

function drawLine(line) {
  return h("p", { class: "log-line" }, h("span", { class: "level" }, line.log_level), " ", line.log_message)
}

/** Draw the exceptions that mods raised, each with a link to its token and to other requests in which the mod raised one. */
export function drawExceptions(panel, { trace, goTo, isOwn }) {
  const raised = listCalls(trace).filter((call) => call.exception_occurred)
  if (!raised.length) return replace(panel, h("p", { class: "faint" }, "No mod raised an exception."))
  replace(panel, raised.map((call) => h("section", null,
    h("h3", null, `${nameMod(call.mod_name)} at ${call.event_type}, `, drawTokenLink(call.pass?.first ?? null, goTo)),
    h("p", { class: "bad" }, call.exception_message ?? "No message."),
    isOwn ? h("p", null, h("a", { href: `/?${new URLSearchParams({ mod: call.mod_name, has_exception: "true" })}` }, `Requests with ${nameMod(call.mod_name)} and exceptions`)) : null,
    call.exception_traceback ? h("pre", { class: "traceback", tabindex: "0" }, call.exception_traceback) : null)))
}
