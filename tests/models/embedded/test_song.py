"""Songs: the text's form, the tune on its rhythm, who sings, and other words for one line."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np
import pytest
from fake_composer import HearingNetwork
from fake_model import generated

from noisician.composer import Composer, ComposerSettings, make_plan
from noisician.composer.conditions import MASK_TOKENS
from noisician.edits import edits_from
from noisician.errors import RequestError
from noisician.export.lyrics import lrc
from noisician.lyrics import parse, syllables_of
from noisician.models.embedded import EmbeddedModel
from noisician.models.embedded.apply import Applying, apply_edits
from noisician.models.embedded.apply.hearing import heard_grid
from noisician.models.embedded.cast import Casting, cast, harmony_line, in_range
from noisician.models.embedded.model import CAPABILITIES
from noisician.models.embedded.song import LEAD, SungPiece, without_stand_ins, write_song
from noisician.models.embedded.write import write_piece, written_piece
from noisician.models.protocol import Run
from noisician.models.support import checked, meaning
from noisician.piece import Piece
from noisician.prompt import Controls, understand
from noisician.renderer import RenderSettings
from noisician.request import Request
from noisician.score import Score
from noisician.score.decode import semitones_from_c
from noisician.score.grid import FIRST_ONSET, REST, STREAMS, chord_of, composer_chords, pitch_of
from noisician.score.length import bars_for
from noisician.styles import instruments
from noisician.vocals.karaoke import timed_lyrics
from noisician.vocals.song import Song, harmony_pitch, sung_tracks
from noisician.vocals.tune import LEAD_CENTRE_PITCH
from noisician.vocals.voices import choose_voice, voices
from noisician.vocals.words import resung

TEXT = """[Verse]
Walking down the empty street tonight
Every window held a golden light

[Chorus: choir]
Hold me closer, never let me go~
(never let me go)
"""
SEED = 5


@pytest.fixture(scope="module")
def request_() -> Request:
    return Request(prompt="pop song, female voice", lyrics=TEXT, seed=SEED)


@pytest.fixture(scope="module")
def piece(request_: Request) -> SungPiece:
    controls = understand(request_)
    plan = make_plan(controls.model_copy(update={"instruments": ()}), SEED)
    return write_song(request_, controls, plan, SEED, Composer(), ComposerSettings(), lambda share: None)


@pytest.fixture(scope="module")
def score(piece: SungPiece) -> Score:
    plan = piece.plan
    return Score(
        plan.tempo_bpm, plan.key, plan.mode, plan.time_signature, plan.bars, plan.sections, sung_tracks(piece.song)
    )


def test_every_syllable_is_sung_once_in_order(piece: SungPiece) -> None:
    written = [syllable.phones for line in syllables_of(parse(TEXT)) for word in line for syllable in word.syllables]
    sung = [syllable.phones for line in piece.song.lines for syllable in line.syllables]
    assert sung == written
    for voice in ("lead", "backing"):
        notes = [note for line in piece.song.of_voice(voice) for syllable in line.syllables for note in syllable.notes]
        assert all(note.start_beats < note.end_beats for note in notes)
        assert all(before.end_beats <= after.start_beats for before, after in pairwise(notes))


def test_notes_lie_in_the_voices_range_and_the_choruses_higher(piece: SungPiece) -> None:
    low, high = voices()[piece.song.voice].range
    pitches = {
        kind: [
            note.pitch
            for line in piece.song.lines
            if line.kind == kind
            for syllable in line.syllables
            for note in syllable.notes
        ]
        for kind in ("verse", "chorus")
    }
    assert all(low <= pitch <= high for own in pitches.values() for pitch in own)
    assert min(pitches["chorus"]) >= low + 4 and max(pitches["verse"]) <= high


def test_a_melisma_has_as_many_notes_as_it_was_given(piece: SungPiece) -> None:
    go = next(line for line in piece.song.lines if line.written[-1].startswith("go"))
    assert len(go.syllables[-1].notes) == 2


def test_no_instrument_plays_the_tune_where_somebody_sings(piece: SungPiece) -> None:
    steps = piece.plan.sections[1].start_bar * piece.grid.meter.steps_per_bar
    assert (piece.grid.tokens[steps : steps + 4 * piece.grid.meter.steps_per_bar, LEAD] == REST).all()


def test_a_song_survives_its_recipe(piece: SungPiece) -> None:
    assert Song.from_dict(json.loads(json.dumps(piece.song.to_dict()))) == piece.song


def test_other_words_change_their_line_alone(piece: SungPiece, score: Score, request_: Request) -> None:
    other = request_.model_copy(update={"lyrics": TEXT.replace("golden", "lonely silver")})
    again = resung(piece.song, score, other, SEED)
    assert again is not None
    changed = [(old.section, old.line) for old, new in zip(piece.song.lines, again.lines, strict=True) if old != new]
    assert changed == [(1, 1)]
    old, new = piece.song.lines[1], again.lines[1]
    assert "silver" in new.written
    assert new.start_bar == old.start_bar and new.lead_beats == old.lead_beats
    assert new.end_beats <= (new.start_bar + new.bars) * score.meter.beats_per_bar
    tune = {note.pitch for syllable in old.syllables for note in syllable.notes}
    assert {note.pitch for syllable in new.syllables for note in syllable.notes} <= tune


def test_the_same_words_spelt_otherwise_sound_the_same(piece: SungPiece, score: Score, request_: Request) -> None:
    other = request_.model_copy(update={"lyrics": TEXT.replace("tonight", "tonight!")})
    again = resung(piece.song, score, other, SEED)
    assert again is not None and [line.syllables for line in again.lines] == [
        line.syllables for line in piece.song.lines
    ]
    assert again.lines[0].written[-1] == "tonight!" and again.lines[1:] == piece.song.lines[1:]


@pytest.mark.parametrize("text", [TEXT + "One line more to sing\n", "[Verse]\nWalking down\n", TEXT.split("[Ch")[0]])
def test_another_form_is_another_song(piece: SungPiece, score: Score, request_: Request, text: str) -> None:
    assert resung(piece.song, score, request_.model_copy(update={"lyrics": text}), SEED) is None


def test_who_sings_what(piece: SungPiece, score: Score) -> None:
    casting = Casting(score, (("pop", 1.0),), (), SEED, "pop")
    parts = cast(piece.song, casting)
    roles = [part.role for part in parts]
    assert roles == ["vocals", "doubles", "doubles", "harmony", *["choir"] * 5, "backing"]
    assert [len(part.phrases) for part in parts] == [3, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    assert len({phrase.seed for part in parts for phrase in part.phrases}) == 12
    alone = cast(piece.song, replace(casting, genres=(("folk", 1.0),)))
    assert "doubles" not in [part.role for part in alone]


def test_a_line_sings_the_same_whatever_the_others_say(piece: SungPiece, score: Score) -> None:
    casting = Casting(score, (("pop", 1.0),), (), SEED, "pop")
    fewer = replace(piece.song, lines=piece.song.lines[1:])
    assert cast(fewer, casting)[0].phrases == cast(piece.song, casting)[0].phrases[1:]


@pytest.mark.parametrize(
    ("pitch", "degrees", "result"), [(60, 2, 64), (62, 2, 65), (71, 2, 74), (60, -5, 52), (61, 2, 65), (59, 2, 62)]
)
def test_harmony_in_c_major(pitch: int, degrees: int, result: int) -> None:
    assert harmony_pitch(pitch, degrees, (0, 2, 4, 5, 7, 9, 11), 0) == result


def test_a_harmony_above_the_range_goes_below(piece: SungPiece, score: Score) -> None:
    line = piece.song.lines[2]
    voice = voices()[piece.song.voice]
    high = line.transposed(lambda pitch: voice.range[1])
    assert harmony_line(high, score, voice).syllables[0].notes[0].pitch < voice.range[1]
    low = line.transposed(lambda pitch: voice.range[0] + 5)
    assert harmony_line(low, score, voice).syllables[0].notes[0].pitch > voice.range[0] + 5


def test_choir_members_sing_in_their_own_octave() -> None:
    for voice in voices().values():
        pitch = in_range(61, voice)
        assert pitch % 12 == 1 and abs(pitch - sum(voice.range) / 2) <= 6.5


def test_timed_lyrics_are_the_written_words(piece: SungPiece, score: Score) -> None:
    lines = timed_lyrics(piece.song, score)
    assert [word.text for word in lines[0].words] == ["Walking", "down", "the", "empty", "street", "tonight"]
    assert [line.voice for line in lines] == ["lead", "lead", "lead", "backing"]
    assert lines[2].section == "Chorus"
    times = [syllable.start_s for word in lines[0].words for syllable in word.syllables]
    assert times == sorted(times)
    assert "".join(syllable.text for syllable in lines[0].words[0].syllables) == "Walking"


def test_sung_tracks_carry_the_syllables(piece: SungPiece) -> None:
    lead, backing = sung_tracks(piece.song)
    assert (lead.role, backing.role) == ("vocals", "backing")
    assert [note.syllable for note in lead.notes[:4]] == ["Wal-", "king ", "down ", "the "]


@pytest.mark.parametrize(
    ("prompt", "kinds"),
    [
        ("a song, female voice", {"female"}),
        ("sung by a man", {"male"}),
        ("a child sings", {"child"}),
        ("kids sing", {"child"}),
        ("a woman sings", {"female"}),
        ("men singing", {"male"}),
        ("voix d'homme", {"male"}),
        ("a man and a woman sing", {"female", "male"}),
        ("pop", {"female", "male"}),
    ],
)
def test_the_prompt_chooses_the_kind_of_voice(prompt: str, kinds: set[str]) -> None:
    meant = understand(Request(prompt=prompt)).voice
    chosen = {choose_voice(None, meant, seed).kind for seed in range(12)}
    assert chosen == kinds


def test_a_named_voice_wins_and_blends() -> None:
    assert choose_voice("ava", "male", 0).id == "ava"
    assert choose_voice("ava:0.6,tom:0.4", None, 0).id == "ava:0.6,tom:0.4"
    with pytest.raises(RequestError, match="unknown voice 'bob'"):
        choose_voice("bob", None, 0)


def test_words_for_a_singer_seat_no_instrument() -> None:
    assert without_stand_ins(Request(), ("voice_oohs", "grand_piano")) == ("grand_piano",)
    assert without_stand_ins(Request(instruments=("choir",)), ("choir",)) == ("choir",)


def test_words_too_long_for_the_length_say_at_what_tempo_they_would_fit(request_: Request) -> None:
    slow = request_.model_copy(update={"tempo_bpm": 80.0, "duration_s": 18.0})
    with pytest.raises(RequestError, match=r"the lyrics need \d+ s at 80 BPM .* \(--bpm (\d+) would do\)") as error:
        generated(EmbeddedModel(), slow)
    fitting = int(str(error.value).split("--bpm ")[1].split()[0])
    assert 80 < fitting <= 240
    with pytest.raises(RequestError, match=r"take a faster tempo$"):
        generated(EmbeddedModel(), slow.model_copy(update={"duration_s": 3.0}))


def test_a_loop_has_no_words(request_: Request) -> None:
    with pytest.raises(RequestError, match="--loop"):
        generated(EmbeddedModel(), request_.model_copy(update={"loop": True}))


@pytest.mark.slow
def test_a_song_from_words_to_stems_and_back() -> None:
    model = EmbeddedModel()
    request = Request(
        prompt="folk",
        lyrics="Hold me closer",
        seed=3,
        instruments=("nylon_guitar",),
        without=("drums", "bass"),
        tempo_bpm=140,
    )
    music = generated(model, request, Run(keep_stems=True))
    assert music.instrumental is not None and music.instrumental.shape == music.audio.shape
    assert "vocals" in music.stems and music.lyrics[0].words[0].text == "Hold"
    start, end = (round(time * 44100) for time in (music.lyrics[0].start_s, music.lyrics[0].end_s))
    sung = np.abs(music.stems["vocals"]).mean(axis=1)
    assert sung[start:end].mean() > 20 * sung[end + 2 * 44100 :].mean()
    assert np.array_equal(model.replay(music.recipe).audio, music.audio)
    assert set(music.recipe.models) == {"composer", "renderer", "references", "vocoder", "vocals"}
    longer = music.recipe.request.model_copy(update={"lyrics": "Hold me longer"})
    other = model.rework(music.recipe, checked(longer, model.capabilities))
    assert other.score is not None and music.score is not None
    assert other.score.tracks[1:] == music.score.tracks[1:]
    assert other.lyrics[0].words[2].text == "longer"


def test_who_is_written_again_hears_the_tune(piece: SungPiece) -> None:
    """In the lead's column, as it was composed; elsewhere where the lead itself is to be written; nobody plays it."""
    whole = written_piece(piece.plan, piece.grid, SEED, RenderSettings(), piece.song, "")
    heard, unsung = heard_grid(whole, whole.plan.players), replace(whole, song=None)
    voice = next(one for one in voices().values() if one.id == piece.song.voice)
    octaves = round((sum(voice.range) / 2 - LEAD_CENTRE_PITCH) / 12)
    sung = {
        piece.song.clock.step(note.start_beats): note.pitch - semitones_from_c(piece.plan.key) - 12 * octaves
        for line in piece.song.of_voice("lead")
        for syllable in line.syllables
        for note in syllable.notes
    }
    assert sung
    assert {step: pitch_of(int(heard.tokens[step, LEAD]))[0] for step in sung} == sung
    others = np.arange(len(STREAMS)) != LEAD
    plain = heard_grid(unsung, whole.plan.players)
    np.testing.assert_array_equal(heard.tokens[:, others], plain.tokens[:, others])
    opened = np.zeros(heard.tokens.shape, bool)
    opened[:, LEAD] = True
    np.testing.assert_array_equal(heard_grid(whole, whole.plan.players, opened).tokens[:, LEAD], plain.tokens[:, LEAD])


class Listening(HearingNetwork):
    """Counts the notes of the lead that are there when it is first asked."""

    lead_notes: int | None = None

    def __call__(self, **inputs: np.ndarray) -> list[np.ndarray]:
        if self.lead_notes is None:
            lead = inputs["tokens"][..., LEAD]
            self.lead_notes = int(((lead >= FIRST_ONSET) & (lead < MASK_TOKENS[LEAD])).sum())
        return super().__call__(**inputs)


@pytest.mark.parametrize(
    "edits",
    [
        [{"op": "sections", "action": "reorder", "order": [1, 2]}, {"op": "extend", "by_bars": 2, "seed": 1}],
        [{"op": "sections", "action": "insert", "section": 3, "kind": "bridge", "bars": 2, "seed": 1}],
    ],
    ids=["extend", "insert"],
)
def test_new_bars_are_written_hearing_the_tune_that_nobody_plays(piece: SungPiece, edits: list[dict]) -> None:
    whole = written_piece(piece.plan, piece.grid, SEED, RenderSettings(), piece.song, "")
    told = []
    for one in (whole, replace(whole, song=None)):
        network = Listening()
        applying = Applying(lambda network=network: Composer(network), lambda source: whole)  # type: ignore[arg-type]
        apply_edits(one, edits_from(edits), applying)
        told.append(network.lead_notes)
    sung, unsung = told
    assert sung > unsung


def written(lyrics: str | None, **options: object) -> tuple[Piece, Controls]:
    """The piece of a pop request, whose notes are nobody's."""
    request = Request.model_validate({"prompt": "pop", "lyrics": lyrics, "seed": SEED, **options})
    controls = meaning(request, CAPABILITIES)
    stages = Run().stages({"composing": 1.0})
    return write_piece(request, controls, SEED, lambda: Composer(HearingNetwork()), stages)[0], controls


def harmony(piece: Piece, bar: int) -> list[tuple[int, str] | None]:
    """The chords of a bar as they sound, (root, quality), in order."""
    assert piece.grid is not None
    per_bar = piece.plan.meter.steps_per_bar
    tokens = dict.fromkeys(composer_chords(piece.grid.chords)[bar * per_bar : (bar + 1) * per_bar].tolist())
    chords = [chord_of(token) for token in tokens]
    shift = semitones_from_c(piece.plan.key)
    return [None if chord is None else ((chord[0] + shift) % 12, chord[1]) for chord in chords]


def test_chords_over_words_are_the_harmony_of_their_bars() -> None:
    text = "[Intro]\n| C | G |\n[Verse]\nC      G/B\nStay with me tonight\nAm     F\nHold the line alone\n"
    piece, _ = written(text)
    plan = piece.plan
    assert (plan.key, plan.mode) == ("C", "major")
    intro, verse = plan.sections[:2]
    assert [harmony(piece, bar) for bar in range(intro.bars)] == [[(0, "maj")], [(7, "maj")]] * (intro.bars // 2)
    sounding = [chord for bar in range(verse.start_bar, verse.start_bar + verse.bars) for chord in harmony(piece, bar)]
    assert [chord for chord, _ in groupby(sounding)] == [(0, "maj"), (7, "maj"), (9, "min"), (5, "maj")]
    assert harmony(piece, verse.start_bar)[0] == (0, "maj")


def test_a_text_of_tags_gives_an_instrumental_its_form() -> None:
    text = "[Intro]\n[Guitar solo: 4 bars]\n[Outro]"
    piece, controls = written(text)
    assert piece.song is None and controls.notes == ("no words to sing: an instrumental",)
    assert [(section.kind, section.bars) for section in piece.plan.sections] == [
        ("intro", 4),
        ("solo", 4),
        ("outro", 4),
    ]
    assert any(instruments()[player.instrument].family == "guitar" for player in piece.plan.players)


def test_a_word_for_instrumental_is_not_sung_and_changes_nothing_else() -> None:
    piece, _ = written("[inst]", bars=2)
    assert piece.song is None and piece.plan == written(None, bars=2)[0].plan


def test_a_tag_says_who_plays_in_its_section() -> None:
    piece, _ = written("[Verse: piano only]\nStay with me\n[Chorus]\nHold on\n")
    plan = piece.plan
    verse = next(at for at, section in enumerate(plan.sections) if section.kind == "verse")
    chorus = next(at for at, section in enumerate(plan.sections) if section.kind == "chorus")
    starts = [section.start_bar for section in plan.sections]
    playing = [
        {
            instruments()[player.instrument].family
            for player in plan.players
            if any(
                bar in range(starts[at], starts[at] + plan.sections[at].bars) for bar in played_bars(piece, player.id)
            )
        }
        for at in (verse, chorus)
    ]
    assert playing[0] == {"keys"} and len(playing[1]) > 1


def played_bars(piece: Piece, player: str) -> set[int]:
    beats = piece.plan.meter.beats_per_bar
    return {int((note.start_beats + 0.1) // beats) for note in piece.notes[player]}  # people come early, too


@pytest.mark.parametrize("duration_s", [1.0, 12.0])
def test_as_many_vocalises_as_fit(duration_s: float) -> None:
    piece, _ = written(None, vocals=True, duration_s=duration_s)
    assert piece.song is not None and piece.song.lines
    assert piece.plan.bars == bars_for(duration_s, piece.plan.meter, piece.plan.tempo_bpm)
    assert sum(line.bars for line in piece.song.lines) >= 0.5 * piece.plan.bars


def test_our_own_timed_lyrics_are_read_back(piece: SungPiece, score: Score) -> None:
    text = lrc(timed_lyrics(piece.song, score), "Night", 30.0)
    again = parse(text)
    assert [[word.spoken for word in line.words] for line in again.lines] == [
        [word.spoken for word in line.words] for line in parse(TEXT).lines
    ]
    assert again.lines[-1].backing == (True,) * 4 and again.title == "Night"


def test_timed_lyrics_have_the_text_as_it_was() -> None:
    line = 'La-la, my self-made heart, "stay" (oh yeah)!'
    piece, _ = written(line)
    assert piece.song is not None
    lead, backing = timed_lyrics(piece.song, piece.score)
    assert lead.text == 'La-la, my self-made heart, "stay"' and backing.text == "(oh yeah!)"
    assert [syllable.text for syllable in lead.words[2].syllables] == ["self-", "made"]


@pytest.mark.parametrize("seed", [10, 17])
def test_a_tune_that_is_sung_to_the_end_keeps_its_last_notes(seed: int) -> None:
    request = Request(prompt="pop ballad", vocals=True, duration_s=9.0)
    controls = understand(request)
    plan = make_plan(controls, seed)
    sung = write_song(request, controls, plan, seed, Composer(), ComposerSettings(), lambda share: None)
    low, high = voices()[sung.song.voice].range
    pitches = [note.pitch for line in sung.song.lines for one in line.syllables for note in one.notes]
    assert pitches and low - 5 <= min(pitches) and max(pitches) <= high + 5
