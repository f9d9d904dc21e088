// The mixer's strips, one for each stem of the take at hand.

import type { Take } from '../lib/types'
import { gainOf, heardGain } from './gain'
import { labelOf, roleOf } from './roles'

/** absent: not asked for yet (long pieces); failed: its file cannot be had or read. */
export type StripState = 'absent' | 'loading' | 'ready' | 'failed'

/** A strip's own numbers, as the service keeps them with a version. */
export interface Settings {
  gain_db: number
  pan: number
  muted: boolean
}

export class MixStrip {
  readonly name: string
  readonly label: string
  readonly role: string
  gain_db = $state(0)
  pan = $state(0)
  solo = $state(false)
  muted = $state(false)
  /** What the version's sound has already. */
  kept = $state.raw<Settings>({ gain_db: 0, pan: 0, muted: false })
  state = $state<StripState>('absent')
  /** When it was loaded, on the clock of the page. */
  loaded = 0

  constructor(name: string, take: Take) {
    const player = take.players.find((one) => one.stem === name)
    this.name = name
    this.role = player?.role ?? roleOf(name)
    this.label = labelOf(name, player)
  }

  /** Whether it is set otherwise than the version's sound has it. */
  get changed(): boolean {
    const { gain_db, pan, muted } = this.kept
    return this.gain_db !== gain_db || this.pan !== pan || this.muted !== muted
  }

  get touched(): boolean {
    return this.changed || this.solo
  }

  /** Back to what the version's sound has. */
  putBack(): void {
    Object.assign(this, this.kept)
  }

  reset(): void {
    this.putBack()
    this.solo = false
  }

  /** The settings that the version's sound has are known now; what was moved meanwhile stays moved. */
  settle(kept: Settings): void {
    const moved = this.changed
    this.kept = kept
    if (!moved) Object.assign(this, kept)
  }

  /** Takes over what was set in another version of the piece, as far as it differs from what that one has. */
  follow(other: MixStrip): void {
    this.solo = other.solo
    if (other.gain_db !== other.kept.gain_db) this.gain_db = other.gain_db
    if (other.pan !== other.kept.pan) this.pan = other.pan
    if (other.muted !== other.kept.muted) this.muted = other.muted
  }
}

export class Mix {
  readonly strips: MixStrip[]
  readonly touched = $derived.by(() => this.strips.some((strip) => strip.touched))
  readonly #anySolo = $derived.by(() => this.strips.some((strip) => strip.solo))

  constructor(take: Take) {
    this.strips = take.stems.map((name) => new MixStrip(name, take))
  }

  /** Whether a strip differs from the version's sound in what can be kept. */
  readonly changed = $derived.by(() => this.strips.some((strip) => strip.changed))

  /** The gain at which a stem is played: its sound has the kept gain already. */
  heard(strip: MixStrip): number {
    const gain = heardGain(strip, this.#anySolo)
    return gain === 0 ? 0 : gain / (gainOf(strip.kept.gain_db) || 1)
  }

  named(stem: string | null): MixStrip | null {
    return this.strips.find((one) => one.name === stem) ?? null
  }

  /** Whether a player's notes are heard; those without a stem of their own always are. */
  audible(stem: string | null): boolean {
    const strip = this.named(stem)
    return !strip || this.heard(strip) > 0
  }
}
