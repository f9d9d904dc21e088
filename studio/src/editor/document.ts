// A take as the editor sees it: players with their notes and strips, sections, chords bar by bar. Bars count from 1 and
// both ends are meant, as in the service's edits. Pure: what the service answers goes in, nothing else.

import { words } from '../lib/format'
import type { ScoreView, Take } from '../lib/types'
import { labelOf } from '../player/roles'
import { barAt, placeAt, type Grid } from '../player/time'

/** A player's own numbers in the mix, as they are kept with the version. */
export interface Strip {
  gain_db: number
  pan: number
  muted: boolean
}

export interface Note {
  pitch: number
  start_s: number
  end_s: number
  velocity: number
  syllable: string | null
}

export interface Player {
  /** What edits call it. Sung parts have the name of their stem: the mix knows it, nothing else does. */
  id: string
  role: string
  instrument: string
  /** No two players are called the same. */
  label: string
  /** The instrument, which several may play. */
  name: string
  stem: string | null
  /** Follows the words, so its notes cannot be edited. */
  sung: boolean
  /** By their beginnings. */
  notes: readonly Note[]
  strip: Strip | null
}

export interface Section {
  number: number
  kind: string
  first: number
  last: number
  start_s: number
  end_s: number
}

export interface BarChord {
  beat: number
  name: string
}

export interface Document {
  takeId: string
  players: readonly Player[]
  sections: readonly Section[]
  /** Of each bar the chords that sound in it; one that goes on from the bar before has beat 1. */
  harmony: readonly (readonly BarChord[])[]
  bars: number
  grid: Grid
  /** Takes whose recipe has no document (made by an early noisician) can be looked at only. */
  editable: boolean
}

/** What of a recipe the editor reads. */
export interface Piece {
  players: readonly { id: string; role: string; instrument: string }[]
  strips: ReadonlyMap<string, Strip>
}

type Json = Record<string, unknown>
const mapping = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {})
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const number = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0)

/** The players and strips of a recipe; null where it holds no document. */
export function pieceOf(recipe: unknown): Piece | null {
  const piece = mapping(mapping(recipe).piece)
  const players = list(mapping(piece.plan).players).map(mapping)
  if (!players.length) return null
  const strips = Object.entries(mapping(mapping(piece.mix).strips)).map(([key, value]): [string, Strip] => {
    const strip = mapping(value)
    const pan = number(mapping(strip.place).pan)
    return [key, { gain_db: number(strip.fader_db), pan: pan === 0 ? 0 : pan, muted: strip.muted === true }]
  })
  return {
    players: players.map(({ id, role, instrument }) => {
      return { id: String(id), role: String(role), instrument: String(instrument) }
    }),
    strips: new Map(strips),
  }
}

/** A chord may begin or end this near to a bar line and still be on it. */
const NEAR_S = 0.02

export function documentOf(take: Take, score: ScoreView, piece: Piece | null): Document {
  const grid = { bars_s: score.bars_s, beatsPerBar: score.beats_per_bar }
  return {
    takeId: take.id,
    players: playersOf(score, piece),
    sections: take.sections.map((section, index) => ({
      number: index + 1,
      kind: section.kind,
      first: section.start_bar + 1,
      last: section.start_bar + section.bars,
      start_s: section.start_s,
      end_s: section.end_s,
    })),
    harmony: harmonyOf(score, grid),
    bars: Math.max(0, grid.bars_s.length - 1),
    grid,
    editable: piece !== null,
  }
}

function playersOf(score: ScoreView, piece: Piece | null): Player[] {
  const free = [...(piece?.players ?? [])]
  const players = score.tracks.map((track) => {
    const place = free.findIndex((one) => one.role === track.role && one.instrument === track.instrument)
    const known = place < 0 ? undefined : free.splice(place, 1)[0]
    const id = known?.id ?? track.stem ?? track.role
    const info = { role: track.role, instrument: track.instrument, stem: track.stem, notes: track.notes.length }
    const name = track.stem === null ? words(track.instrument) : labelOf(track.stem, info)
    return {
      id,
      role: track.role,
      instrument: track.instrument,
      label: name,
      name,
      stem: track.stem,
      sung: piece !== null && known === undefined,
      notes: track.notes
        .map((note) => ({ ...note, syllable: note.syllable ?? null }))
        .sort((one, other) => one.start_s - other.start_s),
      strip: piece?.strips.get(id) ?? null,
    }
  })
  return told(players)
}

/** Players of one instrument get their role beside it, so that no two are called the same. */
function told(players: Player[]): Player[] {
  const times = new Map<string, number>()
  for (const { label } of players) times.set(label, (times.get(label) ?? 0) + 1)
  return players.map((player) => {
    if (times.get(player.label) === 1) return player
    const part = player.id === player.stem ? player.role : player.id
    return { ...player, label: `${player.label} (${words(part.replaceAll('-', ' '))})` }
  })
}

function harmonyOf(score: ScoreView, grid: Grid): BarChord[][] {
  const bars: BarChord[][] = Array.from({ length: Math.max(0, grid.bars_s.length - 1) }, () => [])
  for (const chord of score.chords) {
    const first = placeAt(grid, chord.start_s + NEAR_S)
    if (!first) continue
    const last = barAt(grid, chord.end_s - NEAR_S)
    for (let bar = first.bar - 1; bar <= last; bar++) {
      bars[bar]?.push({ beat: bar === first.bar - 1 ? first.beat : 1, name: chord.name })
    }
  }
  return bars
}

/** "Am", "Am G", "Am 4:G": chords of a bar as people type them; a beat is told where it does not follow by itself. */
export function chordsToText(chords: readonly BarChord[], beatsPerBar: number): string {
  const even = chords.every(({ beat }, index) => beat === 1 + (index * beatsPerBar) / chords.length)
  return chords.map(({ beat, name }) => (even || beat === 1 ? name : `${beat}:${name}`)).join(' ')
}

/** What {@link chordsToText} writes, read back; an Error says in one line what cannot be understood. */
export function chordsFromText(text: string, beatsPerBar: number): BarChord[] {
  const tokens = text.replaceAll(/[,|]/g, ' ').split(/\s+/).filter(Boolean)
  if (!tokens.length) throw new Error('Type a chord, such as Am7; N is none')
  if (tokens.length > beatsPerBar) throw new Error(`A bar has ${beatsPerBar} beats: at most so many chords`)
  const chords = tokens.map((token, index) => {
    const [, beat, name = ''] = /^(?:(\d+):)?(.+)$/.exec(token) ?? []
    if (!/^([A-Ga-g][#b♯♭]?|N)/.test(name))
      throw new Error(`“${name}” is no chord: begin with a note, such as Am7 or F#`)
    return { beat: beat === undefined ? 1 + Math.floor((index * beatsPerBar) / tokens.length) : Number(beat), name }
  })
  for (const [index, { beat }] of chords.entries()) {
    if (beat < 1 || beat > beatsPerBar) throw new Error(`Beat ${beat} is not in a bar of ${beatsPerBar}`)
    if (index > 0 && beat <= (chords[index - 1]?.beat ?? 0)) throw new Error('Chords stand in the order of their beats')
  }
  if (chords[0]?.beat !== 1) throw new Error('The first chord stands on beat 1')
  return chords
}
