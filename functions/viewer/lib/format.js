// Numbers and times as people read them. What is not known is said to be unknown, never shown as 0.

export const UNKNOWN = "unknown"

/** A probability: "37.2 %", "< 0.01 %", "≤ 1.3 %" where it is only an upper bound, "unknown". */
export function formatProbability(value, { isBound = false } = {}) {
  if (value === null || value === undefined) return UNKNOWN
  const percent = value * 100
  const text = percent >= 99.95 && percent < 100 ? "> 99.9" : percent > 0 && percent < 0.01 ? "< 0.01" : trim(percent)
  return isBound ? `≤ ${text.replace(/^[<>] /, "")} %` : `${text} %`
}

function trim(percent) {
  if (percent >= 10) return percent.toFixed(1)
  return percent.toFixed(2)
}

/** Nats: "1.32 nats". */
export function formatNats(value, digits = 2) {
  return value === null || value === undefined ? UNKNOWN : `${value.toFixed(digits)} nats`
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
  return text.replace(/\n/g, "↵").replace(/\t/g, "⇥").replace(/[\0-\x1f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
}
