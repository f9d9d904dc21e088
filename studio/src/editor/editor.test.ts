import { describe, expect, it } from 'vitest'
import type { ScoreView, Take, Version } from '../lib/types'
import { chordsFromText, chordsToText, documentOf, pieceOf, type Document } from './document'
import * as history from './history'
import * as operations from './operations'
import * as select from './selection'

const SCORE = {
  tempo_bpm: 120,
  key: 'A',
  mode: 'minor',
  time_signature: '4/4',
  bars_s: [0, 2, 4, 6, 8],
  beats_per_bar: 4,
  chords: [
    { start_s: 0, end_s: 4, name: 'Am' },
    { start_s: 4, end_s: 5, name: 'F' },
    { start_s: 5, end_s: 8, name: 'G' },
  ],
  tracks: [
    {
      role: 'vocals',
      instrument: 'voice',
      stem: 'vocals',
      notes: [{ pitch: 69, start_s: 0, end_s: 1, velocity: 90, syllable: 'Sing' }],
    },
    {
      role: 'bass',
      instrument: 'electric_bass',
      stem: 'bass-electric_bass',
      notes: [
        { pitch: 35, start_s: 2.01, end_s: 3, velocity: 80 },
        { pitch: 33, start_s: 0, end_s: 1, velocity: 80 },
      ],
    },
    { role: 'drums', instrument: 'standard_kit', stem: 'drums-standard_kit', notes: [] },
  ],
} as unknown as ScoreView
const TAKE = {
  id: 'take_1',
  sections: [
    { kind: 'verse', start_s: 0, end_s: 4, start_bar: 0, bars: 2 },
    { kind: 'chorus', start_s: 4, end_s: 8, start_bar: 2, bars: 2 },
  ],
} as unknown as Take
const RECIPE = {
  piece: {
    plan: {
      players: [
        { id: 'bass', role: 'bass', instrument: 'electric_bass' },
        { id: 'drums', role: 'drums', instrument: 'standard_kit' },
      ],
    },
    mix: {
      strips: {
        bass: { fader_db: -3, muted: false, place: { pan: -0 } },
        drums: { fader_db: 0, muted: true, place: { pan: 0.25 } },
        vocals: { fader_db: 1.5, muted: false, place: { pan: 0 } },
      },
    },
  },
}
const document: Document = documentOf(TAKE, SCORE, pieceOf(RECIPE))
const [verse, chorus] = document.sections as [Document['sections'][number], Document['sections'][number]]
const BASS: select.Selection = { players: ['bass'], first: 2, last: 3 }

describe('document', () => {
  it('joins the score with the players and strips of the recipe', () => {
    expect(document.players.map(({ id, label, sung }) => [id, label, sung])).toEqual([
      ['vocals', 'Vocals', true],
      ['bass', 'Electric bass', false],
      ['drums', 'Standard kit', false],
    ])
    expect(document.players.map(({ strip }) => strip)).toEqual([
      { gain_db: 1.5, pan: 0, muted: false },
      { gain_db: -3, pan: 0, muted: false },
      { gain_db: 0, pan: 0.25, muted: true },
    ])
    expect(document.players[1]?.notes.map(({ start_s }) => start_s)).toEqual([0, 2.01])
    expect(document.players[0]?.notes[0]?.syllable).toBe('Sing')
    expect([document.bars, document.editable]).toEqual([4, true])
  })

  it('counts bars of sections from one', () => {
    expect(document.sections.map(({ number, first, last }) => [number, first, last])).toEqual([
      [1, 1, 2],
      [2, 3, 4],
    ])
  })

  it('tells the chords of every bar', () => {
    expect(document.harmony.map((chords) => chordsToText(chords, 4))).toEqual(['Am', 'Am', 'F G', 'G'])
    expect(document.harmony[2]).toEqual([
      { beat: 1, name: 'F' },
      { beat: 3, name: 'G' },
    ])
  })

  it('can be looked at without a document in the recipe', () => {
    for (const recipe of [null, {}, { piece: {} }, { piece: { plan: { players: 'no' } } }])
      expect(pieceOf(recipe)).toBeNull()
    const old = documentOf(TAKE, SCORE, null)
    expect([old.editable, old.players[1]?.id, old.players[1]?.strip, old.players[0]?.sung]).toEqual([
      false,
      'bass-electric_bass',
      null,
      false,
    ])
  })

  it('tells players of one instrument apart', () => {
    const track = { role: 'pad', instrument: 'electric_bass', stem: 'pad-electric_bass', notes: [] }
    const two = documentOf(TAKE, { ...SCORE, tracks: [SCORE.tracks[1], track] } as ScoreView, null)
    expect(two.players.map(({ label }) => label)).toEqual(['Electric bass (Bass)', 'Electric bass (Pad)'])
  })

  it('reads chords as they are typed', () => {
    expect(chordsFromText('Am7', 4)).toEqual([{ beat: 1, name: 'Am7' }])
    expect(chordsFromText('Am, G', 4)).toEqual([
      { beat: 1, name: 'Am' },
      { beat: 3, name: 'G' },
    ])
    expect(chordsFromText('Am 4:G', 4)).toEqual([
      { beat: 1, name: 'Am' },
      { beat: 4, name: 'G' },
    ])
    expect(
      chordsToText(
        [
          { beat: 1, name: 'Am' },
          { beat: 4, name: 'G' },
        ],
        4,
      ),
    ).toBe('Am 4:G')
    expect(chordsFromText('N', 3)).toEqual([{ beat: 1, name: 'N' }])
    for (const wrong of ['', 'hello', '5:C', '2:C', 'C 3:D 2:E', 'C D E F G'])
      expect(() => chordsFromText(wrong, 4), wrong).toThrow()
  })
})

describe('selection', () => {
  it('is the rectangle between two cells, whichever way it was drawn', () => {
    const drawn = select.between(document, { lane: 2, bar: 4 }, { lane: 1, bar: 2 })
    expect(drawn).toEqual({ players: ['bass', 'drums'], first: 2, last: 4 })
  })

  it('takes and leaves players in the order of their lanes', () => {
    const more = select.toggled(document, BASS, 'vocals')
    expect(more?.players).toEqual(['vocals', 'bass'])
    expect(select.toggled(document, BASS, 'bass')).toBeNull()
  })

  it('moves within the piece', () => {
    expect(select.moved(document, { lane: 0, bar: 1 }, -1, -1)).toEqual({ lane: 0, bar: 1 })
    expect(select.moved(document, { lane: 2, bar: 3 }, 5, 5)).toEqual({ lane: 2, bar: 4 })
  })

  it('stays in another version as far as that has it', () => {
    const shorter = { ...document, bars: 2, players: document.players.slice(1) }
    expect(select.within(shorter, { players: ['vocals', 'bass'], first: 2, last: 4 })).toEqual({
      players: ['bass'],
      first: 2,
      last: 2,
    })
    expect(select.within(shorter, { players: ['bass'], first: 3, last: 4 })).toBeNull()
    expect(select.within(shorter, { players: ['vocals'], first: 1, last: 1 })).toBeNull()
    expect(select.within(shorter, null)).toBeNull()
  })

  it('is told in words, seconds and notes', () => {
    expect(select.inWords(document, BASS)).toBe('Electric bass, bars 2 to 3')
    expect(select.inWords(document, { ...BASS, last: 2 })).toBe('Electric bass, bar 2')
    expect(select.inWords(document, select.everything(document) as select.Selection)).toBe('Everybody, the whole piece')
    expect(select.inWords(document, select.wholePlayer(document, 'drums'))).toBe('Standard kit, the whole piece')
    expect(select.regionOf(document, BASS)).toEqual({ start_s: 2, end_s: 6 })
    expect([1, 2, 3].map((bar) => select.notesIn(document, { ...BASS, first: bar, last: bar }))).toEqual([1, 1, 0])
  })
})

describe('operations', () => {
  const bars = [[2, 3]]

  it('regenerate: anew, on the same rhythm, in words', () => {
    expect(operations.regenerate(document, BASS, 'nothing')).toEqual({
      edits: [{ op: 'regenerate', players: ['bass'], bars, keep: 'nothing' }],
      words: 'Regenerate Electric bass, bars 2 to 3',
    })
    const wished = operations.regenerate(document, BASS, 'contour', ' busier ')
    expect(wished.edits).toEqual([{ op: 'regenerate', players: ['bass'], bars, keep: 'contour', text: 'busier' }])
    expect(wished.words).toBe('Regenerate Electric bass, bars 2 to 3, same shape, “busier”')
  })

  it('ask for other music where the same was asked for before', () => {
    const operation = operations.regenerate(document, BASS, 'rhythm')
    expect(operations.anotherDraw(operation, 1234).edits).toEqual([{ ...operation.edits[0], seed: 1234 }])
    const up = operations.transpose(document, BASS, 1, 'degrees')
    expect(operations.anotherDraw(up, 2)).toEqual(up)
  })

  it('leave singers out, and name nobody where all others are meant', () => {
    const all = { ...BASS, players: ['vocals', 'bass', 'drums'] }
    expect(operations.editable(document, all)).toEqual(['bass', 'drums'])
    expect(operations.vary(document, all, 0.3)).toEqual({
      edits: [{ op: 'vary', players: [], bars, strength: 0.3 }],
      words: 'Vary Electric bass, Standard kit, bars 2 to 3 by 30 %',
    })
    expect(operations.editable(document, { ...BASS, players: ['vocals'] })).toEqual([])
  })

  it('transpose by semitones or degrees', () => {
    const up = operations.transpose(document, BASS, 12, 'semitones')
    expect(up).toEqual({
      edits: [{ op: 'transpose', players: ['bass'], bars, semitones: 12 }],
      words: 'Transpose Electric bass, bars 2 to 3 up 12 semitones',
    })
    const down = operations.transpose(document, BASS, -1, 'degrees')
    expect(down.edits).toEqual([{ op: 'transpose', players: ['bass'], bars, degrees: -1 }])
    expect(down.words).toMatch(/down 1 degree$/)
  })

  it('copy, delete notes, extend, loop', () => {
    expect(operations.copyTo(document, BASS, 4)).toEqual({
      edits: [{ op: 'copy', players: ['bass'], bars: [2, 3], to_bar: 4 }],
      words: 'Copy Electric bass, bars 2 to 3 to bar 4',
    })
    expect(operations.deleteNotes(document, BASS)).toEqual({
      edits: [{ op: 'rest', players: ['bass'], bars }],
      words: 'Delete the notes of Electric bass, bars 2 to 3',
    })
    expect(operations.extend(8, 'after')).toEqual({
      edits: [{ op: 'extend', where: 'after', by_bars: 8 }],
      words: 'Extend by 8 bars after the end',
    })
    expect(operations.extend(1, 'before').words).toBe('Extend by 1 bar before the beginning')
    expect(operations.loopOf(BASS)).toEqual({
      edits: [{ op: 'loop', bars: [2, 3] }],
      words: 'Make a loop of bars 2 to 3',
    })
  })

  it('sections', () => {
    expect(operations.duplicateSection(verse)).toEqual({
      edits: [{ op: 'sections', action: 'duplicate', section: 1 }],
      words: 'Duplicate Verse (bars 1 to 2)',
    })
    expect(operations.deleteSection(chorus).edits).toEqual([{ op: 'sections', action: 'delete', section: 2 }])
    expect(operations.insertSection(3, 'outro', 4)).toEqual({
      edits: [{ op: 'sections', action: 'insert', section: 3, kind: 'outro', bars: 4 }],
      words: 'Insert Outro of 4 bars',
    })
    expect(operations.changeSection(verse, 'verse', 2)).toBeNull()
    expect(operations.changeSection(verse, 'bridge', 6)).toEqual({
      edits: [
        { op: 'sections', section: 1, action: 'resize', bars: 6 },
        { op: 'sections', section: 1, action: 'rename', kind: 'bridge' },
      ],
      words: 'Verse (bars 1 to 2) is Bridge now and has 6 bars',
    })
    expect(operations.moveSection(document, verse, 1)?.edits).toEqual([
      { op: 'sections', action: 'reorder', order: [2, 1] },
    ])
    expect(operations.moveSection(document, verse, -1)).toBeNull()
    expect(operations.moveSection(document, chorus, 1)).toBeNull()
    expect(operations.regenerateSection(chorus).edits).toEqual([
      { op: 'regenerate', players: [], bars: [[3, 4]], keep: 'nothing' },
    ])
  })

  it('chords: who plays pitches follows, or nobody', () => {
    const chords = chordsFromText('Am G', 4)
    expect(operations.setChords(document, 3, chords, true)).toEqual({
      edits: [
        {
          op: 'chords',
          chords: [
            { bar: 3, beat: 1, chord: 'Am' },
            { bar: 3, beat: 3, chord: 'G' },
          ],
          follow: ['bass'],
        },
      ],
      words: 'Am G in bar 3',
    })
    expect(operations.setChords(document, 3, chords, false).edits[0]).toMatchObject({ follow: [] })
  })

  it('players', () => {
    expect(operations.addPlayer('flute', 'calm')).toEqual({
      edits: [{ op: 'add_player', instrument: 'flute', text: 'calm' }],
      words: 'Add Flute, “calm”',
    })
    expect(operations.removePlayer({ id: 'bass', label: 'Electric bass' })).toEqual({
      edits: [{ op: 'remove_player', player: 'bass' }],
      words: 'Remove Electric bass',
    })
    expect(operations.replaceInstrument({ id: 'bass', label: 'Electric bass' }, 'synth_bass')).toEqual({
      edits: [{ op: 'replace_instrument', player: 'bass', instrument: 'synth_bass' }],
      words: 'Synth bass plays Electric bass',
    })
  })

  it('the mix: only what differs is kept', () => {
    const kept = { gain_db: -3, pan: 0, muted: false }
    const strip = (player: string, change: object) => ({ player, label: player, kept, wanted: { ...kept, ...change } })
    expect(operations.keepMix([strip('bass', {})])).toBeNull()
    expect(
      operations.keepMix([
        strip('bass', { gain_db: 0 }),
        strip('lead', {}),
        strip('drums', { pan: -0.5, muted: true }),
      ]),
    ).toEqual({
      edits: [
        { op: 'mix', player: 'bass', gain_db: 0 },
        { op: 'mix', player: 'drums', pan: -0.5, muted: true },
      ],
      words: 'Mix of bass, drums',
    })
    expect(operations.remaster().edits).toEqual([{ op: 'remaster' }])
  })
})

describe('history', () => {
  let age = 0
  const version = (id: string, parent: string | null, edits: string | null = null): Version => {
    return {
      id,
      parent_take: parent,
      edits,
      title: 'T',
      listed: false,
      starred: false,
      duration_s: 8,
      created_at: age++,
    }
  }
  const versions = [
    version('a', null),
    version('b', 'a', 'vary bass by 0.5'),
    version('c', 'b'),
    version('d', 'a'),
    version('e', 'gone'),
  ]

  it('undo goes to the version before, redo back to the one that was left', () => {
    expect(history.before(versions, 'c')?.id).toBe('b')
    expect(history.before(versions, 'a')).toBeNull()
    expect(history.before(versions, 'e')).toBeNull()
    expect(history.redone(versions, 'a', ['c', 'b'])?.id).toBe('b')
    expect(history.redone(versions, 'a', [])?.id).toBe('d')
    expect(history.redone(versions, 'c', ['b'])).toBeNull()
  })

  it('is told as a tree', () => {
    const told = history
      .lines(versions, 'c')
      .map(({ version: { id }, number, depth, leadsHere }) => [id, number, depth, leadsHere])
    expect(told).toEqual([
      ['a', 1, 0, true],
      ['b', 2, 1, true],
      ['c', 3, 1, true],
      ['d', 4, 0, false],
      ['e', 5, 0, false],
    ])
    expect(history.lines(versions, 'c')[1]?.words).toBe('Vary bass by 0.5')
    expect(history.lines(versions, 'c')[0]?.words).toBe('As it was made')
  })

  it('takes a new version in once', () => {
    const late = version('f', 'c')
    const known = history.joined(versions, late)
    expect(known.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
    expect(history.joined(known, late)).toEqual(known)
  })
})
