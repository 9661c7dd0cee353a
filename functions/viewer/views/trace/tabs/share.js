// The Share tab: create, copy and revoke a link that gives access to the request without an API key.

import { api, requestPath } from "../../../lib/api.js"
import { drawForm, drawTwoStep, h, replace } from "../../../lib/dom.js"
import { formatTime, fromField, nameZone } from "../../../lib/format.js"
import { drawLink, makeAttempt } from "../../../lib/parts.js"

export function drawShare(panel, { trace: { log }, signIn }) {
  const path = requestPath(log.request_id, "/public")
  const note = h("div")
  const box = h("div")
  const attempt = makeAttempt(note, signIn)
  const change = async (method, body) => {
    const answer = await attempt(() => api(path, { method, body }))
    if (answer) show(answer)
  }
  const show = (state) => replace(box, state.is_public
    ? drawShared(state, () => change("DELETE"))
    : drawOffer((expires) => change("POST", expires ? { expires_at: fromField(expires) } : {})))
  const url = log.public_token ? `/share/request/${log.public_token}` : null
  show({ is_public: log.is_public, public_url: url, expires_at: log.public_expires_at })
  replace(panel, box, note)
}

function drawShared({ public_url: url, expires_at: expires }, unpublish) {
  return h("section", null,
    h("p", null, "Anyone with this link can read the request without an API key, but not its user, favorites or comments."),
    url && drawLink("share-link", "Link", new URL(url, location.origin).href, h("a", { href: url, target: "_blank", rel: "noopener" }, "Open")),
    h("p", null, expires ? `Expires on ${formatTime(expires)} ${nameZone()}.` : "Does not expire."),
    h("p", null, drawTwoStep("Revoke link", "", unpublish), " Sharing again creates a different link."))
}

function drawOffer(publish) {
  const expires = h("input", { id: "share-expires", type: "datetime-local" })
  return drawForm({ class: "stacked" }, () => publish(expires.value),
    h("p", null, "Not shared: only users with access can read this request."),
    h("label", { for: expires.id }, `Expires at (${nameZone()}; empty: never)`), expires,
    h("button", { class: "primary" }, "Create link"))
}
