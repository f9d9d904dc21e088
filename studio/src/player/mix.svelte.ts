// The mixer's strips, one for each stem of the take at hand.

import type { Take } from '../lib/types'
import { heardGain } from './gain'
import { labelOf, roleOf } from './roles'

/** absent: not asked for yet (long pieces); failed: its file cannot be had or read. */
export type StripState = 'absent' | 'loading' | 'ready' | 'failed'

export class MixStrip {
  readonly name: string
  readonly label: string
  readonly role: string
  gain_db = $state(0)
  solo = $state(false)
  muted = $state(false)
  state = $state<StripState>('absent')
  /** When it was loaded, on the clock of the page. */
  loaded = 0

  constructor(name: string, take: Take) {
    const player = take.players.find((one) => one.stem === name)
    this.name = name
    this.role = player?.role ?? roleOf(name)
    this.label = labelOf(name, player)
  }

  get touched(): boolean {
    return this.gain_db !== 0 || this.solo || this.muted
  }

  reset(): void {
    this.gain_db = 0
    this.solo = this.muted = false
  }
}

export class Mix {
  readonly strips: MixStrip[]
  readonly touched = $derived.by(() => this.strips.some((strip) => strip.touched))
  readonly #anySolo = $derived.by(() => this.strips.some((strip) => strip.solo))

  constructor(take: Take) {
    this.strips = take.stems.map((name) => new MixStrip(name, take))
  }

  heard(strip: MixStrip): number {
    return heardGain(strip, this.#anySolo)
  }

  /** Whether a player's notes are heard; those without a stem of their own always are. */
  audible(stem: string | null): boolean {
    const strip = this.strips.find((one) => one.name === stem)
    return !strip || this.heard(strip) > 0
  }
}
