// The aligned texts as a table of tokens and their probabilities.

import { h } from "../../lib/dom.js"
import { describeProbability, formatCount, nameToken } from "../../lib/format.js"
import { describeForced } from "../../lib/mods.js"
import { drawNumberHead } from "../../lib/parts.js"

const PAGE = 200

/** Draw the runs of align() as a table, one page at a time. */
export function drawTable(a, b, runs) {
  const rows = [...pairTokens(a.tokens, b.tokens, runs)]
  const traces = [a, b]
  const body = h("tbody")
  const more = h("button", { onclick: () => add(true) })
  let shown = 0
  const add = (isAsked) => {
    const added = rows.slice(shown, shown + PAGE).map((row) => drawRow(row, traces))
    body.append(...added)
    shown += added.length
    more.textContent = `Show ${formatCount(Math.min(PAGE, rows.length - shown))} more of ${formatCount(rows.length)}`
    more.hidden = shown >= rows.length
    if (isAsked && more.hidden) added[0].closest("table").focus()
  }
  add(false)
  return h("div", { class: "token-table" },
    h("table", { tabindex: -1 },
      h("caption", null, "Every token, in text order; ≠ marks tokens that only one text has at that position"),
      h("thead", null,
        h("tr", null, h("th", { scope: "colgroup", colspan: 3 }, a.letter), h("td"), h("th", { scope: "colgroup", colspan: 3 }, b.letter)),
        h("tr", null, drawHeads(), h("th", { scope: "col" }, "Same?"), drawHeads())),
      body),
    more)
}

function drawHeads() {
  return [drawNumberHead("#"), h("th", { scope: "col" }, "Token"), drawNumberHead("Probability")]
}

function* pairTokens(ones, others, runs) {
  for (const { isSame, a, b } of runs) {
    const length = Math.max(a[1] - a[0], b[1] - b[0])
    for (let offset = 0; offset < length; offset += 1) {
      yield [a[0] + offset < a[1] ? ones[a[0] + offset] : null, isSame, b[0] + offset < b[1] ? others[b[0] + offset] : null]
    }
  }
}

function drawRow([one, isSame, other], [a, b]) {
  return h("tr", { class: isSame ? null : "differs" }, drawCells(one, a), h("td", null, isSame ? "=" : "≠"), drawCells(other, b))
}

function drawCells(token, trace) {
  if (!token) return [h("td"), h("td"), h("td")]
  const isFirst = token.forced && !trace.tokens[token.index - 1]?.forced
  const cause = isFirst ? ` ⚑ ${describeForced(token)}` : " ⚑ forced"
  return [
    h("td", { class: "number" }, formatCount(token.index + 1)),
    h("td", null, h("code", null, nameToken(token)), token.forced ? h("span", { class: "cause" }, cause) : null),
    h("td", { class: "number" }, describeProbability(token)),
  ]
}
