import { describe, expect, it } from 'vitest'
import type { ScoreView, Take } from '../lib/types'
import { barAt, beatsOf, beatsOfMetre, clockTime, gridOf, placeAt, snapToBars, spokenTime, step } from './time'

const grid = { bars_s: [0, 2, 4, 6], beatsPerBar: 4 }

describe('bars and beats', () => {
  it('takes the bar lines of the score, else those of tempo and metre', () => {
    const take = { tempo_bpm: 120, time_signature: '3/4', duration_s: 5 } as Take
    expect(gridOf(take, null)).toEqual({ bars_s: [0, 1.5, 3, 4.5], beatsPerBar: 3 })
    const score = { bars_s: [0, 2], beats_per_bar: 4 } as ScoreView
    expect(gridOf(take, score).bars_s).toEqual([0, 2])
    expect(gridOf({ ...take, tempo_bpm: null }, null).bars_s).toEqual([])
  })

  it('counts compound metres in dotted beats', () => {
    expect([beatsOfMetre('4/4'), beatsOfMetre('6/8'), beatsOfMetre('3/4'), beatsOfMetre(null)]).toEqual([4, 2, 3, 4])
  })

  it('finds the bar of a time, before, on and after every line', () => {
    expect([0, 1.99, 2, 3.9999, 5, 9].map((time_s) => barAt(grid, time_s))).toEqual([0, 0, 1, 2, 2, 2])
    expect(barAt({ bars_s: [], beatsPerBar: 4 }, 1)).toBe(-1)
  })

  it('names places as musicians do', () => {
    expect(placeAt(grid, 0)).toEqual({ bar: 1, beat: 1 })
    expect(placeAt(grid, 2.5)).toEqual({ bar: 2, beat: 2 })
    expect(placeAt(grid, 99)).toEqual({ bar: 3, beat: 4 })
  })

  it('lists beats with the last bar line', () => {
    expect(beatsOf({ bars_s: [0, 2, 3], beatsPerBar: 2 })).toEqual([0, 1, 2, 2.5, 3])
  })

  it('steps to lines, and over one just passed when going back', () => {
    expect(step(grid.bars_s, 2, 1, 8)).toBe(4)
    expect(step(grid.bars_s, 7, 1, 8)).toBe(8)
    expect(step(grid.bars_s, 2.1, -1, 8)).toBe(0)
    expect(step(grid.bars_s, 2.5, -1, 8)).toBe(2)
    expect(step([], 2.5, -1, 8)).toBe(1.5)
  })

  it('snaps a region to bars, one at least', () => {
    expect(snapToBars(grid, { start_s: 0.4, end_s: 3.6 })).toEqual({ start_s: 0, end_s: 4 })
    expect(snapToBars(grid, { start_s: 2.2, end_s: 2.4 })).toEqual({ start_s: 2, end_s: 4 })
    expect(snapToBars(grid, { start_s: 5.8, end_s: 5.9 })).toEqual({ start_s: 4, end_s: 6 })
  })
})

describe('times in words', () => {
  it('never shows a second that has not come', () => {
    expect(clockTime(59.96)).toBe('0:59')
    expect(clockTime(59.96, true)).toBe('0:59.9')
    expect(clockTime(61.3, true)).toBe('1:01.3')
  })

  it('speaks', () => {
    expect(spokenTime(61)).toBe('1 minute 1 second')
    expect(spokenTime(0)).toBe('0 seconds')
    expect(spokenTime(120)).toBe('2 minutes')
  })
})
