// The form that creates a key. The server checks all values.

import { drawForm, h } from "../../lib/dom.js"
import { drawField } from "../../lib/parts.js"

const DAY_MS = 24 * 3600 * 1000
const SCOPES = {
  read: "read the requests of the user",
  read_all: "read the requests of all users",
  curate: "tag, comment, record outcomes, publish",
  delete: "delete requests",
  ingest: "post traces",
}
const DEFAULTS = ["read", "curate"]
const EXPIRIES = [["", "never"], ["30", "in 30 days"], ["90", "in 90 days"], ["365", "in a year"]]

/** Draw the form. `create(body)` posts the key and resolves to whether that worked. The user field suggests `users`. */
export function drawNewKey(users, create, { isOpen }) {
  const boxes = Object.entries(SCOPES).map(([scope, meaning]) => h("label", { class: "check" },
    h("input", { type: "checkbox", name: "scopes", value: scope, checked: DEFAULTS.includes(scope) }), ` ${scope}`, h("span", { class: "faint" }, `: ${meaning}`)))
  const scopes = h("fieldset", null, h("legend", null, "Scopes"), boxes)
  const admin = h("input", { type: "checkbox", name: "is_admin", onchange: () => { scopes.disabled = admin.checked } })
  const form = drawForm({ class: "key-form" }, submit,
    drawField("Name", h("input", { id: "key-name", name: "name", required: true, maxlength: 200, autocomplete: "off" })),
    drawField("Description", h("input", { id: "key-description", name: "description", maxlength: 2000, autocomplete: "off" })),
    drawField("User", h("input", { id: "key-user", name: "allowed_api_key", list: "key-users", maxlength: 1000, autocomplete: "off", placeholder: "none" })),
    h("datalist", { id: "key-users" }, users.map((user) => h("option", { value: user.api_key }))),
    drawField("Expires", h("select", { id: "key-expiry", name: "days" }, EXPIRIES.map(([value, text]) => h("option", { value }, text)))),
    scopes,
    h("label", { class: "check" }, admin, " Admin", h("span", { class: "faint" }, ": everything, including keys")),
    h("p", null, h("button", { class: "primary" }, "Create key")))
  return h("details", { class: "new-key", open: isOpen }, h("summary", null, "New key"), form)

  async function submit() {
    if (!await create(readBody(new FormData(form)))) return
    form.reset()
    scopes.disabled = false
  }
}

function readBody(given) {
  const days = Number(given.get("days"))
  const isAdmin = given.get("is_admin") !== null
  return {
    name: given.get("name"),
    is_admin: isAdmin,
    ...(given.get("description") ? { description: given.get("description") } : {}),
    ...(given.get("allowed_api_key") ? { allowed_api_key: given.get("allowed_api_key") } : {}),
    ...(days ? { expires_at: new Date(Date.now() + days * DAY_MS).toISOString() } : {}),
    ...(isAdmin ? {} : { scopes: given.getAll("scopes") }),
  }
}
