// Settings kept in the browser. Storage may be full, forbidden or hold an older version's values: then the default serves.

const PREFIX = 'noisician.'

export function kept<T>(name: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(PREFIX + name)
    return text === null ? otherwise : (JSON.parse(text) as T)
  } catch {
    return otherwise
  }
}

export function keep(name: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value))
  } catch {
    // a private window: the setting lives as long as the page
  }
}
