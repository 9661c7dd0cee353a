// The one scale of the viewer: how unsure, from 0 (certain) to 1 (five nats or more), as one hue of even lightness steps.

export const MAX_NATS = 5
const STEPS = 20

/** The class that colours an element by a value between 0 and `max`; beyond it is the last step. */
export function scaleClass(value, max = MAX_NATS) {
  if (value === null || value === undefined || Number.isNaN(value)) return "scale-unknown"
  return `scale scale-${Math.round(Math.min(Math.max(value / max, 0), 1) * STEPS)}`
}
