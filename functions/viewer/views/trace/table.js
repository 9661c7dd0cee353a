// The tokens as a table, an alternative to the colored text. It is built page by page when the user opens it.

import { h, replace } from "../../lib/dom.js"
import { formatNats, nameToken } from "../../lib/format.js"
import { nameMod } from "../../lib/mods.js"
import { describeEntropy, describeProbability, describeRank, describeSurprisal } from "./modes.js"

const PAGE = 200
const COLUMNS = ["#", "Token", "Probability", "Rank", "Surprisal", "Entropy", "Group confidence", "Origin"]

/** Draw a closed `details` element that contains the table. */
export function drawTable({ tokens }) {
  const box = h("div", { tabindex: "0", role: "group", "aria-label": "Tokens" })
  const element = h("details", { class: "token-table" }, h("summary", null, "Tokens as a table"), box)
  element.addEventListener("toggle", () => element.open && !box.firstChild && showPage(box, tokens, 0))
  return element
}

function showPage(box, tokens, start) {
  const end = Math.min(start + PAGE, tokens.length)
  const turn = (name, to) => h("button", { type: "button", disabled: to < 0 || to >= tokens.length, onclick: () => showPage(box, tokens, to) }, name)
  replace(box,
    h("table", null,
      h("caption", null, `Tokens ${start + 1} to ${end} of ${tokens.length}`),
      h("thead", null, h("tr", null, COLUMNS.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", null, tokens.slice(start, end).map(drawRow))),
    tokens.length > PAGE ? h("p", { class: "pages" }, turn("Previous", start - PAGE), " ", turn("Next", start + PAGE)) : null)
}

function drawRow(token) {
  const how = [token.forced ? `forced by ${nameMod(token.forcedBy) || "a mod"}` : "sampled", token.discarded && "discarded"].filter(Boolean).join(", ")
  const cells = [describeProbability(token), describeRank(token), describeSurprisal(token), describeEntropy(token), formatNats(token.group)]
  return h("tr", null,
    h("td", { class: "number" }, token.index + 1),
    h("th", { scope: "row" }, h("code", null, nameToken(token))),
    cells.map((text) => h("td", { class: "number" }, text)),
    h("td", null, how))
}
