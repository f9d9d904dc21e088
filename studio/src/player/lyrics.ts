// What is sung when.

import type { TimedLine } from '../lib/types'

export interface SungWords {
  version: number
  lines: TimedLine[]
}

/** A line begins to show this long before it is sung, and stays as long after it. */
export const LEAD_S = 1.2

/** Lead lines in order of time. */
export function leadLines(lines: TimedLine[]): TimedLine[] {
  const lead = lines.filter((line) => line.voice !== 'backing')
  return (lead.length ? lead : lines).toSorted((a, b) => a.start_s - b.start_s)
}

/** The backing voice that answers this lead line: it begins after it and before the next. */
export function backingBeside(lines: TimedLine[], line: TimedLine): TimedLine | null {
  const lead = leadLines(lines)
  const answered = (other: TimedLine) => lead.findLast((one) => one.start_s <= other.start_s + 0.05)
  if (line.voice === 'backing') return null
  return lines.find((other) => other.voice === 'backing' && answered(other) === line) ?? null
}

/** Index of the line to show: the one being sung, else the next when it is near, else −1. */
export function lineAt(lines: TimedLine[], time_s: number): number {
  const begun = lines.findLastIndex((line) => line.start_s <= time_s)
  const next = lines[begun + 1]
  if (next && next.start_s - time_s <= LEAD_S && time_s > (lines[begun]?.end_s ?? -1)) return begun + 1
  if (begun >= 0 && time_s <= (lines[begun]?.end_s ?? 0) + LEAD_S) return begun
  return -1
}

/** How much of a syllable is sung: 0 before, 1 after. */
export function sungShare(syllable: { start_s: number; end_s: number }, time_s: number): number {
  const length_s = syllable.end_s - syllable.start_s
  if (length_s <= 0) return time_s >= syllable.end_s ? 1 : 0
  return Math.min(1, Math.max(0, (time_s - syllable.start_s) / length_s))
}

/** Pieces of a word to colour one after another; the word itself where its syllables do not spell it. */
export function piecesOf(word: TimedLine['words'][number]): { text: string; start_s: number; end_s: number }[] {
  const { syllables } = word
  if (syllables.length && spelled(syllables) === word.text) return syllables
  const letters = word.text.replace(/[^\p{L}\p{N}']/gu, '')
  if (!syllables.length || spelled(syllables).toLowerCase() !== letters.toLowerCase()) return [word]
  // The word has punctuation its syllables lack: each takes the letters it has, the ends take the marks.
  let from = word.text.indexOf(syllables[0]?.text[0] ?? '')
  let start = 0
  return syllables.map((syllable, index) => {
    const end = index + 1 === syllables.length ? word.text.length : Math.max(0, from) + syllable.text.length
    const piece = { text: word.text.slice(start, end), start_s: syllable.start_s, end_s: syllable.end_s }
    from = start = end
    return piece
  })
}

function spelled(syllables: { text: string }[]): string {
  return syllables.map((syllable) => syllable.text).join('')
}
