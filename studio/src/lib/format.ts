// Values as people read them.

/** 95 → "1:35" */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const hours = Math.floor(whole / 3600)
  const minutes = Math.floor((whole % 3600) / 60)
  const rest = String(whole % 60).padStart(2, '0')
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`
}

const SPELLED: Record<string, string> = {
  edm: 'EDM',
  rnb: 'R&B',
  lofi: 'lo-fi',
  fm: 'FM',
  fx: 'effects',
  tr808: 'TR-808',
  tr909: 'TR-909',
  uk: 'UK',
  k_pop: 'K-pop',
  celtic: 'Celtic',
}

/** "lofi_hip_hop" → "lo-fi hip hop" */
export function spoken(id: string): string {
  return (
    SPELLED[id] ??
    id
      .split('_')
      .map((word) => SPELLED[word] ?? word)
      .join(' ')
  )
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** "jazz_swing" → "Jazz swing" */
export function words(id: string): string {
  return capital(spoken(id))
}

/** The beginning of a long text. */
export function short(text: string, most = 48): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).trimEnd()}…`
}

export function tempo(bpm: number): string {
  return `${Number(bpm.toFixed(1))} bpm`
}

export function keyName(key: string | null | undefined, mode: string | null | undefined): string {
  return [key, mode].filter(Boolean).join(' ')
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}

/** How long a wait will be: vague, because it is a guess. */
export function timeLeft(seconds: number): string {
  if (seconds < 1.5) return 'almost done'
  if (seconds < 60) return `about ${Math.round(seconds)} s left`
  return `about ${Math.round(seconds / 60)} min left`
}

/** When something happened, seen from now; both in seconds since 1970. */
export function ago(then: number, now: number): string {
  const seconds = Math.max(0, now - then)
  if (seconds < 45) return 'just now'
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h ago`
  return new Date(then * 1000).toLocaleDateString(undefined, { day: 'numeric', month: 'short', year: 'numeric' })
}

export function speed(realTime: number): string {
  return realTime >= 10 ? `${Math.round(realTime)}×` : `${Number(realTime.toPrecision(2))}×`
}

export function size(gigabytes: number): string {
  return gigabytes < 1 ? `${Math.round(gigabytes * 1000)} MB` : `${Number(gigabytes.toFixed(1))} GB`
}

const STAGES: Record<string, string> = {
  starting: 'Starting',
  loading: 'Loading the model',
  composing: 'Writing the notes',
  singing: 'Rehearsing the singers',
  rendering: 'Rendering the sound',
  vocoding: 'Making it audible',
  mixing: 'Mixing',
  finishing: 'Finishing',
  saving: 'Saving',
}

/** A job's stage in words; one the studio does not know is shown as the service names it. */
export function stage(name: string | null): string {
  return name ? (STAGES[name] ?? words(name)) : 'Starting'
}
