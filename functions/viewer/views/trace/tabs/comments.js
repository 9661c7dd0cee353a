// The Comments tab. "#54" in a comment is a link to token 54.

import { api, requestPath } from "../../../lib/api.js"
import { drawForm, drawTwoStep, h, holdFocus, redraw, replace } from "../../../lib/dom.js"
import { formatAge, formatTime } from "../../../lib/format.js"
import { makeAttempt } from "../../../lib/parts.js"
import { linkTo } from "../address.js"

const PAGE = 50

/** Draw the comments and a form for another one. `about` is the index of the token that it is about, if any. */
export async function drawComments(panel, { trace: { log, tokens }, goTo, signIn, about }) {
  const link = (text) => linkTokens(text, tokens.length, goTo)
  const path = requestPath(log.request_id, "/discussions")
  const me = await api("/auth/me")
  const list = h("ol", { class: "comments", tabindex: -1 })
  const note = h("div")
  const attempt = makeAttempt(note, signIn)
  const change = (work, message) => attempt(async () => {
    await work()
    await refresh()
    return { message }
  })
  const refresh = async () => {
    const first = await api(path, { query: { limit: PAGE } })
    redraw(list, list, first.total ? [first.discussions.map(draw), drawMore(first, { path, attempt, draw })] : h("li", { class: "faint" }, "No comments yet."))
  }
  const draw = (one) => drawComment(one, path, change, link)
  replace(panel, list, drawNew(me, path, change, about), note)
  await refresh()
}

function drawMore(page, { path, attempt, draw }) {
  const next = page.offset + page.discussions.length
  if (next >= page.total) return null
  const more = h("button", {
    onclick: () => attempt(async () => {
      const following = await api(path, { query: { limit: PAGE, offset: next } })
      more.parentElement.replaceWith(...following.discussions.map(draw), ...[drawMore(following, { path, attempt, draw })].filter(Boolean))
    }),
  }, `Show more (${page.total - next})`)
  return h("li", null, more)
}

function drawNew(me, path, change, about) {
  const name = h("input", { id: "comment-name", value: me.name, required: true, maxlength: 200, autocomplete: "off" })
  const text = h("textarea", { id: "comment-text", rows: 3, required: true, maxlength: 10_000 }, about === undefined ? null : `#${about + 1} `)
  const submit = () => change(async () => {
    await api(path, { method: "POST", body: { username: name.value, comment: text.value } })
    text.value = ""
  }, "Comment added")
  return drawForm({ class: "stacked" }, submit,
    h("label", { for: name.id }, "Name"), name, h("label", { for: text.id }, "Comment"), text, h("p", { class: "faint" }, "#54 is a link to token 54."), h("button", { class: "primary" }, "Add comment"))
}

function drawComment(one, path, change, link) {
  const item = h("li", { class: "comment" })
  const own = `${path}/${one.id}`
  const remove = () => change(() => api(own, { method: "DELETE" }), "Comment deleted")
  const read = () => replace(item,
    h("p", { class: "faint" }, h("strong", null, one.username), " · ",
      h("time", { datetime: one.created_at, title: formatTime(one.created_at) }, formatAge(one.created_at)),
      one.updated_at === one.created_at ? null : " · edited"),
    h("p", { class: "words" }, link(one.comment)),
    h("p", null, h("button", { class: "quiet", "data-focus": own, onclick: edit }, "Edit"), drawTwoStep("Delete", "comment", remove)))
  const edit = () => {
    const text = h("textarea", { rows: 3, "aria-label": "Edit comment", maxlength: 10_000 }, one.comment)
    const save = () => change(() => api(own, { method: "PUT", body: { comment: text.value } }), "Comment changed")
    const cancel = () => {
      read()
      item.querySelector("[data-focus]").focus()
    }
    const form = drawForm(null, save, text, h("p", null, h("button", { "data-focus": own }, "Save"), " ", h("button", { type: "button", class: "quiet", onclick: cancel }, "Cancel")))
    replace(item, form)
    holdFocus(form, cancel)
  }
  read()
  return item
}

/** Split a comment into texts and links to the tokens that it names. */
function linkTokens(text, count, goTo) {
  return text.split(/(?<![\w#&/])#(\d{1,6})\b/).map((part, position) => {
    const index = Number(part) - 1
    if (position % 2 === 0) return part
    if (index < 0 || index >= count) return `#${part}`
    const follow = (event) => {
      if (event.button || event.metaKey || event.ctrlKey || event.shiftKey) return
      event.preventDefault()
      goTo(index)
    }
    return h("a", { href: linkTo(index), onclick: follow }, `#${part}`)
  })
}
