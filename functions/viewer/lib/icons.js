// Inline icons, drawn with the color of the text next to them.

import { svg } from "./dom.js"

const PATHS = {
  check: "M3 8.5 6.5 12 13 4.5",
  cross: "m4 4 8 8m0-8-8 8",
  note: "M3 3h10v7l-3 3H3zm7 10v-3h3",
  copy: "M5.5 5.5h8v8h-8zm5 0v-3h-8v8h3",
  download: "M8 2.5V11M4.5 7.5 8 11l3.5-3.5M3 13.5h10",
  compare: "M2.5 3H7v10H2.5zM9 3h4.5v10H9z",
  trash: "M3 4.5h10M6.5 4.5v-2h3v2m-5 0 .5 9h6l.5-9",
  keyboard: "M1.5 4h13v8h-13zM4.5 7h.01M7 7h.01m2.5 0h.01m2 0h.01M5 9.5h6",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9m3.5 8 3 3",
  left: "M9.5 3.5 5 8l4.5 4.5",
  right: "M6.5 3.5 11 8l-4.5 4.5",
  up: "M3.5 9.5 8 5l4.5 4.5",
  down: "M3.5 6.5 8 11l4.5-4.5",
  pin: "M5 2.5h6m-5 0v4l-1.5 3h7l-1.5-3v-4m-2 7v4",
  link: "m6.5 9.5 3-3M7 4.5 8.5 3A2.5 2.5 0 0 1 12 6.5L10.5 8M9 11.5 7.5 13A2.5 2.5 0 0 1 4 9.5L5.5 8",
  comment: "M2.5 3h11v8h-6l-3 2.5V11h-2z",
}

/** Draw an icon; the text next to it, or the label of its button, has the same meaning. */
export function drawIcon(name) {
  const look = { fill: "none", stroke: "currentColor", "stroke-width": 1.5, "stroke-linecap": "round", "stroke-linejoin": "round" }
  return svg("svg", { class: "icon", viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true", ...look }, svg("path", { d: PATHS[name] }))
}
