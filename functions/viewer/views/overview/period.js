// The time range of the overview: the last days, or two dates, in the time zone that is shown. The page's address holds it.

import { fromField, readZone, toField } from "../../lib/format.js"

export const PRESETS = ["1", "7", "30", "90", "all"]
const DEFAULT_DAYS = "30"
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const BY_HOUR_DAYS = 2

/** Read the range: {days, from, to, unit}. `days` is a preset or null; `from` and `to` are inclusive dates or "". */
export function readPeriod(parameters, now = Date.now()) {
  const [from, to] = ["from", "to"].map((name) => readDate(parameters.get(name)))
  if (from || to) {
    const span = from ? countDays(from, to || toDate(now)) : Infinity
    return { days: null, from, to, unit: span <= BY_HOUR_DAYS ? "hour" : "day" }
  }
  const days = PRESETS.includes(parameters.get("days")) ? parameters.get("days") : DEFAULT_DAYS
  const begin = days === "all" ? "" : moveDate(toDate(now), 1 - Number(days))
  return { days, from: begin, to: "", unit: days === "1" ? "hour" : "day" }
}

/** Convert a range to query parameters of the API, whose `to` is exclusive. */
export function toQuery({ from, to }) {
  return { from: from && beginOf(from), to: to && beginOf(moveDate(to, 1)) }
}

/** Read a date ("2026-11-24"); return "" for anything else. */
export function readDate(text) {
  const date = (text ?? "").slice(0, 10)
  return /^\d{4}-\d\d-\d\d$/.test(date) && !Number.isNaN(Date.parse(date)) ? date : ""
}

/** Return the date of a time: "2026-11-24". */
export function toDate(moment) {
  return toField(new Date(moment).toISOString()).slice(0, 10)
}

// The time at which a date begins, and the end of the day before: a day may have 23 or 25 hours.
function beginOf(date) {
  return fromField(`${date}T00:00:00`)
}

function moveDate(date, days) {
  return new Date(Date.parse(date) + days * DAY_MS).toISOString().slice(0, 10)
}

function countDays(first, last) {
  return (Date.parse(last) - Date.parse(first)) / DAY_MS + 1
}

/** Convert the key of a group (a day or an hour) to seconds since the epoch: its beginning. */
export function toSeconds(key) {
  return Date.parse(isDay(key) ? beginOf(key) : key) / 1000
}

/** Return the span of a group (a day or an hour) as filters of the feed. */
export function readSpan(key, unit) {
  if (unit === "day") return { created_from: beginOf(key), created_to: beginOf(moveDate(key, 1)) }
  return { created_from: new Date(key).toISOString(), created_to: new Date(Date.parse(key) + HOUR_MS).toISOString() }
}

/** Format the key of a group: "24 Nov", "24 Nov, 18:00". */
export function formatKey(key) {
  const format = isDay(key) ? { timeZone: "UTC" } : { timeZone: readZone(), hour: "2-digit", minute: "2-digit" }
  return new Date(key).toLocaleString("en-GB", { day: "numeric", month: "short", ...format })
}

function isDay(key) {
  return key.length === 10
}
