// The keys of the page; those of the player are its own, and listed here so that the sheet has all of them.

import { PROMPT_ID, putAway, SEARCH_ID, show, showCreate } from './actions.svelte'
import { form } from './form.svelte'
import { studio } from './store.svelte'
import { ui } from './ui.svelte'
import { player, playerShortcuts } from '../player'
import type { Take } from './types'

export const SHORTCUTS: { title: string; keys: [keys: string, what: string][] }[] = [
  {
    title: 'Make',
    keys: [
      ['N', 'Describe something new'],
      ['Ctrl Enter', 'Make music'],
      ['R', 'Another example'],
    ],
  },
  {
    title: 'Library',
    keys: [
      ['/', 'Search'],
      ['↑ ↓', 'From take to take'],
      ['Enter', 'Press what has the focus'],
      ['S', 'Star the selected take'],
      ['F2', 'Rename it'],
      ['Del', 'Put it in the bin'],
      ['Ctrl Z', 'Undo'],
    ],
  },
  { title: 'Player', keys: playerShortcuts.map(({ keys, label }) => [keys, label]) },
  {
    title: 'Open take',
    keys: [
      ['Ctrl Z', 'Back to the version before'],
      ['Ctrl Shift Z', 'On to the version after'],
      ['← → ↑ ↓', 'Among the notes: another bar, another player'],
      ['Shift ← → ↑ ↓', 'More bars, more players'],
      ['Ctrl A', 'Select everything'],
      ['Enter', 'To what can be done with the selection'],
      ['Del', 'Delete its notes'],
      ['Esc', 'Select nothing'],
    ],
  },
  {
    title: 'Page',
    keys: [
      ['?', 'This sheet'],
      ['Esc', 'Close, or leave a field'],
    ],
  },
]

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target instanceof HTMLInputElement) return !['button', 'checkbox', 'radio', 'range'].includes(target.type)
  return target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
}

function focusSearch(): void {
  show('library')
  const field = document.getElementById(SEARCH_ID)
  if (!(field instanceof HTMLInputElement)) return
  field.focus()
  field.select()
}

/** What the keys are about: the take whose details are open, else the one selected in the library. */
function subject(): Take | null {
  const take = player.expanded ? player.current : studio.selected
  return take?.deleted_at === null ? (studio.takes.get(take.id) ?? take) : null
}

const PLAIN: Record<string, () => void> = {
  n: showCreate,
  r: () => form.roll(),
  '/': focusSearch,
  '?': () => (ui.dialog = 'shortcuts'),
  s: () => {
    const take = subject()
    if (take) void studio.star(take)
  },
  f2: () => {
    const take = player.expanded ? null : subject()
    if (take) ui.renamingId = take.id
  },
  delete: () => {
    const take = subject()
    if (take) void putAway(take)
  },
}

/** Key presses that nothing nearer to the focus has used. */
export function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || document.querySelector('dialog[open]')) return
  const key = event.key.toLowerCase()
  if (isTyping(event.target)) {
    const id = (event.target as HTMLElement).id
    if (key === 'escape' && (id === PROMPT_ID || id === SEARCH_ID)) (event.target as HTMLElement).blur()
    return
  }
  if ((event.ctrlKey || event.metaKey) && key === 'z' && !event.shiftKey && ui.undo()) {
    event.preventDefault()
    return
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return
  const act = PLAIN[key]
  if (!act) return
  event.preventDefault()
  act()
}
