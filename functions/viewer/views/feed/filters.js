// The filters of the feed. The page's address holds them under the parameter names of GET /logs, and a period such as 24h.

import { api, listCollections } from "../../lib/api.js"
import { h, replace } from "../../lib/dom.js"
import { formatCount, fromField, nameZone, toField } from "../../lib/format.js"

const PERIODS = { "15m": 900, "1h": 3600, "24h": 86400, "7d": 604800, "30d": 2592000 }
const RANGE = "range"
const TIMES = [
  ["", "All time"], ["15m", "Last 15 minutes"], ["1h", "Last hour"], ["24h", "Last 24 hours"], ["7d", "Last 7 days"],
  ["30d", "Last 30 days"], [RANGE, "From … to …"],
]
// `facet` is the list of /v1/facets with a field's values; `many` loads them when "More filters" is opened.
const USUAL = [
  { name: "q", label: "Search", type: "search", hint: "Words, the start of an id, or id:…" },
  { name: "period", label: "Time", options: TIMES },
  { name: "model", label: "Model", options: [["", "All models"]], facet: "models" },
  { name: "mod", label: "Mod", options: [["", "Any"]], facet: "mods" },
  { name: "tag", label: "Tag", options: [["", "Any"]], facet: "tags" },
  { name: "max_confidence", label: "Max confidence (%)", type: "percent" },
  { name: "sort", label: "Order", options: [["", "Newest first"], ["confidence", "Least confident first"]] },
]
const FURTHER = [
  { name: "min_confidence", label: "Min confidence (%)", type: "percent" },
  { name: "has_exception", label: "Exceptions", options: [["", "Any"], ["true", "With exceptions"], ["false", "Without exceptions"]] },
  { name: "source", label: "Source", options: [["", "Any"]], facet: "sources" },
  { name: "group_id", label: "Group" },
  { name: "api_key", label: "User", options: [["", "All users"]], many: listUsers },
  { name: "favorited_by", label: "Favorited by" },
  { name: "collection_id", label: "Collection", options: [["", "Any"]], many: countCollections },
]
const BETWEEN = [
  { name: "created_from", label: "Created from", type: "datetime-local" },
  { name: "created_to", label: "Created before", type: "datetime-local" },
]
const FIELDS = [...USUAL, ...BETWEEN, ...FURTHER]

/** Read the filters from the parameters of an address: {model: "…", …}. */
export function readFilters(parameters) {
  const given = FIELDS.map(({ name }) => [name, parameters.get(name)?.trim()]).filter(([, value]) => value)
  const filters = Object.fromEntries(given)
  if (!PERIODS[filters.period]) delete filters.period
  return filters
}

/** Convert filters to parameters of the API: a period becomes the time at which it began. */
export function toApi({ period, ...filters }, now = Date.now()) {
  return period ? { ...filters, created_from: new Date(now - PERIODS[period] * 1000).toISOString() } : filters
}

/** Whether filters exclude requests: all but the order. */
export function isFiltered(filters) {
  return Object.keys(filters).some((name) => name !== "sort")
}

/** Draw the form: {element, count()}. `onChange(filters)` receives each change; `count` loads the values with their counts. */
export function drawFilters(filters, onChange) {
  const controls = FIELDS.map((field) => [field, drawControl(field, filters[field.name] ?? "")])
  const controlOf = Object.fromEntries(controls.map(([field, control]) => [field.name, control]))
  const between = h("div", { class: "filter-grid between" }, controls.filter(([field]) => BETWEEN.includes(field)).map(drawField))
  if (filters.created_from || filters.created_to) controlOf.period.value = RANGE
  const showBetween = () => { between.hidden = controlOf.period.value !== RANGE }
  showBetween()
  const apply = (event) => {
    event?.preventDefault()
    showBetween()
    if (event?.target === controlOf.period && controlOf.period.value === RANGE) return controlOf.created_from.focus()
    if (!form.reportValidity()) return undefined
    const given = readControls(controls)
    toggle.count(given)
    return onChange(given)
  }
  const reset = () => {
    for (const [, control] of controls) control.value = ""
    apply()
    showBetween()
    controlOf.q.focus()
  }
  const further = h("details", { open: FURTHER.some(({ name }) => filters[name]), ontoggle: () => fillOnce(controls) },
    h("summary", null, "More filters"), h("div", { class: "filter-grid" }, controls.filter(([field]) => FURTHER.includes(field)).map(drawField)))
  const toggle = drawToggle(filters)
  const form = h("form", { class: "filters", role: "search", "aria-label": "Requests", onsubmit: apply, onchange: apply },
    h("div", { class: "filter-grid usual" }, drawField(controls[0]), toggle.element, controls.filter(([field]) => USUAL.includes(field)).slice(1).map(drawField)), between, further,
    h("div", { class: "filter-buttons" },
      h("button", { class: "primary" }, "Apply"), h("button", { type: "button", onclick: reset }, "Reset")))
  form.addEventListener("invalid", () => toggle.open(true), true) // a browser can't show the error of a hidden field
  return { element: form, count: (current, signal) => countValues(controls, current, signal) }
}

// On a narrow screen, all filters but the search are hidden until this button shows them.
function drawToggle(filters) {
  const element = h("button", { type: "button", class: "filters-toggle", "aria-expanded": "false", onclick: () => open(element.getAttribute("aria-expanded") === "false") })
  const open = (isOpen) => {
    element.setAttribute("aria-expanded", String(isOpen))
    element.form.classList.toggle("is-open", isOpen)
  }
  const count = (given) => {
    const used = Object.keys(given).filter((name) => name !== "q").length
    element.textContent = used ? `Filters and order (${used})` : "Filters and order"
  }
  count(filters)
  return { element, open, count }
}

function drawField([field, control]) {
  return h("div", { class: `filter filter-${field.name}` }, h("label", { for: control.id }, field.label, field.type === "datetime-local" && ` (${nameZone()})`), control)
}

function drawControl(field, value) {
  const common = { id: `filter-${field.name}`, name: field.name }
  if (field.options) {
    const select = h("select", common)
    fill(select, field.options, value)
    return select
  }
  const types = { percent: { type: "number", min: 0, max: 100, step: "any" }, "datetime-local": { step: 1 } }
  const control = h("input", {
    ...common, type: field.type ?? "text", autocomplete: "off", maxlength: 1000, placeholder: field.hint, ...types[field.type],
  })
  control.value = showValue(field, value)
  return control
}

// A value of the address stays an option, even if no request has it.
function fill(select, options, value) {
  const known = !value || options.some(([one]) => one === value)
  replace(select, [...options, ...(known ? [] : [[value, value]])].map(([one, text]) => h("option", { value: one }, text)))
  select.value = value
}

// The address holds API values: confidences from 0 to 1, and times in UTC.
function showValue(field, value) {
  if (!value) return ""
  if (field.type === "percent") return String(Number((value * 100).toPrecision(12)))
  return field.type === "datetime-local" ? toField(value) : value
}

function readControls(controls) {
  const isRange = controls.some(([field, control]) => field.name === "period" && control.value === RANGE)
  const read = ([field, control]) => {
    const value = control.value.trim()
    if (!value || value === RANGE || (BETWEEN.includes(field) && !isRange)) return null
    if (field.type === "percent") return [field.name, String(Number((value / 100).toPrecision(12)))]
    return [field.name, field.type === "datetime-local" ? fromField(value) : value]
  }
  return Object.fromEntries(controls.map(read).filter(Boolean))
}

/** Load the values of each facet, with the number of requests that pass the other filters. */
async function countValues(controls, filters, signal) {
  const { sort, ...query } = toApi(filters)
  const load = (name) => api("/v1/facets", { query: { ...query, [name]: null }, signal }).catch(() => null)
  const all = load()
  await Promise.all(controls.filter(([field]) => field.facet).map(async ([field, control]) => {
    const answer = await (filters[field.name] ? load(field.name) : all)
    if (!answer || signal.aborted || document.activeElement === control) return
    fill(control, [...field.options, ...answer[field.facet].map((one) => [one.value, `${one.value} (${formatCount(one.request_count)})`])], control.value)
  }))
}

async function fillOnce(controls) {
  for (const [field, control] of controls) {
    if (!field.many || control.dataset.filled) continue
    control.dataset.filled = "yes"
    fill(control, [...field.options, ...(await field.many().catch(() => []))], control.value)
  }
}

async function listUsers() {
  const { api_keys: users } = await api("/logs/api-keys")
  return users.map((user) => [user.api_key, `${user.api_key} (${formatCount(user.request_count)})`])
}

async function countCollections() {
  const collections = await listCollections()
  return collections.map((one) => [String(one.id), `${one.name} (${formatCount(one.request_count)})`])
}
