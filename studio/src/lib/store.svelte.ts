// The studio's state: what the service holds, as far as this page has seen it, kept current by the event stream.

import { SvelteMap, SvelteSet } from 'svelte/reactivity'
import { api, ApiError, isAborted, messageOf, Unreachable, listen } from './api'
import { EventStream, type Connection } from './events'
import { short } from './format'
import { newKey } from './keys'
import { groupsOf, isFinished, steady, type Group, type LiveJob, type View } from './library'
import { keep, kept } from './storage'
import { ui } from './ui.svelte'
import type { About, ErrorBody, Health, Job, ModelInfo, Params, ServiceEvent, Status, Styles, Take } from './types'

const PAGE = 40
const SEARCH_DELAY_MS = 200
const HEALTH_MS = 20_000
const STARTING_MS = 1500
const BEGUN = 'begun'
const DISMISSED = 'dismissed'
const DISMISSED_KEPT = 500

class Studio {
  about = $state.raw<About | null>(null)
  health = $state.raw<Health | null>(null)
  models = $state.raw<ModelInfo[]>([])
  styles = $state.raw<Styles | null>(null)
  connection = $state<Connection>('connecting')
  /** When the next attempt to reach the service begins, in milliseconds since 1970. */
  retryAt = $state(0)

  /** Unfinished and failed jobs, and those that finished while the page was open. */
  jobs = new SvelteMap<string, LiveJob>()
  /** Every take this page has seen, the newest version of each. */
  takes = new SvelteMap<string, Take>()
  /** How often the picture of a running job has changed. */
  previews = new SvelteMap<string, number>()
  /** The first that a running edit changes, once it can be heard: where it begins, and in which of the job's takes. */
  excerpts = new SvelteMap<string, { take: number; start_s: number }>()

  view = $state<View>({ query: '', starred: false, bin: false })
  /** Ids of the takes the service lists for this view. */
  listed = $state.raw<string[]>([])
  loaded = $state(false)
  loading = $state(false)
  #after = $state<string | null>(null)
  #dismissed = $state.raw<string[]>(kept<string[]>(DISMISSED, []))
  /** Jobs that are shown where they were begun. */
  readonly #elsewhere = new SvelteSet<string>()

  selectedId = $state<string | null>(null)
  /** Whether this browser has seen something in the library: what to show until the service has answered. */
  #begun = kept(BEGUN, false)
  #drawn: Group[] = []
  groups = $derived.by<Group[]>(() => {
    const groups = groupsOf(this.listed, this.takes, this.jobs, this.view, [...this.#dismissed, ...this.#elsewhere])
    return (this.#drawn = steady(groups, this.#drawn))
  })

  #stream = new EventStream({
    event: (event) => this.#apply(event),
    open: (again) => this.#connected(again),
    lost: (wait) => this.#lost(wait),
  })
  #isLoading = false
  #abort: AbortController | null = null
  #searchTimer: ReturnType<typeof setTimeout> | undefined
  #healthTimer: ReturnType<typeof setTimeout> | undefined
  #unsure: { body: string; key: string } | null = null

  get hasMore(): boolean {
    return this.#after !== null
  }

  get selected(): Take | null {
    return this.selectedId === null ? null : (this.takes.get(this.selectedId) ?? null)
  }

  /** Nothing was ever made here: the page shows how to begin. */
  get isEmpty(): boolean {
    if (!this.loaded) return !this.#begun
    const plain = !this.view.query && !this.view.starred && !this.view.bin
    return plain && this.groups.length === 0
  }

  get running(): LiveJob[] {
    return [...this.jobs.values()].filter((job) => !isFinished(job.status))
  }

  modelNamed(name: string): ModelInfo | null {
    return this.models.find((model) => model.name === name) ?? null
  }

  /** What the named model can; of one that is not known yet, what the embedded model can. */
  featuresOf(name: string): readonly string[] {
    return this.modelNamed(name)?.features ?? ['text', 'tempo', 'key', 'time_signature', 'loop', 'lyrics', 'voice']
  }

  start(): void {
    listen({
      unauthorised: () => (ui.dialog = 'key'),
      unreachable: () => void this.#check(),
    })
    void this.#begin()
    addEventListener('online', () => this.#stream.retry())
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.connection === 'lost') this.#stream.retry()
    })
  }

  retry(): void {
    this.#stream.retry()
  }

  /** Everything anew: after signing in. */
  restart(): void {
    this.#stream.retry()
    void this.#load()
  }

  /** Where a key is wanted and this browser has none, nothing else is asked before it is given. */
  async #begin(): Promise<void> {
    try {
      this.about = await api.about()
      if (this.about.key_required) await this.refreshModels()
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return
    }
    this.restart()
  }

  // --- what there is -------------------------------------------------------------------------------------------

  async #load(): Promise<void> {
    if (this.#isLoading) return
    this.#isLoading = true
    const quiet = (work: Promise<unknown>) => work.catch(() => {}) // the banner says what is wrong
    await Promise.all([
      quiet(api.about().then((about) => (this.about = about))),
      quiet(api.styles().then((styles) => (this.styles = styles))),
      quiet(this.refreshModels()),
      quiet(this.resync()),
      this.#check(),
    ])
    this.#isLoading = false
  }

  async refreshModels(): Promise<void> {
    this.models = await api.models()
  }

  async #check(): Promise<void> {
    clearTimeout(this.#healthTimer)
    try {
      this.health = await fetch('health').then((answer) => answer.json() as Promise<Health>)
    } catch {
      this.health = null // the stream notices and says so
    }
    const wait = this.health?.status === 'ok' ? HEALTH_MS : STARTING_MS
    this.#healthTimer = setTimeout(() => void this.#check(), this.health === null ? HEALTH_MS : wait)
  }

  /** The jobs and the first takes as the service has them now. */
  async resync(): Promise<void> {
    const wanted: Status[] = ['queued', 'in_progress', 'failed', 'cancelled']
    const pages = await Promise.all([
      ...wanted.map((status) => api.jobs(status, status === 'queued' ? 100 : 30)),
      this.#list(),
    ])
    const seen = new Set<string>()
    for (const page of pages) {
      for (const job of page?.data ?? []) {
        seen.add(job.id)
        this.#keep(job)
      }
    }
    const gone = this.running.filter((job) => !seen.has(job.id))
    await Promise.all(gone.map((job) => this.#refresh(job.id)))
  }

  async #refresh(jobId: string): Promise<void> {
    try {
      this.#keep(await api.job(jobId))
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) this.jobs.delete(jobId)
    }
  }

  #keep(job: Job): void {
    const before = this.jobs.get(job.id)
    for (const take of job.outputs) this.#enlist(take)
    if (job.status !== 'queued') this.#leave(job.id) // an answer may come before the event that tells the same
    if (job.status === 'queued') {
      this.previews.delete(job.id) // those of an attempt before are gone
      this.excerpts.delete(job.id)
    }
    this.jobs.set(job.id, { ...job, take: before?.take ?? null, heardAt: Date.now() })
  }

  #enlist(take: Take): void {
    this.takes.set(take.id, take)
    if (!take.listed) return // a version: its piece tells of it
    const fits = take.deleted_at === null ? !this.view.bin : this.view.bin
    if (!fits || this.listed.includes(take.id)) return
    if (this.view.query || this.view.starred) void this.#list()
    else this.listed = [take.id, ...this.listed]
  }

  // --- the library ---------------------------------------------------------------------------------------------

  search(query: string): void {
    this.view.query = query
    clearTimeout(this.#searchTimer)
    this.#searchTimer = setTimeout(() => void this.#list().catch(() => {}), SEARCH_DELAY_MS)
  }

  show(change: Partial<View>): void {
    Object.assign(this.view, change)
    void this.#list().catch(() => {})
  }

  async more(): Promise<void> {
    if (this.#after === null || this.loading) return
    this.loading = true
    try {
      const page = await api.takes({ ...this.#query(), after: this.#after })
      for (const take of page.data) this.takes.set(take.id, take)
      const known = new Set(this.listed)
      this.listed = [...this.listed, ...page.data.map((take) => take.id).filter((id) => !known.has(id))]
      this.#after = page.after
    } catch (error) {
      if (!(error instanceof Unreachable)) ui.problem(messageOf(error))
    } finally {
      this.loading = false
    }
  }

  #query() {
    const { query, starred, bin } = this.view
    return { q: query.trim(), starred: starred || null, deleted: bin, limit: PAGE }
  }

  async #list(): Promise<undefined> {
    this.#abort?.abort()
    const abort = (this.#abort = new AbortController())
    try {
      const page = await api.takes(this.#query(), abort.signal)
      for (const take of page.data) this.takes.set(take.id, take)
      this.listed = page.data.map((take) => take.id)
      this.#after = page.after
      this.loaded = true
      if (!this.view.query && !this.view.starred && !this.view.bin) keep(BEGUN, page.data.length > 0)
    } catch (error) {
      if (!isAborted(error)) throw error
    }
  }

  /** A take by id, asked for when this page has not seen it; null when it is gone for good. */
  async find(takeId: string): Promise<Take | null> {
    const known = this.takes.get(takeId)
    if (known) return known
    try {
      const take = await api.take(takeId)
      this.takes.set(take.id, take)
      return take
    } catch {
      return null
    }
  }

  /** Takes made from this one, as far as the page has seen them; versions of its piece are not meant. */
  childrenOf(takeId: string): Take[] {
    const isChild = (take: Take) => take.parent_take === takeId && take.operation !== 'edit' && take.deleted_at === null
    return [...this.takes.values()].filter(isChild)
  }

  // --- changing takes ------------------------------------------------------------------------------------------

  async #change(take: Take, change: Partial<Take>, send: () => Promise<Take>): Promise<void> {
    const before = this.takes.get(take.id) ?? take
    this.takes.set(take.id, { ...before, ...change })
    try {
      this.takes.set(take.id, await send())
    } catch (error) {
      this.takes.set(take.id, before)
      ui.problem(messageOf(error))
    }
  }

  async star(take: Take): Promise<void> {
    const starred = !take.starred
    await this.#change(take, { starred }, () => api.change(take.id, { starred }))
  }

  async rename(take: Take, title: string): Promise<void> {
    const wanted = title.trim()
    if (!wanted || wanted === take.title) return
    ui.undoable(`“${short(take.title)}” is “${short(wanted)}” now`, () => void this.#title(take, take.title))
    await this.#title(take, wanted)
  }

  #title(take: Take, title: string): Promise<void> {
    return this.#change(take, { title }, () => api.change(take.id, { title }))
  }

  async remove(take: Take): Promise<void> {
    try {
      await api.deleteTake(take.id)
    } catch (error) {
      ui.problem(messageOf(error))
      return
    }
    this.#unlist(take.id, Date.now() / 1000)
    ui.undoable(`“${short(take.title)}” is in the bin`, () => void this.restore(take))
  }

  async restore(take: Take): Promise<void> {
    try {
      const back = await api.restoreTake(take.id)
      this.takes.set(take.id, back)
      const others = this.listed.filter((id) => id !== take.id) // the event may have been here first
      this.listed = this.view.bin ? others : [take.id, ...others]
    } catch (error) {
      ui.problem(messageOf(error))
    }
  }

  async erase(take: Take): Promise<void> {
    try {
      await api.deleteTake(take.id, true)
      this.#forget(take.id)
    } catch (error) {
      ui.problem(messageOf(error))
    }
  }

  #unlist(takeId: string, deletedAt: number): void {
    const take = this.takes.get(takeId)
    if (take) this.takes.set(takeId, { ...take, deleted_at: deletedAt })
    if (!this.view.bin) this.listed = this.listed.filter((id) => id !== takeId)
    if (this.selectedId === takeId) this.selectedId = null
  }

  #forget(takeId: string): void {
    this.takes.delete(takeId)
    this.listed = this.listed.filter((id) => id !== takeId)
    if (this.selectedId === takeId) this.selectedId = null
  }

  // --- making --------------------------------------------------------------------------------------------------

  /** Null when it was begun, else why not. Asking again after an answer was lost makes no second job. */
  async make(params: Params): Promise<ErrorBody | null> {
    const body = JSON.stringify(params)
    const key = this.#unsure?.body === body ? this.#unsure.key : newKey()
    this.#unsure = { body, key }
    const problem = await this.begin(api.make(params, key))
    if (problem?.code !== 'unreachable') this.#unsure = null
    return problem
  }

  /**
   * Begins an edit. Who asked for it shows how it gets on, so that it has no card in the library. Raises ApiError or
   * Unreachable where the service does not accept it.
   */
  async edit(work: Promise<Job>): Promise<Job> {
    const job = await work
    this.#elsewhere.add(job.id)
    this.#keep(job)
    return job
  }

  /** Takes a job into the library as soon as the service has accepted it. */
  async begin(work: Promise<Job>): Promise<ErrorBody | null> {
    try {
      this.#keep(await work)
      return null
    } catch (error) {
      if (error instanceof ApiError) {
        const wait = error.retryAfterS === null ? '' : ` (try again in ${Math.ceil(error.retryAfterS)} s)`
        return { ...error.body, message: error.body.message + wait }
      }
      const message = `${messageOf(error)}; nothing is lost, it can be asked for again once it is back`
      return { message, type: 'server', param: null, code: 'unreachable' }
    }
  }

  async cancel(job: Job): Promise<void> {
    try {
      const stopped = await api.cancel(job.id)
      if (isFinished(stopped.status)) this.#leave(job.id)
      this.#keep(stopped)
    } catch (error) {
      ui.problem(messageOf(error))
    }
  }

  /** Takes the card of a failed or cancelled job away; its finished takes stay. */
  async dismiss(job: Job): Promise<void> {
    this.#dismissed = [...this.#dismissed, job.id].slice(-DISMISSED_KEPT)
    keep(DISMISSED, this.#dismissed)
    if (job.outputs.length > 0) return
    try {
      await api.deleteJob(job.id)
    } catch {
      // it stays in the service's list; here it is out of sight
    }
  }

  // --- events --------------------------------------------------------------------------------------------------

  #connected(again: boolean): void {
    this.connection = 'open'
    if (!this.loaded) void this.#load()
    else if (again) {
      void this.resync().catch(() => {})
      ui.say('Connected again')
    }
    void this.#check()
  }

  #lost(wait: number): void {
    this.connection = 'lost'
    this.retryAt = Date.now() + wait
    if (ui.dialog === 'key') return
    // An error status ends the stream without saying which: ask, so that a missing key is asked for.
    if (this.about?.key_required) void this.refreshModels().catch(() => {})
  }

  #apply(event: ServiceEvent): void {
    const { type, job_id, take_id } = event
    if (type === 'progress' && job_id) this.#progressed(job_id, event.data)
    else if (type === 'preview' && job_id) this.previews.set(job_id, (this.previews.get(job_id) ?? 0) + 1)
    else if (type === 'excerpt' && job_id) this.#excerpted(job_id, event.data)
    else if (type === 'status' && job_id) this.#moved(job_id, event.data)
    else if (type === 'take' && take_id) void this.#took(take_id, job_id)
    else if (type === 'take_changed' && take_id) void this.#changed(take_id)
    else if (type === 'take_deleted' && take_id) void this.#deleted(take_id)
  }

  #excerpted(jobId: string, data: Record<string, unknown>): void {
    this.excerpts.set(jobId, { take: Number(data.take), start_s: Number(data.start_s) })
  }

  #progressed(jobId: string, data: Record<string, unknown>): void {
    const job = this.jobs.get(jobId)
    if (!job) return void this.#refresh(jobId)
    if (isFinished(job.status)) return
    this.jobs.set(jobId, {
      ...job,
      status: 'in_progress',
      queue_position: null,
      progress: typeof data.progress === 'number' ? data.progress : job.progress,
      stage: typeof data.stage === 'string' ? data.stage : job.stage,
      eta_s: typeof data.eta_s === 'number' ? data.eta_s : null,
      take: typeof data.take === 'number' ? data.take : job.take,
      heardAt: Date.now(),
    })
  }

  #moved(jobId: string, data: Record<string, unknown>): void {
    const job = this.jobs.get(jobId)
    const status = data.status as Status
    if (status !== 'queued') this.#leave(jobId)
    if (!job || isFinished(status) || status === 'queued') {
      if (isFinished(status)) void this.refreshModels().catch(() => {}) // the measured speeds may have changed
      return void this.#refresh(jobId)
    }
    const attempts = job.attempts + (job.status === 'queued' ? 1 : 0)
    this.jobs.set(jobId, { ...job, status, attempts, queue_position: null, heardAt: Date.now() })
  }

  /** A job is not in the queue any more: those behind it move up, once however often it is told. */
  #leave(jobId: string): void {
    const left = this.jobs.get(jobId)
    const place = left?.queue_position ?? null
    if (!left || place === null) return
    this.jobs.set(jobId, { ...left, queue_position: null })
    for (const job of this.jobs.values()) {
      if (job.queue_position !== null && job.queue_position > place) {
        this.jobs.set(job.id, { ...job, queue_position: job.queue_position - 1 })
      }
    }
  }

  async #took(takeId: string, jobId: string | null): Promise<void> {
    try {
      const take = await api.take(takeId)
      this.#enlist(take)
      const job = jobId === null ? undefined : this.jobs.get(jobId)
      if (job && !job.outputs.some((one) => one.id === take.id)) {
        this.jobs.set(job.id, { ...job, outputs: [...job.outputs, take] })
      }
      ui.say(`Ready: ${take.title}, take ${take.number}`)
    } catch {
      // deleted already, or the service is gone: the next resynchronisation brings what there is
    }
  }

  async #changed(takeId: string): Promise<void> {
    if (!this.takes.has(takeId)) return
    try {
      const take = await api.take(takeId)
      const wasDeleted = this.takes.get(takeId)?.deleted_at !== null
      this.takes.set(takeId, take)
      const isBack = wasDeleted && take.deleted_at === null
      // A version stands in the library from when it gets a star or a name.
      if ((isBack && !this.view.bin) || take.operation === 'edit') this.#enlist(take)
    } catch {
      // as above
    }
  }

  async #deleted(takeId: string): Promise<void> {
    if (!this.takes.has(takeId)) return
    try {
      const take = await api.take(takeId)
      // Restored since the event was sent: its card stays, and so does a menu open in it; another event says the rest.
      if (take.deleted_at !== null) this.#unlist(takeId, take.deleted_at)
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) this.#forget(takeId)
    }
  }
}

export const studio = new Studio()
