// Where the page is: the address names the take that is open, Back closes it, and a reload goes on where it was.

import { hashOf, placeOf } from '../lib/address'
import { studio } from '../lib/store.svelte'
import type { Mix, Settings } from './mix.svelte'
import { player } from './player.svelte'

const KEY = 'noisician.player'
const TITLE = document.title

interface Kept {
  takeId: string
  position_s: number
  strips: (Settings & { name: string; solo: boolean })[]
}

/** Begins to keep address and player together. To be called where effects may be made. */
export function followAddress(): void {
  let begun = false

  $effect(() => {
    if (!studio.loaded || begun) return
    begun = true
    void resume()
  })

  $effect(() => {
    const take = player.current
    const open = player.expanded && take !== null
    document.title = open ? `${take.title} · ${TITLE}` : TITLE
    if (begun && !resuming) write(open ? take.id : null)
  })

  $effect(() => {
    const listeners = new AbortController()
    addEventListener('popstate', () => void read(), listeners)
    addEventListener('pagehide', keepPlayer, listeners)
    return () => listeners.abort()
  })
}

/** The address of a take at the place where the music is. */
export function linkTo(takeId: string, position_s: number): string {
  return new URL(hashOf({ takeId, position_s }), location.href).href
}

let resuming = $state(false)

function write(takeId: string | null): void {
  const now = placeOf(location.hash)
  if (now?.takeId === takeId || (now === null && takeId === null)) return
  if (takeId === null) {
    // What was opened from here is closed by going back, so that Forward opens it again.
    if ((history.state as { opened?: boolean } | null)?.opened) history.back()
    else history.replaceState(null, '', location.pathname + location.search)
  } else if (now === null) history.pushState({ opened: true }, '', hashOf({ takeId, position_s: null }))
  else history.replaceState(history.state, '', hashOf({ takeId, position_s: null }))
}

async function read(): Promise<void> {
  const place = placeOf(location.hash)
  if (place === null) {
    player.expanded = false
    return
  }
  if (place.takeId === player.current?.id) player.expanded = true
  else {
    const take = await studio.find(place.takeId)
    if (take && placeOf(location.hash)?.takeId === take.id) player.open(take)
  }
  if (place.position_s !== null && player.current?.id === place.takeId) player.seek(place.position_s)
}

async function resume(): Promise<void> {
  const place = placeOf(location.hash)
  const kept = keptPlayer()
  const takeId = place?.takeId ?? kept?.takeId
  if (!takeId || player.current) return
  resuming = true
  const take = await studio.find(takeId)
  if (take && take.deleted_at === null && !player.current) {
    const same = kept?.takeId === take.id ? kept : null
    player.show(take, place?.position_s ?? same?.position_s ?? 0)
    if (player.mix && same) restoreMix(player.mix, same)
    player.expanded = place !== null
  } else if (!take && place) history.replaceState(null, '', location.pathname + location.search)
  resuming = false
}

function keepPlayer(): void {
  const { current: take, mix, position_s } = player
  if (!take) return
  const strips = mix?.touched ? mix.strips.filter((strip) => strip.touched) : []
  const kept: Kept = {
    takeId: take.id,
    position_s,
    strips: strips.map(({ name, gain_db, pan, muted, solo }) => ({ name, gain_db, pan, muted, solo })),
  }
  try {
    sessionStorage.setItem(KEY, JSON.stringify(kept))
  } catch {
    // forbidden or full: a reload begins anew
  }
}

function keptPlayer(): Kept | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Kept | null
    return kept && typeof kept.takeId === 'string' && Array.isArray(kept.strips) ? kept : null
  } catch {
    return null
  }
}

function restoreMix(mix: Mix, { strips }: Kept): void {
  for (const { name, ...settings } of strips) {
    const strip = mix.named(name)
    if (strip) Object.assign(strip, settings)
  }
  if (strips.length) player.mixMoved()
}
