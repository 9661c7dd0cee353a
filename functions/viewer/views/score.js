// Paste a response or a trace, and read it like a stored request. Nothing is stored.

import { api } from "../lib/api.js"
import { announce, drawForm, emptyState, errorNote, h, replace } from "../lib/dom.js"
import { readTrace } from "../lib/scores.js"
import { readAddress } from "./trace/address.js"
import { drawFacts, drawFigures } from "./trace/head.js"
import { drawKeys } from "./trace/keys.js"
import { drawPrompt } from "./trace/prompt.js"
import { drawReading } from "./trace/reading.js"
import { drawSummary } from "./trace/summary.js"
import { drawTabs } from "./trace/tabs.js"

// Each token of the example with its log probability, and the other tokens of its list.
const ANSWER = [
  ["The", -0.11, { Australia: -2.9, Canberra: -3.2 }],
  [" capital", -0.01, { " Australian": -5.1, " city": -6.3 }],
  [" of", -0.02, { " city": -4.9, " is": -5.7 }],
  [" Australia", -0.02, { " the": -4.4, " Australian": -6.8 }],
  [" is", -0.04, { ",": -3.6, " has": -6.1 }],
  [" Sydney", -1.24, { " Canberra": -0.42, " Melbourne": -4.3 }],
  [".", -0.47, { ",": -1.13, " and": -3.5 }],
]
const EXAMPLE = {
  model: "example",
  choices: [{
    index: 0,
    message: { role: "assistant", content: ANSWER.map(([token]) => token).join("") },
    finish_reason: "stop",
    logprobs: {
      content: ANSWER.map(([token, logprob, others]) => ({
        token,
        logprob,
        top_logprobs: Object.entries({ [token]: logprob, ...others }).map(([name, value]) => ({ token: name, logprob: value })).sort((one, other) => other.logprob - one.logprob),
      })),
    },
  }],
}

/** A streamed response begins with an event, or has an object on each line. */
const STREAM = /^\s*(?:(?:data|event|id):|\{.*\}\s*\n\s*\{)/

export async function show(main, { address, signal, signIn }) {
  const field = h("textarea", { id: "score-body", required: true, spellcheck: "false", autocomplete: "off" })
  const answer = h("input", { id: "score-answer", type: "number", min: 1, step: 1, value: 1 })
  const note = h("div")
  const result = h("section", { class: "result", "aria-label": "Result", tabindex: -1 })
  const file = h("input", { id: "score-file", class: "visually-hidden", type: "file", accept: ".json,application/json" })
  file.addEventListener("change", async () => {
    if (!file.files.length) return
    field.value = await file.files[0].text()
    file.value = "" // the same file can be opened again
    field.focus()
  })
  let shown = new AbortController()
  const submit = async () => {
    shown.abort()
    shown = new AbortController()
    try {
      const body = readBody(field.value)
      const log = await api("/v1/score/log", { method: "POST", body, query: { choice: answer.valueAsNumber - 1 }, signal })
      replace(note)
      drawLog(result, log, { address, signal: AbortSignal.any([signal, shown.signal]), signIn })
      announce("Scored. Nothing was stored.")
      result.scrollIntoView({ block: "start" })
      result.focus({ preventScroll: true })
    } catch (error) {
      if (signal.aborted) return
      if (error.status === 401) return signIn(error.message)
      replace(note, errorNote(error instanceof SyntaxError ? { message: `Not JSON: ${error.message}. Paste the whole body of a response, or of a stream.` } : error))
    }
  }
  replace(main,
    h("h1", null, "Score a response"),
    h("p", null, "Paste the response or the stream of a model server with log probabilities (OpenAI, vLLM, SGLang, llama.cpp, Ollama, TGI, Gemini), or a trace of Quote. It is shown like a stored request, but not stored."),
    drawForm({ class: "score-form" }, submit,
      h("label", { for: "score-body" }, "Response"), field,
      h("div", { class: "row" },
        h("label", { for: "score-answer" }, "Answer"), answer,
        h("button", { class: "primary" }, "Score"),
        file, h("label", { class: "button", for: file.id }, "Open a file"),
        h("button", { type: "button", class: "quiet", onclick: () => { field.value = JSON.stringify(EXAMPLE, null, 2) } }, "Use an example"))),
    note, result)
}

function readBody(text) {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (STREAM.test(text)) return { response: text }
    throw error
  }
}

function drawLog(element, log, { address, signal, signIn }) {
  const count = log.steps.length
  const wanted = { ...readAddress(address, count), token: null }
  const trace = readTrace(log, wanted.window)
  const onToken = (index) => reading?.goTo(index)
  const onLowest = () => trace.lowest && onToken(trace.lowest.first)
  const figures = drawFigures(trace, { onLowest, onToken })
  const tabs = drawTabs(trace, { path: null, isOwn: false, goTo: onToken, signal, signIn })
  const reading = count ? drawReading(trace, { wanted, isOwn: false, tabs: tabs.element, signal, onWindow: figures.redraw, onComment: tabs.comment }) : null
  replace(element,
    h("header", { class: "trace-head" },
      drawFacts(log), drawSummary(trace, onToken), figures.element,
      log.warnings.map((warning) => h("p", { class: "faint" }, `⚠ ${warning}`))),
    drawPrompt(log, signal),
    reading?.element ?? [emptyState("No tokens", "This response has no tokens with log probabilities. Ask the server for them (logprobs)."), tabs.element],
    drawKeys({ g: ["go to the least confident part", onLowest] }, () => reading?.escape() ?? false, signal))
  reading?.begin()
}
