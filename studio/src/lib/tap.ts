/** The tempo in bpm of taps at these times in ms; null for fewer than two. The median ignores one that slipped. */
export function tappedTempo(times: readonly number[]): number | null {
  const gaps = times.slice(1).map((time, place) => time - (times[place] ?? time))
  if (gaps.length === 0) return null
  const sorted = gaps.toSorted((one, other) => one - other)
  const middle = sorted[Math.floor(sorted.length / 2)] ?? 0
  return middle > 0 ? Math.round(60_000 / middle) : null
}
