import { beforeEach, expect, test, vi } from 'vitest'
import type { Take } from '../lib/types'

const player = vi.hoisted(() => ({ volume: 1, playing: false, pause: vi.fn(), play: vi.fn() }))
vi.mock('./player.svelte', () => ({ player }))
vi.mock('../lib/ui.svelte', () => ({ ui: { problem: vi.fn() } }))

class Sound {
  static all: Sound[] = []
  volume = 1
  currentTime = 0
  paused = true
  onended: () => void = () => {}
  ontimeupdate: () => void = () => {}
  readonly src: string
  constructor(src: string) {
    this.src = src
    Sound.all.push(this)
  }
  play(): Promise<void> {
    this.paused = false
    return Promise.resolve()
  }
  pause(): void {
    this.paused = true
  }
}
vi.stubGlobal('Audio', Sound)

const { excerpt } = await import('./excerpt.svelte')
const take = (number: number): Take => ({ id: `t${number}`, job_id: 'j1', number }) as Take
const start = (): Sound => {
  excerpt.toggle('j1', { take: 2, start_s: 8 })
  return Sound.all.at(-1) as Sound
}

beforeEach(() => {
  excerpt.stop()
  player.playing = false
  vi.clearAllMocks()
})

test('the player goes on with the take where its excerpt is heard, and with no other', () => {
  const sound = start()
  expect([sound.paused, sound.src.includes('v1/music/j1/excerpt'), excerpt.jobId]).toEqual([false, true, 'j1'])
  sound.currentTime = 0.75
  excerpt.handOver(take(1))
  expect(player.play).not.toHaveBeenCalled()
  excerpt.handOver(take(2))
  expect(player.play).toHaveBeenCalledWith(take(2), 8.75)
  expect([sound.paused, excerpt.jobId]).toEqual([true, null])
})

test('what was heard to its end, stopped or overtaken is not taken over', () => {
  const ends = [
    (sound: Sound) => sound.onended(),
    () => excerpt.toggle('j1', { take: 2, start_s: 8 }),
    (sound: Sound) => {
      player.playing = true
      sound.ontimeupdate()
      player.playing = false
    },
  ]
  for (const end of ends) {
    end(start())
    excerpt.handOver(take(2))
    expect(excerpt.jobId).toBeNull()
  }
  expect(player.play).not.toHaveBeenCalled()
})
