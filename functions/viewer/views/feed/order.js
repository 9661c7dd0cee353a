// The place of a row among others: the order of GET /logs.

const NO_CONFIDENCE = 2

/** Compare two rows in the order of the feed: negative if the first one comes first. Equal rows have no order here. */
function compareRows(one, other, sort) {
  return sort === "confidence" ? confidenceOf(one) - confidenceOf(other) : compareTimes(other.created_ts, one.created_ts)
}

/** Return the index at which a newly stored row belongs. Among equal ones it has the largest number, which the server sorts by. */
export function findPlace(rows, row, sort) {
  let [low, high] = [0, rows.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const order = compareRows(rows[middle], row, sort)
    if (order < 0 || (order === 0 && sort === "confidence")) low = middle + 1
    else high = middle
  }
  return low
}

function confidenceOf(row) {
  return row.sequence_confidence ?? NO_CONFIDENCE
}

// A Date has no microseconds, so the digits after the seconds are compared as text.
function compareTimes(one, other) {
  const [[second, fraction], [otherSecond, otherFraction]] = [split(one), split(other)]
  return second - otherSecond || fraction.localeCompare(otherFraction)
}

function split(time) {
  const [whole, fraction = ""] = time.replace("Z", "").split(".")
  return [Date.parse(`${whole}Z`), fraction.padEnd(6, "0")]
}
