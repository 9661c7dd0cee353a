// The Tags and favorites tab.

import { api, requestPath } from "../../../lib/api.js"
import { announce, errorNote, h, replace } from "../../../lib/dom.js"

export async function drawTags(panel, { trace: { log } }) {
  const path = requestPath(log.request_id)
  const [{ tags }, { favorited_by: names }, me] = await Promise.all([api(`${path}/tags`), api(`${path}/favorite`), api("/auth/me")])
  replace(panel, drawSet("Tags", "tag", tags, `${path}/tags`, "tags"), drawSet("Favorites", "name", names, `${path}/favorite`, "favorited_by", me.name))
}

/** Draw a list of texts with a field to add one and a button to remove each. */
function drawSet(title, field, items, path, member, suggestion = "") {
  const list = h("ul", { class: "chips" })
  const note = h("div")
  const input = h("input", { id: `add-${field}`, value: suggestion, required: true, maxlength: field === "tag" ? 100 : 200, autocomplete: "off" })
  const change = async (method, value) => {
    try {
      const answer = await api(path, { method, body: { [field]: value } })
      show(answer[member])
      replace(note)
      announce(`${answer.message}.`)
      return true
    } catch (error) {
      replace(note, errorNote(error))
      return false
    }
  }
  const show = (values) => replace(list, values.length
    ? values.map((value) => h("li", { class: "tag" }, value, h("button", { class: "quiet", "aria-label": `Remove ${value}`, onclick: () => change("DELETE", value) }, "×")))
    : h("li", { class: "faint" }, "None yet"))
  const submit = async (event) => {
    event.preventDefault()
    if (await change("POST", input.value)) input.value = suggestion
  }
  show(items)
  return h("section", null, h("h3", null, title), list,
    h("form", { class: "inline", onsubmit: submit },
      h("label", { for: input.id }, field === "tag" ? "New tag" : "Name"), input,
      h("button", null, field === "tag" ? "Add tag" : "Add to favorites")),
    note)
}
