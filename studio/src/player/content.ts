// Addresses of a take's contents, and the requests for those the player reads itself.

import { ApiError, Unreachable, url } from '../lib/api'
import type { ErrorBody, Format, Loudness, Peaks, ScoreView } from '../lib/types'
import type { SungWords } from './lyrics'

export interface Wanted {
  format: Format
  part?: string
  loudness?: Loudness
  bit_depth?: 16 | 24 | 32
  lead_sheet?: true
}

/** The whole track, the track without its voices, or the name of a stem. */
export const TRACK = 'track'
export const KARAOKE = 'karaoke'

export function soundAddress(takeId: string, part: string): string {
  return url(`v1/takes/${takeId}/content`, { format: 'flac', inline: true, part: part === TRACK ? null : part })
}

export function downloadAddress(takeId: string, wanted: Wanted): string {
  return url(`v1/takes/${takeId}/content`, { ...wanted, part: wanted.part === TRACK ? null : wanted.part })
}

export const spectrogramAddress = (takeId: string): string => `v1/takes/${takeId}/spectrogram`

export const scoreOf = (takeId: string): Promise<ScoreView> => json(`v1/takes/${takeId}/score`)
export const wordsOf = (takeId: string): Promise<SungWords> => json(`v1/takes/${takeId}/lyrics`)
export const peaksOf = (takeId: string, part: string, slices: number): Promise<Peaks> =>
  json(url(`v1/takes/${takeId}/peaks`, { slices, part: part === TRACK ? null : part }))

export async function bytesOf(address: string): Promise<ArrayBuffer> {
  return (await answer(address)).arrayBuffer()
}

/** Returns when the service has made the file; raises ApiError or Unreachable with the reason why it cannot. */
export async function prepare(address: string): Promise<void> {
  await answer(address, { headers: { Range: 'bytes=0-0' }, cache: 'no-store' })
}

async function json<Shape>(address: string): Promise<Shape> {
  return (await (await answer(address)).json()) as Shape
}

async function answer(address: string, options: RequestInit = {}): Promise<Response> {
  let response: Response
  try {
    response = await fetch(address, options)
  } catch {
    throw new Unreachable()
  }
  if (response.ok) return response
  const { error } = (await response.json().catch(() => ({}))) as { error?: ErrorBody }
  const message = `The service answered ${response.status}`
  throw new ApiError(response.status, error ?? { message, type: 'server', param: null, code: 'unknown' }, null)
}
