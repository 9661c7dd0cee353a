// Many requests at once: how sure the models were over time, whether that has changed, and what it is worth.

import { api } from "../lib/api.js"
import { errorNote, h, replace } from "../lib/dom.js"
import { drawCalibration } from "./overview/calibration.js"
import { drawDrift } from "./overview/drift.js"
import { drawFilters } from "./overview/filters.js"
import { drawMods } from "./overview/mods.js"
import { readPeriod, toQuery } from "./overview/period.js"
import { drawTrend, loadTrend } from "./overview/trend.js"

const SUMMARY = "/v1/confidence/summary"
const BINS = 10

/** /overview?days=…|from=…&to=…&model=…&mod=…&score=… */
export async function show(main, { address, go, signal, signIn }) {
  const parameters = address.searchParams
  const period = readPeriod(parameters)
  const query = { ...toQuery(period), model: parameters.get("model"), mod: parameters.get("mod") }
  const score = parameters.get("score") || "sequence_confidence"
  const call = (path, further = {}) => api(path, { query: { ...query, ...further }, signal })
  const all = call(SUMMARY, { group_by: period.unit }).then(({ groups }) => groups)
  const mods = api("/v1/mods", { signal }).then((answer) => answer.mods)
  const context = { call, all, period, query, parameters, score, go, signal }
  const sections = [
    ["By model", () => showTrend("model", context)],
    ["By mod", () => showTrend("mod", context)],
    ["Has it changed?", () => drawDrift(context)],
    ["Confidence against outcomes", async () => drawCalibration(await call("/v1/confidence/calibration", { score, bins: BINS }), score, signal)],
    ["What mods do", async () => drawMods(await mods)],
  ]
  replace(main,
    h("h1", null, "Overview"),
    drawFilters({ parameters, period, score, go, models: call(SUMMARY, { group_by: "model" }), mods }),
    h("div", { class: "overview" }, sections.map(([title, load], index) => drawSection(title, index, load, { signal, signIn }))))
}

async function showTrend(kind, { call, all, period, query, signal }) {
  const trend = await loadTrend(kind, { call, period, filtered: query[kind] })
  return drawTrend(kind, { ...trend, all: await all }, period, signal)
}

// Each section comes when it is there, and fails alone.
function drawSection(title, index, load, { signal, signIn }) {
  const place = h("div", null, h("p", { class: "loading" }, "Loading …"))
  const id = `overview-${index}`
  load().then((parts) => signal.aborted || replace(place, parts)).catch((error) => {
    if (signal.aborted) return
    if (error.status === 401) signIn(error.message)
    else replace(place, errorNote(error))
  })
  return h("section", { "aria-labelledby": id }, h("h2", { id }, title), place)
}
