// Versions of a piece, a tree: every edit makes one, none replaces another. So an edit is taken back by going to the
// version it was made from, whatever it was, and done again by going back to the one it made. Pure.

import type { Version } from '../lib/types'

/** The version that `id` was made from. */
export function before(versions: readonly Version[], id: string): Version | null {
  const parent = find(versions, id)?.parent_take
  return parent ? find(versions, parent) : null
}

/** What was made from `id`, oldest first. */
export function after(versions: readonly Version[], id: string): Version[] {
  return versions.filter((one) => one.parent_take === id)
}

/** Where Redo goes: back to the version that was left by the last Undo, else to the newest made from this one. */
export function redone(versions: readonly Version[], id: string, undone: readonly string[]): Version | null {
  const children = after(versions, id)
  return children.findLast((one) => one.id === undone.at(-1)) ?? children.at(-1) ?? null
}

/** A new version among those known, in its place by age. */
export function joined(versions: readonly Version[], version: Version): Version[] {
  const others = versions.filter((one) => one.id !== version.id)
  return [...others, version].sort((one, other) => one.created_at - other.created_at)
}

export interface Line {
  version: Version
  /** Counts from 1, by age; it stays the same whatever comes later. */
  number: number
  words: string
  /** How far its branch stands in: 0 for what came one after the other, 1 where a second way began, … */
  depth: number
  /** Whether `current` was made from it, step by step, or is it. */
  leadsHere: boolean
}

/** The tree in lines: each version below the one it was made from; the newest goes on with its line, others stand in. */
export function lines(versions: readonly Version[], current: string): Line[] {
  const numbers = new Map(versions.map((version, index) => [version.id, index + 1]))
  const path = new Set<string>()
  for (let id: string | null = current; id && !path.has(id);) {
    path.add(id)
    id = find(versions, id)?.parent_take ?? null
  }
  const told: Line[] = []
  const tell = (version: Version, depth: number): void => {
    const number = numbers.get(version.id) ?? 0
    told.push({ version, number, words: wordsOf(version), depth, leadsHere: path.has(version.id) })
    const children = after(versions, version.id)
    for (const other of children.slice(0, -1)) tell(other, depth + 1)
    const newest = children.at(-1)
    if (newest) tell(newest, depth)
  }
  // What a version was made from may be gone for good: then it stands for itself.
  for (const version of versions) if (!before(versions, version.id)) tell(version, 0)
  return told
}

export function wordsOf(version: Version): string {
  const words = version.edits ?? 'as it was made'
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function find(versions: readonly Version[], id: string): Version | null {
  return versions.find((one) => one.id === id) ?? null
}
