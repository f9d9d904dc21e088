// The limits of a request's options. Written by tools/derive.py from noisician/request/fields.py.

/** Lowest and highest value, both included. */
export const LIMITS = {
  duration_s: [1, 600],
  bars: [1, 400],
  tempo_bpm: [40, 240],
  seed: [0, 4294967295],
  takes: [1, 16],
  steps: [1, 100],
  guidance_scale: [0, 20],
  strength: [0, 1],
  morph: [0, 1],
} as const

/** The longest texts, in characters. */
export const CHARS = {
  prompt: 2000,
  chords: 4000,
  lyrics: 5000,
  negative_prompt: 2000,
  morph_prompt: 2000,
} as const
