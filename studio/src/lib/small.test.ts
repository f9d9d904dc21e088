import { describe, expect, it } from 'vitest'
import { backoffMs } from './events'
import { EXAMPLES, exampleAfter, exampleOf, FIRST } from './examples'
import { ago, clock, size, speed, stage, timeLeft } from './format'
import { groupsOf, needsCard, repeatsPrompt, steady, type LiveJob, type View } from './library'
import { countLyrics, syllablesOf, withTag } from './syllables'
import { tappedTempo } from './tap'
import type { Take } from './types'

describe('format', () => {
  it('prints times', () => {
    expect([clock(0), clock(59.6), clock(95), clock(3725)]).toEqual(['0:00', '1:00', '1:35', '1:02:05'])
    expect([timeLeft(0.4), timeLeft(20), timeLeft(200)]).toEqual(['almost done', 'about 20 s left', 'about 3 min left'])
    expect([ago(100, 110), ago(0, 600), ago(0, 7200)]).toEqual(['just now', '10 min ago', '2 h ago'])
  })

  it('prints measures', () => {
    expect([speed(7.04), speed(0.82), speed(12.4)]).toEqual(['7×', '0.82×', '12×'])
    expect([size(0.064), size(5.32)]).toEqual(['64 MB', '5.3 GB'])
    expect([stage('rendering'), stage('some_new_stage'), stage(null)]).toEqual([
      'Rendering the sound',
      'Some new stage',
      'Starting',
    ])
  })
})

describe('cards of jobs', () => {
  const job = (status: string, operation = 'make') => ({ id: 'j', status, operation }) as unknown as LiveJob

  it('are for what is under way or went wrong; an edit that was called off leaves none', () => {
    const shown = ['queued', 'in_progress', 'failed', 'cancelled', 'completed'].map((status) => needsCard(job(status), []))
    expect(shown).toEqual([true, true, true, true, false])
    expect(needsCard(job('cancelled', 'edit'), [])).toBe(false)
    expect(needsCard(job('failed', 'edit'), [])).toBe(true)
    expect(needsCard(job('failed'), ['j'])).toBe(false)
  })
})

describe('lyrics', () => {
  it('counts syllables about right', () => {
    expect(['rain', 'window', 'table', 'love', 'the', 'beautiful', '…'].map(syllablesOf)).toEqual([1, 2, 2, 1, 1, 3, 0])
  })

  it('does not count section tags', () => {
    expect(countLyrics('[verse]\nRain on the window\n\n[chorus]\nla la')).toMatchObject({ lines: 2, syllables: 7 })
  })

  it('puts a tag on a line of its own', () => {
    expect(withTag('', 0, 'verse')).toEqual({ text: '[verse]\n', cursor: 8 })
    expect(withTag('one two', 7, 'chorus').text).toBe('one two\n\n[chorus]\n')
    expect(withTag('one\ntwo', 4, 'bridge')).toEqual({ text: 'one\n\n[bridge]\ntwo', cursor: 14 })
  })
})

describe('examples', () => {
  it('are many, different and reach every genre', () => {
    expect(new Set(EXAMPLES.map((example) => example.prompt)).size).toBeGreaterThanOrEqual(60)
    expect(EXAMPLES[0]?.prompt).toBe(FIRST)
    expect(exampleOf('no_such_genre', '')).toBeNull()
  })

  it('all come up before the first returns', () => {
    const seen = new Set<string>()
    let prompt = FIRST
    for (let roll = 0; roll < EXAMPLES.length; roll++) {
      prompt = exampleAfter(prompt).prompt
      seen.add(prompt)
    }
    expect(seen.size).toBe(EXAMPLES.length)
  })
})

describe('tapping', () => {
  it('takes the median gap', () => {
    expect(tappedTempo([0])).toBeNull()
    expect(tappedTempo([0, 500, 1000, 1900, 2400])).toBe(120)
  })
})

describe('waiting for the service', () => {
  it('doubles up to a limit', () => {
    expect([0, 1, 2, 10].map(backoffMs)).toEqual([500, 1000, 2000, 8000])
  })
})

describe('groups of the library', () => {
  const view: View = { query: '', starred: false, bin: false }
  const take = (id: string, job_id: string, number: number, created_at: number, deleted_at: number | null = null) =>
    ({ id, job_id, number, created_at, deleted_at }) as Take
  const job = (id: string, status: LiveJob['status'], created_at: number) => ({ id, status, created_at }) as LiveJob
  const takes = new Map(
    [take('a2', 'a', 2, 12), take('a1', 'a', 1, 11), take('b1', 'b', 1, 20), take('c1', 'c', 1, 5, 30)].map((one) => [one.id, one]),
  )
  const jobs = new Map([job('r', 'in_progress', 40), job('f', 'failed', 15), job('a', 'completed', 10)].map((one) => [one.id, one]))
  const listed = ['b1', 'a2', 'a1', 'c1']

  it('keep the takes of a job together and put the newest first', () => {
    const groups = groupsOf(listed, takes, jobs, view, [])
    expect(groups.map((group) => group.id)).toEqual(['r', 'b', 'f', 'a'])
    expect(groups[3]?.takes.map((one) => one.id)).toEqual(['a1', 'a2'])
    expect(groups[3]?.job).toBeNull()
  })

  it('leave out dismissed jobs, and in a search all jobs', () => {
    expect(groupsOf(listed, takes, jobs, view, ['f']).map((group) => group.id)).toEqual(['r', 'b', 'a'])
    expect(groupsOf(listed, takes, jobs, { ...view, query: 'x' }, []).map((group) => group.id)).toEqual(['b', 'a'])
  })

  it('show in the bin what is in the bin', () => {
    expect(groupsOf(listed, takes, jobs, { ...view, bin: true }, []).map((group) => group.id)).toEqual(['c'])
  })

  it('stay the same objects while nothing in them changes', () => {
    const before = groupsOf(listed, takes, jobs, view, [])
    const moved = new Map(jobs).set('r', job('r', 'in_progress', 40))
    const after = steady(groupsOf(listed, takes, moved, view, []), before)
    expect(after.map((group) => before.includes(group))).toEqual([false, true, true, true])
  })

  it('notice a title that only repeats the prompt', () => {
    const titled = (title: string) => ({ title, params: { prompt: 'Slow jazz, no drums' } }) as Take
    expect([repeatsPrompt(titled('slow jazz')), repeatsPrompt(titled('Blue hour'))]).toEqual([true, false])
  })
})
