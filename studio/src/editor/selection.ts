// What is selected: some players in a stretch of bars. Apart from the loop, which belongs to the transport. Pure.

import type { Region } from '../player/time'
import type { Document } from './document'

/** Bars count from 1, both ends are meant. Players by id, in the order of their lanes. */
export interface Selection {
  players: readonly string[]
  first: number
  last: number
}

/** A lane and a bar: where a selection was begun, or has got to. */
export interface Cell {
  lane: number
  bar: number
}

/** The rectangle between two cells. */
export function between(document: Document, one: Cell, other: Cell): Selection {
  const [top, bottom] = [Math.min(one.lane, other.lane), Math.max(one.lane, other.lane)]
  return {
    players: document.players.slice(top, bottom + 1).map(({ id }) => id),
    first: Math.min(one.bar, other.bar),
    last: Math.max(one.bar, other.bar),
  }
}

/** One player more, or one less; null when nobody is left. */
export function toggled(document: Document, selection: Selection, player: string): Selection | null {
  const chosen = selection.players.includes(player)
    ? selection.players.filter((id) => id !== player)
    : [...selection.players, player]
  const players = document.players.map(({ id }) => id).filter((id) => chosen.includes(id))
  return players.length ? { ...selection, players } : null
}

export function everything(document: Document): Selection | null {
  if (!document.players.length || document.bars < 1) return null
  return { players: document.players.map(({ id }) => id), first: 1, last: document.bars }
}

/** All bars of one player. */
export function wholePlayer(document: Document, player: string): Selection {
  return { players: [player], first: 1, last: document.bars }
}

/** What of a selection there is in another version of the piece; null when nothing is left. */
export function within(document: Document, selection: Selection | null): Selection | null {
  if (!selection) return null
  const players = document.players.map(({ id }) => id).filter((id) => selection.players.includes(id))
  const last = Math.min(selection.last, document.bars)
  return players.length && selection.first <= last ? { players, first: selection.first, last } : null
}

export function moved(document: Document, cell: Cell, lanes: number, bars: number): Cell {
  const hold = (value: number, low: number, high: number) => Math.min(Math.max(value, low), Math.max(low, high))
  return {
    lane: hold(cell.lane + lanes, 0, document.players.length - 1),
    bar: hold(cell.bar + bars, 1, document.bars),
  }
}

/** Its stretch of the track. */
export function regionOf(document: Document, { first, last }: Selection): Region {
  return { start_s: document.grid.bars_s[first - 1] ?? 0, end_s: document.grid.bars_s[last] ?? 0 }
}

export function barsInWords(first: number, last: number): string {
  return first === last ? `bar ${first}` : `bars ${first} to ${last}`
}

/** "Grand piano, Bass · bars 2 to 3"; of many their number. */
export function inWords(document: Document, selection: Selection, most = 2): string {
  const labels = document.players.filter(({ id }) => selection.players.includes(id)).map(({ label }) => label)
  const all = labels.length > 1 && labels.length === document.players.length
  const who = all ? 'Everybody' : labels.length > most ? `${labels.length} players` : labels.join(', ')
  const whole = selection.first === 1 && selection.last === document.bars && document.bars > 1
  return `${who}, ${whole ? 'the whole piece' : barsInWords(selection.first, selection.last)}`
}

/** How many notes begin in it, by player. */
export function notesIn(document: Document, selection: Selection): number {
  const { start_s, end_s } = regionOf(document, selection)
  let count = 0
  for (const player of document.players) {
    if (!selection.players.includes(player.id)) continue
    for (const note of player.notes) if (note.start_s >= start_s - 1e-3 && note.start_s < end_s - 1e-3) count++
  }
  return count
}
