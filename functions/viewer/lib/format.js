// Numbers and times as people read them. What is not known is said to be unknown, never shown as 0.

export const UNKNOWN = "unknown"

/** A probability: "37.2 %", "< 0.01 %", "≤ 1.3 %" where it is only an upper bound (rounded up, so that it stays one). */
export function formatProbability(value, { isBound = false } = {}) {
  if (value === null || value === undefined) return UNKNOWN
  const percent = value * 100
  if (isBound) return `≤ ${roundUp(percent)} %`
  if (percent >= 99.95 && percent < 100) return "> 99.9 %"
  return percent > 0 && percent < 0.01 ? "< 0.01 %" : `${percent.toFixed(digitsOf(percent))} %`
}

// Of two digits, unless rounding carries it to ten.
function digitsOf(percent) {
  return percent >= 9.995 ? 1 : 2
}

function roundUp(percent) {
  const digits = digitsOf(percent)
  const text = percent.toFixed(digits)
  return Number(text) >= percent ? text : (Number(text) + 10 ** -digits).toFixed(digits)
}

/** Nats: "1.32 nats". */
export function formatNats(value, digits = 2) {
  return value === null || value === undefined ? UNKNOWN : `${value.toFixed(digits)} nats`
}

/** "≥ 1.32 nats": rounded down, so that it stays a lower bound. */
export function formatLeastNats(value) {
  return value === null || value === undefined ? UNKNOWN : `≥ ${(Math.floor(value * 100) / 100).toFixed(2)} nats`
}

/** "1 token", "2 tokens". */
export function formatAmount(count, name) {
  return `${formatCount(count)} ${name}${count === 1 ? "" : "s"}`
}

/** A plain number with few digits. */
export function formatNumber(value, digits = 2) {
  return value === null || value === undefined ? UNKNOWN : value.toFixed(digits)
}

/** "12,345". */
export function formatCount(value) {
  return value === null || value === undefined ? UNKNOWN : value.toLocaleString("en")
}

/** "24 Nov 2026, 18:40:49" in the reader's time zone. */
export function formatTime(text) {
  return text ? new Date(text).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" }) : UNKNOWN
}

/** "3 min ago"; the full time belongs in a title beside it. */
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

/** A token's text so that every character can be seen: "↵" for a line's end, "⇥" for a tab, "␀"… for controls. */
export function showWhitespace(text) {
  return showControls(text.replace(/\n/g, "↵").replace(/\t/g, "⇥"))
}

/** A token's text, visible to the last blank; its id where the trace does not tell the text. */
export function nameToken({ id, text }) {
  if (text !== null) return showWhitespace(text).replace(/ /g, "␣") || "(empty)"
  return id === null ? "(unknown)" : `(token\u00a0${id})`
}

// What turns the direction of a line, or has no width: it would change how what stands beside it reads.
const INVISIBLE = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g

/** A text with a sign for each character that has none of its own; line ends and tabs stay. */
export function showControls(text) {
  return text.replace(INVISIBLE, (character) => {
    const code = character.charCodeAt(0)
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : `⟨${code.toString(16).padStart(4, "0")}⟩`
  })
}
