// The editor's state: the document of the take at hand, what is selected in it, the versions of its piece, and the edit
// that is being made. One edit at a time: the next one is about what this one makes.

import { untrack } from 'svelte'
import { api, ApiError, messageOf, Unreachable } from '../lib/api'
import { isFinished, type LiveJob } from '../lib/library'
import { studio } from '../lib/store.svelte'
import type { Take, Version } from '../lib/types'
import { ui } from '../lib/ui.svelte'
import { ByteCache } from '../player/lru'
import { player } from '../player/player.svelte'
import { documentOf, pieceOf, type Document, type Piece } from './document'
import * as history from './history'
import { anotherDraw, type Operation } from './operations'
import { inWords, within, type Selection } from './selection'

interface Pending {
  jobId: string
  /** The version that is edited. */
  base: Take
  words: string
  /** What is set in the mixer goes into it. */
  mixes: boolean
}

const PIECES_KEPT = 24
// Of the draws that are named: beyond those that count up by themselves, and short enough to be read.
const FIRST_DRAW = 1000
const DRAWS = 9000

class Session {
  versions = $state.raw<Version[]>([])
  selection = $state.raw<Selection | null>(null)
  pending = $state.raw<Pending | null>(null)
  /** The service is being asked whether it accepts an edit. */
  asking = $state(false)
  problem = $state<string | null>(null)
  #piece = $state.raw<{ takeId: string; piece: Piece | null } | null>(null)
  /** Versions that were left by Undo, the last one last. */
  #undone = $state.raw<string[]>([])
  readonly #pieces = new ByteCache<Piece | 'none'>(PIECES_KEPT)

  /** Null until the score and the recipe of the take that is open are here. */
  readonly document = $derived.by<Document | null>(() => {
    const { current: take, score } = player
    if (!take || !score || this.#piece?.takeId !== take.id) return null
    return documentOf(take, score, this.#piece.piece)
  })
  readonly lines = $derived(player.current ? history.lines(this.versions, player.current.id) : [])
  readonly job = $derived<LiveJob | null>(this.pending ? (studio.jobs.get(this.pending.jobId) ?? null) : null)
  readonly before = $derived(player.current ? history.before(this.versions, player.current.id) : null)
  readonly next = $derived(player.current ? history.redone(this.versions, player.current.id, this.#undone) : null)
  /** Whether an edit can be asked for now. */
  readonly ready = $derived(
    this.document?.editable === true && this.pending === null && !this.asking && studio.connection === 'open',
  )

  constructor() {
    // It goes on while the details are closed: what becomes ready is told of.
    $effect.root(() => {
      $effect(() => {
        const made = this.job?.outputs[0]
        if (made) void this.#made(made)
        else if (this.job && isFinished(this.job.status)) this.#ended(this.job)
      })
      // Versions that somebody else made meanwhile, an assistant or another page, join the list.
      $effect(() => {
        const piece = player.current?.piece
        const others = [...studio.takes.values()].filter(
          (take) => take.piece === piece && take.operation === 'edit' && take.deleted_at === null,
        )
        untrack(() => {
          if (!this.versions.length) return
          for (const take of others)
            if (!this.knows(take.id)) this.versions = history.joined(this.versions, versionOf(take))
        })
      })
    })
  }

  /** Whether this is a version of the piece whose versions are known. */
  knows(takeId: string): boolean {
    return this.versions.some(({ id }) => id === takeId)
  }

  /** Takes up a take: its document and, where they are not known yet, the versions of its piece. */
  async open(take: Take): Promise<void> {
    this.problem = null
    if (!this.knows(take.id)) {
      this.versions = []
      this.#undone = []
      this.selection = null
    }
    if (!take.has_score) return
    await Promise.all([this.#load(take), this.knows(take.id) ? null : this.#list(take)])
  }

  async #load(take: Take): Promise<void> {
    try {
      const piece = await this.#pieceOf(take)
      if (player.current?.id === take.id) this.#piece = { takeId: take.id, piece }
    } catch (error) {
      if (player.current?.id !== take.id) return
      this.#piece = { takeId: take.id, piece: null } // to be looked at and heard
      this.problem = `The piece cannot be edited: ${messageOf(error)}`
    }
  }

  /** The document in a take's recipe; its mixer then knows what the version's sound has already. */
  async #pieceOf(take: Take): Promise<Piece | null> {
    const known = this.#pieces.get(take.id) ?? pieceOf(await api.recipe(take.id)) ?? 'none'
    this.#pieces.set(take.id, known, 1)
    if (known === 'none') return null
    player.settle(take, (stem) => {
      const one = take.players.findIndex((info) => info.stem === stem)
      const info = take.players[one]
      const same = take.players.slice(0, one).filter((other) => isSame(other, info)).length
      const id = known.players.filter((other) => isSame(other, info))[same]?.id ?? stem
      return known.strips.get(id) ?? null
    })
    return known
  }

  async #list(take: Take): Promise<void> {
    try {
      const versions = await api.versions(take.id)
      if (player.current?.piece === take.piece) this.versions = versions
    } catch {
      // Without the list the take can be edited as well; what is made joins it.
    }
  }

  // --- editing -----------------------------------------------------------------------------------------------------

  /** Asks for an edit of the version at hand. False when it was not accepted; `problem` says why. */
  async ask(operation: Operation | null): Promise<boolean> {
    const base = player.current
    if (!operation || !base || !this.ready) return false
    this.asking = true
    this.problem = null
    try {
      const again = history.after(this.versions, base.id).length > 0
      const { edits } = again ? anotherDraw(operation, FIRST_DRAW + Math.floor(Math.random() * DRAWS)) : operation
      const job = await studio.edit(api.edit(base.id, edits))
      const mixes = operation.edits.some(({ op }) => op === 'mix')
      this.pending = { jobId: job.id, base, words: operation.words, mixes }
      ui.say(`${operation.words}: under way`)
      return true
    } catch (error) {
      this.problem = error instanceof ApiError || error instanceof Unreachable ? error.message : messageOf(error)
      return false
    } finally {
      this.asking = false
    }
  }

  cancel(): void {
    if (this.job) void studio.cancel(this.job)
  }

  async #made(take: Take): Promise<void> {
    const pending = this.pending
    if (!pending) return
    this.pending = null
    const { base, words, mixes } = pending
    if (mixes && player.current?.id === base.id) for (const strip of player.mix?.strips ?? []) strip.putBack()
    if (this.knows(base.id)) this.versions = history.joined(this.versions, versionOf(take))
    const stays = player.expanded && player.current?.id !== undefined && [base.id, take.id].includes(player.current.id)
    if (!stays) {
      ui.note(`Ready: ${words}`, {
        label: 'Open',
        run: () => void this.#show(take, [base, take]).then(() => player.open(take)),
      })
      return
    }
    this.#undone = []
    await this.#show(take, [base, take])
    ui.say(`${words}: ready, and can be compared with the version before`)
  }

  #ended(job: LiveJob): void {
    const words = this.pending?.words ?? 'The edit'
    this.pending = null
    if (job.status === 'failed') this.problem = `${words}: ${job.error?.message ?? 'it did not work'}`
    else ui.say(`${words}: cancelled`)
  }

  // --- versions ----------------------------------------------------------------------------------------------------

  async undo(): Promise<void> {
    const { before, pending } = this
    const from = player.current
    if (!before || !from || pending) return
    const undone = [...this.#undone, from.id]
    if (await this.go(before.id)) this.#undone = undone
  }

  async redo(): Promise<void> {
    const { next, pending } = this
    if (!next || pending) return
    const undone = this.#undone.filter((id) => id !== next.id)
    if (await this.go(next.id)) this.#undone = undone
  }

  /** Goes to another version at the same place; what was heard until now can be switched back to. */
  async go(id: string): Promise<boolean> {
    const from = player.current
    const take = await studio.find(id)
    if (!take || !from) {
      this.problem = 'This version is gone'
      return false
    }
    await this.#show(
      take,
      [from, take].toSorted((one, other) => one.created_at - other.created_at),
    )
    ui.say(`Now at ${this.lines.find((line) => line.version.id === id)?.words ?? 'another version'}`)
    return true
  }

  async #show(take: Take, beside: Take[]): Promise<void> {
    // What its sound has already is known before the mixer goes on with it.
    const piece = await this.#pieceOf(take).catch(() => null)
    await player.scoreFor(take)
    this.#piece = { takeId: take.id, piece }
    player.goOn(take, beside)
    if (this.document) this.selection = within(this.document, this.selection)
  }

  select(selection: Selection | null): void {
    this.selection = selection
    if (this.document) ui.say(selection ? `${inWords(this.document, selection)} selected` : 'Nothing selected')
  }
}

function isSame(
  one: { role: string; instrument: string },
  other: { role: string; instrument: string } | undefined,
): boolean {
  return one.role === other?.role && one.instrument === other.instrument
}

function versionOf(take: Take): Version {
  const { id, parent_take, edits, title, listed, starred, duration_s, created_at } = take
  return { id, parent_take, edits, title, listed, starred, duration_s, created_at }
}

export const session = new Session()
