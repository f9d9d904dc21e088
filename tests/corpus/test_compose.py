"""The procedural composer: deterministic, in key, in style."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.corpus.compose import ROLES, ComposedSong, Part, SectionSpec, active_mask, compose_section, compose_song
from noisician.corpus.compose.counter import notes_of
from noisician.corpus.compose.library import pick, sub_rng
from noisician.corpus.compose.melody import Motif, Style, make_motif, realise
from noisician.corpus.compose.song import drop_loose_holds, section_harmony
from noisician.corpus.compose.spec import Stage
from noisician.errors import CorpusError
from noisician.request import MODES
from noisician.score.grid import DRUMS, FIRST_ONSET, HOLD, ROLE_STREAMS, STREAMS, VOCABULARY, chord_of
from noisician.score.harmony import SCALES, chord_tones
from noisician.score.model import LEARNT_METERS, METERS
from noisician.score.patterns import bars_of, bass_pitch, fits, groove_rows, usable
from noisician.score.progressions import build, chord_scale, diatonic_chord, parse_numeral, parse_progression
from noisician.styles import instruments, learnt_genres, table

GENRES = learnt_genres()
MOODS = tuple(table("moods"))
SHORT_FORM = (("verse", 8), ("chorus", 8))
PRODUCTION = {"bright", "dark", "driven", "lofi", "wide", "dry", "wet", "punchy", "warm"}


@cache
def songs(genre: str, count: int = 6) -> tuple[ComposedSong, ...]:
    return tuple(compose_song(genre, None, seed, form=SHORT_FORM) for seed in range(count))


def tones_at(song: ComposedSong, step: int) -> tuple[int, ...]:
    chord = chord_of(int(song.grid.stream("chord")[step]))
    assert chord is not None
    return chord_tones(*chord)


def mean_onsets(genre: str, stream: str) -> np.ndarray:
    """Share of bars of the genre's 4/4 songs with an onset at each step of the bar."""
    floor = 1 if stream in DRUMS else FIRST_ONSET
    bars = [
        (song.grid.stream(stream) >= floor).reshape(song.grid.bars, -1)
        for song in songs(genre)
        if song.time_signature == "4/4"
    ]
    return np.concatenate(bars).mean(axis=0)


# --- the tables ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("genre", list(table("genres")))
def test_a_genre_names_only_things_that_exist(genre: str) -> None:
    entry, known = table("genres")[genre], instruments()
    assert set(entry["roles"]) <= set(ROLES) and (genre not in GENRES or set(entry["roles"]) == set(ROLES))
    for role, casting in entry["roles"].items():
        assert 0 < casting["presence"] <= 1
        assert all(role in known[name].roles for name in casting["instruments"])
    assert all(known[name].roles == ("texture",) for name in entry["textures"])
    assert all(known[name].roles == ("fx",) for name in entry["fx"])
    assert set(entry["production"]) <= PRODUCTION
    assert set(entry["modes"]) <= set(MODES) and set(entry["time_signatures"]) <= set(METERS)
    low, typical, high = entry["tempo_bpm"]
    assert 40 <= low < typical < high <= 240
    assert 0 <= entry["swing"] <= 1 and entry["swing_unit"] in (8, 16)
    assert len(entry["synonyms"]) >= (8 if genre in GENRES else 4) and len(entry["description"].split()) >= 10
    assert {"reverb", "delay", "sidechain", "width", "warmth"} <= set(entry["mix"])


@pytest.mark.parametrize("genre", list(table("genres")))
def test_a_genre_s_music_is_written_in_patterns_that_exist(genre: str) -> None:
    entry = table("genres")[genre]
    music = entry["music"]
    assert set(music["progressions"]) >= set(entry["modes"])
    for texts in (*music["progressions"].values(), *music.get("bridges", {}).values()):
        assert all(parse_progression(text) for text in texts)
    assert all(parse_progression(text) for text in music.get("cadences", {}).values())
    for signature, bars in music.get("tunes", {}).items():
        assert {len(bar.replace(" ", "")) for bar in bars} == {METERS[signature].steps_per_bar}
        assert set("".join(bars)) <= set("x-. ")
    assert set(music.get("written", ())) <= {"harmony", "drums", "bass", "comp", "arp"}
    assert set(music["grooves"]) <= set(table("grooves"))
    for kind in ("bass", "comp", "pad", "arp", "counter", "melody"):
        assert set(music[kind]) <= set(table("patterns")[kind])


def test_moods_are_complete() -> None:
    assert len(MOODS) >= 16
    for entry in table("moods").values():
        assert set(entry["modes"]) <= set(MODES)
        assert 0.8 <= entry["tempo_factor"] <= 1.2
        assert -1 <= entry["energy"] <= 1 and -1 <= entry["density"] <= 1
        assert entry["articulation"] in ("", "legato", "staccato")
        assert set(entry["production"]) <= PRODUCTION


@pytest.mark.parametrize("name", sorted(table("grooves")))
def test_every_groove_fits_its_metre(name: str) -> None:
    meter = METERS[table("grooves")[name].get("meter", "4/4")]
    rows = groove_rows(name, meter)
    assert all(row.shape[1] == meter.steps_per_bar and row.shape[0] in (1, 2) for row in rows.values())
    assert any(row.any() for row in rows.values())


# --- harmony ------------------------------------------------------------------------------------------------


def test_roman_numerals() -> None:
    assert parse_numeral("bVIImaj7") == (10, "maj7")
    assert parse_numeral("ii9") == (2, "m9")
    assert parse_numeral("V9") == (7, "9")
    assert parse_numeral("viiø") == (11, "m7b5")
    assert parse_numeral("#IVo7") == (6, "dim7")
    assert parse_numeral("im6") == (0, "m6")
    assert parse_numeral("bVI5") == (8, "5")
    with pytest.raises(ValueError, match="Roman"):
        parse_numeral("H7")
    with pytest.raises(ValueError, match="quality"):
        parse_numeral("Vnonsense")


def test_diatonic_chords_by_colour() -> None:
    assert diatonic_chord("major", 4, "seventh") == (7, "7")
    assert diatonic_chord("minor", 0, "ninth") == (0, "m9")
    assert diatonic_chord("phrygian", 1, "triad") == (1, "maj")
    assert diatonic_chord("dorian", 3, "seventh") == (5, "7")


def test_split_bars_change_on_beats() -> None:
    harmony = build(list(parse_progression("i iv7,bVII7")), "minor", METERS["3/4"])
    assert [(span.start, span.end, span.root) for span in harmony.spans] == [(0, 12, 0), (12, 20, 5), (20, 24, 10)]
    assert harmony.next_root(0, 12) == 5 and harmony.next_root(21, 12) == 0


def test_a_chord_bends_the_scale_to_itself() -> None:
    assert chord_scale("minor", 7, "7", "mode") == (0, 2, 3, 5, 7, 8, 11)
    assert chord_scale("mixolydian", 5, "7", "mode") == (0, 2, 3, 5, 7, 9, 10)  # F7: E falls to E flat, D stays
    assert chord_scale("major", 9, "7", "mode") == (1, 2, 4, 5, 7, 9, 11)  # A7: C rises
    assert set(chord_scale("major", 0, "maj", "penta")) == {0, 2, 4, 7, 9}


@given(st.sampled_from(MODES), st.integers(0, 11), st.sampled_from(["maj", "min7", "9", "dim7", "m7b5"]))
def test_melody_scales_contain_their_chord(mode: str, root: int, quality: str) -> None:
    for kind in ("mode", "penta", "blues"):
        assert set(chord_tones(root, quality)) <= set(chord_scale(mode, root, quality, kind))


# --- small parts --------------------------------------------------------------------------------------------


def test_pick_follows_weights() -> None:
    rng = np.random.default_rng(0)
    counts = [pick({"a": 3.0, "never": 0.0, "b": 1.0}, rng) for _ in range(2000)]
    assert "never" not in counts and 0.70 < counts.count("a") / 2000 < 0.80


def test_patterns_follow_the_metre() -> None:
    assert bars_of("R-.. .... v--. ....", "4/4", METERS["4/4"]) == ("R-......v--.....",)
    assert bars_of("R-.. .... v--. ....", "4/4", METERS["3/4"]) == ("R-......v--.",)
    assert fits({"meter": "any"}, METERS["6/8"]) and not fits({}, METERS["6/8"])
    assert set(usable("grooves", {"blues_shuffle": 1.0, "blues_slow68": 1.0}, METERS["6/8"])) == {"blues_slow68"}
    assert set(usable("bass", {"pump8": 1.0}, METERS["6/8"])) == {"pulse_68"}


def test_bass_pitch_is_low() -> None:
    assert [bass_pitch(tone) for tone in (0, 3, 4, 11)] == [36, 39, 28, 35]


def test_loose_holds_become_rests() -> None:
    stream = np.array([HOLD, HOLD, 50, HOLD, 0, HOLD], np.int16)
    drop_loose_holds(stream)
    assert stream.tolist() == [0, 0, 50, HOLD, 0, 0]


def _stage(mode: str = "major") -> Stage:
    spec = SectionSpec("pop", None, mode, "verse", 4, "A", 0.5, 0.5, (Part("lead", 0, 4),), song_seed=3)
    return Stage(spec, build(list(parse_progression("I IV V I")), mode, METERS["4/4"]), np.random.default_rng(0))


def test_a_motif_keeps_its_rhythm_and_contour_over_other_chords() -> None:
    stage = _stage()
    style = Style.named("sing", stage)
    motif = Motif(16, (0, 4, 8, 12), (4, 4, 4, 4), (0, 1, 2, 4), 0)
    phrases = [realise(motif, 16 * bar, style, stage) for bar in range(3)]
    for bar, phrase in enumerate(phrases):
        assert [(step - 16 * bar, duration) for step, duration, _ in phrase] == [(0, 4), (4, 4), (8, 4), (12, 4)]
        assert phrase[0][2] < phrase[-1][2]
    assert phrases[0] != [(step - 16, duration, pitch) for step, duration, pitch in phrases[1]]


@given(st.integers(0, 10_000), st.sampled_from(sorted(table("patterns")["melody"])), st.sampled_from([3, 4, 8]))
@settings(max_examples=60, deadline=None)
def test_motifs_stay_inside_themselves(seed: int, name: str, beats: int) -> None:
    motif = make_motif(Style.named(name, _stage()), beats, 0.5, np.random.default_rng(seed))
    ends = [onset + duration for onset, duration in zip(motif.onsets, motif.durations, strict=True)]
    assert len(motif.onsets) >= 2 and ends[-1] <= motif.length
    assert all(end <= following for end, following in zip(ends, motif.onsets[1:], strict=False))


# --- songs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("genre", GENRES)
def test_grids_are_well_formed(genre: str) -> None:
    limits = np.array([VOCABULARY[name] for name in STREAMS])
    for song in songs(genre):
        tokens = song.grid.tokens
        assert tokens.min() >= 0 and (tokens < limits).all()
        assert (song.grid.stream("chord") > 0).all()
        per_bar = song.grid.meter.steps_per_bar
        for column, role in enumerate(ROLES):
            for name in ROLE_STREAMS[role]:
                bars = song.grid.stream(name).reshape(-1, per_bar)
                assert not bars[~song.active[:, column]].any()
        low, _, high = table("genres")[genre]["tempo_bpm"]
        assert low <= song.tempo_bpm <= high
        assert set(song.instruments) >= {role for roles in song.active_roles for role in roles}


@given(
    st.sampled_from(GENRES),
    st.sampled_from([None, *MOODS]),
    st.sampled_from(MODES),
    st.sampled_from(LEARNT_METERS),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=50, deadline=None)
def test_any_combination_is_written(genre: str, mood: str | None, mode: str, meter: str, seed: int) -> None:
    form = [("intro", 2), ("build", 4), ("solo", 4), ("outro", 1)]
    song = compose_song(genre, mood, seed, mode=mode, time_signature=meter, form=form)
    assert song.grid.bars == 11 and song.mode == mode and song.time_signature == meter
    assert all((song.grid.stream(name) < VOCABULARY[name]).all() for name in STREAMS)


def test_the_same_seed_writes_the_same_song() -> None:
    first, second = compose_song("funk", "groovy", 7), compose_song("funk", "groovy", 7)
    assert np.array_equal(first.grid.tokens, second.grid.tokens)
    assert first.sections == second.sections and first.instruments == second.instruments
    assert not np.array_equal(first.grid.tokens, compose_song("funk", "groovy", 8).grid.tokens)


def test_active_mask_follows_the_specs() -> None:
    song = compose_song("edm", None, 3)
    assert active_mask(song).shape == (song.grid.bars, len(ROLES))
    assert sum(section.bars for section in song.sections) == song.grid.bars
    spec = SectionSpec("pop", None, "major", "verse", 4, "A", 0.5, 0.5, (Part("lead", 2, 4), Part("bass", 0, 4)))
    assert spec.active_mask()[:, ROLES.index("lead")].tolist() == [False, False, True, True]
    assert spec.roles == ("lead", "bass")


def test_repeated_sections_recur_and_vary() -> None:
    alike, identical = [], 0
    for seed in range(8):
        song = compose_song("pop", None, seed, form=[("chorus", 8), ("verse", 8), ("chorus", 8)], time_signature="4/4")
        first, verse, again = np.split(song.grid.tokens, 3)
        same, other = (first == again).mean(), (first == verse).mean()
        assert same > other
        alike.append(same)
        identical += bool(same == 1.0)
    assert np.mean(alike) > 0.9 and identical <= 2


def test_a_section_alone_equals_its_material() -> None:
    spec = compose_song("techno", "dark", 5).specs[2]
    one = compose_section(spec, np.random.default_rng(1))
    assert np.array_equal(one.tokens, compose_section(spec, np.random.default_rng(1)).tokens)
    assert np.array_equal(one.stream("chord"), section_harmony(spec).tokens())


def test_songs_end_on_the_tonic() -> None:
    for genre in ("pop", "jazz_swing", "classical"):
        song = compose_song(genre, None, 2)
        chord = chord_of(int(song.grid.stream("chord")[-1]))
        assert chord is not None and chord[0] == 0


@pytest.mark.parametrize("genre", GENRES)
def test_the_bass_stands_on_the_chord(genre: str) -> None:
    on, total = 0, 0
    for song in songs(genre):
        half = song.grid.meter.steps_per_bar // 2
        for step, _, pitch in notes_of(song.grid.stream("bass")):
            assert 28 <= pitch <= 50
            if step % half == 0:
                tones = tones_at(song, step)
                total += 1
                on += pitch % 12 in (*tones, (tones[0] + 7) % 12)  # ninth chords leave out their fifth
    assert total == 0 or on / total >= 0.8


@pytest.mark.parametrize("genre", GENRES)
def test_melodies_stay_in_mode_and_land_on_chords(genre: str) -> None:
    in_mode, landed = [], []
    for song in songs(genre):
        for step, duration, pitch in notes_of(song.grid.stream("lead")):
            assert 55 <= pitch <= 91
            tones = tones_at(song, step)
            in_mode.append(pitch % 12 in SCALES[song.mode] or pitch % 12 in tones)
            if step % song.grid.meter.steps_per_bar == 0 and duration >= 2:
                landed.append(pitch % 12 in tones)
    assert np.mean(in_mode) >= 0.85
    assert np.mean(landed) >= 0.9


def test_melodies_move_mostly_by_step_and_breathe() -> None:
    moves, silences = [], []
    for genre in GENRES:
        for song in songs(genre):
            lead = song.grid.stream("lead")
            pitches = [pitch for _, _, pitch in notes_of(lead)]
            moves += np.abs(np.diff(pitches)).tolist()
            if pitches:
                silences.append(np.mean(lead == 0))
    assert 0.55 <= np.mean(np.array(moves) <= 2) <= 0.9
    assert np.mean(np.array(moves) > 12) < 0.02
    assert 0.1 <= np.mean(silences) <= 0.6


# --- genres are themselves ----------------------------------------------------------------------------------


@pytest.mark.parametrize("genre", ["house", "techno", "trance", "disco", "edm", "deep_house"])
def test_four_on_the_floor(genre: str) -> None:
    kick = mean_onsets(genre, "kick")
    assert kick[[0, 4, 8, 12]].min() > 0.75


@pytest.mark.parametrize("genre", ["pop", "rock", "funk", "hip_hop", "disco", "synthwave", "drum_and_bass", "house"])
def test_backbeat(genre: str) -> None:
    snare = mean_onsets(genre, "snare")
    assert snare[[4, 12]].min() > 0.7 and snare[[4, 12]].min() > snare[[0, 8]].max()


@pytest.mark.parametrize("genre", ["trap", "dubstep"])
def test_half_time_snare(genre: str) -> None:
    snare = mean_onsets(genre, "snare")
    assert snare[8] > 0.5 and snare[8] > snare[4]


def test_reggae_drops_the_one_and_skanks_off_the_beat() -> None:
    chords = mean_onsets("reggae", "chords")
    assert chords[0] < 0.35 < max(chords[4], chords[2])


def test_jazz_rides_and_walks() -> None:
    ride = mean_onsets("jazz_swing", "cymbal")
    assert ride[[0, 4, 8, 12]].min() > 0.6 and ride[[6, 14]].min() > 0.6 and ride[[2, 10]].max() < 0.5
    assert mean_onsets("jazz_swing", "bass")[[4, 12]].min() > 0.5


def test_trance_bass_is_off_the_beat() -> None:
    bass = mean_onsets("trance", "bass")
    assert bass[[2, 6, 10, 14]].mean() > 1.3 * bass[[0, 4, 8, 12]].mean()


def test_swung_genres_swing_more() -> None:
    swing = {genre: table("genres")[genre]["swing"] for genre in GENRES}
    assert swing["jazz_swing"] > 0.6 and swing["blues"] > 0.6 and swing["hip_hop"] > swing["house"] > swing["techno"]
    assert compose_song("blues", None, 0).swing == swing["blues"]


def test_harmony_tells_genres_apart() -> None:
    def qualities(genre: str) -> list[str]:
        found = []
        for song in songs(genre):
            chords = (chord_of(int(token)) for token in song.grid.stream("chord"))
            found += [chord[1] for chord in chords if chord]
        return found

    def share(genre: str, names: set[str]) -> float:
        return float(np.mean([quality in names for quality in qualities(genre)]))

    assert share("metal", {"5"}) > 0.95
    assert share("jazz_swing", {"maj7", "min7", "7", "m7b5", "6", "m6", "m9", "maj9"}) > 0.9
    assert share("lofi_hip_hop", {"maj9", "m9", "9", "maj7", "min7", "m7b5", "7", "m6"}) > 0.9
    assert share("pop", {"maj", "min"}) > 0.7
    assert share("blues", {"7", "min7", "dim7", "m7b5"}) > 0.95


def test_genres_differ_measurably() -> None:
    heard = ("kick", "snare", "hat", "cymbal", "bass", "chords")
    profiles = {
        genre: np.concatenate([mean_onsets(genre, name) for name in heard])
        for genre in GENRES
        if any(song.time_signature == "4/4" for song in songs(genre))
    }
    names = list(profiles)
    distances = [np.abs(profiles[a] - profiles[b]).mean() for place, a in enumerate(names) for b in names[place + 1 :]]
    assert min(distances) > 0.02 and np.mean(distances) > 0.15


def test_moods_bend_mode_tempo_and_density() -> None:
    def summary(mood: str) -> tuple[float, float, float]:
        written = [compose_song("pop", mood, seed, form=[("verse", 4)]) for seed in range(30)]
        bright = np.mean([song.mode in ("major", "lydian", "mixolydian") for song in written])
        tempo = np.mean([song.tempo_bpm for song in written])
        return float(bright), float(tempo), float(np.mean([song.density for song in written]))

    happy, sad = summary("happy"), summary("sad")
    assert all(high > low for high, low in zip(happy, sad, strict=True))


def test_energy_fills_the_drums() -> None:
    quiet, loud = (
        [
            np.count_nonzero(song.grid.tokens[:, STREAMS.index("kick") :])
            for song in (compose_song("rock", mood, seed, form=[("chorus", 8)]) for seed in range(12))
        ]
        for mood in ("calm", "aggressive")
    )
    assert np.mean(loud) > 1.1 * np.mean(quiet)


def test_active_roles_sound() -> None:
    silent = total = 0
    for genre in GENRES:
        song = compose_song(genre, None, 1)
        per_bar = song.grid.meter.steps_per_bar
        for section, roles in zip(song.sections, song.active_roles, strict=True):
            steps = slice(section.start_bar * per_bar, (section.start_bar + section.bars) * per_bar)
            for role in roles:
                total += 1
                silent += not any(song.grid.stream(name)[steps].any() for name in ROLE_STREAMS[role])
    assert total > 500 and silent / total < 0.005


def test_unknown_names_are_refused_in_one_line() -> None:
    for call in (
        lambda: compose_song("polka-core", None, 0),
        lambda: compose_song("pop", "hangry", 0),
        lambda: compose_song("pop", None, 0, form=[("coda", 4)]),
        lambda: compose_song("pop", None, 0, time_signature="5/4"),
    ):
        with pytest.raises(CorpusError) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_sub_streams_are_independent_and_stable() -> None:
    assert sub_rng(1, "a").random() == sub_rng(1, "a").random()
    assert sub_rng(1, "a").random() != sub_rng(1, "b").random()
