// The page of a request whose log is still loading: its row of the feed, which the server reads without the tokens.

import { api } from "../../lib/api.js"
import { h, replace } from "../../lib/dom.js"
import { formatAmount, formatDuration, formatProbability, formatTime, showControls } from "../../lib/format.js"
import { pause } from "../../lib/outage.js"
import { drawPrompt } from "./prompt.js"

/** Most logs are shown sooner, without a page in between. */
const PATIENCE_MS = 400

/** Show what the feed knows of a request, unless `loading` ends sooner. A failure is left to the log's own request. */
export async function showEarly(main, requestId, { loading, signal }) {
  let isOver = false
  loading.finally(() => (isOver = true)).catch(() => {})
  await pause(PATIENCE_MS, signal)
  if (isOver || signal.aborted) return
  const { data } = await api("/logs", { query: { q: `id:${requestId}` }, signal })
  const row = data.find((one) => one.request_id === requestId)
  if (row && !isOver && !signal.aborted) replace(main, drawRow(row, signal))
}

function drawRow(row, signal) {
  const facts = [
    row.model_id ?? "unknown model",
    formatTime(row.created_ts),
    row.latency_ms === null ? null : formatDuration(row.latency_ms),
    row.ending === null ? null : `ended with ${row.ending}`,
    `confidence ${formatProbability(row.sequence_confidence, { isBound: row.sequence_confidence_is_bound === true })}`,
  ]
  const amount = row.tokens === null ? "tokens" : formatAmount(row.tokens, "token")
  return [
    h("header", { class: "trace-head" },
      h("div", { class: "title" }, h("h1", null, row.request_id)),
      h("p", { class: "facts" }, facts.filter(Boolean).join(" · ")),
      h("p", { class: "loading", role: "status" }, `Loading the scores of ${amount} …`)),
    drawPrompt({ messages: null, system_prompt: null, user_prompt: row.prompt, formatted_prompt: null }, signal),
    row.final_text && h("div", { class: "reading" }, h("div", { class: "tokens is-plain", dir: "auto", tabindex: "0", role: "group", "aria-label": "The text" }, showControls(row.final_text))),
  ]
}
