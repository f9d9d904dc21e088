import { describe, expect, it } from 'vitest'
import { hashOf, placeOf } from './address'

describe('addresses', () => {
  it('name a take and a place in it', () => {
    expect(placeOf('#take_0a1b')).toEqual({ takeId: 'take_0a1b', position_s: null })
    expect(placeOf('#take_0a1b?t=12.5')).toEqual({ takeId: 'take_0a1b', position_s: 12.5 })
    expect(hashOf({ takeId: 'take_0a1b', position_s: 12.54 })).toBe('#take_0a1b?t=12.5')
    expect(hashOf({ takeId: 'take_0a1b', position_s: 0.01 })).toBe('#take_0a1b')
    expect(placeOf(hashOf({ takeId: 'take_0a1b', position_s: 3 }))?.position_s).toBe(3)
  })

  it('are nothing else', () => {
    for (const hash of ['', '#', '#take_', '#job_1', '#take_1?t=x', '#take_1/../2', '#take_1?t=1&u=2'])
      expect(placeOf(hash)).toBeNull()
  })
})
