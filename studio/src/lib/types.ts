// The shapes of the HTTP API; mirrors noisician/service/wire.py.

export type Status = 'queued' | 'in_progress' | 'completed' | 'failed' | 'cancelled'
export type Operation = 'make' | 'vary' | 'loop' | 'repaint' | 'extend'
export type EventType = 'status' | 'progress' | 'preview' | 'take' | 'take_changed' | 'take_deleted'

export interface ErrorBody {
  message: string
  type: string
  param: string | null
  code: string
}

/** The request of library, command line and service; null or absent means "choose for me". */
export interface Params {
  prompt?: string
  duration_s?: number | null
  bars?: number | null
  tempo_bpm?: number | null
  key?: string | null
  mode?: string | null
  time_signature?: string | null
  genres?: string[]
  moods?: string[]
  instruments?: string[]
  without?: string[]
  seed?: number | null
  takes?: number
  steps?: number | null
  guidance_scale?: number | null
  loop?: boolean
  model?: string
  preset?: string | null
  device?: string | null
  dtype?: string | null
  negative_prompt?: string | null
  lyrics?: string | null
  vocals?: boolean
  voice?: string | null
  language?: string | null
  init_audio?: string | null
  strength?: number | null
  repaint?: [number, number][]
  reference_audio?: string | null
  morph_prompt?: string | null
  morph_audio?: string | null
  morph?: number | null
  guide?: boolean
  title?: string | null
}

export interface Reason {
  field: string
  value: string
  words: string
  source: 'option' | 'lexicon' | 'meaning' | 'implied' | 'default'
  confidence: number
}

export interface Understood {
  controls: Record<string, unknown>
  reasons: Reason[]
  not_understood: string[]
  problem: ErrorBody | null
}

export interface SectionInfo {
  kind: string
  start_s: number
  end_s: number
  start_bar: number
  bars: number
}

export interface PlayerInfo {
  role: string
  instrument: string
  stem: string | null
  notes: number
}

export interface Take {
  id: string
  object: 'take'
  job_id: string
  number: number
  title: string
  starred: boolean
  created_at: number
  deleted_at: number | null
  operation: Operation
  parent_take: string | null
  model: string
  licence: string
  seed: number
  recipe_id: string
  duration_s: number
  made_in_s: number
  loudness_lufs: number | null
  true_peak_dbtp: number | null
  tempo_bpm: number | null
  key: string | null
  mode: string | null
  time_signature: string | null
  sections: SectionInfo[]
  players: PlayerInfo[]
  stems: string[]
  has_score: boolean
  has_lyrics: boolean
  loop: boolean
  params: Params
  reasons: Reason[]
  not_understood: string[]
  damage: string | null
}

export interface Job {
  id: string
  object: 'music'
  operation: Operation
  status: Status
  progress: number // 0 … 100
  stage: string | null
  eta_s: number | null
  queue_position: number | null // 0 is next
  created_at: number
  started_at: number | null
  completed_at: number | null
  error: ErrorBody | null
  model: string
  params: Params
  title: string | null
  parent_take: string | null
  takes: number
  attempts: number
  cancel_requested: boolean
  outputs: Take[]
}

export interface Page<T> {
  object: 'list'
  data: T[]
  after: string | null
}

export interface ServiceEvent {
  type: EventType
  job_id: string | null
  take_id: string | null
  data: Record<string, unknown>
  created_at: number
}

export interface Upload {
  id: string
  object: 'upload'
  name: string
  format: string
  size_bytes: number
  created_at: number
}

export interface Restored {
  params: Params
  seed: number
  recipe_id: string
  title: string
  model: string
  take_id: string | null
}

export interface ModelInfo {
  name: string
  available: boolean
  how_to_get: string | null
  licence: string
  licence_url: string | null
  restricted: boolean
  size_gb: number | null
  features: string[]
  duration_range_s: [number, number] | null
  sample_rate_hz: number | null
  speed: number | null
  measured_takes: number
}

export interface Style {
  id: string
  description: string
  details: Record<string, unknown>
}

export interface Styles {
  genres: Style[]
  moods: Style[]
  instruments: Style[]
  textures: Style[]
  voices: Style[]
}

export interface Health {
  status: 'ok' | 'starting' | 'degraded'
  version: string
  queued: number
  running: number
  workers: { name: string; state: string; job_id: string | null }[]
  free_bytes: number
  problem: string | null
}

export interface About {
  version: string
  limits: {
    duration_s: number
    takes: number
    upload_bytes: number
    upload_s: number
    queue: number
    prompt_chars: number
    lyrics_chars: number
  }
  key_required: boolean
}

export interface ScoreNote {
  pitch: number
  start_s: number
  end_s: number
  velocity: number
  syllable: string | null
}

export interface ScoreView {
  tempo_bpm: number
  key: string
  mode: string
  time_signature: string
  bars_s: number[]
  beats_per_bar: number
  tracks: { role: string; instrument: string; stem: string | null; notes: ScoreNote[] }[]
  chords: { start_s: number; end_s: number; name: string }[]
}

export interface TimedLine {
  start_s: number
  end_s: number
  section: string
  voice: string
  words: { text: string; start_s: number; end_s: number; syllables: { text: string; start_s: number; end_s: number }[] }[]
}

export interface Peaks {
  duration_s: number
  slices: number
  data: number[] // min, max, min, max … within −1 … 1
}

export type Loudness = 'streaming' | 'apple' | 'broadcast' | 'club' | 'off'
export type Format = 'wav' | 'flac' | 'mp3' | 'ogg' | 'zip' | 'mid' | 'json' | 'lrc'
