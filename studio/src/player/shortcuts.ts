// Keys of the player, as data for the sheet of shortcuts and as what they do.

import { player } from './player.svelte'
import { beatsOf, step } from './time'

export interface Shortcut {
  keys: string
  label: string
}

export const playerShortcuts: Shortcut[] = [
  { keys: 'Space', label: 'Play or pause' },
  { keys: '← →', label: 'Back or on by a beat' },
  { keys: 'Shift ← →', label: 'Back or on by a bar' },
  { keys: 'Home', label: 'To the start' },
  { keys: 'L', label: 'Loop on or off' },
  { keys: '[ ]', label: 'Loop from here, loop up to here' },
  { keys: 'A B C or 1 … 9', label: 'Switch between the takes compared' },
  { keys: 'Esc', label: 'Close the details' },
]

const LETTERS = 'ABCDEFGHI'

/** A, B, C … for the compared takes. */
export const letterOf = (index: number): string => LETTERS[index] ?? String(index + 1)

// How the focus came to where it is: a button that was clicked does not keep Space for itself, one tabbed to does.
let byPointer = false

export function notePointer(): void {
  byPointer = true
}

export function handleKey(event: KeyboardEvent): void {
  if (event.key === 'Tab') byPointer = false
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !player.current) return
  if (isBusyElsewhere(event)) return
  const action = actionOf(event)
  if (!action) return
  event.preventDefault()
  action()
}

/** A text field, a slider, a menu or a dialog has the keys first. */
function isBusyElsewhere(event: KeyboardEvent): boolean {
  const target = event.target instanceof Element ? event.target : null
  if (!target || document.querySelector('dialog[open]')) return true
  const field = 'input:not([type=range], [type=checkbox], [type=radio]), textarea, select, [contenteditable=true]'
  if (target.closest(`${field}, [role=menu], [role=listbox], [role=dialog]`)) return true
  if (event.key === ' ') return !byPointer && target.closest('button, a, summary, input, [role=tab]') !== null
  const moves = event.key.startsWith('Arrow') || event.key === 'Home'
  if (!moves) return false
  const slider = target.closest('input[type=range], [role=slider]') !== null
  return slider || (!byPointer && target.closest('input, [role=tab], [role=radio]') !== null)
}

function actionOf(event: KeyboardEvent): (() => void) | null {
  const { key, shiftKey } = event
  if (key === ' ') return () => player.toggle()
  if (key === 'ArrowLeft') return () => move(-1, shiftKey)
  if (key === 'ArrowRight') return () => move(1, shiftKey)
  if (key === 'Home') return () => player.seek(0)
  if (key === '[') return () => player.loopEdge('start')
  if (key === ']') return () => player.loopEdge('end')
  if (key.length !== 1 || shiftKey) return null
  if (key.toLowerCase() === 'l') return () => player.setLooping(!player.looping)
  const index = /[1-9]/.test(key) ? Number(key) - 1 : LETTERS.indexOf(key.toUpperCase())
  return index >= 0 && index < player.compared.length ? () => player.switchTo(player.order[index] ?? index) : null
}

function move(direction: 1 | -1, byBar: boolean): void {
  const lines = byBar ? player.grid.bars_s : beatsOf(player.grid)
  player.seek(step(lines, player.position_s, direction, player.duration_s))
}
