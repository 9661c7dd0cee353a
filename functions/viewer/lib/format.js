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

/** Format a token's probability: "≤ 1.3 %" if only a bound is known, "unknown" without one. */
export function describeProbability({ prob, bound }) {
  return formatProbability(prob ?? bound, { isBound: prob === null })
}

/** Format a token's surprisal: "1.32 nats", or "≥ 4.34 nats" for a bound. */
export function describeSurprisal({ surprisal, bound }) {
  return surprisal === null && bound > 0 ? formatLeastNats(-Math.log(bound)) : formatNats(surprisal)
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

/** Format a difference: formatChange(-1.5, (size) => size.toFixed(1)) is "−1.5". */
export function formatChange(value, format) {
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${format(Math.abs(value))}`
}

/** Format a number with a fixed number of decimals. */
export function formatNumber(value, digits = 2) {
  return value === null || value === undefined ? UNKNOWN : value.toFixed(digits)
}

/** Format a count: "12,345". */
export function formatCount(value) {
  return value === null || value === undefined ? UNKNOWN : value.toLocaleString("en")
}

const ZONE = "thunder-zone"
const MINUTE_MS = 60000

/** Whether times are shown in the time zone of this computer. All views show UTC otherwise. */
export function isLocalZone() {
  return localStorage.getItem(ZONE) === "local"
}

/** Switch between UTC and the time zone of this computer. UTC is not stored, because it is the default. */
export function switchZone() {
  if (isLocalZone()) localStorage.removeItem(ZONE)
  else localStorage.setItem(ZONE, "local")
}

/** Name the time zone that is shown: "UTC", "UTC+01:00". */
export function nameZone() {
  const minutes = isLocalZone() ? -new Date().getTimezoneOffset() : 0
  if (!minutes) return "UTC"
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
  return `UTC${minutes < 0 ? "−" : "+"}${String(hours).padStart(2, "0")}:${String(rest).padStart(2, "0")}`
}

// Browsers still use the old names of these zones, which some databases don't have.
const RENAMED = {
  "Africa/Asmera": "Africa/Asmara",
  "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
  "America/Catamarca": "America/Argentina/Catamarca",
  "America/Coral_Harbour": "America/Atikokan",
  "America/Cordoba": "America/Argentina/Cordoba",
  "America/Godthab": "America/Nuuk",
  "America/Indianapolis": "America/Indiana/Indianapolis",
  "America/Jujuy": "America/Argentina/Jujuy",
  "America/Louisville": "America/Kentucky/Louisville",
  "America/Mendoza": "America/Argentina/Mendoza",
  "Asia/Calcutta": "Asia/Kolkata",
  "Asia/Katmandu": "Asia/Kathmandu",
  "Asia/Rangoon": "Asia/Yangon",
  "Asia/Saigon": "Asia/Ho_Chi_Minh",
  "Atlantic/Faeroe": "Atlantic/Faroe",
  "Europe/Kiev": "Europe/Kyiv",
  "Pacific/Enderbury": "Pacific/Kanton",
  "Pacific/Ponape": "Pacific/Pohnpei",
  "Pacific/Truk": "Pacific/Chuuk",
}

/** Return the IANA name of the time zone that is shown: "UTC", "Europe/Berlin". */
export function readZone() {
  const zone = isLocalZone() ? Intl.DateTimeFormat().resolvedOptions().timeZone : "UTC"
  return RENAMED[zone] ?? zone
}

/** Format a time in the time zone that is shown: "24 Nov 2026, 18:40:49". */
export function formatTime(text) {
  return text ? new Date(text).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium", timeZone: readZone() }) : UNKNOWN
}

/** Convert a time of the API (RFC 3339, or seconds since the epoch) to the value of a datetime-local field; "" if invalid. */
export function toField(text) {
  const moment = new Date(/^[\d.]+$/.test(text) ? text * 1000 : text)
  if (Number.isNaN(moment.getTime())) return ""
  const offset = isLocalZone() ? moment.getTimezoneOffset() * MINUTE_MS : 0
  return new Date(moment - offset).toISOString().slice(0, 19)
}

/** Convert the value of a datetime-local field to a time of the API. */
export function fromField(value) {
  return new Date(isLocalZone() ? value : `${value}Z`).toISOString()
}

/** Format a duration in milliseconds: "862 ms", "2.41 s", "3 min 5 s". */
export function formatDuration(ms) {
  if (ms === null || ms === undefined) return UNKNOWN
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59950) return `${(ms / 1000).toPrecision(3)} s`
  const seconds = Math.round(ms / 1000)
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min ${seconds % 60} s` : `${(seconds / 3600).toFixed(1)} h`
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
