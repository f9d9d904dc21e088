// Sentences to begin with. Every genre has some; the dice and the genre chips take them from here.

export interface Example {
  genre: string
  prompt: string
}

const BY_GENRE: Record<string, readonly string[]> = {
  lofi_hip_hop: [
    'Lo-fi hip hop for a rainy evening, warm electric piano, upright bass, vinyl crackle, 80 bpm',
    'Sleepy lofi beat in F major with nylon guitar, muted trumpet and tape hiss, nostalgic',
    'Study beats with a vibraphone melody and brushed drums, calm, soft rain in the background',
  ],
  house: [
    'Uplifting house with piano chords, a deep synth bass and claps, 124 bpm in A minor',
    'Funky house with slap bass and a brass section, playful, bright, 122 bpm',
  ],
  deep_house: [
    'Deep house, warm pads and a round bass, sensual and unhurried, 120 bpm',
    'Dark deep house with electric piano, fretless bass and a long build, C minor',
  ],
  techno: [
    'Hypnotic techno at 132 bpm, dark drone, acid bass, no melody',
    'Driving techno with a distorted kick, metallic percussion and a tense build-up',
  ],
  trance: [
    'Euphoric trance with a supersaw lead and a long breakdown, 138 bpm, hopeful',
    'Dreamy trance in F# minor, glass pads and a plucked arpeggio over a rolling bass',
  ],
  drum_and_bass: [
    'Liquid drum and bass, 174 bpm, warm pads, electric piano and a reese bass',
    'Dark drum and bass with a growling bass and a mysterious choir intro',
  ],
  dubstep: [
    'Heavy dubstep with a wobble bass, half-time drums and an eerie bell melody',
    'Melodic dubstep in D minor, soft piano intro, then a huge drop',
  ],
  synthwave: [
    'Synthwave night drive, analog bass, gated drums, nostalgic saw lead, 100 bpm',
    'Slow synthwave with a string machine and a saxophone, city at night, melancholic',
    'Energetic synthwave chase at 128 bpm in E minor with a pulsing arpeggio',
  ],
  hip_hop: [
    'Boom bap hip hop beat with jazz guitar, upright bass and dusty drums, 90 bpm',
    'Confident hip hop with a brass section, deep sub bass and a simple piano loop',
  ],
  trap: [
    'Dark trap beat in C# minor, 808 bass, rolling hi-hats, music box melody',
    'Atmospheric trap with a pan flute, sub bass and wide pads, 140 bpm, mysterious',
  ],
  pop: [
    'Bright summer pop in G major with clean guitar, piano and handclaps, happy, 118 bpm',
    'Tender pop ballad, grand piano and strings, slow and hopeful, 72 bpm',
    'Upbeat pop with a catchy poly synth hook and a punchy synth bass, 110 bpm',
  ],
  rock: [
    'Driving rock with overdriven guitars and a big chorus, E major, 140 bpm',
    'Slow blues rock with a drawbar organ and a singing lead guitar, minor',
  ],
  indie_rock: [
    'Indie rock with jangly clean guitars, picked bass and a restless beat, hopeful',
    'Dreamy indie rock, wide reverb, slow build, bittersweet, 96 bpm in D major',
  ],
  metal: [
    'Aggressive metal in D minor, distorted guitars, fast double kick, 180 bpm',
    'Epic slow metal with a choir and church organ, dark and heavy',
  ],
  punk: [
    'Fast punk with distorted guitars and a furious beat, 190 bpm',
    'Playful pop punk in A major with a catchy guitar hook and loud drums',
  ],
  funk: [
    'Tight funk with slap bass, clavinet, muted guitar and a horn section, 105 bpm',
    'Groovy slow funk in E dorian, drawbar organ solo, dry drums',
  ],
  disco: [
    'Shiny disco with strings, octave bass and a four-on-the-floor beat, 118 bpm',
    'Late-night disco in B minor, electric piano and brass, sensual groove',
  ],
  reggae: [
    'Laid-back reggae with an organ skank, deep electric bass and a melodica-like harmonica, sunny',
    'Slow roots reggae in A minor, warm, with muted guitar and brass',
  ],
  soul: [
    'Warm soul in Bb major with a drawbar organ, horns and a steady backbeat, romantic',
    'Slow soul ballad in 6/8, grand piano, strings and a tenor saxophone',
  ],
  rnb: [
    'Smooth rnb with electric piano, a deep sub and crisp drums, sensual, 75 bpm',
    'Modern rnb in Eb minor, airy pads, plucked guitar, slow and intimate',
  ],
  jazz_swing: [
    'Swinging jazz quartet, tenor saxophone, piano, upright bass, brushes, 140 bpm',
    'Slow melancholic jazz in D minor with muted trumpet and double bass, no drums',
    'Playful up-tempo swing with a clarinet and vibraphone, F major',
  ],
  bossa_nova: [
    'Gentle bossa nova with nylon guitar and flute, ocean waves, 130 bpm',
    'Romantic bossa nova in C major with a soft piano and an alto saxophone',
  ],
  blues: [
    'Slow twelve-bar blues in E with a crying electric guitar and an organ, 6/8',
    'Upbeat shuffle blues with harmonica, piano and a walking bass',
  ],
  country: [
    'Easy-going country with steel guitar, fiddle and banjo, 104 bpm, major',
    'Slow country waltz, acoustic guitar and harmonica, lonely and warm',
  ],
  folk: [
    'Gentle folk song with a fingerpicked steel guitar and a tin whistle, hopeful',
    'Lively folk dance in D major, fiddle, accordion and hand percussion, 6/8',
  ],
  latin: [
    'Fiery latin dance with trumpets, piano montuno and hand percussion, 180 bpm',
    'Warm latin ballad with nylon guitar, trumpet and soft percussion, minor',
  ],
  afrobeat: [
    'Afrobeat with interlocking guitars, horns and a rolling bass, 110 bpm, groovy',
    'Sunny afrobeat with kalimba and hand percussion, happy, no synths',
  ],
  classical: [
    'Classical string quartet in G minor, serious and flowing, no percussion',
    'Classical solo grand piano, romantic and tender, slow, Eb major, 6/8',
    'Baroque harpsichord and recorder, bright and playful, 3/4',
  ],
  cinematic: [
    'Epic cinematic build with brass, timpani and a choir, triumphant, D minor',
    'Quiet cinematic piano and cello for an ending, sad, slow strings',
    'Tense cinematic underscore with strings and a dark drone, no melody, 60 seconds',
  ],
  ambient: [
    'Slow ambient with glass pads, distant bells and ocean waves, no drums',
    'Deep space ambient drone, dark and vast, very slow, 90 seconds',
    'Morning ambient with soft piano, birdsong and warm strings, peaceful, C lydian',
  ],
  chiptune: [
    'Cheerful chiptune adventure, 150 bpm, square lead and a bouncing bass',
    'Eerie chiptune dungeon in B minor, slow, glitchy drums',
  ],
  waltz: [
    'Elegant waltz with strings, clarinet and harp, 3/4, 168 bpm, A major',
    'Wistful music box waltz in D minor, slow, celesta and pizzicato strings',
  ],
  edm: [
    'Festival edm with a supersaw drop and a huge build-up, 128 bpm, triumphant',
    'Bright edm seamless loop, plucked synth melody and sidechained pads, 8 bars',
  ],
  gospel: [
    'Joyful gospel with organ, piano and a choir, handclaps, Ab major',
    'Slow gospel in 6/8 with a drawbar organ and warm choir, hopeful',
  ],
  new_age: [
    'Peaceful new age with pan flute, harp and soft pads, floating, no drums',
    'Meditative new age with koto and glass pads, rain, slow',
  ],
}

/** What a new studio shows first. */
export const FIRST = BY_GENRE.lofi_hip_hop?.[0] ?? ''

export const EXAMPLES: readonly Example[] = Object.entries(BY_GENRE).flatMap(([genre, prompts]) =>
  prompts.map((prompt) => ({ genre, prompt })),
)

/** A step through the list that reaches every example and lands in another genre each time. */
const STRIDE = 31

export function exampleAfter(prompt: string, examples: readonly Example[] = EXAMPLES): Example {
  const place = examples.findIndex((example) => example.prompt === prompt)
  const next = place < 0 ? Math.floor(Math.random() * examples.length) : (place + STRIDE) % examples.length
  return examples[next] as Example
}

/** The next example of one genre; null for a genre without any. */
export function exampleOf(genre: string, prompt: string): string | null {
  const prompts = BY_GENRE[genre]
  if (!prompts?.length) return null
  return prompts[(prompts.indexOf(prompt) + 1) % prompts.length] ?? null
}
