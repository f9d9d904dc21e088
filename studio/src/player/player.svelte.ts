// What is playing: the state that the whole page shares. It never looks at jobs, so a new one cannot stop the music.

import { api, messageOf } from '../lib/api'
import { keep, kept } from '../lib/storage'
import type { ScoreView, Take } from '../lib/types'
import { KARAOKE, scoreOf, TRACK } from './content'
import { Engine, type Part, type Program } from './engine'
import { matchedGains, rmsOfSum } from './gain'
import { CACHE_BYTES, Loader, STEMS_BYTES, stemsBytes } from './loader'
import { ByteCache } from './lru'
import { Mix, type MixStrip, type Settings } from './mix.svelte'
import { clamp, gridOf, snapToBars, type Region } from './time'

/** track: as mastered; stems: the mixer, before mastering; karaoke: the track without its voices. */
export type Source = 'track' | 'stems' | 'karaoke'

const RATE_HZ = 44100
const SCORES_KEPT = 24
const SISTERS = 100 // more than a job can have
const SUSPEND_AFTER_MS = 30_000
// Loudness of stems and track is compared on every n-th frame: near enough, and not felt.
const LOUDNESS_STRIDE = 16

interface Start {
  from_s?: number | undefined
  play: boolean
  source?: Source
  /** What is compared was chosen for this take. */
  keepsCompared?: boolean
}

class Player {
  current = $state.raw<Take | null>(null)
  playing = $state(false)
  position_s = $state(0)
  /** What is being waited for, in words. */
  busy = $state<string | null>(null)
  problem = $state<string | null>(null)
  expanded = $state(false)
  source = $state<Source>('track')
  volume = $state(kept('volume', 1))
  looping = $state(false)
  region = $state.raw<Region | null>(null)
  score = $state.raw<ScoreView | null>(null)
  compared = $state.raw<Take[]>([])
  /** Letters stand for the compared takes in an order not told. */
  blind = $state(false)
  /** The compared take that each letter stands for. */
  order = $state.raw<number[]>([])
  mix = $state.raw<Mix | null>(null)
  grid = $derived(this.current ? gridOf(this.current, this.score) : { bars_s: [], beatsPerBar: 4 })
  duration_s = $derived(this.current?.duration_s ?? 0)
  /** The stems would take too much memory together: each is loaded when asked for. */
  stemsOnDemand = $derived.by(() => {
    const take = this.current
    return take !== null && stemsBytes(take.duration_s, take.stems.length, RATE_HZ) > STEMS_BYTES
  })
  #engine: Engine | null = null
  #loader: Loader | null = null
  #turn = 0
  #frame = 0
  #sleep: ReturnType<typeof setTimeout> | undefined
  readonly #mixes = new Map<string, Mix>()
  readonly #stemLevels = new Map<string, number>()
  readonly #scores = new ByteCache<ScoreView>(SCORES_KEPT)

  /** Plays a take from the start or from `from_s`, or goes on with it where it was. */
  play(take: Take, from_s = 0): void {
    this.#wake()
    if (this.current?.id !== take.id) return void this.#change(take, { from_s, play: true })
    if (!this.playing) void this.#start(take, this.source, { from_s: this.#startAt(), play: true })
  }

  toggle(): void {
    if (this.playing || this.busy) this.pause()
    else if (this.current) this.play(this.current)
  }

  pause(): void {
    this.#turn++
    this.busy = null
    const position_s = this.#engine?.stop()
    if (position_s !== null && position_s !== undefined) this.position_s = position_s
    this.#stopped()
  }

  /** Shows a take in the detail area; while music plays, it goes on with this one. */
  open(take: Take): void {
    this.expanded = true
    if (this.current?.id !== take.id) void this.#change(take, { from_s: 0, play: this.playing || this.busy !== null })
  }

  /** Takes a take up where it was left, without a sound. */
  show(take: Take, position_s: number): void {
    void this.#change(take, { from_s: clamp(position_s, 0, take.duration_s), play: false })
  }

  /** Puts takes beside each other, to switch between at the same place and loudness. */
  compare(takes: Take[]): void {
    const first = takes[0]
    if (!first) return
    this.compared = takes
    this.setBlind(false)
    if (!takes.some((take) => take.id === this.current?.id)) this.play(first)
    else this.#engine?.setLevel(this.#levelOf(this.current, this.source))
    this.#preload()
  }

  /** The compared take number `index`, at the place where the music is. */
  switchTo(index: number): void {
    const take = this.compared[index]
    if (!take || take.id === this.current?.id) return
    const from_s = this.playing ? undefined : Math.min(this.position_s, take.duration_s)
    void this.#change(take, { from_s, play: this.playing || this.busy !== null })
  }

  /**
   * Goes on with another version of the piece at the same place, with what is set in the mixer; `beside` can be
   * switched between from then on.
   */
  goOn(take: Take, beside: Take[]): void {
    const mix = this.mix
    this.compared = beside.length > 1 ? beside : []
    this.setBlind(false)
    if (take.id === this.current?.id) {
      this.#engine?.setLevel(this.#levelOf(take, this.source))
      this.#preload()
      return
    }
    const next = this.#mixOf(take)
    for (const strip of next.strips) {
      const before = mix?.named(strip.name)
      if (before) strip.follow(before)
    }
    const from_s = this.playing ? undefined : Math.min(this.position_s, take.duration_s)
    if (take.loop) this.looping = true
    const source = this.source === 'stems' && next.touched ? 'stems' : 'track'
    void this.#change(take, { from_s, play: this.playing || this.busy !== null, source, keepsCompared: true })
  }

  seek(position_s: number): void {
    if (!this.current) return
    this.position_s = clamp(position_s, 0, this.duration_s)
    if (this.playing) this.#engine?.seek(Math.min(this.position_s, this.duration_s - 0.01))
  }

  setVolume(volume: number): void {
    this.volume = clamp(volume, 0, 1)
    keep('volume', this.volume)
    this.#engine?.setVolume(this.volume ** 2)
  }

  setLooping(looping: boolean): void {
    this.looping = looping
    this.#applyLoop()
  }

  /** Chooses what to loop and loops it; null chooses nothing. `free` lets the ends be off the bar lines. */
  setRegion(region: Region | null, free = false): void {
    this.region = region && !free ? snapToBars(this.grid, region) : region
    this.looping = region !== null || (this.current?.loop ?? false)
    this.#applyLoop()
  }

  /** Lets the loop begin, or end, where the music is; the other end moves when it has to. */
  loopEdge(edge: 'start' | 'end'): void {
    const here_s = this.position_s
    const { start_s, end_s } = this.region ?? { start_s: 0, end_s: this.duration_s }
    const region =
      edge === 'start'
        ? { start_s: here_s, end_s: end_s > here_s ? end_s : this.duration_s }
        : { start_s: start_s < here_s ? start_s : 0, end_s: here_s }
    if (region.end_s > region.start_s) this.setRegion(region)
  }

  /** Hides which take is which until somebody has chosen. */
  setBlind(blind: boolean): void {
    this.blind = blind
    this.order = this.compared.map((_, index) => index)
    if (blind) this.order = shuffled(this.order)
  }

  setSource(source: Source): void {
    const take = this.current
    if (!take || source === this.source) return
    if (this.playing) this.#wake()
    void this.#start(take, source, { from_s: this.playing ? undefined : this.position_s, play: this.playing })
  }

  setStripGain(strip: MixStrip, gain_db: number): void {
    strip.gain_db = gain_db
    this.#mixChanged()
  }

  setStripPan(strip: MixStrip, pan: number): void {
    strip.pan = pan
    this.#mixChanged()
  }

  toggleSolo(strip: MixStrip): void {
    strip.solo = !strip.solo
    if (strip.solo && this.stemsOnDemand) void this.loadStem(strip)
    this.#mixChanged()
  }

  toggleMute(strip: MixStrip): void {
    strip.muted = !strip.muted
    this.#mixChanged()
  }

  /** Tells a take's mixer what its sound has already, by the names of its stems. */
  settle(take: Take, keptOf: (stem: string) => Settings | null): void {
    for (const strip of this.#mixOf(take).strips) {
      const kept = keptOf(strip.name)
      if (kept) strip.settle(kept)
    }
  }

  resetMix(): void {
    for (const strip of this.mix?.strips ?? []) strip.reset()
    this.#mixChanged()
  }

  /** Loads one stem of a long piece and lets it join; those loaded before it leave when memory asks for it. */
  async loadStem(strip: MixStrip): Promise<void> {
    const { current: take, mix } = this
    if (!take || !mix || strip.state === 'loading' || strip.state === 'ready') return
    const buffer = await this.#loadStrip(take, strip)
    if (!buffer || this.current !== take) return
    const room = Math.max(1, Math.floor(STEMS_BYTES / stemsBytes(take.duration_s, 1, RATE_HZ)))
    const latest = mix.strips.filter((one) => one.state === 'ready').toSorted((a, b) => b.loaded - a.loaded)
    for (const other of latest.slice(room)) {
      other.state = 'absent'
      this.#engine?.leave(other.name)
    }
    this.#joinLoaded(take, mix)
  }

  /** Stems that came while the deck was made, or play as the track still did. */
  #joinLoaded(take: Take, mix: Mix): void {
    for (const strip of mix.strips.filter((one) => one.state === 'ready')) {
      const buffer = this.#loader?.ready(take.id, strip.name)
      if (buffer) this.#engine?.join(partOf(mix, strip, buffer))
    }
  }

  meters(into: Map<string, number>): void {
    if (this.#engine) this.#engine.meters(into)
    else into.clear()
  }

  /** The newest versions of takes that may be shown here: titles and stars follow, new sisters join the comparison. */
  refresh(known: ReadonlyMap<string, Take>): void {
    const { current } = this
    if (!current) return
    const newer = known.get(current.id)
    if (newer && newer !== current) this.current = newer
    const compared = this.compared.map((take) => known.get(take.id) ?? take).filter((take) => take.deleted_at === null)
    if (compared.every((take) => take.job_id === current.job_id)) {
      const sisters = [...known.values()].filter((take) => take.job_id === current.job_id && take.deleted_at === null)
      const joining = sisters.filter((take) => !compared.some((one) => one.id === take.id))
      compared.push(...joining)
      compared.sort((a, b) => a.number - b.number)
    }
    this.#offer(compared)
  }

  async #change(take: Take, start: Start): Promise<void> {
    const compared = start.keepsCompared ?? this.compared.some((one) => one.id === take.id)
    const keepsRegion = compared && this.region !== null && this.region.end_s <= take.duration_s
    this.current = take
    this.score = this.#scores.get(take.id) ?? null
    this.mix = this.#mixOf(take)
    if (!keepsRegion) this.region = null
    if (!compared) {
      this.compared = []
      this.looping = take.loop
      void this.#findSisters(take)
    }
    if (start.from_s !== undefined) this.position_s = start.from_s
    if (take.has_score && !this.score) void this.#loadScore(take)
    if (!compared && this.#engine && !this.#loader?.ready(take.id, TRACK)) this.#engine.stop()
    await this.#start(take, start.source ?? 'track', start)
    this.#preload()
  }

  /** Loads what `source` needs, then goes over to it; until then what plays goes on. */
  async #start(take: Take, source: Source, start: Start): Promise<void> {
    const turn = ++this.#turn
    this.problem = null
    this.source = source
    try {
      if (!start.play) return
      const program = await this.#program(take, source, () => turn === this.#turn)
      if (turn !== this.#turn) return
      this.#applyLoop()
      this.#engine?.play(program, start.from_s)
      if (this.stemsOnDemand) this.#joinLoaded(take, this.#mixOf(take))
      this.playing = true
      this.#tick()
    } catch (error) {
      if (turn !== this.#turn) return
      this.problem = `“${take.title}” cannot be played: ${messageOf(error)}`
      this.#engine?.stop()
      this.#stopped()
    } finally {
      if (turn === this.#turn) this.busy = null
    }
  }

  async #program(take: Take, source: Source, inForce: () => boolean): Promise<Program> {
    const loader = this.#wake()
    const soft = source === 'stems'
    const parts = soft ? await this.#stems(take, inForce) : [await this.#whole(loader, take, source)]
    if (soft) await this.#matchStems(take, parts)
    return { duration_s: take.duration_s, parts, level: this.#levelOf(take, source), soft }
  }

  async #whole(loader: Loader, take: Take, source: Source): Promise<Part> {
    const name = source === 'karaoke' ? KARAOKE : TRACK
    if (!loader.ready(take.id, name)) this.busy = source === 'karaoke' ? 'Loading the instrumental' : 'Loading'
    return { name, buffer: await loader.load(take.id, name), gain: 1 }
  }

  async #stems(take: Take, inForce: () => boolean): Promise<Part[]> {
    const mix = this.#mixOf(take)
    const parts: Part[] = []
    for (const [index, strip] of mix.strips.entries()) {
      if (this.stemsOnDemand && strip.state !== 'ready') continue
      if (!this.#loader?.ready(take.id, strip.name)) this.busy = `Loading stem ${index + 1} of ${mix.strips.length}`
      const buffer = await this.#loadStrip(take, strip)
      if (!inForce()) break
      if (buffer) parts.push(partOf(mix, strip, buffer))
    }
    for (const part of parts) {
      const strip = mix.named(part.name)
      if (strip) Object.assign(part, partOf(mix, strip, part.buffer))
    }
    return parts
  }

  async #loadStrip(take: Take, strip: MixStrip): Promise<AudioBuffer | null> {
    const ready = this.#wake().ready(take.id, strip.name)
    if (!ready) strip.state = 'loading'
    try {
      const buffer = ready ?? (await this.#wake().load(take.id, strip.name))
      strip.state = 'ready'
      strip.loaded = performance.now()
      return buffer
    } catch (error) {
      strip.state = 'failed'
      this.problem = `${strip.label}: ${messageOf(error)}`
      return null
    }
  }

  /** The level at which the stems' sum is as loud as the track, once for each take. */
  async #matchStems(take: Take, parts: Part[]): Promise<void> {
    if (this.#stemLevels.has(take.id) || parts.length < take.stems.length) return
    const track = await this.#wake().load(take.id, TRACK)
    const channels = [0, 1].map((channel) => parts.map(({ buffer }) => channelOf(buffer, channel)))
    const stems = rmsOfSum(channels, LOUDNESS_STRIDE)
    const whole = rmsOfSum([0, 1].map((channel) => [channelOf(track, channel)]), LOUDNESS_STRIDE)
    this.#stemLevels.set(take.id, stems > 0 ? whole / stems : 1)
  }

  #levelOf(take: Take | null, source: Source): number {
    if (!take) return 1
    const gains = matchedGains(this.compared.map((one) => one.loudness_lufs))
    const matched = gains[this.compared.findIndex((one) => one.id === take.id)] ?? 1
    return source === 'stems' ? matched * (this.#stemLevels.get(take.id) ?? 1) : matched
  }

  #mixOf(take: Take): Mix {
    const mix = this.#mixes.get(take.id) ?? new Mix(take)
    this.#mixes.set(take.id, mix)
    return mix
  }

  /** The mixer was set from outside. */
  mixMoved(): void {
    this.#mixChanged()
  }

  #mixChanged(): void {
    const { mix } = this
    if (!mix) return
    if (this.source !== 'stems') return this.setSource('stems')
    for (const strip of mix.strips) {
      this.#engine?.setGain(strip.name, mix.heard(strip))
      this.#engine?.setPan(strip.name, strip.pan - strip.kept.pan)
    }
  }

  #applyLoop(): void {
    this.#engine?.setLoop(this.looping ? (this.region ?? { start_s: 0, end_s: this.duration_s }) : null)
  }

  /** Loads the score of a take that will be shown next, so that there is no moment without one. */
  async scoreFor(take: Take): Promise<void> {
    if (take.has_score && !this.#scores.has(take.id)) await this.#loadScore(take)
  }

  async #loadScore(take: Take): Promise<void> {
    try {
      const score = await scoreOf(take.id)
      this.#scores.set(take.id, score, 1)
      if (this.current?.id === take.id) this.score = score
    } catch (error) {
      if (this.current?.id === take.id) this.problem = `The score cannot be shown: ${messageOf(error)}`
    }
  }

  async #findSisters(take: Take): Promise<void> {
    // Not by the job: it may be gone while its takes are kept.
    const page = await api.takes({ job: take.job_id, limit: SISTERS }).catch(() => null)
    const sisters = (page?.data ?? []).toSorted((a, b) => a.number - b.number)
    const chosen = this.compared.some((one) => one.job_id !== take.job_id)
    if (this.current?.job_id === take.job_id && !chosen) this.#offer(sisters)
  }

  #offer(takes: Take[]): void {
    const wanted = takes.length > 1 ? takes : []
    const before = this.compared
    if (wanted.length === before.length && wanted.every((take, index) => take === before[index])) return
    this.compared = wanted
    if (wanted.length !== before.length) this.setBlind(false)
    this.#engine?.setLevel(this.#levelOf(this.current, this.source))
    if (this.playing) this.#preload()
  }

  /** Fetches the other compared takes while this one plays, so that switching is instant. */
  #preload(): void {
    const takes = this.compared
    const total = takes.reduce((sum, take) => sum + stemsBytes(take.duration_s, 1, RATE_HZ), 0)
    if (!this.#loader || total > CACHE_BYTES / 2) return
    const loader = this.#loader
    void takes.reduce(async (before, take) => {
      await before
      // A take that cannot be had is told of when it is chosen.
      if (this.compared !== takes) return
      await loader.load(take.id, TRACK).catch(() => null)
      if (take.has_score && !this.#scores.has(take.id)) await this.#loadScore(take)
    }, Promise.resolve())
  }

  #startAt(): number {
    return this.position_s >= this.duration_s - 0.02 ? 0 : this.position_s
  }

  /** Makes the engine on the first use, which is a person's gesture as browsers want it. */
  #wake(): Loader {
    clearTimeout(this.#sleep)
    if (!this.#engine || !this.#loader) {
      const context = new AudioContext({ sampleRate: RATE_HZ, latencyHint: 'interactive' })
      this.#engine = new Engine(context)
      this.#engine.onended = () => this.#finished()
      this.#engine.setVolume(this.volume ** 2)
      this.#loader = new Loader(context)
    }
    const { context } = this.#engine
    if (context instanceof AudioContext && context.state !== 'running') void context.resume()
    return this.#loader
  }

  #tick(): void {
    cancelAnimationFrame(this.#frame)
    const position_s = this.#engine?.position()
    if (position_s === null || position_s === undefined) return
    this.position_s = position_s
    if (position_s >= this.duration_s && !this.looping) {
      this.#engine?.stop() // without any stem loaded nothing tells of the end
      return this.#finished()
    }
    this.#frame = requestAnimationFrame(() => this.#tick())
  }

  #finished(): void {
    this.position_s = this.duration_s
    this.#stopped()
  }

  #stopped(): void {
    this.playing = false
    cancelAnimationFrame(this.#frame)
    const context = this.#engine?.context
    clearTimeout(this.#sleep)
    if (context instanceof AudioContext) {
      this.#sleep = setTimeout(() => void context.suspend(), SUSPEND_AFTER_MS)
    }
  }
}

function partOf(mix: Mix, strip: MixStrip, buffer: AudioBuffer): Part {
  return { name: strip.name, buffer, gain: mix.heard(strip), pan: strip.pan - strip.kept.pan }
}

function shuffled(order: number[]): number[] {
  return order
    .map((index) => ({ index, place: Math.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ index }) => index)
}

function channelOf(buffer: AudioBuffer, channel: number): Float32Array {
  return buffer.getChannelData(Math.min(channel, buffer.numberOfChannels - 1))
}

export const player = new Player()
