// The words of an answer that contain its least likely tokens.

import { rankByDoubt } from "../../lib/scores.js"

const STARTS_INSIDE = /^[\p{L}\p{M}\p{N}_'’-]/u
const ENDS_INSIDE = /[\p{L}\p{M}\p{N}_'’-]$/u
/** Texts without spaces are one word, of which the tokens next to the least likely one are shown. */
const REACH = 4

/** List the words with the least likely sampled tokens, each word once: {token, before, after}, the rest of the word as text. */
export function listDoubtfulWords(tokens, most) {
  const kept = tokens.filter((token) => !token.discarded)
  const placeOf = new Map(kept.map((token, place) => [token, place]))
  const words = []
  const covered = new Set()
  for (const token of rankByDoubt(tokens)) {
    if (words.length === most) break
    if (covered.has(token)) continue
    const [first, last] = findWord(kept, placeOf.get(token))
    const [before, after] = [kept.slice(first, placeOf.get(token)), kept.slice(placeOf.get(token) + 1, last + 1)]
    for (const one of [...before, token, ...after]) covered.add(one)
    words.push({ token, before: join(before).trimStart(), after: join(after) })
  }
  return words
}

function findWord(kept, place) {
  const isJoined = (left) => ENDS_INSIDE.test(kept[left]?.text ?? "") && STARTS_INSIDE.test(kept[left + 1]?.text ?? "")
  let [first, last] = [place, place]
  while (place - first < REACH && isJoined(first - 1)) first -= 1
  while (last - place < REACH && isJoined(last)) last += 1
  return [first, last]
}

function join(tokens) {
  return tokens.map((token) => token.text).join("")
}
