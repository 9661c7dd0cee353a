// Export the requests that match the filters, as CSV or JSON lines. The rows are read page by page, as any client would.

import { api } from "../../lib/api.js"
import { announce, h, replace } from "../../lib/dom.js"
import { formatCount } from "../../lib/format.js"
import { saveFile } from "../../lib/parts.js"

const PAGE = 100
const FORMATS = {
  csv: { type: "text/csv", start: (row) => writeLine(Object.keys(row)), write: (row) => writeLine(Object.values(row)) },
  jsonl: { type: "application/x-ndjson", start: () => "", write: (row) => `${JSON.stringify(row)}\n` },
}

/** Draw the panel of the Export menu. `query` returns the parameters of GET /logs. */
export function drawExport({ query, signal }) {
  const note = h("p", { class: "faint", role: "status" }, "All requests that match the filters, with the columns of the API.")
  let running = null
  const run = async (format) => {
    running?.abort()
    const own = (running = new AbortController())
    const stop = h("button", { class: "quiet", onclick: () => own.abort() }, "Stop")
    try {
      const count = await save(format, query(), AbortSignal.any([signal, own.signal]), (done) => replace(note, `${formatCount(done)} requests … `, stop))
      replace(note, `Saved ${formatCount(count)} requests.`)
      announce(`Saved ${count} requests.`)
    } catch (error) {
      replace(note, error.name === "AbortError" ? "Stopped. Nothing was saved." : error.message)
    }
  }
  return [h("p", { class: "buttons" }, h("button", { onclick: () => run("csv") }, "CSV"), h("button", { onclick: () => run("jsonl") }, "JSONL")), note]
}

async function save(name, query, signal, report) {
  const format = FORMATS[name]
  const parts = []
  let count = 0
  let cursor
  do {
    const page = await api("/logs", { query: { ...query, limit: PAGE, cursor }, signal })
    if (!count && page.data.length) parts.push(format.start(page.data[0]))
    for (const row of page.data) parts.push(format.write(row))
    count += page.data.length
    cursor = page.next_cursor
    report(count)
  } while (cursor)
  saveFile(new Blob(parts, { type: format.type }), `requests.${name}`)
  return count
}

function writeLine(values) {
  return `${values.map(writeCell).join(",")}\r\n`
}

/** Write a cell. A spreadsheet would run a text that begins like a formula, so such a text gets an apostrophe in front. */
function writeCell(value) {
  if (value === null || value === undefined) return ""
  if (typeof value === "number" || typeof value === "boolean") return String(value)
  const text = typeof value === "string" ? value : Array.isArray(value) ? value.join("; ") : JSON.stringify(value)
  const safe = /^\s*[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n;']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
