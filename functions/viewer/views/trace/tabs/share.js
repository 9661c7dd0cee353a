// The Share tab: create, copy and revoke a link that gives access to the request without an API key.

import { api, requestPath } from "../../../lib/api.js"
import { announce, copyText, errorNote, h, replace } from "../../../lib/dom.js"
import { formatTime, fromField, nameZone } from "../../../lib/format.js"

export function drawShare(panel, { trace: { log } }) {
  const path = requestPath(log.request_id, "/public")
  const note = h("div")
  const box = h("div")
  const attempt = async (method, body) => {
    try {
      const answer = await api(path, { method, body })
      replace(note)
      show(answer)
      announce(`${answer.message}.`)
    } catch (error) {
      replace(note, errorNote(error))
    }
  }
  const show = (state) => replace(box, state.is_public
    ? drawLink(state, () => attempt("DELETE"))
    : drawOffer((expires) => attempt("POST", expires ? { expires_at: fromField(expires) } : {})))
  const url = log.public_token ? `/share/request/${log.public_token}` : null
  show({ is_public: log.is_public, public_url: url, expires_at: log.public_expires_at })
  replace(panel, box, note)
}

function drawLink({ public_url: url, expires_at: expires }, unpublish) {
  const link = url && new URL(url, location.origin).href
  const copy = link && h("button", {
    onclick: async () => ((await copyText(link)) ? announce("Copied.") : field.select()),
  }, "Copy")
  const field = link && h("input", { id: "share-link", readonly: true, value: link, onfocus: () => field.select() })
  return h("section", null,
    h("p", null, "Anyone with this link can read the request without an API key, but not its user, favorites or comments."),
    link ? h("p", { class: "inline" }, h("label", { for: field.id }, "Link"), field, copy, h("a", { href: url, target: "_blank", rel: "noopener" }, "Open")) : null,
    h("p", null, expires ? `Expires on ${formatTime(expires)} ${nameZone()}.` : "Does not expire."),
    h("p", null, h("button", { onclick: unpublish }, "Revoke link"), " Sharing again creates a different link."))
}

function drawOffer(publish) {
  const expires = h("input", { id: "share-expires", type: "datetime-local" })
  const submit = (event) => {
    event.preventDefault()
    publish(expires.value)
  }
  return h("form", { class: "stacked", onsubmit: submit },
    h("p", null, "Not shared: only users with access can read this request."),
    h("label", { for: expires.id }, `Expires at (${nameZone()}; empty: never)`), expires,
    h("button", { class: "primary" }, "Create link"))
}
