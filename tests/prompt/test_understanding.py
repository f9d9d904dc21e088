"""Requests to controls: contract examples, options, contradictions, limits, and any text at all."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from noisician import styles
from noisician.errors import RequestError
from noisician.prompt import Controls, explain_rows, understand
from noisician.prompt.controls import FeatureKind
from noisician.prompt.lexicon import SCALARS, lexicon
from noisician.prompt.options import families, resolve
from noisician.request import MODES, PROMPT_LIMIT_CHARS, TIME_SIGNATURES, TONICS, Request


def told(prompt: str = "", **options: Any) -> Controls:
    return understand(Request(prompt=prompt, **options))


def genres(controls: Controls) -> list[str]:
    return [id_ for id_, _ in controls.genres]


def moods(controls: Controls) -> list[str]:
    return [id_ for id_, _ in controls.moods]


def test_dreamy_lofi():
    controls = told("dreamy lofi hip hop beat with vinyl crackle and soft piano")
    assert genres(controls) == ["lofi_hip_hop"]
    assert moods(controls)[0] == "dreamy"
    assert controls.textures == ("vinyl_crackle",)
    assert controls.instruments == ("grand_piano",)
    assert controls.energy is not None and controls.energy < 0.4
    assert controls.not_understood == ()


def test_high_energy_synthwave():
    controls = told("high-energy 80s synthwave")
    assert controls.genres == (("synthwave", 1.0),)
    assert controls.energy is not None and controls.energy >= 0.8
    assert "wet" in controls.production


def test_metal_with_tuning_and_negation():
    controls = told("aggressive metal, 180 bpm, drop D, no vocals")
    assert genres(controls) == ["metal"] and moods(controls) == ["aggressive"]
    assert (controls.tempo_bpm, controls.key, controls.mode) == (180, "D", "minor")
    assert "voices" in controls.excluded
    assert controls.sections == ()  # the tuning is no part of the form


def test_solo_leaves_everybody_else_out():
    controls = told("solo cello, sad, slow, E minor")
    assert controls.instruments == ("cello",)
    assert {"drums", "bass", "pad", "chords", "texture"} <= set(controls.excluded)
    assert "lead" not in controls.excluded and "cello" not in controls.excluded
    assert "violin" in controls.excluded
    assert (controls.key, controls.mode) == ("E", "minor")
    assert controls.tempo_bpm is not None and controls.tempo_bpm < 85


def test_a_guitar_solo_is_not_a_solo_guitar():
    controls = told("rock with a guitar solo")
    assert controls.excluded == ()
    assert [hint.kind for hint in controls.sections] == ["solo"]


def test_solo_after_the_instrument():
    assert "drums" in told("piano solo, sad").excluded
    assert "drums" in told("harp alone").excluded
    blues = told("blues in E with a harmonica solo")
    assert blues.excluded == () and [hint.kind for hint in blues.sections] == ["solo"]
    assert told("solo").not_understood == ("solo",)


@pytest.mark.parametrize("prompt", ["just piano and drums", "only a piano and drums", "piano and drums only"])
def test_only_these(prompt: str):
    controls = told(prompt)
    assert controls.instruments == ("grand_piano", "standard_kit")
    assert "bass" in controls.excluded and not {"drums", "chords", "keys"} & set(controls.excluded)


def test_a_quartet_is_four_and_nobody_else():
    controls = told("string quartet")
    assert controls.instruments == ("violin", "violin", "viola", "cello")
    assert controls.closed
    assert {"drums", "chords", "texture"} <= set(controls.excluded)


@pytest.mark.parametrize("prompt", ["", "   ", "\n\t ", "\u200b"])
def test_nothing_said_leaves_everything_open(prompt: str):
    assert told(prompt) == Controls()


@pytest.mark.parametrize(
    ("prompt", "bpm"),
    [
        ("120 bpm", 120), ("120bpm techno", 120), ("house at 124", 124), ("tempo 96", 96), ("bpm: 88", 88),
        ("80-90 BPM hip hop", 85), ("92.5 bpm", 92.5), ("♩=72", 72), ("ninety beats per minute", 90),
        ("140-bpm dubstep", 140), ("tempo of 100", 100),
    ],
)  # fmt: skip
def test_exact_tempo(prompt: str, bpm: float):
    assert told(prompt).tempo_bpm == bpm


def test_tempo_words_move_within_the_genre():
    low, typical, high = styles.table("genres")["drum_and_bass"]["tempo_bpm"]
    slow, fast = told("slow drum and bass").tempo_bpm, told("fast drum and bass").tempo_bpm
    assert slow is not None and fast is not None
    assert low <= slow < typical < fast <= high
    free = [told(word).tempo_bpm or 0 for word in ("largo", "slow", "andante", "moderate", "allegro", "presto")]
    assert free == sorted(free) and free[0] < free[-1]


def test_not_too_fast_is_neither_fast_nor_slow():
    slow, mild, fast = (told(f"{word} piano").tempo_bpm for word in ("slow", "not too fast", "fast"))
    assert slow is not None and mild is not None and fast is not None
    assert slow < mild < fast
    assert told("not too fast piano").instruments == ("grand_piano",)


@pytest.mark.parametrize(
    ("prompt", "key", "mode"),
    [
        ("in F# minor", "F#", "minor"), ("D dorian", "D", "dorian"), ("A-flat major", "Ab", "major"),
        ("Am", "A", "minor"), ("Bbm trap", "Bb", "minor"), ("Gb major", "F#", "major"),
        ("c sharp minor", "C#", "minor"),
        ("key of G", "G", None), ("in C", "C", None), ("key: eb", "Eb", None), ("in a minor", "A", "minor"),
        ("piece in a minor key", None, "minor"), ("a minor key ballad", None, "minor"),
        ("D♯ phrygian", "Eb", "phrygian"),
        ("B flat mixolydian", "Bb", "mixolydian"), ("e aeolian", "E", "minor"), ("in D, slow", "D", None),
        ("Fmin", "F", "minor"), ("lydian pads", None, "lydian"), ("a cat in a hat", None, None),
        ("F# phrygian dominant", "F#", "phrygian"),
    ],
)  # fmt: skip
def test_key_and_mode(prompt: str, key: str | None, mode: str | None):
    controls = told(prompt)
    assert (controls.key, controls.mode) == (key, mode)


@pytest.mark.parametrize(
    ("prompt", "metre"),
    [("waltz", "3/4"), ("6/8 folk", "6/8"), ("in three", "3/4"), ("four on the floor", "4/4"), ("3/4 time", "3/4"),
     ("12/8 blues", "12/8"), ("a jig", "6/8"), ("rock", None), ("jazz in 5/4", "5/4"), ("rock in seven eight", "7/8"),
     ("compound twelve-eight", "12/8"), ("a march in two", "2/4"), ("a slip jig", "9/8"),
     ("a song in two parts", None)],
)  # fmt: skip
def test_metre(prompt: str, metre: str | None):
    assert told(prompt).time_signature == metre


@pytest.mark.parametrize(
    ("prompt", "seconds"),
    [("30 seconds", 30), ("30s", 30), ("two minutes", 120), ("2 min", 120), ("a minute", 60), ("half a minute", 30),
     ("1.5 minutes", 90), ("2:30", 150), ("2m30s", 150), ("two and a half minutes", 150), ("45-second jingle", 45),
     ("60s loop", 60), ("80s pop", None), ("the 60s", None), ("90 sec", 90),
     ("trap with 808s", None)],
)  # fmt: skip
def test_length_in_seconds(prompt: str, seconds: float | None):
    assert told(prompt).duration_s == seconds


@pytest.mark.parametrize(
    ("prompt", "bars"),
    [("16 bars", 16), ("sixteen bars", 16), ("8-bar loop", 8), ("4 measures", 4), ("12-bar blues", None),
     ("a fill every 4 bars", None), ("thirty-two bars", 32)],
)  # fmt: skip
def test_length_in_bars(prompt: str, bars: int | None):
    assert told(prompt).bars == bars


@pytest.mark.parametrize(
    ("prompt", "out", "stays"),
    [
        ("jazz without vocals or piano", {"voices", "grand_piano"}, {"drums"}),
        ("no drums, bass or vocals", {"drums", "bass", "voices"}, set()),
        ("drumless ambient", {"drums"}, set()),
        ("vocal-free funk", {"voices"}, set()),
        ("instrumental rock", {"voices"}, {"drums"}),
        ("lofi w/o drums", {"drums"}, {"bass"}),
        ("techno sans hi-hats", {"drums"}, set()),
        ("no heavy distorted guitars", {"distortion_guitar"}, set()),
        ("no drums but with bass", {"drums"}, {"bass"}),
        ("neither drums nor strings", {"drums", "strings"}, set()),
        ("no beat", {"drums"}, set()),
        ("no more than 30 seconds of drums", set(), {"drums"}),
        ("without a doubt the best piano", set(), {"grand_piano"}),
        ("not only drums", set(), {"drums"}),
    ],
)  # fmt: skip
def test_negations_and_their_reach(prompt: str, out: set[str], stays: set[str]):
    excluded = set(told(prompt).excluded)
    assert out <= excluded
    assert not stays & excluded


def test_negated_things_are_not_wanted_too():
    controls = told("no drums and soft piano")
    assert controls.instruments == ("grand_piano",)
    assert told("synthwave, not sad").moods == ()
    assert told("not jazz").genres == ()
    assert told("no reverb").production == ("dry",)
    assert told("not a loop").loop is False


def test_one_of_a_family_may_stay():
    controls = told("nylon guitar, no other guitars")
    assert controls.instruments == ("nylon_guitar",)
    assert "distortion_guitar" in controls.excluded and "nylon_guitar" not in controls.excluded


def test_sections():
    controls = told("builds to a drop, with an intro, no outro")
    assert {(hint.kind, hint.wanted) for hint in controls.sections} == {
        ("build", True), ("drop", True), ("intro", True), ("outro", False)
    }  # fmt: skip


def test_loop():
    assert told("seamless loop").loop
    assert told("loopable ambient").loop
    assert not told("ambient").loop


def test_production_tags():
    assert set(told("lo-fi, wide, punchy").production) == {"lofi", "wide", "punchy"}
    assert told("distorted and dry").production == ("driven", "dry")
    assert told("bright, not dark").production == ("bright",)


def test_energy_density_swing():
    calm, fierce = told("chill").energy, told("intense").energy
    assert calm is not None and fierce is not None and calm < 0.3 and fierce > 0.8
    more, less = told("very energetic").energy, told("slightly energetic").energy
    assert more is not None and less is not None and more > less > 0.5
    sparse, busy = told("sparse").density, told("busy").density
    assert sparse is not None and busy is not None and sparse < 0.3 < 0.7 < busy
    assert told("straight").swing == 0.0
    assert (told("swung drums").swing or 0) > 0.5


@pytest.mark.parametrize(
    ("prompt", "genre"),
    [
        ("syntwave", "synthwave"), ("hiphop", "hip_hop"), ("hip-hop", "hip_hop"), ("raggae", "reggae"),
        ("drum & bass", "drum_and_bass"), ("drum'n'bass", "drum_and_bass"), ("DnB", "drum_and_bass"), ("R&B", "rnb"),
        ("Techno!!!", "techno"), ("jazz", "jazz_swing"), ("BOSSA NOVA", "bossa_nova"), ("8-bit", "chiptune"),
    ],
)  # fmt: skip
def test_spellings_of_genres(prompt: str, genre: str):
    assert genres(told(prompt)) == [genre]


def test_weights_of_several_genres():
    controls = told("jazzy house")
    assert genres(controls) == ["house", "jazz_swing"]
    assert sum(weight for _, weight in controls.genres) == pytest.approx(1.0)
    touched = told("techno with a hint of disco")
    assert genres(touched) == ["techno", "disco"] and touched.genres[0][1] > 0.6


def test_generic_words_follow_the_genre():
    assert set(told("metal with guitar").instruments) <= {"distortion_guitar", "overdriven_guitar", "muted_guitar"}
    assert told("country with guitar").instruments == ("steel_guitar",)
    reason = next(r for r in told("country with guitar").reasons if r.field == "instruments")
    assert (reason.words, reason.source) == ("guitar", "implied")


def test_an_era_suggests_a_genre_only_where_none_is_named():
    assert genres(told("80s")) == ["synthwave"]
    assert genres(told("80s rock")) == ["rock"]


def test_options_win_over_words():
    controls = told("sad jazz with piano, 90 bpm, E minor, 30 seconds", genres=("techno",), moods=("happy",),
                    instruments=("cello",), tempo_bpm=130, key="C", mode="major", bars=8)  # fmt: skip
    assert genres(controls) == ["techno"] and moods(controls) == ["happy"]
    assert controls.instruments == ("cello",)
    assert (controls.tempo_bpm, controls.key, controls.mode) == (130, "C", "major")
    assert (controls.bars, controls.duration_s) == (8, None)
    assert {reason.source for reason in controls.reasons} == {"option", "no_effect"}


def test_options_understand_words_too():
    controls = told(genres=("lo-fi hip hop",), instruments=("piano", "vinyl-crackle"), without=("vocals", "drums"))
    assert genres(controls) == ["lofi_hip_hop"]
    assert (controls.instruments, controls.textures) == (("grand_piano",), ("vinyl_crackle",))
    assert {"voices", "drums"} <= set(controls.excluded)


def test_without_wins_over_the_prompt():
    controls = told("jazz with piano", without=("piano",))
    assert controls.instruments == () and "grand_piano" in controls.excluded


@pytest.mark.parametrize(
    ("key", "tonic", "mode"), [("Gb", "F#", None), ("am", "A", "minor"), ("Bb major", "Bb", "major")]
)
def test_key_option_spellings(key: str, tonic: str, mode: str | None):
    controls = told(key=key)
    assert (controls.key, controls.mode) == (tonic, mode)


def test_bars_and_seconds_give_the_tempo():
    assert told(bars=16, duration_s=32).tempo_bpm == pytest.approx(120)
    assert told(bars=16, duration_s=24, time_signature="3/4").tempo_bpm == pytest.approx(120)
    assert told(bars=16, duration_s=32, tempo_bpm=120).bars == 16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tempo_bpm": 39}, "tempo 39 BPM is outside 40 to 240 BPM"),
        ({"tempo_bpm": 241}, "240 BPM"),
        ({"tempo_bpm": float("nan")}, "tempo nan"),
        ({"duration_s": 0.5}, "1 to 600 s"),
        ({"duration_s": 601}, "length 601 s"),
        ({"bars": 0}, "1 to 400 bars"),
        ({"takes": 17}, "takes 17 is outside 1 to 16"),
        ({"steps": 0}, "steps 0"),
        ({"guidance_scale": 20.5}, "0 to 20"),
        ({"seed": -1}, "seed -1"),
        ({"prompt": "x" * (PROMPT_LIMIT_CHARS + 1)}, "2001 characters"),
        ({"prompt": "techno at 900 bpm"}, "tempo 900 BPM"),
        ({"prompt": "2 hours of rain"}, "length 7200 s"),
        ({"genres": ("tecno hous",)}, "techno"),
        ({"genres": ("qqqq",)}, "noisician styles"),
        ({"genres": ("",)}, "not known"),
        ({"moods": ("hapy",)}, "happy"),
        ({"instruments": ("chello",), "without": ("violns",)}, "violin"),
        ({"without": ("drumz",)}, "drums"),
        ({"key": "H"}, "C, C#, D"),
        ({"key": "Am", "mode": "major"}, "leave one of them out"),
        ({"instruments": ("piano",), "without": ("piano",)}, "contradicts --without piano"),
        ({"instruments": ("piano",), "without": ("keys",)}, "contradicts"),
        ({"instruments": ("jazz kit",), "without": ("drums",)}, "contradicts"),
        ({"instruments": ("guitar",), "without": ("guitar",)}, "contradicts"),
        ({"without": styles.ROLES}, "nothing is left"),
        ({"bars": 16, "duration_s": 60, "tempo_bpm": 120}, "16 bars at 120 BPM last 32.0 s, not 60 s"),
        ({"bars": 400, "duration_s": 1}, "outside 40 to 240 BPM"),
    ],
)  # fmt: skip
def test_bad_requests_are_one_line(options: dict[str, Any], message: str):
    with pytest.raises(RequestError) as raised:
        understand(Request(**options))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_emoji_and_other_scripts_are_listed():
    controls = told("rock 🎸 🦔 日本語 Привет \x00\x1b[31m")
    assert genres(controls) == ["rock"] and len(controls.instruments) == 1
    assert {"🦔", "日本語", "Привет"} <= set(controls.not_understood)


def test_two_lengths_in_the_words():
    controls = told("16 bars, 2 minutes")
    assert (controls.bars, controls.duration_s, controls.not_understood) == (16, None, ("2 minutes",))


def test_a_metre_there_is_not_has_a_nearest_one():
    controls = told("11/8 jazz")
    assert controls.time_signature == "7/8" and controls.not_understood == ()
    assert ("time_signature", "7/8", "11/8", "the nearest there is") in explain_rows(controls)


def test_explain_rows():
    rows = explain_rows(told("sad techno qwzxv", tempo_bpm=130))
    assert ("tempo_bpm", "130", "--bpm 130", "option") in rows
    assert ("genres", "techno", "techno", "known word") in rows
    assert rows[-1] == ("not understood", "", "qwzxv", "no meaning close enough")


def test_words_table_names_only_what_exists():
    ids = {
        "genres": set(styles.table("genres")),
        "suggests": set(styles.table("genres")),
        "moods": set(styles.table("moods")),
        "implies": set(styles.table("moods")),
        "wishes": {"autotune", "clean", "detuned", "gated reverb", "panning", "sidechain"},
        "instruments": set(styles.instruments()),
        "family": set(families()),
        "exclude": {*styles.ROLES, *families(), *styles.instruments()},
        "production": {"bright", "dark", "driven", "lofi", "wide", "narrow", "dry", "wet", "punchy", "warm"},
        "mode": set(MODES),
        "key": set(TONICS),
        "time_signature": set(TIME_SIGNATURES),
        "sections": {"intro", "verse", "pre_chorus", "chorus", "bridge", "build", "drop", "break", "solo", "outro"},
        "only": {True, "before", "ensemble"},
        "players": set(range(2, 7)),
        "features": set(get_args(FeatureKind)),
        "tempo_near": set(range(40, 241)),
        "loop": {True},
        "neutral": {True},
        "unmet": {True},
        "usages": set(styles.table("usages")),
        "vocals": {True, False},
        "wordless": {False},
        "voice": {"female", "male", "child", "choir"},
    }
    for phrase, entry in lexicon().entries.items():
        for effect in entry.effects + (entry.negated or ()):
            if effect.field in SCALARS:
                assert 0 <= float(effect.value) <= 1, phrase
            else:
                assert effect.value in ids[effect.field], phrase
    assert set(lexicon().family_defaults) == set(families())
    for family, id_ in lexicon().family_defaults.items():
        assert styles.instruments()[id_].family == family


def test_every_name_and_synonym_is_understood():
    for field in ("genres", "moods", "instruments"):
        for id_, entry in styles.table(field).items():
            for phrase in (entry["name"], *entry["synonyms"]):
                assert told(phrase).not_understood == (), phrase
            assert resolve(field, id_)[0].value == id_


def test_every_instrument_is_described():
    for instrument in styles.instruments().values():
        assert instrument.synonyms and instrument.description


def covered(controls: Controls) -> bool:
    """Whether each value that is set has a reason."""
    reasons = {(reason.field, reason.value) for reason in controls.reasons}
    fields = {reason.field for reason in controls.reasons}
    for name in ("genres", "moods"):
        if not all((name, id_) in reasons for id_, _ in getattr(controls, name)):
            return False
    for name in ("instruments", "textures", "excluded", "production"):
        if not all((name, id_) in reasons for id_ in getattr(controls, name)):
            return False
    single = ("tempo_bpm", "key", "mode", "time_signature", "duration_s", "bars", "energy", "density", "swing")
    return all(name in fields for name in single if getattr(controls, name) is not None) and (
        (not controls.sections or "sections" in fields) and (not controls.loop or "loop" in fields)
    )


VOCABULARY = """
no not without or and with , . solo only very slightly slow fast dark bright loop drums piano guitar guitars
cello strings vocals jazz techno metal waltz sad happy epic 120 bpm 16 bars 30 seconds in F# minor drop intro
build less free 80s rain vinyl vampires stapler half time swing a the but just 🎸 lofi orchestra instrumental
"""
WORDS = st.sampled_from(VOCABULARY.split())


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=25).map(" ".join)))
@example("no")
@example("solo")
@example("-" * 2000)
@example("no no no or or")
@example("\ud800 lone surrogate")
def test_any_text_is_understood_or_refused_in_one_line(prompt: str):
    try:
        controls = told(prompt)
    except RequestError as error:
        assert "\n" not in str(error)
        return
    assert covered(controls)
    assert set(controls.instruments) | set(controls.textures) <= set(styles.instruments())
    assert not set(controls.instruments) & set(controls.excluded)
    for weights in (controls.genres, controls.moods):
        assert not weights or sum(weight for _, weight in weights) == pytest.approx(1.0)
    for scalar in (controls.energy, controls.density, controls.swing):
        assert scalar is None or 0 <= scalar <= 1
    assert controls == told(prompt)


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, max_size=25))
def test_no_word_is_dropped_silently(words: list[str]):
    """An unknown word is always listed, whatever stands around it."""
    prompt = " ".join([*words, "qwzxv"])
    try:
        controls = told(prompt)
    except RequestError:
        return
    assert "qwzxv" in controls.not_understood


def test_a_band_loses_the_players_that_are_not_wanted() -> None:
    controls = understand(Request(prompt="smoky jazz trio at 2am, no drums"))
    assert controls.instruments == ("grand_piano", "upright_bass")
    assert "drums" in controls.excluded
