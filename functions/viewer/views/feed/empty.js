// The empty states of the feed.

import { emptyState, h } from "../../lib/dom.js"

/** Draw the empty state of a server without requests: how to post the sample. */
export function drawNothingYet() {
  const post = [
    "curl -sS -H 'Content-Type: application/json'", "--data-binary @docs/samples/force-prefix.json", `${location.origin}/v1/ingest`,
  ].join(" \\\n    ")
  return emptyState(
    "No requests yet", "Requests appear here as they arrive. To post the sample, run this in the root of the repository:",
    h("pre", { tabindex: 0, "aria-label": "Command that posts the sample" }, h("code", null, post)),
    h("p", null, "If ingest requires a key, add ", h("code", null, "-H 'X-API-Key: …'"), ". To post 200 labelled requests and more samples, run ",
      h("code", null, "make demo"), "."))
}

/** Draw the empty state of filters without a match. */
export function drawNothingPasses() {
  return emptyState("No matching requests", "New requests that match the filters appear here as they arrive.",
    h("p", null, h("a", { href: "/" }, "Show all requests")))
}
