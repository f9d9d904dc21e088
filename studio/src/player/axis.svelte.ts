// The time axis that waveform, bars, sections and piano roll share. wavesurfer scrolls; the others follow.

import { clamp } from './time'

const CLOSEST_PX_PER_S = 400

export class Axis {
  duration_s = $state(0)
  width_px = $state(0)
  scroll_px = $state(0)
  /** How much closer than the whole piece: 1 shows all of it. */
  zoom = $state(1)
  readonly fit = $derived(this.duration_s > 0 ? this.width_px / this.duration_s : 0)
  readonly scale = $derived(this.fit * this.zoom) // pixels a second
  readonly total_px = $derived(this.scale * this.duration_s)
  readonly closest = $derived(Math.max(1, CLOSEST_PX_PER_S / Math.max(this.fit, 1e-6)))

  /** Pixels from the left edge of what is seen. */
  xOf(time_s: number): number {
    return time_s * this.scale - this.scroll_px
  }

  timeAt(x_px: number): number {
    return this.scale > 0 ? clamp((x_px + this.scroll_px) / this.scale, 0, this.duration_s) : 0
  }

  /** Zooms so that what lies at `x_px` stays there; returns where to scroll to. */
  zoomAt(zoom: number, x_px: number): number {
    const time_s = this.timeAt(x_px)
    this.zoom = clamp(zoom, 1, this.closest)
    return Math.max(0, time_s * this.scale - x_px)
  }
}
