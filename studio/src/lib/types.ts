// The shapes of the HTTP API under the names the studio has for them. openapi.ts is written from the service's own
// document by `npm run types`; nothing is told twice here.

import type { components, operations } from './openapi'

type Shapes = components['schemas']
type ContentQuery = NonNullable<operations['takeContent']['parameters']['query']>
type List = 'genres' | 'moods' | 'instruments' | 'without'

/** The request of library, command line and service; null or absent means "choose for me". Lists are sent as lists. */
export type Params = { [Name in keyof Shapes['MusicBody']]: Name extends List ? string[] : Shapes['MusicBody'][Name] }
export type Mode = NonNullable<Params['mode']>
export type TimeSignature = NonNullable<Params['time_signature']>
export type Preset = NonNullable<Params['preset']>
type WithParams<Shape> = Omit<Shape, 'params'> & { params: Params }

export type Take = WithParams<Shapes['Take']>
export type Job = Omit<WithParams<Shapes['Job']>, 'outputs'> & { outputs: Take[] }
export type Restored = WithParams<Shapes['Restored']>
export type Status = Shapes['Job']['status']
export type Operation = Shapes['Job']['operation']
export type Page<T> = Omit<Shapes['JobPage'], 'data'> & { data: T[] }

export type About = Shapes['About']
export type ErrorBody = Shapes['ErrorBody']
export type Health = Shapes['Health']
export type ModelInfo = Shapes['ModelInfo']
export type Peaks = Shapes['Peaks']
export type PlayerInfo = Shapes['PlayerInfo']
export type Reason = Shapes['Reason']
export type ScoreView = Shapes['ScoreView']
export type SectionInfo = Shapes['SectionInfo']
export type ServiceEvent = Shapes['Event']
export type EventType = ServiceEvent['type']
export type Style = Shapes['Style']
export type Styles = Shapes['Styles']
export type Understood = Shapes['Understood']
export type Upload = Shapes['Upload']

export type Version = Shapes['Version']
type AnyEdit = Shapes['EditBody']['edits'][number]
export type EditKind = AnyEdit['op']
/** An edit as it is sent: what has a default may be left out. */
export type Edit<Kind extends EditKind = EditKind> = Kind extends EditKind
  ? { op: Kind } & Partial<Omit<Extract<AnyEdit, { op: Kind }>, 'op'>>
  : never

export type Format = NonNullable<ContentQuery['format']>
export type Loudness = NonNullable<ContentQuery['loudness']>

/** A line of the timed lyrics, a file of its own (docs/songs.md). */
export interface TimedLine {
  start_s: number
  end_s: number
  section: string
  voice: string
  words: { text: string; start_s: number; end_s: number; syllables: { text: string; start_s: number; end_s: number }[] }[]
}
