// The tokens as a table, an alternative to the colored text. It is built page by page when the user opens it.

import { h, replace } from "../../lib/dom.js"
import { describeProbability, describeSurprisal, formatNats, nameToken } from "../../lib/format.js"
import { describeForced } from "../../lib/mods.js"
import { drawNumberCells, drawTable } from "../../lib/parts.js"
import { describeEntropy, describeRank } from "./modes.js"

const PAGE = 200
const COLUMNS = ["#", "Token", "Probability", "Rank", "Surprisal", "Entropy", "Group confidence", "Origin"]

/** Draw a closed `details` element that contains the table. */
export function drawTokenTable({ tokens }) {
  const box = h("div", { tabindex: "0", role: "group", "aria-label": "Tokens" })
  const element = h("details", { class: "token-table" }, h("summary", null, "Tokens as a table"), box)
  element.addEventListener("toggle", () => element.open && !box.firstChild && showPage(box, tokens, 0))
  return element
}

function showPage(box, tokens, start) {
  const end = Math.min(start + PAGE, tokens.length)
  const turn = (name, to) => h("button", { type: "button", disabled: to < 0 || to >= tokens.length, onclick: () => showPage(box, tokens, to) }, name)
  replace(box,
    drawTable({ caption: `Tokens ${start + 1} to ${end} of ${tokens.length}`, heads: COLUMNS }, tokens.slice(start, end).map(drawRow)),
    tokens.length > PAGE ? h("p", { class: "pages" }, turn("Previous", start - PAGE), " ", turn("Next", start + PAGE)) : null)
}

function drawRow(token) {
  const how = [token.forced ? describeForced(token) : "sampled", token.discarded && "discarded"].filter(Boolean).join(", ")
  const cells = [describeProbability(token), describeRank(token), describeSurprisal(token), describeEntropy(token), formatNats(token.group)]
  return h("tr", null,
    h("td", { class: "number" }, token.index + 1),
    h("th", { scope: "row" }, h("code", null, nameToken(token))),
    drawNumberCells(cells),
    h("td", null, how))
}
