// What the create panel holds: the request as the person has set it. Null or empty means "choose for me".

import { exampleAfter, FIRST } from './examples'
import { keep, kept } from './storage'
import type { Mode, Params, Preset, TimeSignature } from './types'

/** A sound file the music starts from, with the name to show. */
export interface Material {
  id: string
  name: string
}

export interface Draft {
  prompt: string
  duration_s: number | null
  bars: number | null
  tempo_bpm: number | null
  key: string | null
  mode: Mode | null
  time_signature: TimeSignature | null
  genres: string[]
  moods: string[]
  instruments: string[]
  without: string[]
  takes: number
  seed: number | null
  loop: boolean
  model: string
  steps: number | null
  guidance_scale: number | null
  negative_prompt: string
  preset: Preset | null
  device: string | null
  sing: boolean
  lyrics: string
  voice: string | null
  strength: number | null
  init: Material | null
  title: string
  /** Fields the panel has no control for, from reused settings: kept so that the same music comes out. */
  others: Params
}

const DRAFT = 'draft'
export const DEFAULT_TAKES = 2
const NO_INIT = 'init_audio'

export function emptyDraft(): Draft {
  return {
    prompt: '',
    duration_s: null,
    bars: null,
    tempo_bpm: null,
    key: null,
    mode: null,
    time_signature: null,
    genres: [],
    moods: [],
    instruments: [],
    without: [],
    takes: DEFAULT_TAKES,
    seed: null,
    loop: false,
    model: 'embedded',
    steps: null,
    guidance_scale: null,
    negative_prompt: '',
    preset: null,
    device: null,
    sing: false,
    lyrics: '',
    voice: null,
    strength: null,
    init: null,
    title: '',
    others: {},
  }
}

/** The request of a draft, only what differs from "choose for me" and what a model with these features takes. */
export function paramsOf(draft: Draft, features: readonly string[]): Params {
  const can = (feature: string) => features.includes(feature)
  const params: Params = { ...draft.others, prompt: draft.prompt.trim(), takes: draft.takes, model: draft.model }
  const set = <K extends keyof Params>(name: K, value: Params[K] | null | '', when = true) => {
    const empty = value === null || value === '' || (Array.isArray(value) && value.length === 0)
    if (when && !empty && value !== undefined) params[name] = value as Params[K]
  }
  set('duration_s', draft.duration_s)
  set('bars', draft.bars, draft.duration_s === null)
  set('tempo_bpm', draft.tempo_bpm)
  set('key', draft.key)
  set('mode', draft.mode)
  set('time_signature', draft.time_signature)
  set('genres', [...draft.genres])
  set('moods', [...draft.moods])
  set('instruments', [...draft.instruments])
  set('without', [...draft.without])
  set('seed', draft.seed)
  if (draft.loop && can('loop')) params.loop = true
  set('steps', draft.steps)
  set('guidance_scale', draft.guidance_scale)
  set('negative_prompt', draft.negative_prompt.trim(), can('negative_prompt'))
  set('preset', draft.preset, can('preset'))
  set('device', draft.device, can('device'))
  if (draft.sing && can('lyrics')) {
    params.vocals = true
    set('lyrics', draft.lyrics.trim())
    set('voice', draft.voice, can('voice'))
  }
  set(NO_INIT, draft.init?.id ?? null, can('init_audio'))
  set('strength', draft.strength, can('init_audio') && draft.init !== null)
  set('title', draft.title.trim())
  return params
}

/** The draft that makes the music of `params`. `seed` is set when the very same music is wanted. */
export function draftOf(params: Params, seed: number | null = null): Draft {
  const draft = emptyDraft()
  const { init_audio, lyrics, vocals, ...rest } = params
  const others: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(rest)) {
    if (value === null || value === undefined) continue
    if (name in draft && name !== 'others') Object.assign(draft, { [name]: Array.isArray(value) ? [...value] : value })
    else if (value !== false && !(Array.isArray(value) && value.length === 0)) others[name] = value
  }
  draft.others = others as Params
  draft.sing = Boolean(vocals || lyrics)
  draft.lyrics = lyrics ?? ''
  draft.init = init_audio ? { id: init_audio, name: 'the sound it was made from' } : null
  draft.seed = seed
  draft.takes = params.takes ?? DEFAULT_TAKES
  return draft
}

function restoredDraft(): Draft {
  const saved = kept<Partial<Draft> | null>(DRAFT, null)
  if (saved === null) return { ...emptyDraft(), prompt: FIRST }
  return { ...emptyDraft(), ...saved }
}

class Form {
  draft = $state<Draft>(restoredDraft())

  /** Whether anything beyond the words was chosen by hand. */
  get isPlain(): boolean {
    const bare: Draft = { ...emptyDraft(), prompt: this.draft.prompt, takes: this.draft.takes, model: this.draft.model }
    return JSON.stringify({ ...$state.snapshot(this.draft) }) === JSON.stringify(bare)
  }

  save(): void {
    keep(DRAFT, $state.snapshot(this.draft))
  }

  /** Another draft in place of this one; the answer brings the old one back. */
  replace(draft: Draft): () => void {
    const before = $state.snapshot(this.draft) as Draft
    this.draft = draft
    return () => {
      this.draft = before
    }
  }

  /** The next example's words; everything else as it is. */
  roll(): void {
    this.draft.prompt = exampleAfter(this.draft.prompt).prompt
  }
}

export const form = new Form()
