// What a person does: making, and working on takes and files. Each either happens or says why not.

import { flushSync, tick } from 'svelte'
import { api, ApiError, messageOf, Unreachable } from './api'
import { count, short } from './format'
import { draftOf, form, paramsOf } from './form.svelte'
import { newKey } from './keys'
import { isFinished, type Group, type LiveJob } from './library'
import { studio } from './store.svelte'
import { ui, type Tab } from './ui.svelte'
import { player } from '../player'
import type { ErrorBody, Job, Params, Take } from './types'

export const PROMPT_ID = 'prompt'
export const SEARCH_ID = 'search'

class Making {
  busy = $state(false)
  problem = $state.raw<ErrorBody | null>(null)
  /** A file on its way: its name and the share that has arrived, 0 … 1. */
  upload = $state<{ name: string; share: number } | null>(null)
  /** The take that a variation or a loop is to be made of. */
  changing = $state.raw<{ take: Take; kind: 'vary' | 'loop' } | null>(null)
}

export const making = new Making()

export function draftParams(): Params {
  return paramsOf(form.draft, studio.featuresOf(form.draft.model))
}

export async function makeMusic(): Promise<void> {
  if (making.busy) return
  making.busy = true
  making.problem = await studio.make(draftParams())
  making.busy = false
  if (making.problem === null) {
    show('library')
    ui.say('Your music is being made')
  }
}

async function begin(work: Promise<Job>, said: string): Promise<boolean> {
  const problem = await studio.begin(work)
  if (problem === null) {
    show('library')
    ui.note(said)
  } else ui.problem(problem.message)
  return problem === null
}

/** The same request with another seed, so many times. */
export function again(take: Take, takes: number): Promise<boolean> {
  return begin(api.vary(take.id, {}, takes), `${count(takes, 'new take')} with the same settings`)
}

export function vary(take: Take, changes: Params, takes: number): Promise<boolean> {
  return begin(api.vary(take.id, changes, takes), `Varying “${short(take.title)}”`)
}

export function makeLoop(take: Take, bars: number | null): Promise<boolean> {
  return begin(api.loop(take.id, bars), `Making a loop of “${short(take.title)}”`)
}

export async function retry(job: LiveJob): Promise<void> {
  if (await begin(api.make(job.params, newKey()), 'Trying again')) await studio.dismiss(job)
}

/** Puts a take into the bin. The focus, which may have been on it, goes on to the next one. */
export async function putAway(take: Take): Promise<void> {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-take]')]
  const place = rows.findIndex((row) => row.dataset.take === take.id)
  const near = rows[place + 1] ?? rows[place - 1]
  await studio.remove(take)
  await tick()
  if (player.current?.id === take.id) player.expanded = false
  if (place < 0 || rows[place]?.isConnected || document.activeElement !== document.body) return
  near?.querySelector<HTMLElement>('button.title')?.focus()
}

/** Brings one side of the page into view: narrow screens have one at a time, the player's details cover both. */
export function show(tab: Tab): void {
  flushSync(() => {
    player.expanded = false
    ui.tab = tab
  })
}

export function showCreate(): void {
  show('create')
  document.getElementById(PROMPT_ID)?.focus()
}

function fill(params: Params, seed: number | null, said: string): void {
  const takes = form.draft.takes
  const undo = form.replace({ ...draftOf(params, seed), takes })
  show('create')
  ui.undoable(said, undo)
}

/** The form as it was for this take; with its seed, the very same music. */
export function reuse(take: Take, withSeed: boolean): void {
  const params = { ...take.params, model: take.params.model ?? take.model }
  fill(params, withSeed ? take.seed : null, `Settings of “${short(take.title)}” are in the form`)
}

export function startFrom(take: Take): void {
  const before = form.draft.init
  form.draft.init = { id: take.id, name: take.title }
  show('create')
  ui.undoable(`The music will start from “${short(take.title)}”`, () => (form.draft.init = before))
}

export function canStartFromSound(): boolean {
  return studio.featuresOf(form.draft.model).includes('init_audio')
}

/** A file from outside: one of ours gives its settings back, any other sound is what the music starts from. */
export async function takeFile(file: File): Promise<void> {
  const limit = studio.about?.limits.upload_bytes
  if (limit !== undefined && file.size > limit) {
    ui.problem(`“${file.name}” has ${Math.ceil(file.size / 1e6)} MB, at most ${Math.floor(limit / 1e6)} MB are taken`)
    return
  }
  making.upload = { name: file.name, share: 0 }
  try {
    if (!(await restoreFrom(file))) await uploadMaterial(file)
  } finally {
    making.upload = null
  }
}

/** False when the file holds no settings of ours. */
async function restoreFrom(file: File): Promise<boolean> {
  try {
    const restored = await api.restore(file)
    fill({ ...restored.params, model: restored.model }, restored.seed, `Settings restored from “${file.name}”`)
    const known = restored.take_id === null ? null : await studio.find(restored.take_id)
    if (known) studio.selectedId = known.id
    return true
  } catch (error) {
    if (error instanceof Unreachable) ui.problem(messageOf(error))
    else if (!(error instanceof ApiError) || error.status === 401 || error.status >= 500) ui.problem(messageOf(error))
    else {
      if (canStartFromSound() && !/\.(json|mid|zip)$/i.test(file.name)) return false
      ui.problem(messageOf(error))
    }
    return true
  }
}

export async function uploadMaterial(file: File): Promise<void> {
  making.upload = { name: file.name, share: 0 }
  try {
    const upload = await api.upload(file, (share) => (making.upload = { name: file.name, share }))
    const before = form.draft.init
    form.draft.init = { id: upload.id, name: upload.name }
    show('create')
    ui.undoable(`The music will start from “${upload.name}”`, () => (form.draft.init = before))
  } catch (error) {
    ui.problem(error instanceof ApiError ? `“${file.name}”: ${messageOf(error)}` : messageOf(error))
  } finally {
    making.upload = null
  }
}

/** The take of a failed or running group's first finished output, if any. */
export function leadTake(group: Group): Take | null {
  return group.takes[0] ?? null
}

export function isUnderWay(job: LiveJob | null): job is LiveJob {
  return job !== null && !isFinished(job.status)
}
