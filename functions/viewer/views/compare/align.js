// Align two sequences of tokens with Myers' O(n·d) diff algorithm, up to a maximum number of edits.

/** The maximum number of insertions and deletions. The search history takes 4 · MAX_EDITS² bytes. */
export const MAX_EDITS = 2000

/**
 * Align two lists of numbers: {runs, common, isEqual, gaveUpAt}.
 *
 * `runs` cover both lists in order: {isSame, a: [start, end], b: [start, end]}. `common` is the length of the common
 * prefix. `gaveUpAt` is null, or the positions [a, b] after which only the common suffix was aligned.
 */
export function align(a, b, limit = MAX_EDITS) {
  const common = countCommon(a, b)
  const end = countCommonEnd(a, b, common)
  const middle = findMatches(a.slice(common, a.length - end), b.slice(common, b.length - end), limit)
  const runs = []
  add(runs, true, [0, 0], [common, common])
  let [x, y] = [common, common]
  for (const [i, j, length] of middle.matches) {
    add(runs, false, [x, y], [common + i, common + j])
    x = common + i + length
    y = common + j + length
    add(runs, true, [common + i, common + j], [x, y])
  }
  add(runs, false, [x, y], [a.length - end, b.length - end])
  add(runs, true, [a.length - end, b.length - end], [a.length, b.length])
  const isEqual = common === a.length && common === b.length
  return { runs, common, isEqual, gaveUpAt: middle.gaveUpAt?.map((position) => position + common) ?? null }
}

function add(runs, isSame, [a, b], [aEnd, bEnd]) {
  if (a === aEnd && b === bEnd) return
  const last = runs.at(-1)
  if (last?.isSame === isSame) [last.a[1], last.b[1]] = [aEnd, bEnd]
  else runs.push({ isSame, a: [a, aEnd], b: [b, bEnd] })
}

function countCommon(a, b) {
  let count = 0
  while (count < a.length && count < b.length && a[count] === b[count]) count += 1
  return count
}

function countCommonEnd(a, b, start) {
  let count = 0
  const most = Math.min(a.length, b.length) - start
  while (count < most && a[a.length - 1 - count] === b[b.length - 1 - count]) count += 1
  return count
}

// Find the matches, in order, as [position in a, position in b, length].
function findMatches(a, b, limit) {
  if (!a.length || !b.length) return { matches: [], gaveUpAt: null }
  const most = Math.min(a.length + b.length, limit)
  const reached = new Int32Array(2 * most + 3)
  const history = []
  for (let d = 0; d <= most; d += 1) {
    // Keep diagonals -d-1…d+1 as they were before this round: backtracking needs no others.
    history.push(reached.slice(most + 1 - (d + 1), most + 1 + d + 2))
    for (let k = -d; k <= d; k += 2) {
      const x = follow(a, b, start(reached, most + 1, d, k), k)
      reached[most + 1 + k] = x
      if (x >= a.length && x - k >= b.length) return { matches: goBack(history, d, k, x), gaveUpAt: null }
    }
  }
  const k = findFurthest(reached, most, a.length, b.length)
  const x = reached[most + 1 + k]
  return { matches: goBack(history, most, k, x), gaveUpAt: [x, x - k] }
}

function start(reached, zero, d, k) {
  const down = k === -d || (k !== d && reached[zero + k - 1] < reached[zero + k + 1])
  return down ? reached[zero + k + 1] : reached[zero + k - 1] + 1
}

function follow(a, b, x, k) {
  let end = x
  while (end < a.length && end - k < b.length && a[end] === b[end - k]) end += 1
  return end
}

function findFurthest(reached, most, width, height) {
  let best = null
  for (let k = -most; k <= most; k += 2) {
    const x = reached[most + 1 + k]
    const isInside = x <= width && x - k <= height && x - k >= 0
    if (isInside && (best === null || 2 * x - k > 2 * reached[most + 1 + best] - best)) best = k
  }
  return best ?? 0
}

function goBack(history, d, k, x) {
  const matches = []
  for (; d >= 0; d -= 1) {
    const before = history[d]
    const begin = start(before, d + 1, d, k)
    if (x > begin) matches.push([begin, begin - k, x - begin])
    if (d === 0) break
    const down = k === -d || (k !== d && before[d + 1 + k - 1] < before[d + 1 + k + 1])
    k = down ? k + 1 : k - 1
    x = before[d + 1 + k]
  }
  return matches.reverse()
}
