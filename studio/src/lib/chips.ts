// "As understood": what the service read from the words and options, as a row of chips.

import { capital, clock, keyName, spoken, tempo, words } from './format'
import type { Draft } from './form.svelte'
import type { Reason, Understood } from './types'

export type Field = 'length' | 'tempo' | 'key' | 'metre' | 'genres' | 'moods' | 'instruments' | 'without'
export type ListField = Extract<Field, 'genres' | 'moods' | 'instruments' | 'without'>

export interface Chip {
  id: string
  /** Null for what only words can say. */
  field: Field | null
  label: string
  /** Empty when it is chosen later. */
  value: string
  /** Set by hand, rather than read from the words. */
  isSet: boolean
  /** The words that say so, when they add anything to the value. */
  quote: string
  reason: string
}

/** The fields of a request behind each chip. */
export const FIELDS: Record<Field, readonly (keyof Draft)[]> = {
  length: ['duration_s', 'bars'],
  tempo: ['tempo_bpm'],
  key: ['key', 'mode'],
  metre: ['time_signature'],
  genres: ['genres'],
  moods: ['moods'],
  instruments: ['instruments'],
  without: ['without'],
}

export const LABELS: Record<Field, string> = {
  length: 'Length',
  tempo: 'Tempo',
  key: 'Key',
  metre: 'Metre',
  genres: 'Genre',
  moods: 'Mood',
  instruments: 'Instruments',
  without: 'Without',
}

const REASON_FIELDS: Record<Field, readonly string[]> = {
  ...FIELDS,
  without: ['excluded', 'without'],
}

const ONLY_IN_WORDS: [string, string][] = [
  ['textures', 'Texture'],
  ['energy', 'Energy'],
  ['density', 'Density'],
  ['swing', 'Swing'],
  ['production', 'Sound'],
  ['sections', 'Form'],
  ['loop', 'Loop'],
]

/** Why a value is what it is, in one clause. */
export function because(reason: Reason): string {
  const quoted = `“${reason.words}”`
  switch (reason.source) {
    case 'option':
      return 'set by you'
    case 'lexicon':
      return `from ${quoted}`
    case 'meaning':
      return `${quoted} comes closest to it (${Math.round(reason.confidence * 100)} %)`
    case 'implied':
      return `follows from ${quoted}`
    default:
      return 'usual for this music'
  }
}

function reasonsOf(understood: Understood | null, fields: readonly string[]): Reason[] {
  return understood?.reasons.filter((reason) => fields.includes(reason.field)) ?? []
}

/** Ids of a list control, whether they carry weights or not. */
function idsOf(value: unknown): string[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((item: unknown) => {
    const id: unknown = Array.isArray(item) ? item[0] : item
    if (typeof id === 'string') return [id]
    if (typeof id === 'object' && id !== null && 'kind' in id) {
      const { kind, wanted } = id as { kind: string; wanted?: boolean }
      return [wanted === false ? `no ${kind}` : kind]
    }
    return []
  })
}

const CONTROL: Record<ListField, string> = {
  genres: 'genres',
  moods: 'moods',
  instruments: 'instruments',
  without: 'excluded',
}

/** What a list holds now: what was set by hand, else what was understood. */
export function chosen(field: ListField, draft: Draft, understood: Understood | null): string[] {
  return draft[field].length > 0 ? [...draft[field]] : idsOf(understood?.controls[CONTROL[field]])
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function lengthText(seconds: number | null, bars: number | null): string {
  if (seconds !== null) return clock(seconds)
  return bars === null ? '' : `${bars} bars`
}

/** The value of one field as shown, "" when it is left to the composer. */
export function valueText(field: Field, draft: Draft, understood: Understood | null): string {
  const controls = understood?.controls ?? {}
  switch (field) {
    case 'length': {
      if (draft.duration_s !== null || draft.bars !== null) return lengthText(draft.duration_s, draft.bars)
      return lengthText(numberOf(controls.duration_s), numberOf(controls.bars))
    }
    case 'tempo': {
      const bpm = draft.tempo_bpm ?? numberOf(controls.tempo_bpm)
      return bpm === null ? '' : tempo(bpm)
    }
    case 'key':
      return keyName(draft.key ?? textOf(controls.key), draft.mode ?? textOf(controls.mode))
    case 'metre':
      return draft.time_signature ?? textOf(controls.time_signature) ?? ''
    default:
      return listText(chosen(field, draft, understood))
  }
}

function listText(ids: readonly string[]): string {
  return capital(ids.map(spoken).join(', '))
}

export function isSet(field: Field, draft: Draft): boolean {
  return FIELDS[field].some((name) => {
    const value = draft[name]
    return Array.isArray(value) ? value.length > 0 : value !== null
  })
}

function degree(value: number, low: string, high: string): string {
  if (value < 0.2) return `very ${low}`
  if (value < 0.45) return low
  if (value <= 0.6) return 'medium'
  return value <= 0.8 ? high : `very ${high}`
}

function wordsValue(name: string, value: unknown): string {
  const number = numberOf(value)
  if (name === 'energy') return number === null ? '' : degree(number, 'calm', 'strong')
  if (name === 'density') return number === null ? '' : degree(number, 'sparse', 'busy')
  if (name === 'swing') return number === null ? '' : number < 0.1 ? 'straight' : 'swung'
  if (name === 'loop') return value === true ? 'seamless' : ''
  return idsOf(value).map(spoken).join(', ')
}

const plain = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '')

/** The causing words, unless they only repeat the value. */
function quoteOf(reasons: readonly Reason[], value: string): string {
  const said = [...new Set(reasons.filter((reason) => reason.source !== 'option').map((reason) => reason.words))]
  const shown = plain(value)
  return said.filter((text) => text && !shown.includes(plain(text)) && !plain(text).includes(shown)).join(', ')
}

/** All reasons in one line; values read straight from the words share one "from". */
function reasonText(reasons: readonly Reason[]): string {
  const read = reasons.filter((reason) => reason.source === 'lexicon').map((reason) => `“${reason.words}”`)
  const others = reasons.filter((reason) => reason.source !== 'lexicon').map(because)
  const from = read.length > 0 ? [`from ${[...new Set(read)].join(', ')}`] : []
  return [...from, ...new Set(others)].join('; ')
}

export function chipsOf(draft: Draft, understood: Understood | null): Chip[] {
  const editable = (Object.keys(LABELS) as Field[]).map((field): Chip => {
    const set = isSet(field, draft)
    const value = valueText(field, draft, understood)
    const reasons = reasonsOf(understood, REASON_FIELDS[field])
    return {
      id: field,
      field,
      label: LABELS[field],
      value,
      isSet: set,
      quote: set ? '' : quoteOf(reasons, value),
      reason: set ? 'set by you' : reasonText(reasons),
    }
  })
  const spoken = ONLY_IN_WORDS.flatMap(([name, label]): Chip[] => {
    const value = wordsValue(name, understood?.controls[name])
    const reasons = reasonsOf(understood, [name])
    if (!value || reasons.length === 0 || reasons.every((reason) => reason.source === 'option')) return []
    return [{ id: name, field: null, label, value, isSet: false, quote: quoteOf(reasons, value), reason: reasonText(reasons) }]
  })
  return [...editable, ...spoken]
}

/** A value as the service writes it in a reason, with its unit. */
function printed(reason: Reason): string {
  const number = Number(reason.value)
  if (reason.field === 'tempo_bpm' && number > 0) return tempo(number)
  if (reason.field === 'duration_s' && number > 0) return clock(number)
  if (reason.field === 'bars') return `${reason.value} bars`
  return wordsValue(reason.field, number) || spoken(reason.value)
}

/** The reasons of a finished take, one line a field. */
export function readReasons(reasons: readonly Reason[]): { label: string; value: string; reason: string }[] {
  const labels: Record<string, string> = { ...Object.fromEntries(ONLY_IN_WORDS), excluded: 'Without', mode: 'Mode' }
  for (const [field, names] of Object.entries(FIELDS)) {
    for (const name of names) labels[name] ??= LABELS[field as Field]
  }
  const fields = [...new Set(reasons.map((reason) => reason.field))]
  return fields.map((field) => {
    const causes = reasons.filter((reason) => reason.field === field)
    return {
      label: labels[field] ?? words(field),
      value: causes.map(printed).join(', '),
      reason: reasonText(causes),
    }
  })
}
