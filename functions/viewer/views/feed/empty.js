// The empty states of the feed, which show why it is empty.

import { emptyState, h } from "../../lib/dom.js"
import { findIdentity } from "../../lib/identity.js"

/** Draw the empty state: filters without a match, a key without a user, or a server without requests. */
export async function drawEmpty(isFiltered) {
  if (isFiltered) return drawNothingMatches()
  const identity = await findIdentity().catch(() => null)
  return identity && !identity.is_admin && identity.allowed_api_key === null && !identity.reads_all ? drawNoUser(identity) : drawNothingYet()
}

function drawNothingYet() {
  const post = [
    "curl -sS -H 'Content-Type: application/json'", "--data-binary @docs/samples/force-prefix.json", `${location.origin}/v1/ingest`,
  ].join(" \\\n    ")
  return emptyState(
    "No requests yet", "There are no requests that you can see. Requests appear here as they arrive. To post the sample, run this in the root of the repository:",
    h("pre", { tabindex: 0, "aria-label": "Command that posts the sample" }, h("code", null, post)),
    h("p", null, "If ingest requires a key, add ", h("code", null, "-H 'X-API-Key: …'"), ". To post labeled requests and more samples, run ",
      h("code", null, "make demo"), "."))
}

function drawNothingMatches() {
  return emptyState("No matching requests", "No stored request matches the filters. New ones that match appear here as they arrive.",
    h("p", null, h("a", { href: "/" }, "Show all requests")))
}

function drawNoUser({ name }) {
  return emptyState("This key sees no requests", `The key “${name}” is not bound to a user, so no request belongs to it.`,
    h("p", null, "Sign in with a key that is bound to a user, with an admin key, or with the user's own API key. An admin can bind this key with ",
      h("code", null, "PUT /auth/keys"), " and ", h("code", null, "allowed_api_key"), "."))
}
