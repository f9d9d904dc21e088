// The player: one sound engine, its bar on every page, and the details it opens into.

export { default as PlayerArea } from './PlayerArea.svelte'
export { excerpt } from './excerpt.svelte'
export { player } from './player.svelte'
export { playerShortcuts, type Shortcut } from './shortcuts'
