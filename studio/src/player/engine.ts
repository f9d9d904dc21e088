// The one sound engine. Buffers play sample-accurately through
//
//   source ─▶ gain (fader) ┬─▶ [pan] ─▶ level (loudness) ─▶ [soft clip] ─▶ fade ─▶ volume ─▶ speakers
//                          └─▶ meter
//
// The panner is there only for what is moved aside: what is not passes with its samples as they are.
//
// A Deck is all the parts of one take that start together. A seek or a switch starts a second deck at the right place
// and fades from the first to it, so nothing clicks and nothing waits.

import { nearestSample, onSample, positionAt, wrapped, type Clock } from './clock'
import { curveInput, meterShare, softClipCurve } from './gain'
import type { Region } from './time'

export interface Part {
  name: string
  buffer: AudioBuffer
  gain: number
  /** How far it is moved aside from where it was mixed, −2 … 2. */
  pan?: number
}

export interface Program {
  duration_s: number
  parts: Part[]
  level: number
  /** Bend peaks above full scale instead of cutting them: for stems, which no limiter has seen. */
  soft: boolean
}

interface Voice {
  source: AudioBufferSourceNode
  gain: GainNode
  pan: StereoPannerNode | null
  meter: AnalyserNode
}

interface Deck {
  program: Program
  clock: Clock
  fade: GainNode
  level: GainNode
  voices: Map<string, Voice>
}

export const FADE_S = 0.02
const RAMP_S = 0.01
// Between deciding on a start and its being due, so that all nodes hear of it in time.
const AHEAD_S = 0.02
// Looping is switched in the running nodes, but not so near the end of the loop that they may already have turned.
const NEAR_END_S = 0.05
const METER_SAMPLES = 1024

export class Engine {
  readonly context: BaseAudioContext
  onended: () => void = () => {}
  readonly #volume: GainNode
  #deck: Deck | null = null
  #loop: Region | null = null

  constructor(context: BaseAudioContext) {
    this.context = context
    this.#volume = context.createGain()
    this.#volume.connect(context.destination)
  }

  get playing(): boolean {
    return this.#deck !== null
  }

  /** Where the music now heard is, null when nothing plays. */
  position(): number | null {
    return this.#deck && positionAt(this.#deck.clock, this.#heardAt())
  }

  /** Starts `program` at `from_s`, or at the place the playing one will have reached; fades over from that one. */
  play(program: Program, from_s?: number): void {
    const rate_hz = this.context.sampleRate
    const at_s = onSample(this.context.currentTime + AHEAD_S, rate_hz)
    const old = this.#deck
    let start_s = from_s ?? (old ? positionAt(old.clock, at_s) : 0)
    if (this.#loop) start_s = wrapped(start_s, this.#loop)
    if (start_s >= program.duration_s) start_s = 0
    const clock = { at_s, from_s: nearestSample(start_s, rate_hz), duration_s: program.duration_s, loop: this.#loop }
    const deck = this.#build(program, clock)
    this.#deck = deck
    fadeIn(deck.fade.gain, at_s, old ? FADE_S : FADE_S / 4)
    if (old) this.#retire(old, at_s, FADE_S)
  }

  /** Stops with a short fade; returns where. */
  stop(): number | null {
    const deck = this.#deck
    if (!deck) return null
    const position_s = this.position()
    this.#deck = null
    this.#retire(deck, this.context.currentTime, RAMP_S)
    return position_s
  }

  seek(position_s: number): void {
    if (this.#deck) this.play(this.#deck.program, position_s)
  }

  /** Loops `region` from now on; music already past its end goes to its start. */
  setLoop(region: Region | null): void {
    const rate_hz = this.context.sampleRate
    this.#loop = region && {
      start_s: nearestSample(region.start_s, rate_hz),
      end_s: nearestSample(region.end_s, rate_hz),
    }
    const deck = this.#deck
    if (!deck) return
    const now_s = this.context.currentTime
    const position_s = positionAt(deck.clock, now_s)
    if (this.#loop && position_s >= this.#loop.end_s - NEAR_END_S) return this.play(deck.program, this.#loop.start_s)
    if (deck.clock.loop && position_s >= deck.clock.loop.end_s - NEAR_END_S) return this.play(deck.program)
    deck.clock = { ...deck.clock, at_s: Math.max(now_s, deck.clock.at_s), from_s: position_s, loop: this.#loop }
    for (const voice of deck.voices.values()) applyLoop(voice.source, this.#loop)
  }

  setGain(part: string, gain: number): void {
    const deck = this.#deck
    const known = deck?.program.parts.find((one) => one.name === part)
    if (!deck || !known) return
    known.gain = gain
    const voice = deck.voices.get(part)
    if (voice) ramp(voice.gain.gain, gain, this.context.currentTime)
  }

  setPan(part: string, pan: number): void {
    const deck = this.#deck
    const known = deck?.program.parts.find((one) => one.name === part)
    if (!deck || !known) return
    known.pan = pan
    const voice = deck.voices.get(part)
    if (!voice) return
    if (voice.pan) ramp(voice.pan.pan, clampPan(pan), this.context.currentTime)
    else if (pan !== 0) {
      voice.pan = this.#panner(deck, pan)
      voice.gain.disconnect(deck.level)
      voice.gain.connect(voice.pan)
    }
  }

  setLevel(level: number): void {
    if (!this.#deck) return
    this.#deck.program.level = level
    ramp(this.#deck.level.gain, level, this.context.currentTime)
  }

  setVolume(gain: number): void {
    ramp(this.#volume.gain, gain, this.context.currentTime)
  }

  /** Lets one more stem join those that play, in step with them. */
  join(part: Part): void {
    const deck = this.#deck
    if (!deck?.program.soft || deck.voices.has(part.name)) return
    deck.program.parts.push(part)
    const at_s = onSample(this.context.currentTime + AHEAD_S, this.context.sampleRate)
    this.#startVoice(deck, part, at_s, nearestSample(positionAt(deck.clock, at_s), this.context.sampleRate), FADE_S)
  }

  leave(name: string): void {
    const deck = this.#deck
    const voice = deck?.voices.get(name)
    if (!deck || !voice) return
    deck.program.parts = deck.program.parts.filter((part) => part.name !== name)
    deck.voices.delete(name)
    const now_s = this.context.currentTime
    ramp(voice.gain.gain, 0, now_s)
    voice.source.stop(now_s + 2 * RAMP_S)
  }

  /** How high each part's meter stands, 0 … 1 for −60 … 0 dB. */
  meters(into: Map<string, number>): void {
    into.clear()
    for (const [name, voice] of this.#deck?.voices ?? []) {
      voice.meter.getFloatTimeDomainData(scratch)
      into.set(name, meterShare(scratch))
    }
  }

  #build(program: Program, clock: Clock): Deck {
    const context = this.context
    const fade = context.createGain()
    const level = context.createGain()
    fade.gain.value = 0
    level.gain.value = program.level
    if (program.soft) {
      const input = context.createGain()
      const shaper = context.createWaveShaper()
      input.gain.value = 1 / curveInput
      shaper.curve = curve
      level.connect(input).connect(shaper).connect(fade)
    } else {
      level.connect(fade)
    }
    fade.connect(this.#volume)
    const deck: Deck = { program, clock, fade, level, voices: new Map() }
    for (const part of program.parts) this.#startVoice(deck, part, clock.at_s, clock.from_s, 0)
    return deck
  }

  #startVoice(deck: Deck, part: Part, at_s: number, from_s: number, fade_s: number): void {
    const context = this.context
    const source = context.createBufferSource()
    const gain = context.createGain()
    const meter = context.createAnalyser()
    meter.fftSize = METER_SAMPLES
    source.buffer = part.buffer
    applyLoop(source, deck.clock.loop)
    gain.gain.value = fade_s ? 0 : part.gain
    if (fade_s) {
      gain.gain.setValueAtTime(0, at_s)
      gain.gain.linearRampToValueAtTime(part.gain, at_s + fade_s)
    }
    source.onended = () => this.#ended(deck)
    const pan = part.pan ? this.#panner(deck, part.pan) : null
    source.connect(gain).connect(pan ?? deck.level)
    gain.connect(meter)
    source.start(at_s, from_s)
    deck.voices.set(part.name, { source, gain, pan, meter })
  }

  #panner(deck: Deck, pan: number): StereoPannerNode {
    const panner = this.context.createStereoPanner()
    panner.pan.value = clampPan(pan)
    panner.connect(deck.level)
    return panner
  }

  #retire(deck: Deck, at_s: number, fade_s: number): void {
    fadeOut(deck.fade.gain, at_s, fade_s)
    for (const voice of deck.voices.values()) {
      voice.source.onended = null
      voice.source.stop(at_s + fade_s + RAMP_S)
    }
    const last = [...deck.voices.values()].at(-1)
    if (last) last.source.onended = () => deck.fade.disconnect()
  }

  /** A source ran out: the music is over, unless it was a part shorter than the rest. */
  #ended(deck: Deck): void {
    const left_s = deck.clock.duration_s - positionAt(deck.clock, this.context.currentTime)
    if (this.#deck !== deck || left_s > NEAR_END_S) return
    deck.fade.disconnect()
    this.#deck = null
    this.onended()
  }

  /** The time of what leaves the speakers now, later than what is computed now. */
  #heardAt(): number {
    const latency_s = this.context instanceof AudioContext ? this.context.outputLatency || 0 : 0
    return this.context.currentTime - latency_s
  }
}

const scratch = new Float32Array(METER_SAMPLES)
const curve = softClipCurve()

function applyLoop(source: AudioBufferSourceNode, loop: Region | null): void {
  if (loop) {
    source.loopStart = loop.start_s
    source.loopEnd = loop.end_s
  }
  source.loop = loop !== null
}

const clampPan = (pan: number): number => Math.min(1, Math.max(-1, pan))

function ramp(param: AudioParam, to: number, now_s: number): void {
  param.cancelScheduledValues(now_s)
  param.setValueAtTime(param.value, now_s)
  param.linearRampToValueAtTime(to, now_s + RAMP_S)
}

function fadeIn(param: AudioParam, at_s: number, fade_s: number): void {
  param.setValueAtTime(0, at_s)
  param.linearRampToValueAtTime(1, at_s + fade_s)
}

function fadeOut(param: AudioParam, at_s: number, fade_s: number): void {
  const from = param.value
  param.cancelScheduledValues(at_s)
  param.setValueAtTime(from, at_s)
  param.linearRampToValueAtTime(0, at_s + fade_s)
}
