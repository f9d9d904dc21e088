// How the library is laid out: takes of one job together, newest first, with the jobs that are still under way.

import type { Job, Status, Take } from './types'

/** A job as the page follows it: the number of the take in work, and when it was last heard of (ms since 1970). */
export interface LiveJob extends Job {
  take: number | null
  heardAt: number
}

export interface View {
  query: string
  starred: boolean
  bin: boolean
}

export interface Group {
  id: string
  /** Null when it finished before the page was opened: its takes say enough. */
  job: LiveJob | null
  takes: Take[]
  createdAt: number
}

export function isFinished(status: Status): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}

/** Whether a job has a card of its own beside its takes. */
export function needsCard(job: Job, dismissed: readonly string[]): boolean {
  if (job.status === 'completed') return false
  // A change of a piece that was called off leaves nothing to look at.
  if (job.status === 'cancelled' && job.operation === 'edit') return false
  return !dismissed.includes(job.id)
}

/** Whether a take's title is only the beginning of its prompt, as it is until somebody names it. */
export function repeatsPrompt(take: Take): boolean {
  const plain = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '')
  const title = plain(take.title)
  return title !== '' && plain(take.params.prompt ?? '').startsWith(title)
}

export function groupsOf(
  listed: readonly string[],
  takes: ReadonlyMap<string, Take>,
  jobs: ReadonlyMap<string, LiveJob>,
  view: View,
  dismissed: readonly string[],
): Group[] {
  const groups = new Map<string, Group>()
  const groupOf = (id: string, createdAt: number): Group => {
    const found = groups.get(id)
    if (found) return found
    const job = jobs.get(id) ?? null
    const group: Group = {
      id,
      job: job !== null && needsCard(job, dismissed) ? job : null,
      takes: [],
      createdAt: job?.created_at ?? createdAt,
    }
    groups.set(id, group)
    return group
  }
  if (!view.query && !view.starred && !view.bin) {
    for (const job of jobs.values()) {
      if (needsCard(job, dismissed)) groupOf(job.id, job.created_at)
    }
  }
  for (const id of listed) {
    const take = takes.get(id)
    if (take && (take.deleted_at !== null) === view.bin) groupOf(take.job_id, take.created_at).takes.push(take)
  }
  for (const group of groups.values()) group.takes.sort((one, other) => one.number - other.number)
  return [...groups.values()].sort((one, other) => other.createdAt - one.createdAt)
}

/** `groups` with those of `before` in place of equal ones, so that only what changed is drawn again. */
export function steady(groups: Group[], before: readonly Group[]): Group[] {
  const old = new Map(before.map((group) => [group.id, group]))
  return groups.map((group) => {
    const known = old.get(group.id)
    const same =
      known?.job === group.job &&
      known.createdAt === group.createdAt &&
      known.takes.length === group.takes.length &&
      known.takes.every((take, place) => take === group.takes[place])
    return same ? known : group
  })
}
