// The request among others: its percentile, and the next and previous request.

import { viewPath } from "../../lib/api.js"
import { h, replace } from "../../lib/dom.js"
import { formatCount } from "../../lib/format.js"
import { drawIcon } from "../../lib/icons.js"

const ENOUGH = 5

/** Draw the place of the percentile: {element, show(peers), fail(error)}. */
export function drawStanding() {
  const line = h("p", { class: "standing" }, " ")
  return {
    element: line,
    show: ({ standing }) => replace(line, describeStanding(standing)),
    fail: (error) => replace(line, h("span", { class: "faint" }, error.message)),
  }
}

function describeStanding({ n, percentile, model }) {
  if (percentile === null) return model === null ? "The request has no model to compare with." : "No confidence to compare."
  if (n < ENOUGH) return `A comparison needs ${ENOUGH} requests of this model; there ${n === 1 ? "is" : "are"} ${formatCount(n)}.`
  const rank = Math.round(percentile)
  return [h("strong", null, `${rank}${ordinal(rank)} percentile`), " of ",
    h("a", { href: `/?${new URLSearchParams({ model, sort: "confidence" })}`, title: "The least confident first" }, `this model's ${n >= 10_000 ? "newest " : ""}${formatCount(n)} requests`)]
}

function ordinal(number) {
  if (number % 100 >= 11 && number % 100 <= 13) return "th"
  return { 1: "st", 2: "nd", 3: "rd" }[number % 10] ?? "th"
}

/**
 * Draw the links to the next and previous request: {element, show(neighbors), follow(step)}. Step 1 is the next one.
 *
 * `neighbors` has the ids `previous` and `next`, and `sort`, the order of the feed if it is not by time.
 */
export function drawNeighbors(go) {
  const element = h("nav", { class: "neighbors", "aria-label": "Other requests" })
  let found = {}
  const link = (id, key, ...parts) => (id
    ? h("a", { class: "button", href: viewPath(id), title: `${id} (key ${key})` }, parts)
    : h("span", { class: "button is-off" }, parts))
  const label = (name) => h("span", { class: "label" }, name)
  const draw = () => {
    const [before, after] = found.sort ? ["Previous", "Next"] : ["Newer", "Older"]
    replace(element, link(found.previous, "k", drawIcon("left"), label(before)), link(found.next, "j", label(after), drawIcon("right")))
  }
  draw()
  return {
    element,
    show: (neighbors) => {
      found = neighbors
      draw()
    },
    follow: (step) => {
      const id = step > 0 ? found.next : found.previous
      if (id) go(viewPath(id))
    },
  }
}
