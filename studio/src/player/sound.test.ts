import { describe, expect, it } from 'vitest'
import { nearestSample, onSample, positionAt } from './clock'
import {
  curveInput,
  decibels,
  gainOf,
  heardGain,
  levelOf,
  matchedGains,
  meterShare,
  rmsOfSum,
  softClipCurve,
} from './gain'
import { ByteCache } from './lru'

describe('clock', () => {
  const clock = { at_s: 10, from_s: 3, duration_s: 8, loop: null }

  it('waits for its start, runs, and stays at the end', () => {
    expect([9, 10, 12, 99].map((now_s) => positionAt(clock, now_s))).toEqual([3, 3, 5, 8])
  })

  it('goes round a loop as an AudioBufferSourceNode does', () => {
    const looped = { ...clock, loop: { start_s: 2, end_s: 4 } }
    expect([10, 10.5, 11, 12.5, 13].map((now_s) => positionAt(looped, now_s))).toEqual([3, 3.5, 2, 3.5, 2])
    expect(positionAt({ ...looped, from_s: 0 }, 11)).toBe(1) // before the loop it runs into it
    expect(positionAt({ ...looped, from_s: 7 }, 10)).toBe(3) // after the loop it wraps into it
  })

  it('finds whole samples, and leaves those that are', () => {
    expect(onSample(1 / 44100 + 1e-12, 44100)).toBe(1 / 44100)
    expect(onSample(1.5 / 44100, 44100)).toBe(2 / 44100)
    expect(nearestSample(1.4 / 44100, 44100)).toBe(1 / 44100)
  })
})

describe('levels', () => {
  it('turns dB to gain and back', () => {
    expect(gainOf(0)).toBe(1)
    expect(gainOf(-60)).toBe(0)
    expect(levelOf(gainOf(-12.5))).toBeCloseTo(-12.5)
  })

  it('lets solo win over the others, and mute over solo', () => {
    const strip = { gain_db: 0, solo: false, muted: false }
    expect(heardGain(strip, false)).toBe(1)
    expect(heardGain(strip, true)).toBe(0)
    expect(heardGain({ ...strip, solo: true }, true)).toBe(1)
    expect(heardGain({ ...strip, solo: true, muted: true }, true)).toBe(0)
  })

  it('matches loudness downwards only', () => {
    const [loud = 0, soft = 0, unknown = 0] = matchedGains([-8, -14, null])
    expect(levelOf(loud)).toBeCloseTo(-6)
    expect([soft, unknown]).toEqual([1, 1])
    expect(matchedGains([null])).toEqual([1])
  })

  it('writes dB with a real minus', () => {
    expect([-3, 0, 1.5, -60, -0.04].map(decibels)).toEqual(['−3.0 dB', '0 dB', '+1.5 dB', '−∞ dB', '0 dB'])
  })

  it('measures the sum of parts, not the parts', () => {
    const one = Float32Array.of(0.5, -0.5, 0.5, -0.5)
    expect(rmsOfSum([[one, one]], 1)).toBeCloseTo(1)
    expect(rmsOfSum([[one, one.map((value) => -value)]], 1)).toBe(0)
    expect(rmsOfSum([], 1)).toBe(0)
  })

  it('shows a meter over 60 dB', () => {
    expect(meterShare(Float32Array.of(0, -1))).toBe(1)
    expect(meterShare(Float32Array.of(0.03162278))).toBeCloseTo(0.5)
    expect(meterShare(Float32Array.of(0))).toBe(0)
  })

  it('bends only what comes near full scale', () => {
    const curve = softClipCurve()
    const at = (input: number) => curve[Math.round(((input / curveInput + 1) / 2) * (curve.length - 1))] ?? 0
    expect(at(0.5)).toBeCloseTo(0.5, 6)
    expect(at(-0.75)).toBeCloseTo(-0.75, 6)
    expect(at(2)).toBeLessThanOrEqual(1)
    expect(at(1)).toBeGreaterThan(0.9)
  })
})

describe('cache', () => {
  it('drops what was used least recently, never the newest', () => {
    const cache = new ByteCache<string>(100)
    cache.set('a', 'A', 40)
    cache.set('b', 'B', 40)
    expect(cache.get('a')).toBe('A')
    cache.set('c', 'C', 40)
    expect([cache.has('a'), cache.has('b'), cache.has('c'), cache.bytes]).toEqual([true, false, true, 80])
    cache.set('d', 'D', 500)
    expect([cache.has('a'), cache.has('c'), cache.get('d')]).toEqual([false, false, 'D'])
  })

  it('counts a value set again once', () => {
    const cache = new ByteCache<number>(100)
    cache.set('a', 1, 60)
    cache.set('a', 2, 30)
    expect([cache.get('a'), cache.bytes]).toEqual([2, 30])
  })
})
