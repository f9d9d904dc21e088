// The service's event stream: one connection for the whole page that comes back by itself and resumes where it was.

import type { EventType, ServiceEvent } from './types'

export type Connection = 'connecting' | 'open' | 'lost'

const TYPES: EventType[] = ['status', 'progress', 'preview', 'excerpt', 'take', 'take_changed', 'take_deleted']
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 8000

/** How long to wait before the n-th attempt (from 0) to connect again. */
export function backoffMs(attempt: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt)
}

interface Listeners {
  event(event: ServiceEvent): void
  /** `again` when the stream was open before: what happened meanwhile may have been forgotten by the service. */
  open(again: boolean): void
  lost(retryInMs: number): void
}

export class EventStream {
  #source: EventSource | null = null
  #lastId = ''
  #attempt = 0
  #opened = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #listeners: Listeners

  constructor(listeners: Listeners) {
    this.#listeners = listeners
  }

  start(): void {
    this.stop()
    const query = this.#lastId ? `?last_event_id=${encodeURIComponent(this.#lastId)}` : ''
    const source = new EventSource(`v1/events${query}`)
    this.#source = source
    source.onopen = () => {
      this.#attempt = 0
      this.#listeners.open(this.#opened)
      this.#opened = true
    }
    for (const type of TYPES) source.addEventListener(type, (message) => this.#receive(message))
    // EventSource gives up for good on an error status and hammers a dead port: closing and waiting is done here.
    source.onerror = () => {
      if (this.#source !== source) return
      source.close()
      const wait = backoffMs(this.#attempt++)
      this.#timer = setTimeout(() => this.start(), wait)
      this.#listeners.lost(wait)
    }
  }

  /** Try now instead of at the end of the wait. */
  retry(): void {
    this.#attempt = 0
    this.start()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#source?.close()
    this.#source = null
  }

  #receive(message: MessageEvent<string>): void {
    if (message.lastEventId) this.#lastId = message.lastEventId
    let event: ServiceEvent
    try {
      event = JSON.parse(message.data) as ServiceEvent
    } catch {
      return // cut off in mid-line; the resynchronisation after a reconnect repairs what it said
    }
    this.#listeners.event(event)
  }
}
