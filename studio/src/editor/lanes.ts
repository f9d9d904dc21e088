// Where the notes of a player are drawn in its lane: pitches on rows, drums by their kind, sounds on one row. Pure.

import { count, words } from '../lib/format'
import { isDrums, isSound } from '../player/roles'
import { barAt, type Grid } from '../player/time'
import type { ScoreView } from '../lib/types'
import type { Note, Player } from './document'

export interface LaneNote {
  start_s: number
  end_s: number
  velocity: number
  /** Rows from the top. */
  row: number
  name: string
}

export interface Lane {
  rows: number
  /** By their beginnings. */
  notes: readonly LaneNote[]
  /** The longest lasts so long: what is seen cannot have begun earlier than that. */
  longest_s: number
  /** The rows of the black keys. */
  dark: readonly number[]
}

const NAMES = ['C', 'C♯', 'D', 'E♭', 'E', 'F', 'F♯', 'G', 'A♭', 'A', 'B♭', 'B']
const BLACK = [1, 3, 6, 8, 10]
const LEAST_ROWS = 14
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

export function laneOf(player: Player): Lane {
  const longest_s = player.notes.reduce((longest, note) => Math.max(longest, note.end_s - note.start_s), 0)
  const drawn = (row: (pitch: number) => number, name: (pitch: number) => string): LaneNote[] =>
    player.notes.map(({ pitch, start_s, end_s, velocity, syllable }) => {
      return {
        start_s,
        end_s,
        velocity,
        row: row(pitch),
        name: syllable ? `${name(pitch)} “${syllable}”` : name(pitch),
      }
    })
  if (isDrums(player.role)) {
    const notes = drawn(drumRow, (pitch) => DRUMS[drumRow(pitch)]?.label ?? '')
    return { rows: DRUMS.length, notes, longest_s, dark: [] }
  }
  if (isSound(player.role))
    return {
      rows: 1,
      notes: drawn(
        () => 0,
        () => '',
      ),
      longest_s,
      dark: [],
    }
  const [low, high] = rangeOf(player.notes)
  const rows = high - low + 1
  const dark = Array.from({ length: rows }, (_, row) => row).filter((row) => BLACK.includes((high - row) % 12))
  return { rows, notes: drawn((pitch) => high - pitch, noteName), longest_s, dark }
}

function rangeOf(notes: readonly Note[]): [number, number] {
  if (!notes.length) return [60, 60 + LEAST_ROWS - 1]
  let low = notes.reduce((least, { pitch }) => Math.min(least, pitch), 127) - MARGIN_ROWS
  let high = notes.reduce((most, { pitch }) => Math.max(most, pitch), 0) + MARGIN_ROWS
  while (high - low + 1 < LEAST_ROWS) {
    if (high < 127) high++
    if (low > 0) low--
  }
  return [Math.max(0, low), Math.min(127, high)]
}

/** The first note and the one after the last that can sound between two times; found by halving, not by looking at all. */
export function seen(lane: Lane, from_s: number, to_s: number): [number, number] {
  return [firstFrom(lane.notes, from_s - lane.longest_s), firstFrom(lane.notes, to_s)]
}

function firstFrom(notes: readonly LaneNote[], time_s: number): number {
  let low = 0
  let high = notes.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((notes[middle]?.start_s ?? 0) < time_s) low = middle + 1
    else high = middle
  }
  return low
}

/** The note at a place, the last one drawn there; notes shorter than `reach_s` are met within that. */
export function noteAt(lane: Lane, time_s: number, row: number, reach_s: number): LaneNote | null {
  const [first, end] = seen(lane, time_s - reach_s, time_s + reach_s)
  const meets = (note: LaneNote) =>
    note.row === row && note.start_s <= time_s + reach_s / 4 && Math.max(note.end_s, note.start_s + reach_s) >= time_s
  return lane.notes.slice(first, end).findLast(meets) ?? null
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
