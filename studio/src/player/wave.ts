// wavesurfer with the engine's clock, precomputed peaks and one region, fit for a strict Content-Security-Policy.

import WaveSurfer, { type WaveSurferOptions } from 'wavesurfer.js'
import RegionsPlugin, { type Region as WaveRegion } from 'wavesurfer.js/plugins/regions'

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
