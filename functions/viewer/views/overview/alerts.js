// Alerts: list, create, test, pause and delete them, and see their recent webhooks.

import { api, viewPath } from "../../lib/api.js"
import { announce, drawTwoStep, emptyState, errorNote, h, redraw, replace } from "../../lib/dom.js"
import { formatAge, formatNumber, formatProbability, formatTime } from "../../lib/format.js"
import { drawSecret, drawTable, drawWide } from "../../lib/parts.js"
import { drawNewAlert, KINDS } from "./alert_form.js"
import { describeScore } from "./scores.js"

const PATH = "/v1/alerts"
const EVENTS = 20

/** Load the alerts and their events, and draw the section. Each change loads them again. */
export async function drawAlerts({ signal, signIn }) {
  const list = h("div", null)
  const note = h("div", { class: "alert-note", tabindex: -1 })
  const load = async () => {
    const [{ alerts }, { events }] = await Promise.all([
      api(PATH, { query: { limit: 100 }, signal }),
      api(`${PATH}/feed`, { query: { limit: EVENTS }, signal }),
    ])
    redraw(list, note, drawList(alerts, attempt), drawEvents(events))
  }
  // Run a change, show its result or error above the list, and load the list again.
  const attempt = async (change) => {
    try {
      const shown = await change()
      await load()
      if (!signal.aborted) replace(note, shown)
    } catch (error) {
      if (error.status === 401) signIn(error.message)
      else if (!signal.aborted) replace(note, errorNote(error))
    }
  }
  await load()
  return [note, list, drawNewAlert((body) => attempt(async () => drawCreated(await api(PATH, { method: "POST", body, signal }))))]
}

function drawCreated({ name, secret }) {
  announce(`Alert ${name} created.`)
  return drawSecret(secret, h("strong", null, "Signing secret"), " of ", name, ". It is not shown again.")
}

function drawList(alerts, attempt) {
  if (!alerts.length) return emptyState("No alerts", "Create an alert to send a webhook when a request is uncertain, or when requests stop.")
  const heads = ["Name", "Fires when", "Webhook to", "State", "Actions"]
  return drawWide("Alerts", drawTable({ class: "alerts", "aria-label": "Alerts", heads }, alerts.map((alert) => drawAlert(alert, attempt))))
}

function drawAlert(alert, attempt) {
  const path = `${PATH}/${alert.id}`
  const test = () => attempt(async () => drawResult(alert, await api(`${path}/test`, { method: "POST" })))
  const pause = () => attempt(async () => {
    await api(path, { method: "PATCH", body: { active: !alert.active } })
    announce(`Alert ${alert.name} ${alert.active ? "paused" : "resumed"}.`)
  })
  const remove = () => attempt(async () => {
    await api(path, { method: "DELETE" })
    announce(`Alert ${alert.name} deleted.`)
  })
  const button = (text, focus, onclick) => h("button", { class: "quiet", "data-focus": `${focus} ${alert.id}`, "aria-label": `${text} ${alert.name}`, onclick }, text)
  return h("tr", null,
    h("th", { scope: "row" }, alert.name),
    h("td", null, describeRule(alert)),
    h("td", null, h("code", null, alert.url)),
    h("td", null, alert.active ? "active" : "paused"),
    h("td", { class: "actions" }, button("Test", "test", test), button(alert.active ? "Pause" : "Resume", "pause", pause), drawTwoStep("Delete", alert.name, remove)))
}

function drawResult(alert, event) {
  if (event.status === "delivered") return h("p", { class: "note", role: "status" }, `The receiver of ${alert.name} accepted the test.`)
  return h("p", { class: "error", role: "alert" }, `The test of ${alert.name} failed: ${event.error}.`)
}

/** Describe when an alert fires: "sequence confidence < 20.0 %, model m". */
function describeRule({ kind, score, threshold, share, window_s: seconds, filters }) {
  const shown = score ? describeScore(score) : null
  const beyond = shown && `${shown.title} ${isUncertainAbove(score) ? ">" : "<"} ${shown.format(threshold)}`
  const window = seconds ? describeSeconds(seconds) : null
  const rules = {
    threshold: () => `${beyond}${window ? `, at most once in ${window}` : ""}`,
    exception: () => `exception or failed call${window ? `, at most once in ${window}` : ""}`,
    rate: () => `${beyond} in at least ${formatProbability(share)} of the requests of ${window}`,
    drift: () => `${shown.title} has drifted by ${formatNumber(threshold)} in ${window}`,
    change: () => `the model has changed in ${window}`,
    silence: () => `no request in ${window}`,
  }
  const rule = rules[kind]?.() ?? KINDS[kind] ?? kind
  const named = Object.entries(filters).filter(([, value]) => value !== null)
  return [rule, ...named.map(([name, value]) => `${name.replace(/_/g, " ")} ${value}`)].join(", ")
}

const ABOVE = new Set(["perplexity", "sequence_nll", "mean_token_entropy", "low_confidence_fraction"])

function isUncertainAbove(score) {
  return ABOVE.has(score)
}

function describeSeconds(seconds) {
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (seconds % size === 0) return `${seconds / size} ${unit}${seconds === size ? "" : "s"}`
  }
  return `${seconds} seconds`
}

function drawEvents(events) {
  if (!events.length) return null
  const heads = ["Time", "Alert", "About", "Value", "Webhook"]
  return h("details", { open: true }, h("summary", null, "Recent events"),
    drawWide("Recent events", drawTable({ class: "alerts", "aria-label": "Recent events", heads }, events.map(drawEvent))))
}

function drawEvent(event) {
  const about = event.request_id
    ? h("a", { href: viewPath(event.request_id) }, event.request_id)
    : event.window ? `${formatTime(event.window.from)} to ${formatTime(event.window.to)}` : event.kind
  const state = { waiting: `waiting, ${event.attempts} of 8 attempts`, delivered: "delivered", failed: "failed" }[event.status] ?? event.status
  return h("tr", null,
    h("td", { title: formatTime(event.created_at) }, formatAge(event.created_at)),
    h("td", null, event.alert_name),
    h("td", null, about),
    h("td", { class: "number" }, event.value === null ? "–" : formatNumber(event.value, 3)),
    h("td", null, state, event.error ? h("div", { class: "faint" }, event.error) : null))
}
