// The filters of the feed. The page's address holds them under the parameter names of GET /logs.

import { api } from "../../lib/api.js"
import { h, replace } from "../../lib/dom.js"

// `many` fetches a field's options when "More filters" is opened; `seen` collects suggestions from the rows.
const USUAL = [
  { name: "q", label: "Search prompts and answers", type: "search" },
  { name: "model", label: "Model", seen: (row) => [row.model_id] },
  { name: "mod", label: "Mod", seen: (row) => [row.active_mod] },
  { name: "tag", label: "Tag", seen: (row) => row.tags },
  { name: "max_confidence", label: "Max confidence (%)", type: "percent" },
  { name: "sort", label: "Order", options: [["", "Newest first"], ["confidence", "Least confident first"]] },
]
const FURTHER = [
  { name: "min_confidence", label: "Min confidence (%)", type: "percent" },
  { name: "created_from", label: "Created from", type: "datetime-local" },
  { name: "created_to", label: "Created before", type: "datetime-local" },
  { name: "has_exception", label: "Exceptions", options: [["", "Any"], ["true", "With exceptions"], ["false", "Without exceptions"]] },
  { name: "source", label: "Source", seen: (row) => [row.source] },
  { name: "group_id", label: "Group", seen: (row) => [row.group_id] },
  { name: "api_key", label: "User", options: [["", "All users"]], many: listUsers },
  { name: "favorited_by", label: "Favorited by", seen: (row) => row.favorited_by },
  { name: "collection_id", label: "Collection", options: [["", "Any"]], many: listCollections },
]
const FIELDS = [...USUAL, ...FURTHER]
const MAX_SEEN = 100

/** Read the filters from the parameters of an address: {model: "…", …}. */
export function readFilters(parameters) {
  const given = FIELDS.map(({ name }) => [name, parameters.get(name)?.trim()]).filter(([, value]) => value)
  return Object.fromEntries(given)
}

/** Return the address of the feed with these filters. */
export function addressOf(filters) {
  const text = new URLSearchParams(filters).toString()
  return text ? `/?${text}` : "/"
}

/**
 * Draw the form: {element, learn(rows)}. `onChange(filters)` receives each change; `learn` adds suggestions from rows.
 */
export function drawFilters(filters, onChange) {
  const controls = FIELDS.map((field) => [field, drawControl(field, filters[field.name] ?? "")])
  const apply = (event) => {
    event?.preventDefault()
    if (form.reportValidity()) onChange(readControls(controls))
  }
  const drawn = ([field, control]) => h("div", { class: `filter filter-${field.name}` },
    h("label", { for: control.id }, field.label), control, field.seen && h("datalist", { id: `${control.id}-seen` }))
  const isFurther = ([field]) => FURTHER.includes(field)
  const further = h("details", { open: FURTHER.some(({ name }) => filters[name]), ontoggle: () => fillOnce(controls) },
    h("summary", null, "More filters"), h("div", { class: "filter-grid" }, controls.filter(isFurther).map(drawn)))
  const reset = () => {
    for (const [, control] of controls) control.value = ""
    apply()
    controls[0][1].focus()
  }
  const form = h("form", { class: "filters", role: "search", "aria-label": "Requests", onsubmit: apply, onchange: apply },
    h("div", { class: "filter-grid" }, controls.filter((one) => !isFurther(one)).map(drawn)),
    further,
    h("div", { class: "filter-buttons" },
      h("button", { class: "primary" }, "Apply"), h("button", { type: "button", onclick: reset }, "Reset")))
  return { element: form, learn: (rows) => learn(controls, rows) }
}

function drawControl(field, value) {
  const common = { id: `filter-${field.name}`, name: field.name }
  if (field.options) {
    const known = field.options.some(([one]) => one === value)
    const options = known ? field.options : [...field.options, [value, value]]
    const select = h("select", common, options.map(([one, text]) => h("option", { value: one }, text)))
    select.value = value
    return select
  }
  const types = { percent: { type: "number", min: 0, max: 100, step: "any" }, "datetime-local": { step: 1 } }
  const control = h("input", {
    ...common, type: field.type ?? "text", autocomplete: "off", maxlength: 1000,
    list: field.seen && `${common.id}-seen`, ...types[field.type],
  })
  control.value = showValue(field, value)
  return control
}

// The address holds API values: confidences from 0 to 1, and times in UTC.
function showValue(field, value) {
  if (!value) return ""
  if (field.type === "percent") return String(Number((value * 100).toPrecision(12)))
  if (field.type !== "datetime-local") return value
  const moment = new Date(/^[\d.]+$/.test(value) ? value * 1000 : value)
  if (Number.isNaN(moment.getTime())) return ""
  return new Date(moment - moment.getTimezoneOffset() * 60000).toISOString().slice(0, 19)
}

function readControls(controls) {
  const read = ([field, control]) => {
    const value = control.value.trim()
    if (!value) return null
    if (field.type === "percent") return [field.name, String(Number((value / 100).toPrecision(12)))]
    if (field.type === "datetime-local") return [field.name, new Date(value).toISOString()]
    return [field.name, value]
  }
  return Object.fromEntries(controls.map(read).filter(Boolean))
}

async function fillOnce(controls) {
  for (const [field, control] of controls) {
    if (!field.many || control.dataset.filled) continue
    control.dataset.filled = "yes"
    const chosen = control.value
    const found = await field.many().catch(() => [])
    const missing = chosen && !found.some(([one]) => one === chosen) ? [[chosen, chosen]] : []
    replace(control, [...field.options, ...missing, ...found].map(([one, text]) => h("option", { value: one }, text)))
    control.value = chosen
  }
}

async function listUsers() {
  const { api_keys: users } = await api("/logs/api-keys")
  return users.map((user) => [user.api_key, `${user.api_key} (${user.request_count})`])
}

async function listCollections() {
  const { collections } = await api("/collections", { query: { limit: 100 } })
  return collections.map((one) => [String(one.id), `${one.name} (${one.request_count})`])
}

function learn(controls, rows) {
  for (const [field, control] of controls) {
    if (!field.seen) continue
    const list = control.parentElement.querySelector("datalist")
    const known = new Set([...list.options].map((option) => option.value))
    for (const value of rows.flatMap(field.seen)) {
      if (!value || known.has(value) || known.size >= MAX_SEEN) continue
      known.add(value)
      list.append(h("option", { value }))
    }
  }
}
