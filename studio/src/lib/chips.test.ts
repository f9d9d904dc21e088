import { describe, expect, it } from 'vitest'
import { because, chipsOf, chosen, readReasons } from './chips'
import { draftOf, emptyDraft, paramsOf } from './form.svelte'
import type { Reason, Understood } from './types'

const reason = (field: string, value: string, words: string, source: Reason['source'] = 'lexicon'): Reason => ({
  field,
  value,
  words,
  source,
  confidence: 1,
})

const slowJazz: Understood = {
  controls: {
    genres: [['jazz_swing', 1]],
    moods: [],
    instruments: ['upright_bass'],
    excluded: ['drums', 'percussion'],
    tempo_bpm: 109,
    key: 'D',
    mode: 'minor',
    energy: 0.3,
  },
  reasons: [
    reason('genres', 'jazz_swing', 'jazz'),
    reason('instruments', 'upright_bass', 'double bass'),
    reason('excluded', 'drums', 'not drums'),
    reason('tempo_bpm', '109', 'slow', 'implied'),
    reason('energy', '0.3', 'slow'),
    reason('key', 'D', 'in D minor'),
    reason('mode', 'minor', 'in D minor'),
  ],
  not_understood: [],
  problem: null,
}

const chip = (id: string, draft = emptyDraft(), understood: Understood | null = slowJazz) =>
  chipsOf(draft, understood).find((one) => one.id === id)

describe('chips', () => {
  it('show what the words say, and quote them only where that adds something', () => {
    expect(chip('tempo')).toMatchObject({ value: '109 bpm', quote: 'slow', reason: 'follows from “slow”', isSet: false })
    expect(chip('genres')).toMatchObject({ value: 'Jazz swing', quote: '' })
    expect(chip('key')).toMatchObject({ value: 'D minor', quote: '' })
    expect(chip('without')).toMatchObject({ value: 'Drums, percussion' })
    expect(chip('energy')).toMatchObject({ field: null, value: 'calm', quote: 'slow' })
  })

  it('leave open what nobody said', () => {
    expect(chip('metre')).toMatchObject({ value: '', isSet: false })
    expect(chip('textures')).toBeUndefined()
    expect(chip('tempo', emptyDraft(), null)).toMatchObject({ value: '' })
  })

  it('show an option instead of the words', () => {
    const draft = { ...emptyDraft(), tempo_bpm: 80, bars: 16, genres: ['folk'] }
    expect(chip('tempo', draft)).toMatchObject({ value: '80 bpm', isSet: true, quote: '', reason: 'set by you' })
    expect(chip('length', draft)?.value).toBe('16 bars')
    expect(chosen('genres', draft, slowJazz)).toEqual(['folk'])
    expect(chosen('without', draft, slowJazz)).toEqual(['drums', 'percussion'])
  })

  it('name the kind of every reason', () => {
    expect(because({ ...reason('moods', 'chill', 'evening', 'meaning'), confidence: 0.4 })).toContain('40 %')
    expect(because(reason('tempo_bpm', '80', '--bpm 80', 'option'))).toBe('set by you')
  })

  it('sum up a finished take, one line a field', () => {
    const lines = readReasons([reason('duration_s', '90.0', '90 s'), ...slowJazz.reasons, reason('genres', 'folk', 'folk')])
    expect(lines[0]).toEqual({ label: 'Length', value: '1:30', reason: 'from “90 s”' })
    expect(lines.filter((line) => line.label === 'Genre')).toEqual([
      { label: 'Genre', value: 'jazz swing, folk', reason: 'from “jazz”, “folk”' },
    ])
    expect(lines.find((line) => line.label === 'Energy')?.value).toBe('calm')
  })
})

describe('the draft', () => {
  const ALL = ['lyrics', 'voice', 'loop', 'init_audio', 'negative_prompt', 'preset', 'device']

  it('asks for nothing that was not chosen', () => {
    expect(paramsOf({ ...emptyDraft(), prompt: ' calm ' }, ALL)).toEqual({ prompt: 'calm', takes: 2, model: 'embedded' })
  })

  it('leaves out what the model cannot do', () => {
    const draft = { ...emptyDraft(), sing: true, lyrics: 'la', voice: 'ava', loop: true, negative_prompt: 'noise' }
    expect(paramsOf(draft, ALL)).toMatchObject({ vocals: true, lyrics: 'la', voice: 'ava', loop: true, negative_prompt: 'noise' })
    expect(Object.keys(paramsOf(draft, []))).toEqual(['prompt', 'takes', 'model'])
  })

  it('survives the way into a take and back', () => {
    const params = {
      prompt: 'a song',
      takes: 3,
      model: 'embedded',
      tempo_bpm: 90,
      genres: ['folk'],
      vocals: true,
      lyrics: '[verse]\nla',
      seed: 7,
      repaint: [[1, 2]] as [number, number][],
    }
    expect(paramsOf(draftOf(params, 7), ALL)).toEqual(params)
    expect(paramsOf(draftOf(params), ALL).seed).toBeUndefined()
  })

  it('does not share its lists with the take they came from', () => {
    const params = { genres: ['folk'] }
    draftOf(params).genres.push('pop')
    expect(params.genres).toEqual(['folk'])
  })
})
