// Asks the service, while somebody types, how it understands the draft. Only the latest question's answer counts.

import { untrack } from 'svelte'
import { api, isAborted } from './api'
import type { ErrorBody, Params, Understood } from './types'

const DELAY_MS = 220

class Understanding {
  result = $state.raw<Understood | null>(null)
  /** A question is on its way; the chips shown are those of the last answer. */
  pending = $state(false)
  #timer: ReturnType<typeof setTimeout> | undefined
  #abort: AbortController | null = null

  get problem(): ErrorBody | null {
    return this.result?.problem ?? null
  }

  /** What cannot be made is not read either: the chips stay as they were while somebody corrects it. */
  #hear(answer: Understood): void {
    const before = this.result
    const unread = answer.problem !== null && Object.keys(answer.controls).length === 0
    this.result = unread && before !== null ? { ...before, problem: answer.problem } : answer
  }

  ask(params: Params): void {
    clearTimeout(this.#timer)
    this.#abort?.abort()
    this.pending = true
    // Who asks depends on the draft alone: an answer must not make an effect ask again.
    const wait = untrack(() => this.result) === null ? 0 : DELAY_MS
    this.#timer = setTimeout(() => void this.#send(params), wait)
  }

  async #send(params: Params): Promise<void> {
    const abort = (this.#abort = new AbortController())
    try {
      this.#hear(await api.explain(params, abort.signal))
      this.pending = false
    } catch (error) {
      if (isAborted(error)) return
      this.pending = false
    }
  }
}

export const understanding = new Understanding()
