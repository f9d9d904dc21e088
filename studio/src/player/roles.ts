// Players by role: how they are called and coloured, the same in mixer, piano roll and facts.

import { words } from '../lib/format'
import type { PlayerInfo } from '../lib/types'

const HUES_DEG: Record<string, number> = {
  vocals: 350,
  lead: 28,
  counter: 55,
  chords: 255,
  pad: 295,
  arp: 195,
  bass: 150,
  drums: 85,
  texture: 230,
  fx: 320,
}
const OTHER_HUES_DEG = [10, 120, 215, 275, 335]

/** Whether a player's notes have no pitch to draw: drums have their own lane, sounds theirs. */
export const isDrums = (role: string): boolean => role === 'drums' || role === 'percussion'
export const isSound = (role: string): boolean => role === 'texture' || role === 'fx'

/** Stems are named role-instrument; singers by part: vocals, doubles-1, harmony. */
export function roleOf(stem: string): string {
  const role = stem.split('-')[0] ?? stem
  return role === 'doubles' || role === 'harmony' || role === 'backing' ? 'vocals' : role
}

export function hueOf(role: string): number {
  const known = HUES_DEG[role]
  if (known !== undefined) return known
  let sum = 0
  for (const letter of role) sum += letter.charCodeAt(0)
  return OTHER_HUES_DEG[sum % OTHER_HUES_DEG.length] ?? 0
}

/** The colour of a role, readable on dark or on light. */
export function colourOf(role: string, dark: boolean): string {
  return dark ? `oklch(0.76 0.13 ${hueOf(role)})` : `oklch(0.56 0.15 ${hueOf(role)})`
}

export function labelOf(stem: string, player: PlayerInfo | undefined): string {
  if (player && !isSinger(player.role)) return words(player.instrument)
  const [role = stem, ...rest] = stem.split('-')
  return words(rest.length && !/^\d+$/.test(rest[0] ?? '') ? rest.join(' ') : [role, ...rest].join(' '))
}

const isSinger = (role: string): boolean => role === 'vocals'
