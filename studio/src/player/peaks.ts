// Peaks of a take's parts, for every picture of a waveform.

import type { Peaks } from '../lib/types'
import { peaksOf } from './content'
import { ByteCache } from './lru'

/** The outline as wavesurfer draws it: the upper half and, as its second channel, the lower. */
export function outlineOf(peaks: Peaks): [number[], number[]] {
  const upper: number[] = []
  const lower: number[] = []
  for (let slice = 0; slice < peaks.slices; slice++) {
    lower.push(Math.abs(Math.min(0, peaks.data[2 * slice] ?? 0)))
    upper.push(Math.max(0, peaks.data[2 * slice + 1] ?? 0))
  }
  return [upper, lower]
}

const SLICES_PER_S = 50
const LEAST_SLICES = 800
const MOST_SLICES = 8000
const PEAKS_BYTES = 16e6
const known = new ByteCache<Promise<Peaks>>(PEAKS_BYTES)

export function slicesFor(duration_s: number): number {
  return Math.round(Math.min(MOST_SLICES, Math.max(LEAST_SLICES, duration_s * SLICES_PER_S)))
}

/** Peaks, asked for once. */
export function peaksFor(takeId: string, part: string, slices: number): Promise<Peaks> {
  const key = `${takeId}/${part}/${slices}`
  const before = known.get(key)
  if (before) return before
  const asked = peaksOf(takeId, part, slices)
  known.set(key, asked, 16 * slices)
  asked.catch(() => known.delete(key))
  return asked
}
