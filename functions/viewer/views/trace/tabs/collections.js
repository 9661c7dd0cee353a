// The Collections tab: list the collections of the request, and add it to an existing or new collection.

import { api, listCollections, requestPath } from "../../../lib/api.js"
import { drawForm, h, replace } from "../../../lib/dom.js"
import { formatCount } from "../../../lib/format.js"
import { makeAttempt } from "../../../lib/parts.js"

export async function drawCollections(panel, { trace: { log }, signIn }) {
  const path = requestPath(log.request_id, "/collections")
  const note = h("div")
  const box = h("div")
  const attempt = makeAttempt(note, signIn)
  const change = (work) => attempt(async () => {
    const answer = await work()
    await refresh()
    return answer
  })
  const add = (id) => api(path, { method: "POST", body: { collection_id: id } })
  const refresh = async () => {
    const [{ collections: members }, all] = await Promise.all([api(path), listCollections()])
    const others = all.filter((one) => !members.some((member) => member.id === one.id))
    replace(box,
      drawMembers(members, (id) => change(() => api(path, { method: "DELETE", body: { collection_id: id } }))),
      others.length ? drawChoice(others, (id) => change(() => add(id))) : null,
      drawNew((name) => change(async () => add((await api("/collections", { method: "POST", body: { name } })).collection.id))))
  }
  replace(panel, box, note)
  await refresh()
}

function drawMembers(members, remove) {
  if (!members.length) return h("p", { class: "faint" }, "Not in any of your collections.")
  return h("ul", { class: "members" }, members.map((one) => h("li", null,
    h("a", { href: `/?collection_id=${one.id}` }, one.name), ` (${formatCount(one.request_count)})`,
    h("button", { class: "quiet", "aria-label": `Remove from ${one.name}`, onclick: () => remove(one.id) }, "Remove"))))
}

function drawChoice(others, add) {
  const select = h("select", { id: "collection" }, others.map((one) => h("option", { value: one.id }, one.name)))
  return drawForm({ class: "inline" }, () => add(Number(select.value)), h("label", { for: select.id }, "Add to"), select, h("button", null, "Add"))
}

function drawNew(create) {
  const name = h("input", { id: "collection-name", required: true, maxlength: 200, autocomplete: "off" })
  return drawForm({ class: "inline" }, () => create(name.value), h("label", { for: name.id }, "New collection"), name, h("button", null, "Create and add"))
}
