"""Prompts that were once misread, a row each with what is right."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from noisician.prompt import Controls, understand
from noisician.request import Request
from noisician.styles import instruments

Check = Callable[[Controls], bool]


def told(prompt: str) -> Controls:
    return understand(Request(prompt=prompt))


def genre(*ids: str) -> Check:
    return lambda controls: bool(controls.genres) and controls.genres[0][0] in ids


def no_genre(id_: str) -> Check:
    return lambda controls: id_ not in dict(controls.genres)


def mood(*ids: str) -> Check:
    return lambda controls: bool(set(ids) & set(dict(controls.moods)))


def plays(*names: str) -> Check:
    return lambda controls: all(
        any(name in (id_, instruments()[id_].family) for id_ in (*controls.instruments, *controls.textures))
        for name in names
    )


def not_playing(*names: str) -> Check:
    return lambda controls: not any(plays(name)(controls) for name in names)


def out(*names: str) -> Check:
    return lambda controls: set(names) <= set(controls.excluded)


def open_band(controls: Controls) -> bool:
    return not controls.closed and not controls.excluded


def cue(text: str) -> Check:
    return lambda controls: text in [str(one) for one in controls.cues]


def feature(text: str) -> Check:
    return lambda controls: text in [str(one) for one in controls.features]


def section(text: str) -> Check:
    return lambda controls: text in [str(one) for one in controls.sections]


def aside(name: str) -> Check:
    return lambda controls: (
        name in controls.not_understood
        and any(reason.field == "artist" and reason.words == name for reason in controls.reasons)
    )


def stands_in(words: str, id_: str) -> Check:
    return lambda controls: (words, id_, "substitute") in {(r.words, r.value, r.source) for r in controls.reasons}


def used(id_: str) -> Check:
    return lambda controls: id_ in controls.usages


def looped(wanted: bool) -> Check:
    return lambda controls: controls.loop is wanted


def tempo(low: float, high: float) -> Check:
    return lambda controls: controls.tempo_bpm is not None and low <= controls.tempo_bpm <= high


def no_tempo(controls: Controls) -> bool:
    return controls.tempo_bpm is None


def no_length(controls: Controls) -> bool:
    return controls.duration_s is None and controls.bars is None


def read_for(words: str) -> Check:
    return lambda controls: any(f"(read for {words})" in reason.words for reason in controls.reasons)


def because(field: str, source: str) -> Check:
    return lambda controls: any((reason.field, reason.source) == (field, source) for reason in controls.reasons)


def chords(names: str) -> Check:
    return lambda controls: controls.chords == names


def understood(controls: Controls) -> bool:
    return controls.not_understood == ()


def lost(words: str) -> Check:
    return lambda controls: words in controls.not_understood


CASES: dict[str, tuple[Check, ...]] = {
    "dark techno with hypnotic synth loops": (genre("techno"), looped(False), understood),
    "jazzy piano loop": (looped(True), because("loop", "lexicon")),
    "endless summer indie pop": (looped(False), genre("pop"), understood),
    "hip hop beat with a string quartet sample": (genre("hip_hop"), plays("violin", "viola", "cello"), open_band),
    "starts quiet with a lone piano, builds to massive orchestral climax with choir": (
        cue("grand_piano alone in the first section"), section("build"), plays("choir"), open_band,
    ),
    "no drums in the first 30 seconds, then drums come in": (cue("drums percussion from 0:30"), open_band, no_length),
    "no drums until the drop": (cue("drums percussion from the first drop"), open_band),
    "big drop after 30 seconds": (section("drop at 30 s"), no_length),
    "modulates up a whole step for the last chorus": (feature("key change 2 semitones (chorus)"), understood),
    "intro of 8 bars, then straight into the chorus": (
        section("intro of 8 bars"), lambda controls: controls.form[:2] == ("intro", "chorus"), no_length,
    ),
    "halloween haunted house": (no_genre("house"), genre("cinematic"), mood("eerie")),
    "a walk in a house by the lake": (no_genre("house"), mood("calm"), genre("folk")),
    "luxury car commercial": (no_genre("trap"), used("advert"), mood("romantic")),
    "cold wind over the mountains": (genre("ambient", "cinematic"), mood("dark", "melancholic")),
    "minimal wave, analog synths": (genre("synthwave"), not_playing("ocean_waves")),
    "old broken radio playing": (no_genre("blues"), lambda controls: "lofi" in controls.production),
    "in the style of Daft Punk": (aside("Daft Punk"), no_genre("punk"), genre("house")),
    "Queen style stadium rock": (aside("Queen"), genre("rock"), no_genre("classical")),
    "sounds like Taylor Swift": (aside("Taylor Swift"), no_tempo, genre("pop")),
    "good vibes only": (mood("happy"), not_playing("vibraphone"), open_band),
    "trap with 808 vibes": (genre("trap"), not_playing("vibraphone")),
    "waltz, strings": (plays("string_ensemble"), not_playing("contrabass")),
    "bollywood wedding, strings and dhol": (
        plays("string_ensemble"), not_playing("harp"), used("wedding"), stands_in("dhol", "tabla_kit"),
    ),
    "orchestral boss fight with brass": (plays("brass_section"), used("boss_fight"), mood("tense", "epic")),
    "corporate": (used("corporate"), genre("pop"), mood("uplifting"), out("fiddle", "banjo"), understood),
    "slow blues in E": (tempo(60, 90), genre("blues"), lambda controls: controls.key == "E"),
    "epic orchestral": (mood("epic"), genre("cinematic")),
    "80s power ballad": (tempo(60, 80),),
    "less drums": (not_playing("drums"), lost("less drums")),
    "theremin and kazoo": (stands_in("theremin", "analog_lead"), stands_in("kazoo", "harmonica")),
    "techo with a dusty groove": (genre("techno"), read_for("techo"), understood),
    "150 cyberpunk phonk": (tempo(150, 150), because("tempo_bpm", "guess"), genre("trap", "phonk")),
    "Am F C G, chill pop": (chords("Am F C G"), genre("pop"), understood),
    "5/4 jazz, 7/8 prog": (because("time_signature", "lexicon"), lost("7/8")),
    "7/4 jazz": (stands_in("7/4", "7/8"), understood),
    "traurige Klaviermusik, langsam, ohne Schlagzeug": (
        mood("sad"), plays("grand_piano"), tempo(60, 90), out("drums"), understood,
        lambda controls: controls.language == "de",
    ),
    "música alegre para cocinar con guitarra": (mood("happy"), plays("guitar"), understood),
    "悲しいピアノ、ゆっくり": (mood("sad"), plays("grand_piano"), tempo(60, 90), understood),
    "clapping, finger snaps and glitchy hats": (plays("hand_percussion", "static_glitch"), understood),
}  # fmt: skip


@pytest.mark.parametrize("prompt", CASES)
def test_a_prompt_that_was_misread_is_right(prompt: str) -> None:
    controls = told(prompt)
    wrong = [number for number, check in enumerate(CASES[prompt]) if not check(controls)]
    assert not wrong, controls


@pytest.mark.parametrize(
    ("prompt", "language", "meant"),
    [
        ("lebhafte Gitarrenmusik, 120 bpm", "de", (plays("guitar"), mood("energetic"), tempo(120, 120))),
        ("Streichquartett in h-Moll", "de", (lambda c: (c.key, c.mode) == ("B", "minor"), lambda c: c.closed)),
        ("valse triste à l'accordéon, deux minutes et demie", "fr",
         (genre("waltz"), plays("accordion"), lambda c: c.duration_s == 150)),
        ("cumbia alegre con acordeón, sin batería", "es", (genre("latin", "cumbia"), out("drums"), mood("happy"))),
        ("samba com violão e flauta", "pt", (plays("steel_guitar", "flute"), not_playing("violin"))),
        ("jazz notturno in sol minore, senza tromba", "it",
         (lambda c: (c.key, c.mode) == ("G", "minor"), out("trumpet"), genre("jazz_swing"))),
        ("夜のジャズ、ドラムなし、2分", "ja", (genre("jazz_swing"), out("drums"), lambda c: c.duration_s == 120)),
        ("欢快的民谣，吉他，不要鼓", "zh", (genre("folk"), plays("guitar"), out("drums"))),
        ("슬픈 피아노, 드럼 없이", "ko", (mood("sad"), plays("grand_piano"), out("drums"))),
    ],
)  # fmt: skip
def test_musical_words_of_other_languages(prompt: str, language: str, meant: tuple[Check, ...]) -> None:
    controls = told(prompt)
    assert controls.language == language
    assert [check(controls) for check in meant] == [True] * len(meant), controls


@pytest.mark.parametrize("prompt", ["solo piano", "pop with no fade out", "bossa nova on nylon guitar", "a minute"])
def test_english_is_taken_for_no_other_language(prompt: str) -> None:
    assert told(prompt).language is None


def test_reasons_of_a_translated_prompt_are_in_its_own_words() -> None:
    reasons = {(reason.field, reason.words) for reason in told("musique triste au piano, sans batterie").reasons}
    assert {("moods", "triste"), ("instruments", "piano"), ("excluded", "sans batterie")} <= reasons


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("peacful harp", mood("calm")),
        ("jaz trumpit", plays("trumpet")),
        ("witout drums", out("drums")),
        ("slwo piano in c minr", lambda controls: controls.mode == "minor"),
        ("deap house", genre("deep_house")),
    ],
)
def test_slips_are_mended_and_told(prompt: str, wanted: Check) -> None:
    controls = told(prompt)
    assert wanted(controls) and any("(read for " in reason.words for reason in controls.reasons)


@pytest.mark.parametrize("word", ["stapler", "parsley", "Tanner", "violets", "qwzxv"])
def test_a_word_of_its_own_or_like_nothing_is_no_slip(word: str) -> None:
    assert not any("read for" in reason.words for reason in told(f"jazz {word}").reasons)


@pytest.mark.parametrize(
    ("prompt", "field", "value"),
    [
        ("jazz with a female singer", "voice", "female"),
        ("rock, no vocals", "vocals", False),
        ("wordless female vocals over strings, no lyrics", "vocals", True),
        ("instrumental song with female vocals", "vocals", None),
        ("bossa nova sung in Portuguese", "lyrics_language", "pt"),
        ("boy soprano in a cathedral", "voice", "child"),
    ],
)
def test_voices(prompt: str, field: str, value: object) -> None:
    assert getattr(told(prompt), field) == value


def test_a_use_brings_what_nobody_named_and_yields_to_what_somebody_did() -> None:
    alone, named = told("boss fight"), told("boss fight, calm bossa nova")
    assert genre("cinematic")(alone) and mood("tense")(alone) and alone.energy == pytest.approx(0.9)
    assert dict(named.genres).keys() == {"bossa_nova"} and not mood("tense")(named)
    assert told("sleep music").tempo_bpm is not None and out("drums")(told("sleep music"))
    assert not out("drums")(told("sleep music with soft drums"))


@pytest.mark.parametrize(
    ("prompt", "bpm"),
    [("dnb @174", 174), ("industrial ebm 125", 125), ("a hundred bpm", 100), ("one twenty bpm house", 120),
     ("between 70 and 80 bpm", 75), ("boom bap around 90", 90), ("303 acid line, 909 drums", None),
     ("turning 80", None)],
)  # fmt: skip
def test_tempi_as_people_write_them(prompt: str, bpm: float | None) -> None:
    assert told(prompt).tempo_bpm == bpm


@pytest.mark.parametrize(
    ("prompt", "seconds"),
    [("two minutes and a half", 150), ("2 minutes 20 seconds", 140), ("four to five minutes", 270),
     ("drums from 0:40, three minutes", 180)],
)  # fmt: skip
def test_lengths_as_people_write_them(prompt: str, seconds: float) -> None:
    assert told(prompt).duration_s == seconds


def test_one_player_named_clears_nobody_and_words_that_say_so_do() -> None:
    assert open_band(told("hip hop with a violin hook")) and open_band(told("haunting choir and church organ"))
    for prompt in ("piano, nothing else", "drums and bass guitar, that's all", "slow music for harp and flute"):
        assert told(prompt).closed, prompt
    assert told("trombone quartet").instruments == ("trombone",) * 4
