import { describe, expect, it } from 'vitest'
import type { Take } from '../lib/types'
import { Mix, type MixStrip } from './mix.svelte'

const take = { stems: ['bass-electric_bass', 'drums-standard_kit'], players: [] } as unknown as Take
const mixOf = () => {
  const mix = new Mix(take)
  return { mix, bass: mix.strips[0] as MixStrip, drums: mix.strips[1] as MixStrip }
}

describe('the mixer of a version', () => {
  it('shows what its sound has already, and plays only what differs', () => {
    const { mix, bass, drums } = mixOf()
    bass.settle({ gain_db: -6, pan: 0.5, muted: false })
    expect([bass.gain_db, bass.pan, mix.touched, mix.changed]).toEqual([-6, 0.5, false, false])
    expect(mix.heard(bass)).toBeCloseTo(1)
    bass.gain_db = -12
    expect(mix.heard(bass)).toBeCloseTo(10 ** (-6 / 20))
    expect([mix.touched, mix.changed]).toEqual([true, true])
    bass.gain_db = -60
    expect(mix.heard(bass)).toBe(0)
    bass.reset()
    drums.solo = true
    expect([bass.gain_db, mix.heard(bass), mix.touched, mix.changed]).toEqual([-6, 0, true, false])
  })

  it('leaves what was moved before that was known', () => {
    const { bass } = mixOf()
    bass.gain_db = 3
    bass.settle({ gain_db: -6, pan: 0.5, muted: true })
    expect([bass.gain_db, bass.changed]).toEqual([3, true])
    bass.reset()
    expect([bass.gain_db, bass.pan, bass.muted]).toEqual([-6, 0.5, true])
  })

  it('goes on in the next version with what was set and not kept', () => {
    const [before, after] = [mixOf(), mixOf()]
    before.bass.settle({ gain_db: -6, pan: 0, muted: false })
    before.bass.pan = -0.2
    before.drums.solo = true
    after.bass.settle({ gain_db: 1, pan: 0, muted: false })
    for (const strip of after.mix.strips) strip.follow(before.mix.named(strip.name) as MixStrip)
    expect([after.bass.gain_db, after.bass.pan, after.drums.solo]).toEqual([1, -0.2, true])
  })
})
