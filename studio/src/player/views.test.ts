import { describe, expect, it } from 'vitest'
import type { Take, TimedLine } from '../lib/types'
import { formatsFor, partsFor, wantedOf, type FormatInfo } from './exports'
import { backingBeside, leadLines, lineAt, piecesOf, sungShare } from './lyrics'

const line = (start_s: number, end_s: number, voice = 'lead'): TimedLine => {
  return { start_s, end_s, section: 'Verse', voice, words: [] }
}

describe('karaoke', () => {
  const lines = [line(2, 4), line(4.5, 6), line(12, 14)]

  it('shows the line that is sung, the coming one a little before', () => {
    const at = [0, 0.9, 3, 4.2, 5, 7.1, 9, 11, 15.1, 15.3]
    expect(at.map((time_s) => lineAt(lines, time_s))).toEqual([-1, 0, 0, 1, 1, 1, -1, 2, 2, -1])
  })

  it('keeps backing voices beside the lead', () => {
    const all = [...lines, line(5, 7, 'backing')]
    expect(leadLines(all)).toHaveLength(3)
    expect(backingBeside(all, lines[1] as TimedLine)?.voice).toBe('backing')
    expect(backingBeside(all, lines[0] as TimedLine)).toBeNull()
    expect(leadLines([line(1, 2, 'backing')])).toHaveLength(1)
  })

  it('fills syllables in time', () => {
    expect([0, 1, 1.5, 2, 3].map((time_s) => sungShare({ start_s: 1, end_s: 2 }, time_s))).toEqual([0, 0, 0.5, 1, 1])
    expect(sungShare({ start_s: 1, end_s: 1 }, 1)).toBe(1)
  })

  it('cuts a word with its punctuation into its syllables', () => {
    const syllables = ['fal', 'ling'].map((text, index) => ({ text, start_s: index, end_s: index + 1 }))
    const word = { text: 'falling,', start_s: 0, end_s: 2, syllables }
    expect(piecesOf(word).map((piece) => piece.text)).toEqual(['fal', 'ling,'])
    expect(piecesOf({ ...word, text: '“falling”' }).map((piece) => piece.text)).toEqual(['“fal', 'ling”'])
    expect(piecesOf({ ...word, text: '1999' }).map((piece) => piece.text)).toEqual(['1999'])
  })
})

describe('export', () => {
  const take = { loop: false, stems: ['bass'], has_score: true, has_lyrics: false } as unknown as Take
  const names = (one: Take) => formatsFor(one).map(({ format }) => format)

  it('offers what there is', () => {
    expect(names(take)).toEqual(['wav', 'flac', 'mp3', 'ogg', 'zip', 'dawproject', 'reaper', 'mid', 'musicxml', 'abc', 'cho', 'json'])
    expect(names({ ...take, loop: true, stems: [], has_score: false, has_lyrics: true })).toEqual([
      'wav',
      'flac',
      'ogg',
      'lrc',
      'json',
    ])
    const parts = partsFor({ ...take, has_lyrics: true }, [{ name: 'bass', label: 'Bass' }])
    expect(parts.map(({ value }) => value)).toEqual(['track', 'karaoke', 'bass'])
  })

  it('asks only for what a format knows', () => {
    const info = (format: string) => formatsFor(take).find((one) => one.format === format) as FormatInfo
    expect(wantedOf(info('flac'), 'track', 'club', 32)).toEqual({
      format: 'flac',
      part: 'track',
      loudness: 'club',
      bit_depth: 24,
    })
    expect(wantedOf(info('mp3'), 'bass', 'off', 16)).toEqual({ format: 'mp3', part: 'bass', loudness: 'off' })
    expect(wantedOf(info('mid'), 'bass', 'off', 16, true)).toEqual({ format: 'mid' })
    expect(wantedOf(info('abc'), 'bass', 'off', 16, true)).toEqual({ format: 'abc', lead_sheet: true })
  })
})
