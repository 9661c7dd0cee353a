import { h, replace } from "../lib/dom.js"

export async function show(main) {
  replace(main, h("h1", null, "feed"))
}
