// Format numbers, times and tokens for display. An unknown value is shown as "unknown", never as 0.

export const UNKNOWN = "unknown"

/** Format a probability: "37.2 %", "< 0.01 %", or "≤ 1.3 %" for an upper bound (rounded up to remain a bound). */
export function formatProbability(value, { isBound = false } = {}) {
  if (value === null || value === undefined) return UNKNOWN
  const percent = value * 100
  if (isBound) return `≤ ${roundUp(percent)} %`
  if (percent >= 99.95 && percent < 100) return "> 99.9 %"
  return percent > 0 && percent < 0.01 ? "< 0.01 %" : `${percent.toFixed(digitsOf(percent))} %`
}

// Two decimals below 10 %, one from there on; 9.995 rounds to 10.
function digitsOf(percent) {
  return percent >= 9.995 ? 1 : 2
}

function roundUp(percent) {
  const digits = digitsOf(percent)
  const text = percent.toFixed(digits)
  return Number(text) >= percent ? text : (Number(text) + 10 ** -digits).toFixed(digits)
}

/** Format nats: "1.32 nats". */
export function formatNats(value, digits = 2) {
  return value === null || value === undefined ? UNKNOWN : `${value.toFixed(digits)} nats`
}

/** Format a lower bound: "≥ 1.32 nats". It is rounded down to remain a bound. */
export function formatLeastNats(value) {
  return value === null || value === undefined ? UNKNOWN : `≥ ${(Math.floor(value * 100) / 100).toFixed(2)} nats`
}

/** Format a count with its noun: "1 token", "2 tokens". */
export function formatAmount(count, name) {
  return `${formatCount(count)} ${name}${count === 1 ? "" : "s"}`
}

/** Format a number with a fixed number of decimals. */
export function formatNumber(value, digits = 2) {
  return value === null || value === undefined ? UNKNOWN : value.toFixed(digits)
}

/** Format a count: "12,345". */
export function formatCount(value) {
  return value === null || value === undefined ? UNKNOWN : value.toLocaleString("en")
}

/** Format a time in the user's time zone: "24 Nov 2026, 18:40:49". */
export function formatTime(text) {
  return text ? new Date(text).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" }) : UNKNOWN
}

/** Format the age of a time: "3 min ago". Show the full time in a title. */
export function formatAge(text, now = Date.now()) {
  const seconds = Math.max(0, (now - new Date(text)) / 1000)
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["min", 60]]) {
    if (seconds >= size) {
      const count = Math.floor(seconds / size)
      return `${count} ${unit}${count > 1 && unit !== "min" ? "s" : ""} ago`
    }
  }
  return "just now"
}

/** Make every character of a text visible: "↵" for a line feed, "⇥" for a tab, "␀" … for control characters. */
export function showWhitespace(text) {
  return showControls(text.replace(/\n/g, "↵").replace(/\t/g, "⇥"))
}

/** Return the text of a token with visible whitespace, or its id if the trace has no text for it. */
export function nameToken({ id, text }) {
  if (text !== null) return showWhitespace(text).replace(/ /g, "␣") || "(empty)"
  return id === null ? "(unknown)" : `(token\u00a0${id})`
}

// Bidirectional controls and zero-width characters, which would change how the surrounding text is displayed.
const INVISIBLE = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g

/** Replace invisible characters with visible signs; line feeds and tabs are kept. */
export function showControls(text) {
  return text.replace(INVISIBLE, (character) => {
    const code = character.charCodeAt(0)
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : `⟨${code.toString(16).padStart(4, "0")}⟩`
  })
}
