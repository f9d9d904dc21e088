// Idempotency keys.

/** 128 random bits in hexadecimal. (`crypto.randomUUID` is missing where the studio is reached over plain HTTP in a LAN.) */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
