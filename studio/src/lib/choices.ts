// What some options of a request are limited to. The compiler holds these against the API: none is missing or unknown.

import type { Mode, Preset, TimeSignature } from './types'

const choices = <Name extends string>(all: Record<Name, true>) => Object.keys(all) as Name[]

export const MODES = choices<Mode>({
  major: true,
  minor: true,
  dorian: true,
  phrygian: true,
  lydian: true,
  mixolydian: true,
})
export const METRES = choices<TimeSignature>({
  '4/4': true,
  '3/4': true,
  '6/8': true,
  '2/4': true,
  '5/4': true,
  '7/8': true,
  '9/8': true,
  '12/8': true,
})
export const PRESETS = choices<Preset>({ reference: true, balanced: true, fast: true })
