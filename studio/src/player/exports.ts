// What of a take can be had as a file, and how.

import type { Format, Loudness, Take } from '../lib/types'
import { KARAOKE, TRACK, type Wanted } from './content'

export type BitDepth = 16 | 24 | 32

export interface FormatInfo {
  format: Format
  label: string
  about: string
  /** Loudness, and which part of the music, can be chosen. */
  sound: boolean
  depths: BitDepth[]
}

const FORMATS: FormatInfo[] = [
  { format: 'wav', label: 'WAV', about: 'Uncompressed, for editors and samplers', sound: true, depths: [16, 24, 32] },
  { format: 'flac', label: 'FLAC', about: 'The same samples in about half the space', sound: true, depths: [16, 24] },
  { format: 'mp3', label: 'MP3', about: 'Small, plays everywhere', sound: true, depths: [] },
  { format: 'ogg', label: 'OGG', about: 'Small, loops without a gap', sound: true, depths: [] },
  { format: 'zip', label: 'Stems', about: 'Each player as a WAV, with MIDI and recipe', sound: false, depths: [] },
  { format: 'dawproject', label: 'DAWproject', about: 'Sound and notes for Bitwig, Studio One, Cubase', sound: false, depths: [] },
  { format: 'reaper', label: 'Reaper', about: 'Sound and notes as a Reaper project', sound: false, depths: [] },
  { format: 'mid', label: 'MIDI', about: 'The notes, for every sequencer', sound: false, depths: [] },
  { format: 'musicxml', label: 'MusicXML', about: 'The score, for notation programs', sound: false, depths: [] },
  { format: 'abc', label: 'ABC', about: 'The score as text, for tune books', sound: false, depths: [] },
  { format: 'cho', label: 'ChordPro', about: 'Chords, over the words where there are any', sound: false, depths: [] },
  { format: 'lrc', label: 'LRC', about: 'The lyrics with their times, for players', sound: false, depths: [] },
  { format: 'json', label: 'Recipe', about: 'All settings: makes the same piece again', sound: false, depths: [] },
]

export const LOUDNESSES: { value: Loudness; label: string }[] = [
  { value: 'streaming', label: 'Streaming, −14 LUFS' },
  { value: 'apple', label: 'Apple Music, −16 LUFS' },
  { value: 'broadcast', label: 'Broadcast, −23 LUFS' },
  { value: 'club', label: 'Club, −8 LUFS' },
  { value: 'off', label: 'As made' },
]

export const NO_MP3 = 'No MP3: it adds silence at both ends, so a loop would not close.'

export function formatsFor(take: Take): FormatInfo[] {
  const missing: Partial<Record<Format, boolean>> = {
    mp3: take.loop,
    zip: take.stems.length === 0,
    dawproject: take.stems.length === 0 || !take.has_score,
    reaper: take.stems.length === 0 || !take.has_score,
    mid: !take.has_score,
    musicxml: !take.has_score,
    abc: !take.has_score,
    cho: !take.has_score,
    lrc: !take.has_lyrics,
  }
  return FORMATS.filter((info) => !missing[info.format])
}

export function partsFor(take: Take, labels: { name: string; label: string }[]): { value: string; label: string }[] {
  const parts = [{ value: TRACK, label: 'The whole track' }]
  if (hasKaraoke(take)) parts.push({ value: KARAOKE, label: 'Without the voice' })
  return [...parts, ...labels.map(({ name, label }) => ({ value: name, label: `Only: ${label}` }))]
}

/** Whether a format can have the tune, its words and the chords alone. */
export function hasLeadSheet(info: FormatInfo): boolean {
  return info.format === 'musicxml' || info.format === 'abc'
}

export function hasKaraoke(take: Take): boolean {
  return take.has_lyrics && take.stems.length > 0
}

/** What to ask for: only those options that mean something for the format. */
export function wantedOf(
  info: FormatInfo,
  part: string,
  loudness: Loudness,
  depth: BitDepth,
  leadSheet = false,
): Wanted {
  if (!info.sound) return hasLeadSheet(info) && leadSheet ? { format: info.format, lead_sheet: true } : { format: info.format }
  const deepest = info.depths.at(-1)
  const bit_depth = deepest === undefined ? {} : { bit_depth: Math.min(depth, deepest) as BitDepth }
  return { format: info.format, part, loudness, ...bit_depth }
}
