// What can be done to a piece, as the service's edits with words for people. Pure. None needs an inverse of its own:
// every edit makes a version, and the version before takes it back, whatever it was (history.ts).

import { count, words } from '../lib/format'
import type { Edit } from '../lib/types'
import type { BarChord, Document, Section, Strip } from './document'
import { barsInWords, inWords, type Selection } from './selection'

/** Edits that are done together, in order, and what they are in words: "Regenerate Bass, bars 2 to 3". */
export interface Operation {
  edits: readonly Edit[]
  words: string
}

/** What newly written bars keep: nothing, the rhythm, or rhythm and direction of each interval ("the same shape"). */
export type Keep = 'nothing' | 'rhythm' | 'contour'

export const SECTION_KINDS = [
  'intro', 'verse', 'pre_chorus', 'chorus', 'bridge', 'build', 'drop', 'break', 'solo', 'outro',
] as const // prettier-ignore
export const LONGEST_BARS = 400

const KEPT: Record<Keep, string> = { nothing: '', rhythm: ', same rhythm', contour: ', same shape' }

/** Whom an edit of notes can mean: who sings follows the words. */
export function editable(document: Document, selection: Selection): string[] {
  const sung = new Set(document.players.filter((player) => player.sung).map(({ id }) => id))
  return selection.players.filter((id) => !sung.has(id))
}

/** Players × bars of an edit; nobody named is everybody who plays, as the service has it. */
function region(document: Document, selection: Selection): { players: string[]; bars: [number, number][] } {
  const players = editable(document, selection)
  const all = document.players.filter((player) => !player.sung).length === players.length
  return { players: all ? [] : players, bars: [[selection.first, selection.last]] }
}

function told(document: Document, selection: Selection): string {
  return inWords(document, { ...selection, players: editable(document, selection) })
}

export function regenerate(document: Document, selection: Selection, keep: Keep, wish = ''): Operation {
  const text = wish.trim()
  const edit: Edit = { op: 'regenerate', ...region(document, selection), keep, ...(text ? { text } : {}) }
  return { edits: [edit], words: `Regenerate ${told(document, selection)}${KEPT[keep]}${text ? `, “${text}”` : ''}` }
}

export function vary(document: Document, selection: Selection, strength: number): Operation {
  const edit: Edit = { op: 'vary', ...region(document, selection), strength }
  return { edits: [edit], words: `Vary ${told(document, selection)} by ${Math.round(100 * strength)} %` }
}

/** By semitones, or by degrees of the scale. */
export function transpose(
  document: Document,
  selection: Selection,
  steps: number,
  unit: 'semitones' | 'degrees',
): Operation {
  const edit: Edit = { op: 'transpose', ...region(document, selection), [unit]: steps }
  const way = steps < 0 ? 'down' : 'up'
  const amount = count(Math.abs(steps), unit === 'semitones' ? 'semitone' : 'degree')
  return { edits: [edit], words: `Transpose ${told(document, selection)} ${way} ${amount}` }
}

/** In place of what stands in `to` and the bars after it. */
export function copyTo(document: Document, selection: Selection, to: number): Operation {
  const { players } = region(document, selection)
  const edit: Edit = { op: 'copy', players, bars: [selection.first, selection.last], to_bar: to }
  return { edits: [edit], words: `Copy ${told(document, selection)} to bar ${to}` }
}

export function deleteNotes(document: Document, selection: Selection): Operation {
  const edit: Edit = { op: 'rest', ...region(document, selection) }
  return { edits: [edit], words: `Delete the notes of ${told(document, selection)}` }
}

/** More music for everybody; the form goes on. */
export function extend(bars: number, where: 'before' | 'after'): Operation {
  const place = where === 'before' ? 'before the beginning' : 'after the end'
  return { edits: [{ op: 'extend', where, by_bars: bars }], words: `Extend by ${count(bars, 'bar')} ${place}` }
}

/** Nothing but these bars, so that their end leads into their beginning. */
export function loopOf(selection: Pick<Selection, 'first' | 'last'>): Operation {
  const { first, last } = selection
  return { edits: [{ op: 'loop', bars: [first, last] }], words: `Make a loop of ${barsInWords(first, last)}` }
}

const DRAWN = ['regenerate', 'vary', 'extend', 'add_player']

/**
 * The same wish of a version twice would be the same music twice: from the second on, each names a draw of its own.
 * Draws that nobody names count up from 1.
 */
export function anotherDraw({ edits, words }: Operation, seed: number): Operation {
  return { edits: edits.map((edit) => (DRAWN.includes(edit.op) ? ({ ...edit, seed } as Edit) : edit)), words }
}

// --- sections -----------------------------------------------------------------------------------------------------

const nameOf = ({ kind, first, last }: Section): string => `${words(kind)} (${barsInWords(first, last)})`

export function duplicateSection(section: Section): Operation {
  const edit: Edit = { op: 'sections', action: 'duplicate', section: section.number }
  return { edits: [edit], words: `Duplicate ${nameOf(section)}` }
}

export function deleteSection(section: Section): Operation {
  const edit: Edit = { op: 'sections', action: 'delete', section: section.number }
  return { edits: [edit], words: `Delete ${nameOf(section)}` }
}

/** Another kind, another length, or both; null when nothing changes. */
export function changeSection(section: Section, kind: string, bars: number): Operation | null {
  const resized = bars !== section.last - section.first + 1
  const renamed = kind !== section.kind
  const at = { op: 'sections', section: section.number } as const
  const edits: Edit[] = [
    ...(resized ? [{ ...at, action: 'resize', bars } as const] : []),
    ...(renamed ? [{ ...at, action: 'rename', kind } as const] : []),
  ]
  const changes = [renamed ? `is ${words(kind)} now` : '', resized ? `has ${count(bars, 'bar')}` : ''].filter(Boolean)
  return edits.length ? { edits, words: `${nameOf(section)} ${changes.join(' and ')}` } : null
}

/** A new section, written to fit, before section number `before`; one beyond the last appends. */
export function insertSection(before: number, kind: string, bars: number): Operation {
  const edit: Edit = { op: 'sections', action: 'insert', section: before, kind, bars }
  return { edits: [edit], words: `Insert ${words(kind)} of ${count(bars, 'bar')}` }
}

/** A section one place earlier (−1) or later (1); null at the ends. */
export function moveSection(document: Document, section: Section, by: -1 | 1): Operation | null {
  const order = document.sections.map((one) => one.number)
  const place = section.number - 1 + by
  if (place < 0 || place >= order.length) return null
  order.splice(section.number - 1, 1)
  order.splice(place, 0, section.number)
  const edit: Edit = { op: 'sections', action: 'reorder', order }
  return { edits: [edit], words: `Move ${nameOf(section)} ${by < 0 ? 'earlier' : 'later'}` }
}

/** All bars of a section, everybody. */
export function regenerateSection(section: Section): Operation {
  const edit: Edit = { op: 'regenerate', players: [], bars: [[section.first, section.last]], keep: 'nothing' }
  return { edits: [edit], words: `Regenerate ${nameOf(section)}` }
}

// --- harmony ------------------------------------------------------------------------------------------------------

/** Other chords in one bar. With `follow` who plays pitches goes along, else everybody keeps every note. */
export function setChords(document: Document, bar: number, chords: readonly BarChord[], follow: boolean): Operation {
  const unpitched = ['drums', 'percussion', 'texture', 'fx']
  const followers = document.players.filter((player) => !player.sung && !unpitched.includes(player.role))
  const edit: Edit = {
    op: 'chords',
    chords: chords.map(({ beat, name }) => ({ bar, beat, chord: name })),
    follow: follow ? followers.map(({ id }) => id) : [],
  }
  return { edits: [edit], words: `${chords.map(({ name }) => name).join(' ')} in bar ${bar}` }
}

// --- players ------------------------------------------------------------------------------------------------------

export function addPlayer(instrument: string, wish = ''): Operation {
  const text = wish.trim()
  const edit: Edit = { op: 'add_player', instrument, ...(text ? { text } : {}) }
  return { edits: [edit], words: `Add ${words(instrument)}${text ? `, “${text}”` : ''}` }
}

export function removePlayer(player: { id: string; label: string }): Operation {
  return { edits: [{ op: 'remove_player', player: player.id }], words: `Remove ${player.label}` }
}

export function replaceInstrument(player: { id: string; label: string }, instrument: string): Operation {
  const edit: Edit = { op: 'replace_instrument', player: player.id, instrument }
  return { edits: [edit], words: `${words(instrument)} plays ${player.label}` }
}

// --- the mix ------------------------------------------------------------------------------------------------------

export interface StripChange {
  player: string
  label: string
  kept: Strip
  wanted: Strip
}

/** Whatever differs from what is kept; null when nothing does. Solo is for listening and is not kept. */
export function keepMix(changes: readonly StripChange[]): Operation | null {
  const edits: Edit[] = []
  const labels: string[] = []
  for (const { player, label, kept, wanted } of changes) {
    const edit: Edit<'mix'> = { op: 'mix', player }
    if (wanted.gain_db !== kept.gain_db) edit.gain_db = wanted.gain_db
    if (wanted.pan !== kept.pan) edit.pan = wanted.pan
    if (wanted.muted !== kept.muted) edit.muted = wanted.muted
    if (Object.keys(edit).length === 2) continue
    edits.push(edit)
    labels.push(label)
  }
  return edits.length
    ? { edits, words: `Mix of ${labels.length > 3 ? count(labels.length, 'player') : labels.join(', ')}` }
    : null
}

/** The loudness tracks are made for, decided anew for the mix as it is. */
export function remaster(): Operation {
  return { edits: [{ op: 'remaster' }], words: 'Remaster' }
}
