// Decoded sound is large (about 0.35 MB a second): what was used least recently goes first.

/** Sizes are bytes, or whatever the bound counts. */
export class ByteCache<Value> {
  readonly #limit: number
  readonly #entries = new Map<string, { value: Value; bytes: number }>()
  #bytes = 0

  constructor(limitBytes: number) {
    this.#limit = limitBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  /** Keeps `value`; others go, the least recently used first, until all fit. The newest always stays. */
  set(key: string, value: Value, bytes: number): void {
    this.delete(key)
    this.#entries.set(key, { value, bytes })
    this.#bytes += bytes
    for (const old of this.#entries.keys()) {
      if (this.#bytes <= this.#limit || old === key) break
      this.delete(old)
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#entries.delete(key)
    this.#bytes -= entry.bytes
  }
}
