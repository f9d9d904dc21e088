// The first that an edit changes, heard while its take is being made; the player goes on with the take where this is.

import { api } from '../lib/api'
import type { Take } from '../lib/types'
import { ui } from '../lib/ui.svelte'
import { player } from './player.svelte'

class Excerpt {
  /** The job whose excerpt is heard. */
  jobId = $state<string | null>(null)
  #sound: HTMLAudioElement | null = null
  #take = 0
  #start_s = 0

  /** Plays what is there of a job's take number `take`, from `start_s` of it; stops it where it is being heard. */
  toggle(jobId: string, { take, start_s }: { take: number; start_s: number }): void {
    const again = this.jobId === jobId
    this.stop()
    if (again) return
    player.pause()
    const sound = new Audio(api.excerpt(jobId, start_s))
    sound.volume = player.volume ** 2
    sound.onended = () => this.stop()
    sound.ontimeupdate = () => player.playing && this.stop() // somebody listens to something else now
    this.#sound = sound
    this.#take = take
    this.#start_s = start_s
    this.jobId = jobId
    void sound.play().catch(() => {
      if (this.#sound !== sound) return
      this.stop()
      ui.problem('The change cannot be played yet')
    })
  }

  stop(): void {
    this.#sound?.pause()
    this.#sound = null
    this.jobId = null
  }

  /** Of a take that is ready: the player takes over, where its excerpt is being heard. */
  handOver(take: Take): void {
    if (take.job_id !== this.jobId || take.number !== this.#take || !this.#sound) return
    const from_s = this.#start_s + this.#sound.currentTime
    this.stop()
    if (player.current?.id === take.id) player.seek(from_s)
    player.play(take, from_s)
  }
}

export const excerpt = new Excerpt()
