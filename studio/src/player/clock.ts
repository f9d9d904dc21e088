// Where the music is at a time of the audio context. Pure, so that what the graph does can be said in advance.

import type { Region } from './time'

/** At context time `at_s` the music was at `from_s`; it runs on from there, around `loop` if there is one. */
export interface Clock {
  at_s: number
  from_s: number
  duration_s: number
  loop: Region | null
}

/** Position in the music, at most its end. A place after the loop wraps into it, as in an AudioBufferSourceNode. */
export function positionAt(clock: Clock, now_s: number): number {
  const position_s = clock.from_s + Math.max(0, now_s - clock.at_s)
  return clock.loop ? wrapped(position_s, clock.loop) : Math.min(position_s, clock.duration_s)
}

export function wrapped(position_s: number, loop: Region): number {
  const length_s = loop.end_s - loop.start_s
  if (position_s < loop.end_s || length_s <= 0) return position_s
  return loop.start_s + ((position_s - loop.start_s) % length_s)
}

/** The next whole sample: nodes started there read their buffers without interpolation, so copies stay equal. */
export function onSample(time_s: number, rate_hz: number): number {
  return Math.ceil(time_s * rate_hz - 1e-6) / rate_hz
}

export function nearestSample(time_s: number, rate_hz: number): number {
  return Math.round(time_s * rate_hz) / rate_hz
}
