// Sound files to decoded buffers, kept within a bound of memory.

import { bytesOf, soundAddress, TRACK } from './content'
import { ByteCache } from './lru'

const GIGABYTE = 1e9
// Chromium tells how much memory the machine has, others do not.
const machineBytes = ((navigator as { deviceMemory?: number }).deviceMemory ?? 4) * GIGABYTE
/** What decoded sound may take in all. */
export const CACHE_BYTES = 0.15 * machineBytes
/** What the stems of one piece may take; a longer piece's are loaded one by one, when they are asked for. */
export const STEMS_BYTES = 0.11 * machineBytes

const BYTES_PER_FRAME = 8 // stereo, 32 bits

export function stemsBytes(duration_s: number, stems: number, rate_hz: number): number {
  return duration_s * rate_hz * BYTES_PER_FRAME * stems
}

export class DecodeError extends Error {}

export class Loader {
  readonly #decoder: BaseAudioContext
  readonly #cache = new ByteCache<AudioBuffer>(CACHE_BYTES)
  readonly #coming = new Map<string, Promise<AudioBuffer>>()

  constructor(decoder: BaseAudioContext) {
    this.#decoder = decoder
  }

  /** The decoded sound at once, if it is here. */
  ready(takeId: string, part: string): AudioBuffer | undefined {
    return this.#cache.get(keyOf(takeId, part))
  }

  /** Raises ApiError or Unreachable where it cannot be had, DecodeError where it is no sound. */
  async load(takeId: string, part: string): Promise<AudioBuffer> {
    const key = keyOf(takeId, part)
    const here = this.#cache.get(key)
    if (here) return here
    const coming = this.#coming.get(key) ?? this.#fetch(key, takeId, part)
    this.#coming.set(key, coming)
    return coming
  }

  async #fetch(key: string, takeId: string, part: string): Promise<AudioBuffer> {
    try {
      const bytes = await bytesOf(soundAddress(takeId, part))
      const buffer = await this.#decode(bytes, part)
      this.#cache.set(key, buffer, buffer.length * buffer.numberOfChannels * 4)
      return buffer
    } finally {
      this.#coming.delete(key)
    }
  }

  async #decode(bytes: ArrayBuffer, part: string): Promise<AudioBuffer> {
    try {
      return await this.#decoder.decodeAudioData(bytes)
    } catch {
      const what = part === TRACK ? 'the track' : part
      throw new DecodeError(`${what} cannot be played: its file is damaged, or this browser cannot read FLAC`)
    }
  }
}

function keyOf(takeId: string, part: string): string {
  return `${takeId}/${part}`
}
