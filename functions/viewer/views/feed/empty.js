// What the feed says while it has no row.

import { emptyState, h } from "../../lib/dom.js"

/** For a server that holds nothing yet: how to post the sample. */
export function drawNothingYet() {
  const post = [
    "curl -sS -H 'Content-Type: application/json'", "--data-binary @docs/samples/force-prefix.json", `${location.origin}/v1/ingest`,
  ].join(" \\\n    ")
  return emptyState(
    "No request yet", "Requests appear here by themselves as they come in. Post the sample, from the repository's root:",
    h("pre", { tabindex: 0, "aria-label": "Command that posts the sample" }, h("code", null, post)),
    h("p", null, "Where ingest wants a key, add ", h("code", null, "-H 'X-API-Key: …'"), ". For 200 labelled requests and more samples, ",
      h("code", null, "make demo"), "."))
}

/** For filters that let nothing through. */
export function drawNothingPasses() {
  return emptyState("No request passes these filters", "One that does will appear here as it comes in.",
    h("p", null, h("a", { href: "/" }, "Show all requests")))
}
