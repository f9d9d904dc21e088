// Levels: faders in dB, linear gains for the audio graph, matched loudness.

export const FADER_RANGE_DB = [-60, 6] as const
/** As far aside as the mix lets a player stand, of 1. */
export const PAN_LIMIT = 0.85

export interface Strip {
  gain_db: number
  solo: boolean
  muted: boolean
}

/** Linear gain of a level; the fader's lowest place is silence. */
export function gainOf(level_db: number): number {
  return level_db <= FADER_RANGE_DB[0] ? 0 : 10 ** (level_db / 20)
}

export function levelOf(gain: number): number {
  return gain > 0 ? 20 * Math.log10(gain) : -Infinity
}

/** What is heard of a strip: nothing when muted, or when others are soloed and it is not. A muted solo is muted. */
export function heardGain(strip: Strip, anySolo: boolean): number {
  return strip.muted || (anySolo && !strip.solo) ? 0 : gainOf(strip.gain_db)
}

/** Gains that bring all to the quietest one's loudness: never above 1, so matching cannot clip. */
export function matchedGains(loudness_lufs: (number | null)[]): number[] {
  const known = loudness_lufs.filter((value): value is number => value !== null && Number.isFinite(value))
  const target = Math.min(...known)
  return loudness_lufs.map((value) => (value === null || !Number.isFinite(value) ? 1 : 10 ** ((target - value) / 20)))
}

/** −3.0 dB, 0 dB, +1.5 dB, −∞ dB. */
export function decibels(level_db: number): string {
  if (level_db <= FADER_RANGE_DB[0]) return '−∞ dB'
  const text = Math.abs(level_db).toFixed(1)
  return text === '0.0' ? '0 dB' : `${level_db < 0 ? '−' : '+'}${text} dB`
}

/** Root mean square over every `stride`th frame of summed channels; [frames] arrays of one length or shorter. */
export function rmsOfSum(channels: Float32Array[][], stride: number): number {
  const frames = Math.max(0, ...channels.map((parts) => Math.max(0, ...parts.map((part) => part.length))))
  let sum = 0
  let counted = 0
  for (const parts of channels) {
    for (let frame = 0; frame < frames; frame += stride) {
      let value = 0
      for (const part of parts) value += part[frame] ?? 0
      sum += value * value
      counted++
    }
  }
  return counted ? Math.sqrt(sum / counted) : 0
}

/** Peak of samples as a share 0 … 1 of a meter that spans −60 … 0 dB. */
export function meterShare(samples: Float32Array): number {
  let peak = 0
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample))
  return Math.min(1, Math.max(0, 1 + levelOf(peak) / 60))
}

const CURVE_POINTS = 4097
const CURVE_INPUT = 4
const KNEE = 0.8

/**
 * Curve of a WaveShaper whose input is divided by {@link curveInput}: straight below 0.8, then bent towards 1.
 * Stems are before mastering; brought to the track's loudness their peaks may pass full scale.
 */
export function softClipCurve(): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: CURVE_POINTS }, (_, index) => {
    const input = ((index / (CURVE_POINTS - 1)) * 2 - 1) * CURVE_INPUT
    const size = Math.abs(input)
    const bent = size <= KNEE ? size : KNEE + (1 - KNEE) * Math.tanh((size - KNEE) / (1 - KNEE))
    return Math.sign(input) * bent
  })
}

export const curveInput = CURVE_INPUT
