// Addresses of the page: a take that is open, a version as well as any, and a place in it. Pure.

export interface Place {
  takeId: string
  position_s: number | null
}

/** "#take_0123456789abcdef", "#take_0123456789abcdef?t=12.5"; null for anything else. */
export function placeOf(hash: string): Place | null {
  const found = /^#(take_[0-9a-z]+)(?:\?t=(\d+(?:\.\d+)?))?$/.exec(hash)
  if (!found?.[1]) return null
  return { takeId: found[1], position_s: found[2] === undefined ? null : Number(found[2]) }
}

export function hashOf({ takeId, position_s }: Place): string {
  const time = position_s === null || position_s < 0.05 ? '' : `?t=${Number(position_s.toFixed(1))}`
  return `#${takeId}${time}`
}
