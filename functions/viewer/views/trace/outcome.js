// The user's outcome of the answer: correct, incorrect, and a note.

import { api, requestPath } from "../../lib/api.js"
import { closeOnEscape, drawForm, h, replace } from "../../lib/dom.js"
import { drawIcon } from "../../lib/icons.js"
import { makeAttempt } from "../../lib/parts.js"

const SOURCE = "user"

/** Draw the outcome: {element, judge(correct), write()}. Choosing the same outcome again withdraws it. */
export function drawOutcome(requestId, { signal, signIn }) {
  const path = requestPath(requestId, "/outcome")
  const state = { correct: null, note: null, others: [] }
  const button = (name, icon, key, act) => h("button", { type: "button", title: `Key ${key}`, onclick: act }, drawIcon(icon), name)
  const correct = button("Correct", "check", "r", () => judge(true))
  const incorrect = button("Incorrect", "cross", "w", () => judge(false))
  const note = button("Note", "note", "n", () => write())
  const said = h("div", { class: "said" })
  const attempt = makeAttempt(said, signIn)
  const field = h("input", { id: "outcome-note", maxlength: 10_000, autocomplete: "off" })
  const form = drawForm({ class: "inline", hidden: true }, () => submit(), h("label", { for: field.id }, "Note"), field, h("button", { class: "primary" }, "Save note"))
  closeOnEscape(form, () => {
    form.hidden = true
    note.focus()
  })
  const show = () => {
    correct.setAttribute("aria-pressed", String(state.correct === true))
    incorrect.setAttribute("aria-pressed", String(state.correct === false))
    const others = state.others.filter((one) => one.correct !== null).map((one) => `${one.source}: ${one.correct ? "correct" : "incorrect"}`)
    replace(said, state.note ? h("q", null, state.note) : null, others.length ? h("span", { class: "faint" }, ` ${others.join(", ")}`) : null)
  }
  const send = async (isCorrect, text, sentence) => {
    const answer = await attempt(async () => ({ ...(await api(path, { method: "POST", body: { source: SOURCE, correct: isCorrect, note: text } })), message: sentence }))
    if (!answer) return false
    Object.assign(state, { correct: answer.correct, note: answer.note })
    show()
    return true
  }
  const judge = (isCorrect) => {
    const outcome = state.correct === isCorrect ? null : isCorrect
    return send(outcome, state.note, outcome === null ? "Outcome withdrawn" : `Marked as ${outcome ? "correct" : "incorrect"}`)
  }
  const write = () => {
    form.hidden = false
    field.value = state.note ?? ""
    field.focus()
  }
  const submit = async () => {
    form.hidden = await send(state.correct, field.value || null, "Note saved")
    if (form.hidden) note.focus()
  }
  show()
  load(path, signal).then((outcomes) => {
    const own = outcomes.find((one) => one.source === SOURCE)
    Object.assign(state, { correct: own?.correct ?? null, note: own?.note ?? null, others: outcomes.filter((one) => one !== own) })
    show()
  })
  return { element: h("div", { class: "outcome", role: "group", "aria-label": "Outcome" }, correct, incorrect, note, said, form), judge, write }
}

// Without the outcomes, the user can still record one.
async function load(path, signal) {
  try {
    return (await api(path, { signal })).outcomes
  } catch {
    return []
  }
}
