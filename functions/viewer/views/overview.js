// Statistics over many requests: confidence over time, drift, calibration, risk and coverage, alerts and mods.

import { api, formatQuery } from "../lib/api.js"
import { announce, drawLoading, errorNote, h, replace } from "../lib/dom.js"
import { readZone } from "../lib/format.js"
import { drawAlerts } from "./overview/alerts.js"
import { loadCalibration } from "./overview/calibration.js"
import { drawDrift } from "./overview/drift.js"
import { drawFilters } from "./overview/filters.js"
import { drawMods } from "./overview/mods.js"
import { readPeriod, toQuery } from "./overview/period.js"
import { drawRisk } from "./overview/risk.js"
import { drawTrend, loadLines } from "./overview/trend.js"

const SUMMARY = "/v1/confidence/summary"
const SECTION_LINES = 8

/** Show /overview?days=…|from=…&to=…&model=…&mod=…&score=…&target_error=…&confidence=… */
export async function show(main, { address, go, signal, signIn }) {
  const parameters = address.searchParams
  const period = readPeriod(parameters)
  const query = { ...toQuery(period), model: parameters.get("model"), mod: parameters.get("mod") }
  const score = parameters.get("score") || "sequence_confidence"
  const call = (path, further = {}) => api(path, { query: { ...query, ...further }, signal })
  const summarize = (grouping) => share(call(SUMMARY, { group_by: grouping, time_zone: readZone() }).then(({ groups }) => groups))
  const groups = { all: summarize(period.unit), model: summarize("model"), mod: summarize("mod") }
  const mods = share(api("/v1/mods", { signal }).then((answer) => answer.mods))
  const context = { call, groups, period, query, parameters, score, go, signal }
  const list = (path) => api(path, { signal })
  let above = []
  const filters = drawFilters({ parameters, period, score, go, models: groups.model, active: groups.mod, mods })
  const draw = (title, load) => {
    const section = drawSection(title, load, { above, change, signal, signIn })
    above = [...above, section.settled]
    return section.element
  }
  // The form of a section changes the address, but draws only its section again.
  const change = (given) => {
    for (const [name, value] of Object.entries(given)) value ? parameters.set(name, value) : parameters.delete(name)
    history.pushState(null, "", `/overview${formatQuery(Object.fromEntries(parameters))}`)
    filters.redraw()
  }
  replace(main,
    h("h1", null, "Overview"),
    filters.element,
    h("div", { class: "overview" },
      h("div", null, draw("By model", () => showTrend("model", context)), draw("Drift", (again) => drawDrift({ ...context, again }))),
      h("div", null, draw("By mod", () => showTrend("mod", context)), draw("Calibration", () => loadCalibration({ ...context, list }))),
      draw("Risk and coverage", (again) => drawRisk({ ...context, again })),
      draw("Alerts", () => drawAlerts({ signal, signIn })),
      draw("Mod effects", async () => drawMods(await mods))))
}

async function showTrend(kind, { call, groups, period, query, go, signal }) {
  const found = await groups[kind]
  const lines = await loadLines(kind, found, { call, period, filtered: query[kind] })
  return drawTrend(kind, { groups: found, lines, all: await groups.all }, period, { query, go, signal })
}

// Several sections await this promise and show its error; this handler avoids an unhandled rejection.
function share(promise) {
  promise.catch(() => null)
  return promise
}

// Each section loads and fails independently. It is hidden until those above it are complete, so that nothing moves.
function drawSection(title, load, { above, change, signal, signIn }) {
  const container = h("div", null, drawLoading(SECTION_LINES))
  const id = `overview ${title}`.toLowerCase().replace(/\W+/g, "-")
  const element = h("section", { "aria-labelledby": id, hidden: above.length > 0 }, h("h2", { id }, title), container)
  Promise.all(above).then(() => { element.hidden = false })
  const fill = () => load(again).then((parts) => signal.aborted || replace(container, parts)).catch((error) => {
    if (signal.aborted) return
    if (error.status === 401) signIn(error.message)
    else replace(container, errorNote(error))
  })
  const again = async (given) => {
    change(given)
    await fill()
    if (signal.aborted) return
    announce(`${title} updated.`)
    container.querySelector("form button")?.focus()
  }
  return { element, settled: fill() }
}
