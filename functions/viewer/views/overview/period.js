// The time range of the overview: the last days, or two dates, in UTC. The page's address holds it.

export const PRESETS = ["1", "7", "30", "90", "all"]
const DEFAULT_DAYS = "30"
const DAY_MS = 86_400_000
const BY_HOUR_DAYS = 2

/** Read the range: {days, from, to, unit}. `days` is a preset or null; `from` and `to` are inclusive dates or "". */
export function readPeriod(parameters, now = Date.now()) {
  const [from, to] = ["from", "to"].map((name) => readDate(parameters.get(name)))
  if (from || to) {
    const span = from ? (Date.parse(to || toDate(now)) - Date.parse(from)) / DAY_MS + 1 : Infinity
    return { days: null, from, to, unit: span <= BY_HOUR_DAYS ? "hour" : "day" }
  }
  const days = PRESETS.includes(parameters.get("days")) ? parameters.get("days") : DEFAULT_DAYS
  const begin = days === "all" ? "" : toDate(now - (Number(days) - 1) * DAY_MS)
  return { days, from: begin, to: "", unit: days === "1" ? "hour" : "day" }
}

/** Convert a range to query parameters of the API, whose `to` is exclusive. */
export function toQuery({ from, to }) {
  return { from: from && `${from}T00:00:00Z`, to: to && `${addDay(to)}T00:00:00Z` }
}

/** Read a date ("2026-11-24"); return "" for anything else. */
export function readDate(text) {
  const date = (text ?? "").slice(0, 10)
  return /^\d{4}-\d\d-\d\d$/.test(date) && !Number.isNaN(Date.parse(date)) ? date : ""
}

/** Return the date of a time in UTC: "2026-11-24". */
function toDate(moment) {
  return new Date(moment).toISOString().slice(0, 10)
}

/** Convert the key of a group (a day or an hour) to seconds since the epoch. */
export function toSeconds(key) {
  return Date.parse(key) / 1000
}

/** Return the span of a group (a day or an hour) as filters of the feed. */
export function readSpan(key, unit) {
  const begin = Date.parse(key)
  return { created_from: new Date(begin).toISOString(), created_to: new Date(begin + (unit === "hour" ? 3_600_000 : DAY_MS)).toISOString() }
}

/** Format the key of a group: "24 Nov", "24 Nov, 18:00". */
export function formatKey(key) {
  const time = key.length > 10 ? { hour: "2-digit", minute: "2-digit" } : {}
  return new Date(key).toLocaleString("en-GB", { timeZone: "UTC", day: "numeric", month: "short", ...time })
}

function addDay(date) {
  return toDate(Date.parse(date) + DAY_MS)
}
