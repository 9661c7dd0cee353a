// The filters of the overview. The page's address holds them.

import { formatQuery } from "../../lib/api.js"
import { drawForm, h, hide, replace } from "../../lib/dom.js"
import { nameZone } from "../../lib/format.js"
import { nameMod } from "../../lib/mods.js"
import { drawField } from "../../lib/parts.js"
import { PRESETS } from "./period.js"
import { SCORES } from "./scores.js"

const PROMISE = ["target_error", "confidence"]

/** Draw the form: {element, redraw()}. `redraw` follows a change of `parameters` outside of the form. `models`, `active` and `mods` are promises; their names become suggestions. */
export function drawFilters({ parameters, period, score, go, models, active, mods }) {
  const value = (name) => parameters.get(name) ?? ""
  const presets = h("div")
  const redraw = () => replace(presets, drawPresets(parameters, period))
  redraw()
  const element = drawForm({ class: "filters" }, (form) => submit(form, parameters, go),
    presets,
    drawField(`From (${nameZone()})`, h("input", { id: "overview-from", name: "from", type: "date", value: period.days ? "" : period.from })),
    drawField("To", h("input", { id: "overview-to", name: "to", type: "date", value: period.to })),
    drawField("Model", h("input", { id: "overview-model", name: "model", value: value("model"), list: "overview-models", maxlength: 500 })),
    drawField("Mod", h("input", { id: "overview-mod", name: "mod", value: value("mod"), list: "overview-mods", maxlength: 500 })),
    drawField("Score to compare", h("select", { id: "overview-score", name: "score" },
      Object.entries(SCORES).map(([name, one]) => h("option", { value: name, selected: name === score }, one.title)))),
    h("button", { class: "primary" }, "Apply"),
    suggest("overview-models", models.then((all) => all.map((group) => group.key))),
    suggest("overview-mods", listMods(active, mods)))
  return { element, redraw }
}

function drawPresets(parameters, period) {
  const kept = Object.fromEntries(["model", "mod", "score", ...PROMISE].map((name) => [name, parameters.get(name)]))
  return h("nav", { class: "presets", "aria-label": "Range" }, h("span", { class: "faint" }, "Days"), PRESETS.map((days) =>
    h("a", { href: `/overview${formatQuery({ ...kept, days })}`, "aria-current": period.days === days ? "true" : null },
      days === "all" ? null : hide("last "), days)))
}

// Drop the periods of the drift comparison, which are within the old range.
function submit(form, parameters, go) {
  const given = Object.fromEntries(new FormData(form))
  const days = given.from || given.to ? null : parameters.get("days")
  const promise = Object.fromEntries(PROMISE.map((name) => [name, parameters.get(name)]))
  go(`/overview${formatQuery({ days, ...given, ...promise })}`)
}

// A mod that requests name has that name; another one has the name that its calls have.
async function listMods(active, mods) {
  const names = (await active).map((group) => group.key).filter(Boolean)
  const known = new Set(names.map(nameMod))
  return [...names, ...(await mods).map((mod) => mod.name).filter((name) => !known.has(nameMod(name)))]
}

function suggest(id, names) {
  const list = h("datalist", { id })
  // Without suggestions, the user can still type a name; the section that uses the same data shows the error.
  names.then((all) => replace(list, all.filter(Boolean).map((name) => h("option", { value: name })))).catch(() => replace(list))
  return list
}
