// A quick count of sung syllables while somebody types; the singer's own pronunciation decides later.

/** Groups of vowels, less a silent e at the end: right for most English words, close for others. */
export function syllablesOf(word: string): number {
  const letters = word
    .toLowerCase()
    .normalize('NFD')
    .replace(/[^a-z]/g, '')
  if (!letters) return 0
  const silent = /[^aeiouyl]e$/.test(letters) || /[aeiouy]le$/.test(letters)
  const groups = letters.match(/[aeiouy]+/g)?.length ?? 0
  return Math.max(1, groups - (silent && groups > 1 ? 1 : 0))
}

const TAG = /^\s*\[[^\]]*\]\s*$/

export interface LyricsCount {
  lines: number
  syllables: number
  chars: number
}

export function countLyrics(lyrics: string): LyricsCount {
  const sung = lyrics.split('\n').filter((line) => line.trim() && !TAG.test(line))
  const syllables = sung
    .flatMap((line) => line.split(/[^\p{L}\p{M}'’]+/u))
    .reduce((sum, word) => sum + syllablesOf(word), 0)
  return { lines: sung.length, syllables, chars: lyrics.length }
}

/** `tag` on a line of its own at the cursor, and where the cursor goes then. */
export function withTag(lyrics: string, cursor: number, tag: string): { text: string; cursor: number } {
  const before = lyrics.slice(0, cursor).replace(/[ \t]+$/, '')
  const after = lyrics.slice(cursor).replace(/^[ \t]*\n?/, '')
  const gap = before === '' ? '' : before.endsWith('\n\n') ? '' : before.endsWith('\n') ? '\n' : '\n\n'
  const head = `${before}${gap}[${tag}]\n`
  return { text: head + after, cursor: head.length }
}
