// Colours as values, for canvases; they follow the theme.

import { colourOf as tokenColour } from '../lib/colour'
import { ui } from '../lib/ui.svelte'
import { colourOf as roleColour } from './roles'

class Palette {
  #systemDark = $state(matchMedia('(prefers-color-scheme: dark)').matches)
  readonly dark = $derived(ui.theme === 'auto' ? this.#systemDark : ui.theme === 'dark')

  constructor() {
    const query = matchMedia('(prefers-color-scheme: dark)')
    query.addEventListener('change', () => (this.#systemDark = query.matches))
  }

  /** The value of a token such as "--accent"; reading it makes the caller follow the theme. */
  token(name: string): string {
    void this.dark
    return tokenColour(name)
  }

  role(role: string): string {
    return roleColour(role, this.dark)
  }
}

export const palette = new Palette()
