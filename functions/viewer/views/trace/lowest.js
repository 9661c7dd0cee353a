// Names of the least confident part of an answer.

/** "tokens 3 to 34", "token 3". */
export function nameSpan({ first, last }) {
  return first === last ? `token ${first + 1}` : `tokens ${first + 1} to ${last + 1}`
}

/** "Least confident window", "Least confident quarter" of a short answer, or "Least likely token" of a very short one. */
export function nameLowest({ lowest }) {
  return { window: "Least confident window", part: "Least confident quarter", token: "Least likely token" }[lowest?.kind ?? "window"]
}
