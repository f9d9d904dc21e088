// wavesurfer with the engine's clock, precomputed peaks and one region, fit for a strict Content-Security-Policy.

import WaveSurfer, { type WaveSurferOptions } from 'wavesurfer.js'
import RegionsPlugin, { type Region as WaveRegion } from 'wavesurfer.js/plugins/regions'
import type { Peaks } from '../lib/types'
import { peaksOf } from './content'
import { ByteCache } from './lru'

export type { WaveRegion }
export type Regions = ReturnType<typeof RegionsPlugin.create>

export interface Wave {
  surfer: WaveSurfer
  regions: Regions
  holder: HTMLElement
}

/**
 * wavesurfer brings its style in a <style> element, which `style-src 'self'` forbids. Made apart from the document,
 * that element takes no effect yet: its rules move to a constructed sheet, which is allowed, before anything is shown.
 */
export function createWave(options: Omit<WaveSurferOptions, 'container' | 'plugins'>): Wave {
  const holder = document.createElement('div')
  const regions = RegionsPlugin.create()
  const surfer = WaveSurfer.create({ ...options, container: holder, plugins: [regions] })
  const root = surfer.getWrapper().getRootNode()
  if (root instanceof ShadowRoot) {
    const style = root.querySelector('style')
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(style?.textContent ?? '')
    root.adoptedStyleSheets = [sheet]
    style?.remove()
  }
  return { surfer, regions, holder }
}

/** The outline as wavesurfer draws it: the upper half and, as its second channel, the lower. */
export function outlineOf(peaks: Peaks): [number[], number[]] {
  const upper: number[] = []
  const lower: number[] = []
  for (let slice = 0; slice < peaks.slices; slice++) {
    lower.push(Math.abs(Math.min(0, peaks.data[2 * slice] ?? 0)))
    upper.push(Math.max(0, peaks.data[2 * slice + 1] ?? 0))
  }
  return [upper, lower]
}

const SLICES_PER_S = 50
const LEAST_SLICES = 800
const MOST_SLICES = 8000
const PEAKS_BYTES = 16e6
const known = new ByteCache<Promise<Peaks>>(PEAKS_BYTES)

export function slicesFor(duration_s: number): number {
  return Math.round(Math.min(MOST_SLICES, Math.max(LEAST_SLICES, duration_s * SLICES_PER_S)))
}

/** Peaks, asked for once. */
export function peaksFor(takeId: string, part: string, slices: number): Promise<Peaks> {
  const key = `${takeId}/${part}/${slices}`
  const before = known.get(key)
  if (before) return before
  const asked = peaksOf(takeId, part, slices)
  known.set(key, asked, 16 * slices)
  asked.catch(() => known.delete(key))
  return asked
}
