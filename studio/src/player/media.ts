// wavesurfer expects a media element. This one makes no sound: its clock is the engine's, its seeking goes there.

import { player } from './player.svelte'

export class EngineMedia extends EventTarget {
  readonly readyState = 4
  readonly seeking = false
  readonly error = null
  volume = 1
  muted = false
  playbackRate = 1
  autoplay = false
  controls = false
  src = ''
  currentSrc = ''

  get currentTime(): number {
    return player.position_s
  }

  set currentTime(time_s: number) {
    player.seek(time_s)
  }

  get duration(): number {
    return player.duration_s
  }

  get paused(): boolean {
    return !player.playing
  }

  get ended(): boolean {
    return false
  }

  play(): Promise<void> {
    if (!player.playing) player.toggle()
    return Promise.resolve()
  }

  pause(): void {
    if (player.playing) player.pause()
  }

  load(): void {}

  canPlayType(): string {
    return ''
  }

  removeAttribute(): void {}

  announce(event: 'play' | 'pause' | 'timeupdate'): void {
    this.dispatchEvent(new Event(event))
  }

  /** wavesurfer touches only what is here; its types ask for a whole element. */
  asElement(): HTMLMediaElement {
    return this as unknown as HTMLMediaElement
  }
}
