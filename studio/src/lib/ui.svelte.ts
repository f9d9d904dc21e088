// What belongs to the page alone: theme, layout, messages, undo, dialogs. The service knows nothing of it.

import { kept, keep } from './storage'

export type Theme = 'auto' | 'light' | 'dark'
export type Tab = 'create' | 'library'
export type DialogName = 'models' | 'shortcuts' | 'key' | null

export interface Toast {
  id: number
  kind: 'note' | 'problem'
  text: string
  action: { label: string; run: () => void } | null
}

interface Undoable {
  id: number
  run: () => void
}

const NOTE_MS = 7000
const PROBLEM_MS = 12000
const UNDO_STEPS = 50

class Ui {
  theme = $state<Theme>(kept<Theme>('theme', 'auto'))
  advanced = $state(kept('advanced', false))
  tab = $state<Tab>('create')
  dialog = $state<DialogName>(null)
  /** The take whose title is being edited. */
  renamingId = $state<string | null>(null)
  toasts = $state<Toast[]>([])
  /** Read by screen readers, not shown. */
  announcement = $state('')
  /** The time in seconds since 1970, for what counts up or down. */
  now = $state(Date.now() / 1000)
  #undo: Undoable[] = []
  #next = 1
  #timers = new Map<number, ReturnType<typeof setTimeout>>()

  setTheme(theme: Theme): void {
    this.theme = theme
    keep('theme', theme)
    if (theme === 'auto') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = theme
  }

  setAdvanced(advanced: boolean): void {
    this.advanced = advanced
    keep('advanced', advanced)
  }

  /** A dialog says that it has closed; by then another may have opened. */
  closed(name: DialogName): void {
    if (this.dialog === name) this.dialog = null
  }

  say(text: string): void {
    this.announcement = text
  }

  note(text: string, action: Toast['action'] = null): number {
    return this.#show({ kind: 'note', text, action }, NOTE_MS)
  }

  problem(text: string, action: Toast['action'] = null): number {
    return this.#show({ kind: 'problem', text, action }, PROBLEM_MS)
  }

  dismiss(id: number): void {
    clearTimeout(this.#timers.get(id))
    this.#timers.delete(id)
    this.toasts = this.toasts.filter((toast) => toast.id !== id)
  }

  /** Hold the messages while somebody reads them. */
  hold(id: number): void {
    clearTimeout(this.#timers.get(id))
  }

  release(id: number): void {
    if (!this.toasts.some((toast) => toast.id === id)) return
    this.#timers.set(id, setTimeout(() => this.dismiss(id), NOTE_MS))
  }

  /** A note with an Undo button; Ctrl+Z does the same, latest first. */
  undoable(text: string, run: () => void): void {
    const id = this.note(text, { label: 'Undo', run: () => this.#take(id) })
    this.#undo.push({ id, run })
    this.#undo.splice(0, Math.max(0, this.#undo.length - UNDO_STEPS))
  }

  undo(): boolean {
    const last = this.#undo.at(-1)
    if (last) this.#take(last.id)
    return last !== undefined
  }

  #take(id: number): void {
    const found = this.#undo.find((one) => one.id === id)
    this.#undo = this.#undo.filter((one) => one.id !== id)
    this.dismiss(id)
    found?.run()
  }

  #show(toast: Omit<Toast, 'id'>, ms: number): number {
    const id = this.#next++
    this.toasts = [...this.toasts.slice(-2), { ...toast, id }]
    this.#timers.set(id, setTimeout(() => this.dismiss(id), ms))
    return id
  }
}

export const ui = new Ui()
