// Canvases need colours as values; the design tokens are expressions that only elements resolve.

/** The value of a token such as "--accent" in the theme in force, as rgb(…). */
export function colourOf(token: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${token})`
  probe.hidden = true
  document.body.append(probe)
  const value = getComputedStyle(probe).color
  probe.remove()
  return value
}
