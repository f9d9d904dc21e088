// A typed client of the service. Every failure is an ApiError (the service said no) or an Unreachable (nobody answered).

import type {
  About,
  Edit,
  ErrorBody,
  Health,
  Job,
  ModelInfo,
  Page,
  Params,
  Restored,
  Status,
  Styles,
  Take,
  Understood,
  Upload,
  Version,
} from './types'

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly body: ErrorBody,
    readonly retryAfterS: number | null,
  ) {
    super(body.message)
  }
}

export class Unreachable extends Error {
  constructor() {
    super('The service does not answer')
  }
}

/** Addresses are relative to the page, so that the studio also works below a path of a reverse proxy. */
export function url(path: string, query: Record<string, string | number | boolean | null | undefined> = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') search.set(name, String(value))
  }
  const text = search.toString()
  return text ? `${path}?${text}` : path
}

export function isAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}

/** One line for people, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error && error.message ? error.message : 'Something went wrong'
}

interface Options {
  method?: string
  json?: unknown
  form?: FormData
  signal?: AbortSignal | undefined
  headers?: Record<string, string>
}

let onUnauthorised: () => void = () => {}
let onUnreachable: () => void = () => {}

export function listen(listeners: { unauthorised: () => void; unreachable: () => void }): void {
  onUnauthorised = listeners.unauthorised
  onUnreachable = listeners.unreachable
}

async function errorOf(response: Response): Promise<ApiError> {
  const plain: ErrorBody = {
    message: `The service answered ${response.status} ${response.statusText}`.trim(),
    type: 'server',
    param: null,
    code: 'unknown',
  }
  const retryAfter = Number(response.headers.get('Retry-After') ?? NaN)
  let body = plain
  try {
    const answer = (await response.json()) as { error?: Partial<ErrorBody> }
    if (typeof answer.error?.message === 'string') body = { ...plain, ...answer.error }
  } catch {
    // not JSON: a proxy's page, or cut off; the plain line says enough
  }
  return new ApiError(response.status, body, Number.isFinite(retryAfter) ? retryAfter : null)
}

async function send(path: string, options: Options = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json', ...options.headers }
  const init: RequestInit = { method: options.method ?? 'GET', headers, credentials: 'same-origin' }
  if (options.signal) init.signal = options.signal
  if (options.form) init.body = options.form
  else if (options.json !== undefined) {
    headers['Content-Type'] = 'application/json'
    init.body = JSON.stringify(options.json)
  }
  let response: Response
  try {
    response = await fetch(path, init)
  } catch (error) {
    if (isAborted(error)) throw error
    onUnreachable()
    throw new Unreachable()
  }
  if (response.ok) return response
  const error = await errorOf(response)
  if (error.status === 401) onUnauthorised()
  throw error
}

async function ask<T>(path: string, options: Options = {}): Promise<T> {
  const response = await send(path, options)
  return (response.status === 204 ? undefined : await response.json()) as T
}

/** Bytes with progress, which fetch cannot report. */
function upload<T>(path: string, file: File, onShare: (share: number) => void = () => {}): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', path)
    request.setRequestHeader('Accept', 'application/json')
    request.upload.onprogress = (event) => {
      if (event.lengthComputable && event.total > 0) onShare(event.loaded / event.total)
    }
    request.onerror = () => {
      onUnreachable()
      reject(new Unreachable())
    }
    request.onload = () => {
      const headers = new Headers()
      const retryAfter = request.getResponseHeader('Retry-After')
      if (retryAfter) headers.set('Retry-After', retryAfter)
      const status = request.status
      if (status >= 200 && status < 300) {
        resolve(JSON.parse(request.responseText) as T)
        return
      }
      if (status === 401) onUnauthorised()
      void errorOf(new Response(request.responseText, { status, headers })).then(reject)
    }
    const form = new FormData()
    form.append('file', file, file.name)
    request.send(form)
  })
}

const json = (value: unknown, method = 'POST', signal?: AbortSignal): Options => ({ method, json: value, signal })

export interface TakesQuery {
  q?: string
  starred?: boolean | null
  deleted?: boolean
  job?: string
  after?: string | null
  limit?: number
}

export const api = {
  about: () => ask<About>('v1/about'),
  health: () => ask<Health>('health'),
  styles: () => ask<Styles>('v1/styles'),
  models: async () => (await ask<Page<ModelInfo>>('v1/models')).data,

  /** The same `key` sent twice makes one job: a lost answer can be asked for again. */
  make: (params: Params, key: string) =>
    ask<Job>('v1/music', { ...json(params), headers: { 'Idempotency-Key': key } }),
  job: (id: string) => ask<Job>(`v1/music/${id}`),
  jobs: (status: Status, limit = 100) => ask<Page<Job>>(url('v1/music', { status, limit })),
  cancel: (id: string) => ask<Job>(`v1/music/${id}/cancel`, { method: 'POST' }),
  deleteJob: (id: string) => ask<unknown>(`v1/music/${id}`, { method: 'DELETE' }),
  /** The first that an edit changes, from `start_s` of the take that is being made. */
  excerpt: (id: string, start_s: number) => url(`v1/music/${id}/excerpt`, { from: start_s }),
  preview: (id: string, version: number) => url(`v1/music/${id}/preview`, { v: version }),

  takes: (query: TakesQuery, signal?: AbortSignal) => ask<Page<Take>>(url('v1/takes', { ...query }), { signal }),
  take: (id: string) => ask<Take>(`v1/takes/${id}`),
  change: (id: string, change: { title?: string; starred?: boolean }) =>
    ask<Take>(`v1/takes/${id}`, json(change, 'PATCH')),
  deleteTake: (id: string, permanent = false) =>
    ask<unknown>(url(`v1/takes/${id}`, { permanent: permanent || null }), { method: 'DELETE' }),
  restoreTake: (id: string) => ask<Take>(`v1/takes/${id}/restore`, { method: 'POST' }),
  picture: (id: string) => `v1/takes/${id}/spectrogram`,

  vary: (id: string, changes: Params, takes: number, title?: string) =>
    ask<Job>(`v1/takes/${id}/vary`, json({ changes, takes, ...(title ? { title } : {}) })),
  loop: (id: string, bars: number | null, takes = 1) => ask<Job>(`v1/takes/${id}/loop`, json({ bars, takes })),
  repaint: (id: string, regions: [number, number][], prompt: string | null, takes = 1) =>
    ask<Job>(`v1/takes/${id}/repaint`, json({ regions, prompt, takes })),
  extend: (id: string, added_s: number, prompt: string | null, takes = 1) =>
    ask<Job>(`v1/takes/${id}/extend`, json({ added_s, prompt, takes })),

  edit: (id: string, edits: readonly Edit[]) => ask<Job>(`v1/takes/${id}/edit`, json({ edits })),
  versions: async (id: string) => (await ask<{ data: Version[] }>(`v1/takes/${id}/versions`)).data,
  recipe: (id: string) => ask<unknown>(`v1/takes/${id}/recipe`),

  explain: (params: Params, signal: AbortSignal) => ask<Understood>('v1/explain', json(params, 'POST', signal)),
  upload: (file: File, onShare?: (share: number) => void) => upload<Upload>('v1/uploads', file, onShare),
  restore: (file: File) => upload<Restored>('v1/restore', file),
  signIn: (key: string) => ask<unknown>('v1/session', json({ key })),
}
