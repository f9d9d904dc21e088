// Canvases as sharp as the screen.

/** Fits the canvas to its box; returns its context in CSS pixels, cleared, or null before there is room to draw. */
export function sharp(canvas: HTMLCanvasElement, width_px: number, height_px: number): CanvasRenderingContext2D | null {
  const ratio = Math.max(1, devicePixelRatio)
  const width = Math.round(width_px * ratio)
  const height = Math.round(height_px * ratio)
  const context = canvas.getContext('2d')
  if (!context || width < 1 || height < 1) return null
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width
    canvas.height = height
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, width_px, height_px)
  return context
}

/** A line of one pixel: half a pixel off the grid, so that it is not smeared over two. */
export const crisp = (x_px: number): number => Math.round(x_px) + 0.5
