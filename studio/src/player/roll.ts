// Where the notes of a score are drawn: pitches on rows, drums and sounds in lanes of their own below.

import { count, words } from '../lib/format'
import type { ScoreView } from '../lib/types'
import { isDrums, isSound } from './roles'
import { barAt, type Grid } from './time'

export interface RollNote {
  track: number
  start_s: number
  end_s: number
  velocity: number
  /** Rows from the top. */
  row: number
  name: string
}

export interface Lane {
  label: string
  first: number
  rows: number
}

export interface Roll {
  rows: number
  /** The MIDI pitch of row 0 and of the lowest pitched row; null without pitched notes. */
  top: number | null
  pitched: number
  lanes: Lane[]
  notes: RollNote[]
}

const NAMES = ['C', 'C♯', 'D', 'E♭', 'E', 'F', 'F♯', 'G', 'A♭', 'A', 'B♭', 'B']
const LEAST_ROWS = 18
const MARGIN_ROWS = 1

// General MIDI percussion by the row it is drawn on, from the top.
const DRUMS: { label: string; pitches: number[] }[] = [
  { label: 'Cymbal', pitches: [49, 51, 52, 53, 55, 57, 59] },
  { label: 'Hi-hat', pitches: [42, 44, 46] },
  { label: 'Percussion', pitches: [] },
  { label: 'Tom', pitches: [41, 43, 45, 47, 48, 50] },
  { label: 'Snare', pitches: [37, 38, 39, 40] },
  { label: 'Kick', pitches: [35, 36] },
]
const OTHER_DRUM = DRUMS.findIndex((drum) => drum.pitches.length === 0)

export function noteName(pitch: number): string {
  return `${NAMES[pitch % 12]}${Math.floor(pitch / 12) - 1}`
}

function drumRow(pitch: number): number {
  const row = DRUMS.findIndex((drum) => drum.pitches.includes(pitch))
  return row < 0 ? OTHER_DRUM : row
}

export function rollOf(score: ScoreView): Roll {
  const pitches = score.tracks
    .filter((track) => !isDrums(track.role) && !isSound(track.role))
    .flatMap((track) => track.notes.map((note) => note.pitch))
  const [low, high] = rangeOf(pitches)
  const pitched = pitches.length ? high - low + 1 : 0
  const lanes: Lane[] = []
  const notes: RollNote[] = []
  let rows = pitched
  for (const [index, track] of score.tracks.entries()) {
    const lane = isDrums(track.role) || isSound(track.role)
    const first = rows
    if (lane) {
      const height = isDrums(track.role) ? DRUMS.length : 1
      lanes.push({ label: isDrums(track.role) ? 'Drums' : words(track.instrument), first, rows: height })
      rows += height
    }
    for (const { pitch, start_s, end_s, velocity, syllable } of track.notes) {
      const row = !lane ? high - pitch : isDrums(track.role) ? first + drumRow(pitch) : first
      const name = !lane ? noteName(pitch) : isDrums(track.role) ? (DRUMS[drumRow(pitch)]?.label ?? '') : ''
      notes.push({ track: index, start_s, end_s, velocity, row, name: syllable ? `${name} “${syllable}”` : name })
    }
  }
  return { rows, top: pitches.length ? high : null, pitched, lanes, notes }
}

function rangeOf(pitches: number[]): [number, number] {
  if (!pitches.length) return [0, 0]
  let low = pitches.reduce((a, b) => Math.min(a, b)) - MARGIN_ROWS
  let high = pitches.reduce((a, b) => Math.max(a, b)) + MARGIN_ROWS
  while (high - low + 1 < LEAST_ROWS) {
    if (high < 127) high++
    if (low > 0) low--
  }
  return [Math.max(0, low), Math.min(127, high)]
}

/** The note at a place, the last one drawn there; notes shorter than `reach_s` are met within that. */
export function noteAt(roll: Roll, time_s: number, row: number, reach_s: number): RollNote | null {
  const meets = (note: RollNote) =>
    note.row === row && note.start_s <= time_s + reach_s / 4 && Math.max(note.end_s, note.start_s + reach_s) >= time_s
  return roll.notes.findLast(meets) ?? null
}

/** The score in words, for those who do not see it. */
export function summary(score: ScoreView, grid: Grid): string {
  const bars = grid.bars_s.length - 1
  const tempo = `at ${Math.round(score.tempo_bpm)} bpm`
  const head = `${count(bars, 'bar')} in ${score.time_signature} ${tempo}, ${score.key} ${score.mode}.`
  const parts = score.tracks.map((track) => {
    const pitches = track.notes.map((note) => note.pitch)
    const [low, high] = [Math.min(...pitches), Math.max(...pitches)]
    const pitched = !isDrums(track.role) && !isSound(track.role) && pitches.length > 0
    const range = pitched ? `, ${noteName(low)} to ${noteName(high)}` : ''
    const first = barAt(grid, track.notes[0]?.start_s ?? 0) + 1
    const notes = count(track.notes.length, 'note')
    return `${words(track.instrument)} (${words(track.role)}): ${notes}${range}, from bar ${first}.`
  })
  const chords = score.chords.map((chord) => chord.name).slice(0, 16)
  const harmony = chords.length ? `Chords: ${chords.join(', ')}${score.chords.length > 16 ? ' and so on' : ''}.` : ''
  return [head, ...parts, harmony].filter(Boolean).join(' ')
}
