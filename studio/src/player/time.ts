// Bars and beats of a take on its time line. Times are seconds of the track.

import { count } from '../lib/format'
import type { ScoreView, Take } from '../lib/types'

export interface Region {
  start_s: number
  end_s: number
}

/** `bars_s` are the bar lines, the end of the last bar included; empty where no tempo is known. */
export interface Grid {
  bars_s: number[]
  beatsPerBar: number
}

export const NO_GRID: Grid = { bars_s: [], beatsPerBar: 4 }

// Times come from tempo arithmetic in floating point: this near to a line is on it.
const NEAR_S = 1e-3

/** The bar lines of the score; without one, those that tempo and metre make from the start. */
export function gridOf(take: Take, score: ScoreView | null): Grid {
  if (score && score.bars_s.length > 1) return { bars_s: score.bars_s, beatsPerBar: score.beats_per_bar }
  if (!take.tempo_bpm) return NO_GRID
  const beatsPerBar = beatsOfMetre(take.time_signature)
  const bar_s = (60 / take.tempo_bpm) * beatsPerBar
  const bars = Math.floor(take.duration_s / bar_s + NEAR_S)
  return { bars_s: Array.from({ length: bars + 1 }, (_, bar) => bar * bar_s), beatsPerBar }
}

/** 4/4 has four beats, 6/8 two (dotted quarters), 7/8 three and a half. */
export function beatsOfMetre(signature: string | null): number {
  const [count = 4, unit = 4] = (signature ?? '4/4').split('/').map(Number)
  if (unit === 8) return count % 3 === 0 ? count / 3 : count / 2
  return count
}

/** Index of the bar that sounds at `time_s`: −1 without bars, the last one after the end. */
export function barAt(grid: Grid, time_s: number): number {
  let low = 0
  let high = grid.bars_s.length - 2
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((grid.bars_s[middle] ?? 0) <= time_s + NEAR_S) low = middle
    else high = middle - 1
  }
  return high < 0 ? -1 : low
}

/** Bar and beat as musicians count them, from one; null without bars. */
export function placeAt(grid: Grid, time_s: number): { bar: number; beat: number } | null {
  const bar = barAt(grid, time_s)
  if (bar < 0) return null
  const start_s = grid.bars_s[bar] ?? 0
  const length_s = (grid.bars_s[bar + 1] ?? start_s) - start_s
  const beat = Math.floor(((time_s + NEAR_S - start_s) / length_s) * grid.beatsPerBar)
  return { bar: bar + 1, beat: Math.min(Math.max(beat, 0), Math.ceil(grid.beatsPerBar) - 1) + 1 }
}

/** Every beat, the bar lines included. */
export function beatsOf(grid: Grid): number[] {
  const beats: number[] = []
  for (let bar = 0; bar + 1 < grid.bars_s.length; bar++) {
    const start_s = grid.bars_s[bar] ?? 0
    const length_s = (grid.bars_s[bar + 1] ?? 0) - start_s
    for (let beat = 0; beat < grid.beatsPerBar; beat++) beats.push(start_s + (beat * length_s) / grid.beatsPerBar)
  }
  const end_s = grid.bars_s.at(-1)
  return end_s === undefined ? beats : [...beats, end_s]
}

/** The next line after, or the last one before, `time_s`; one second away where there are none. */
export function step(lines_s: number[], time_s: number, direction: 1 | -1, duration_s: number): number {
  if (!lines_s.length) return clamp(time_s + direction, 0, duration_s)
  if (direction > 0) return lines_s.find((line_s) => line_s > time_s + 0.02) ?? duration_s
  // Going back, a line just passed counts as reached, so that repeated presses get on while the music plays.
  return lines_s.findLast((line_s) => line_s < time_s - 0.15) ?? 0
}

/** The region stretched or shrunk to the nearest bar lines, one bar at least; unchanged without bars. */
export function snapToBars(grid: Grid, region: Region): Region {
  const lines = grid.bars_s
  if (lines.length < 2) return region
  let first = nearest(lines, region.start_s)
  let last = nearest(lines, region.end_s)
  if (last <= first) {
    first = Math.min(barAt(grid, region.start_s), lines.length - 2)
    last = first + 1
  }
  return { start_s: lines[first] ?? 0, end_s: lines[last] ?? 0 }
}

function nearest(lines_s: number[], time_s: number): number {
  let best = 0
  for (let index = 1; index < lines_s.length; index++) {
    if (Math.abs((lines_s[index] ?? 0) - time_s) < Math.abs((lines_s[best] ?? 0) - time_s)) best = index
  }
  return best
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}

/** 0:07, 12:34; with `tenths` 0:07.3. */
export function clockTime(time_s: number, tenths = false): string {
  const unit = tenths ? 10 : 1
  const whole = Math.floor(Math.max(0, time_s) * unit + 1e-6)
  const minutes = Math.floor(whole / (60 * unit))
  const seconds = Math.floor(whole / unit) % 60
  const rest = tenths ? `.${whole % 10}` : ''
  return `${minutes}:${String(seconds).padStart(2, '0')}${rest}`
}

/** For screen readers: "1 minute 5 seconds". */
export function spokenTime(time_s: number): string {
  const whole = Math.floor(Math.max(0, time_s))
  const minutes = Math.floor(whole / 60)
  const seconds = whole % 60
  const said = [minutes ? count(minutes, 'minute') : '', seconds || !minutes ? count(seconds, 'second') : '']
  return said.filter(Boolean).join(' ')
}
