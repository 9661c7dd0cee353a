// The columns and the density of the feed. The address holds them, so that a link shows the same list.

export const PARTS = [
  ["prompt", "Prompt"], ["id", "Id"], ["model", "Model"], ["mod", "Mod"], ["tags", "Tags"], ["source", "Source"], ["group", "Group"],
  ["user", "User"], ["ending", "Ending"], ["outcome", "Outcome"], ["comments", "Comments"], ["p_correct", "p_correct"],
]
export const COLUMNS = [
  { name: "time", label: "Time", width: "6.25rem" },
  { name: "latency", label: "Latency", width: "4.75rem" },
  { name: "tokens", label: "Tokens", width: "4rem" },
  { name: "curve", label: "Lowest group confidence (nats)", short: "Curve", width: "10.75rem" },
  { name: "confidence", label: "Confidence", width: "7rem" },
]
const NAMES = [...PARTS.map(([name]) => name), ...COLUMNS.map(({ name }) => name)]
const NONE = "none"
const sheet = new CSSStyleSheet()
document.adoptedStyleSheets.push(sheet)

/** Read the look from the parameters of an address: {columns: Set, density}. Without a parameter, every column is shown. */
export function readLook(parameters) {
  const given = parameters.get("columns")
  const named = given === NONE ? [] : given?.split(",").filter((name) => NAMES.includes(name))
  return { columns: new Set(named ?? NAMES), density: parameters.get("density") === "compact" ? "compact" : "comfortable" }
}

/** Return the parameters of a look that differ from the default. */
export function writeLook({ columns, density }) {
  const chosen = NAMES.filter((name) => columns.has(name))
  return {
    ...(chosen.length === NAMES.length ? {} : { columns: chosen.join(",") || NONE }),
    ...(density === "compact" ? { density } : {}),
  }
}

/** Apply a look to the element around the list. Hidden columns stay in the document, so that a change redraws nothing. */
export function applyLook(element, { columns, density }) {
  element.dataset.density = density
  const hidden = NAMES.filter((name) => !columns.has(name))
  element.dataset.hidden = hidden.join(" ")
  sheet.replaceSync(hidden.map((name) => `[data-part="${name}"] { display: none !important; }`).join("\n"))
  const widths = COLUMNS.filter(({ name }) => columns.has(name)).map(({ width }) => width)
  element.style.setProperty("--columns", widths.join(" "))
}
