// The table of keys, with the actions on each.

import { drawTwoStep, h, hide, holdFocus } from "../../lib/dom.js"
import { formatAge, formatTime } from "../../lib/format.js"
import { drawTable, drawWide } from "../../lib/parts.js"

const HEADS = ["Name", "Key", "Rights", "User", "Last used", "Expires", "State", "Actions"]
const OVERLAPS = { 0: "immediately", 1: "in 1 hour", 24: "in 1 day", 168: "in 7 days" }
const ROWS_AT_ONCE = 200

/** Draw the table. `rotate(key, hours)` and `revoke(key)` change a key. */
export function drawKeys(keys, actions) {
  const table = drawTable({ class: "keys", "aria-label": "API keys, newest first", heads: HEADS }, [])
  const more = h("button", { onclick: () => add() }, "Show more")
  let count = 0
  const add = () => {
    table.tBodies[0].append(...keys.slice(count, count + ROWS_AT_ONCE).map((key) => drawRow(key, actions)))
    count += ROWS_AT_ONCE
    more.hidden = count >= keys.length
  }
  add()
  return [drawWide("Keys", table), more]
}

function drawRow(key, actions) {
  const time = (text, none) => (text ? h("td", { title: formatTime(text) }, formatTime(text)) : h("td", null, none))
  return h("tr", null,
    h("th", { scope: "row" }, key.name, key.description ? h("div", { class: "faint" }, key.description) : null),
    h("td", null, h("code", null, `${key.key_prefix}…`)),
    h("td", null, key.is_admin ? "admin" : key.scopes.join(", ") || "none"),
    h("td", null, key.allowed_api_key ?? (key.is_admin || key.scopes.includes("read_all") ? "all" : "none")),
    key.last_used_at ? h("td", { title: formatTime(key.last_used_at) }, formatAge(key.last_used_at)) : h("td", null, "never"),
    time(key.expires_at, "never"),
    h("td", null, key.is_active ? "live" : "ended"),
    h("td", { class: "actions" }, key.is_active ? [drawRotation(key, actions), drawTwoStep("Revoke", key.name, () => actions.revoke(key))] : null))
}

function drawRotation(key, { rotate }) {
  const hours = h("select", { "aria-label": `End of the old key ${key.name}` },
    Object.entries(OVERLAPS).map(([value, text]) => h("option", { value, selected: value === "24" }, text)))
  const start = h("button", { class: "quiet", "aria-label": `Rotate ${key.name}` }, "Rotate")
  const form = h("span", { hidden: true }, " The old key ends ", hours, " ",
    h("button", { onclick: () => rotate(key, Number(hours.value)) }, "Create new key", hide(` of ${key.name}`)),
    h("button", { class: "quiet", onclick: () => close() }, "Cancel"))
  const close = () => {
    start.hidden = false
    form.hidden = true
    start.focus()
  }
  start.addEventListener("click", () => {
    start.hidden = true
    form.hidden = false
    holdFocus(form, close)
  })
  return [start, form]
}

