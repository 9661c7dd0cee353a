// The Tags and favorites tab.

import { api, requestPath } from "../../../lib/api.js"
import { drawForm, h, replace } from "../../../lib/dom.js"
import { makeAttempt } from "../../../lib/parts.js"

export async function drawTags(panel, { trace: { log }, signIn }) {
  const path = requestPath(log.request_id)
  const [{ tags }, { favorited_by: names }, me] = await Promise.all([api(`${path}/tags`), api(`${path}/favorite`), api("/auth/me")])
  replace(panel, drawSet("Tags", "tag", tags, { path: `${path}/tags`, member: "tags", signIn }), drawSet("Favorites", "name", names, { path: `${path}/favorite`, member: "favorited_by", suggestion: me.name, signIn }))
}

/** Draw a list of texts with a field to add one and a button to remove each. */
function drawSet(title, field, items, { path, member, suggestion = "", signIn }) {
  const list = h("ul", { class: "chips" })
  const note = h("div")
  const input = h("input", { id: `add-${field}`, value: suggestion, required: true, maxlength: field === "tag" ? 100 : 200, autocomplete: "off" })
  const attempt = makeAttempt(note, signIn)
  const change = async (method, value) => {
    const answer = await attempt(() => api(path, { method, body: { [field]: value } }))
    if (answer) show(answer[member])
    return answer
  }
  const show = (values) => replace(list, values.length
    ? values.map((value) => h("li", { class: "tag" }, value, h("button", { class: "quiet", "aria-label": `Remove ${value}`, onclick: () => change("DELETE", value) }, "×")))
    : h("li", { class: "faint" }, "None yet"))
  const submit = async () => {
    if (await change("POST", input.value)) input.value = suggestion
  }
  show(items)
  return h("section", null, h("h3", null, title), list,
    drawForm({ class: "inline" }, submit,
      h("label", { for: input.id }, field === "tag" ? "New tag" : "Name"), input,
      h("button", null, field === "tag" ? "Add tag" : "Add to favorites")),
    note)
}
