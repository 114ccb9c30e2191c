// The nearest known name to a mistyped one, for "did you mean …?" in refusals.

/**
 * The candidate at most two edits (Levenshtein, letter case ignored) away from `word`; the first of the nearest.
 * A word of up to three letters may differ by one, else "id" would suggest "to".
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const wanted = word.toLowerCase();
  let limit = wanted.length <= 3 ? 1 : 2;
  let best: string | undefined;
  for (const candidate of candidates) {
    const distance = distanceWithin(limit, wanted, candidate.toLowerCase());
    if (distance === undefined) continue;
    if (distance === 0) return candidate;
    best = candidate;
    limit = distance - 1;
  }
  return best;
}

/** Edits between two words, or undefined when there are more than `limit`: long input costs nothing. */
function distanceWithin(limit: number, left: string, right: string): number | undefined {
  if (Math.abs(left.length - right.length) > limit) return undefined;
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const replace = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(replace, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    if (Math.min(...current) > limit) return undefined;
    previous = current;
  }
  const distance = previous[right.length] ?? 0;
  return distance <= limit ? distance : undefined;
}
