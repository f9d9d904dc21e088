import { describe, expect, it } from 'vitest'
import type { ScoreView, Take } from '../lib/types'
import { documentOf } from './document'
import { laneOf, noteAt, noteName, seen, summary, type Lane } from './lanes'

const note = (pitch: number, start_s: number, end_s: number) => {
  return { pitch, start_s, end_s, velocity: 90, syllable: null }
}
const score: ScoreView = {
  tempo_bpm: 120,
  key: 'C',
  mode: 'major',
  time_signature: '4/4',
  bars_s: [0, 2, 4],
  beats_per_bar: 4,
  tracks: [
    { role: 'lead', instrument: 'grand_piano', stem: 'lead', notes: [note(60, 0, 1), note(72, 2, 3)] },
    { role: 'drums', instrument: 'standard_kit', stem: 'drums', notes: [note(36, 0, 0.1), note(42, 0.5, 0.6)] },
    { role: 'texture', instrument: 'vinyl_crackle', stem: null, notes: [note(60, 0, 4)] },
  ],
  chords: [{ start_s: 0, end_s: 4, name: 'C' }],
}
const { players } = documentOf({ id: 'take_1', sections: [] } as unknown as Take, score, null)
const [piano, kit, crackle] = players.map(laneOf) as [Lane, Lane, Lane]

describe('lanes', () => {
  it('give pitches rows, drums and sounds theirs', () => {
    expect([piano.rows, kit.rows, crackle.rows]).toEqual([15, 6, 1])
    const [low, high] = piano.notes
    expect((low?.row ?? 0) - (high?.row ?? 0)).toBe(12)
    const names = [piano, kit, crackle].flatMap(({ notes }) => notes.map(({ name }) => name))
    expect(names).toEqual(['C4', 'C5', 'Kick', 'Hi-hat', ''])
    expect(piano.dark.map((row) => (73 - row) % 12)).toEqual([1, 10, 8, 6, 3, 1])
  })

  it('tell what is seen without looking at every note', () => {
    const many: Lane = {
      ...piano,
      longest_s: 2,
      notes: Array.from({ length: 1000 }, (_, index) => ({
        start_s: index,
        end_s: index + 2,
        velocity: 1,
        row: 0,
        name: '',
      })),
    }
    expect(seen(many, 500, 510)).toEqual([498, 510])
    expect(seen(many, -5, 0)).toEqual([0, 0])
    expect(seen(many, 2000, 3000)).toEqual([1000, 1000])
  })

  it('find notes by time and row, short ones within reach', () => {
    const low = piano.notes[0]
    expect(noteAt(piano, 0.5, low?.row ?? -1, 0.05)).toBe(low)
    expect(noteAt(piano, 1.5, low?.row ?? -1, 0.05)).toBeNull()
    expect(noteAt(kit, 0.15, 5, 0.2)?.name).toBe('Kick')
  })

  it('names pitches and says the score in words', () => {
    expect([0, 60, 61, 69].map(noteName)).toEqual(['C-1', 'C4', 'C♯4', 'A4'])
    const said = summary(score, { bars_s: score.bars_s, beatsPerBar: 4 })
    expect(said).toContain('2 bars in 4/4 at 120 bpm, C major.')
    expect(said).toContain('Grand piano (Lead): 2 notes, C4 to C5, from bar 1.')
  })
})
