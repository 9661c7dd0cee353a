// One collection: rename, describe, share and delete it, and annotate and remove its requests.

import { api, viewPath } from "../../lib/api.js"
import { drawForm, drawTwoStep, emptyState, h, holdFocus, redraw, replace } from "../../lib/dom.js"
import { formatAmount, formatTime, showControls } from "../../lib/format.js"
import { drawLink, makeAttempt } from "../../lib/parts.js"
import { drawMoreOf } from "../feed/more.js"

const PAGE = 50
const MAX_TEXT = 400

/** Show /collection/<id>. */
export async function show(main, { parameters: { id }, go, signal, signIn }) {
  const path = `/collections/${id}`
  const { collection, requests, total_requests: total } = await api(path, { query: { limit: PAGE }, signal })
  const head = h("section", { tabindex: -1 })
  const note = h("div")
  let known = collection
  const attempt = makeAttempt(note, signIn)
  const drawHead = (changed) => {
    const shown = known = { ...known, ...changed }
    document.title = `${shown.name} · Thunder`
    redraw(head, head,
      h("h1", { dir: "auto" }, shown.name),
      shown.description && h("p", { class: "description", dir: "auto" }, shown.description),
      h("p", { class: "faint" }, `${formatAmount(shown.request_count, "request")}, last added first. Created ${formatTime(shown.created_at)}${shown.created_by ? ` by ${shown.created_by}` : ""}.`),
      drawCommands(shown))
  }
  const drawCommands = (shown) => {
    const place = h("div")
    const change = async (body) => {
      const answer = await attempt(() => api(path, { method: "PUT", body }))
      if (!answer) return
      drawHead(answer.collection)
      head.querySelector("[data-focus=rename]").focus()
    }
    const share = async (method) => {
      const answer = await attempt(() => api(`${path}/public`, { method }))
      if (answer) drawHead({ is_public: answer.is_public, public_token: answer.public_token })
    }
    const remove = async () => (await attempt(() => api(path, { method: "DELETE" }))) && go("/collection")
    const close = (opener) => {
      replace(place)
      opener.focus()
    }
    const open = (opener, part) => {
      replace(place, part)
      holdFocus(part, () => close(opener))
    }
    const rename = h("button", { "data-focus": "rename", onclick: () => open(rename, drawEdit(shown, change, () => close(rename))) }, "Rename …")
    const deletion = h("button", { onclick: () => open(deletion, drawDelete(remove, () => close(deletion))) }, "Delete …")
    return [
      h("p", { class: "commands" },
        h("a", { class: "button", href: `/?collection_id=${shown.id}` }, "Show in the list"), rename,
        shown.is_public ? drawTwoStep("Revoke link", "", () => share("DELETE"), "link") : h("button", { "data-focus": "link", onclick: () => share("POST") }, "Create link"), deletion),
      shown.public_token && drawLink("collection-link", "Link for anyone, without an API key", new URL(`/share/${shown.public_token}`, location.origin).href), place]
  }
  const list = h("ol", { class: "members", "aria-label": "Requests" })
  const more = h("div", { class: "more" })
  const content = h("div")
  const drawList = () => replace(content, known.request_count ? list : emptyState("No requests yet", "Select requests in the list, and choose “Add to collection”."))
  let removed = 0 // from the pages that were loaded before
  // The focus moves to the next request, or to the heading after the last one.
  const take = (element) => {
    const next = element.nextElementSibling ?? element.previousElementSibling
    element.remove()
    removed += 1
    drawHead({ request_count: known.request_count - 1 })
    drawList()
    const target = next?.querySelector("a") ?? head
    target.focus()
  }
  const add = (rows) => list.append(...rows.map((row) => drawMember(row, { path, attempt, take })))
  const read = async (offset) => (await api(path, { query: { limit: PAGE, offset: offset - removed }, signal })).requests
  drawHead({})
  add(requests)
  drawList()
  replace(main, head, note, content, more)
  drawMoreOf(more, { shown: requests.length, total, signal, signIn, read, add })
}

function drawEdit(shown, change, cancel) {
  const name = h("input", { id: "name", required: true, maxlength: 200, autocomplete: "off", value: shown.name })
  const description = h("textarea", { id: "description", maxlength: 10000 }, shown.description)
  const submit = () => change({ name: name.value.trim(), description: description.value.trim() || null })
  return drawForm({ class: "edit" }, submit, h("label", { for: name.id }, "Name"), name,
    h("label", { for: description.id }, "Description"), description,
    h("p", { class: "commands" }, h("button", { class: "primary" }, "Save"), h("button", { type: "button", class: "quiet", onclick: cancel }, "Cancel")))
}

function drawDelete(remove, cancel) {
  return h("p", { class: "inline", role: "group", "aria-label": "Delete this collection and its link? Its requests stay." }, "Delete this collection and its link? Its requests stay.",
    h("button", { onclick: cancel }, "Cancel"), h("button", { class: "danger", onclick: remove }, "Delete the collection"))
}

function drawMember(row, { path, attempt, take }) {
  const text = showControls((row.final_text ?? "").slice(0, MAX_TEXT)).replace(/\s+/g, " ").trim() || "(no text)"
  const body = { request_id: row.request_id }
  const element = h("li")
  const draw = (notes, isEditing = false) => {
    const remove = async () => (await attempt(() => api(`${path}/requests`, { method: "DELETE", body }))) && take(element)
    const save = async (value) => {
      const given = value.trim() || null
      if (await attempt(() => api(`${path}/requests`, { method: "PUT", body: { ...body, notes: given } }))) close(given)
    }
    const close = (value) => {
      draw(value)
      element.querySelector("[data-focus=notes]").focus()
    }
    replace(element,
      h("div", null, h("a", { class: "text", href: viewPath(row.request_id), dir: "auto" }, text),
        h("p", { class: "meta" }, h("time", { datetime: row.created_ts }, formatTime(row.created_ts)),
          row.model_id && h("span", { title: row.model_id }, row.model_id), h("span", { title: row.request_id }, row.request_id), row.added_by && h("span", { title: row.added_by }, `added by ${row.added_by}`))),
      h("span", { class: "buttons" },
        h("button", { class: "quiet", "data-focus": "notes", "aria-label": `Edit notes: ${text.slice(0, 60)}`, onclick: () => draw(notes, true) }, notes ? "Edit notes" : "Add notes"),
        notes ? drawTwoStep("Remove", `with its notes: ${text.slice(0, 60)}`, remove)
          : h("button", { class: "quiet", "aria-label": `Remove: ${text.slice(0, 60)}`, onclick: remove }, "Remove")),
      isEditing ? drawNotes(notes, save, () => close(notes)) : notes && h("p", { class: "notes", dir: "auto" }, notes))
    if (isEditing) holdFocus(element.querySelector("form"), () => close(notes))
  }
  draw(row.notes)
  return element
}

function drawNotes(notes, save, cancel) {
  const field = h("textarea", { "aria-label": "Notes", maxlength: 10000 }, notes)
  return drawForm({ class: "edit" }, () => save(field.value), field,
    h("p", { class: "commands" }, h("button", { class: "primary" }, "Save notes"), h("button", { type: "button", class: "quiet", onclick: cancel }, "Cancel")))
}
