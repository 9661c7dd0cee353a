// The viewer's color scale for uncertainty: 21 steps of one hue, from 0 nats (certain) to 5 nats and more.

export const MAX_NATS = 5
const STEPS = 20
/** Below 1, low values get more of the steps: most tokens have less than 2 nats, and the eye distinguishes dark colors poorly. */
const EXPONENT = 0.7

const sheet = new CSSStyleSheet()
sheet.replaceSync(Array.from({ length: STEPS + 1 }, (_, step) => `.scale-${step} { --unsure: ${(100 * step) / STEPS}%; }`).join("\n"))
document.adoptedStyleSheets.push(sheet)

/** Return the class that colors an element by a value from 0 to `max`; larger values get the last step. */
export function scaleClass(value, max = MAX_NATS) {
  if (value === null || value === undefined || Number.isNaN(value)) return "scale-unknown"
  return `scale scale-${Math.round(Math.min(Math.max(value / max, 0), 1) ** EXPONENT * STEPS)}`
}
