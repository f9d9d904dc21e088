"""Who plays, for prompts whose casts were judged before the code was written."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from noisician.composer import make_plan
from noisician.composer.hands import performers_of, voices_of
from noisician.composer.plan import closed_cast
from noisician.prompt import understand
from noisician.request import Request
from noisician.score.grid import ROLE_STREAMS
from noisician.styles import instruments

CASTS = Path(__file__).parents[1] / "data" / "casts.tsv"
#: Prompts whose number of players no cast of today's instruments has: voices are recorded as a choir, not one by one.
UNCOUNTED = {"barbershop quartet"}

Part = tuple[str, str]


def rows() -> list[dict[str, str]]:
    with CASTS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def players(prompt: str, seed: int) -> list[Part]:
    plan = make_plan(understand(Request(prompt=prompt)), seed)
    return [part for part in plan.instrumentation if part[0] in ROLE_STREAMS]


def is_one(word: str, part: Part) -> bool:
    role, id_ = part
    return word in (id_, instruments()[id_].family, f"role:{role}")


def heads(parts: list[Part]) -> int:
    """How many play: one who plays several notes at once may have several roles."""
    counts = Counter(id_ for _, id_ in parts)
    return sum(1 if instruments()[id_].polyphonic else count for id_, count in counts.items())


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["prompt"])
def test_casts_fit_the_words(row: dict[str, str]) -> None:
    for seed in range(3):
        cast = players(row["prompt"], seed)
        missing = [word for word in row["has"].split() if not any(is_one(w, p) for w in word.split("|") for p in cast)]
        strange = [word for word in row["lacks"].split() if any(is_one(word, part) for part in cast)]
        assert not missing and not strange, cast
        if row["players"] and row["prompt"] not in UNCOUNTED:
            assert heads(cast) == int(row["players"]), cast


@pytest.mark.parametrize(
    ("wanted", "cast"),
    [
        (("grand_piano",), {("lead", "grand_piano"), ("chords", "grand_piano"), ("bass", "grand_piano")}),
        (("cello",), {("lead", "cello")}),
        (("violin", "violin"), {("lead", "violin"), ("counter", "violin")}),
        (("grand_piano", "cello"), {("lead", "cello"), ("chords", "grand_piano"), ("bass", "grand_piano")}),
        (("violin", "violin", "viola", "cello"),
         {("lead", "violin"), ("counter", "violin"), ("arp", "viola"), ("bass", "cello")}),
        (("grand_piano", "upright_bass", "brush_kit"),
         {("lead", "grand_piano"), ("chords", "grand_piano"), ("bass", "upright_bass"), ("drums", "brush_kit")}),
        (("trumpet", "trumpet", "french_horn", "trombone", "tuba"),
         {("lead", "trumpet"), ("counter", "trumpet"), ("pad", "french_horn"), ("pad", "trombone"), ("bass", "tuba")}),
        (("grand_piano", "grand_piano"),
         {("lead", "grand_piano"), ("arp", "grand_piano"), ("chords", "grand_piano"), ("bass", "grand_piano")}),
        (("electric_bass", "electric_bass"), {("bass", "electric_bass")}),
    ],
)  # fmt: skip
def test_a_closed_cast_shares_out_what_is_to_be_played(wanted: tuple[str, ...], cast: set[Part]) -> None:
    assert set(closed_cast(wanted)) == cast


@pytest.mark.parametrize("prompt", ["jazz with piano and cello", "ambient with a piano", "rock, piano and strings"])
def test_players_named_beside_a_genre_join_its_band(prompt: str) -> None:
    assert not understand(Request(prompt=prompt)).closed


def test_a_small_band_without_names_is_the_genres_own() -> None:
    for seed in range(4):
        assert heads(players("a reggae trio", seed)) <= 3


def test_words_are_part_of_the_draw_and_options_are_not() -> None:
    def drawn(prompt: str, seed: int, **options: float) -> tuple[object, ...]:
        plan = make_plan(understand(Request(prompt=prompt, **options)), seed)
        return plan.key, plan.mode, plan.instrumentation

    assert drawn("dark techno", 0) == drawn("dark techno", 0)
    prompts = ["dark techno", "hypnotic techno", "warehouse techno", "industrial techno with a raw kick"]
    assert len({drawn(prompt, 0) for prompt in prompts}) == len(prompts)
    assert drawn("dark techno", 0, tempo_bpm=131.0) == drawn("dark techno", 0)


@pytest.mark.parametrize("prompt", ["upbeat pop song", "happy pop", "feel good indie", "upbeat rock"])
def test_happy_words_are_mostly_in_major(prompt: str) -> None:
    controls = understand(Request(prompt=prompt))
    bright = [make_plan(controls, seed).mode in ("major", "lydian", "mixolydian") for seed in range(40)]
    assert sum(bright) >= 34


def hands(prompt: str, seed: int = 0) -> dict[str, list[str]]:
    """By stem, the roles of its parts."""
    plan = make_plan(understand(Request(prompt=prompt)), seed)
    found: dict[str, list[str]] = {}
    for role, id_ in plan.instrumentation:
        if role in ROLE_STREAMS:
            found.setdefault(plan.performers.get((role, id_), f"{role} {id_}"), []).append(role)
    return found


@pytest.mark.parametrize(
    ("prompt", "stems"),
    [
        ("solo piano", {"grand_piano": ["lead", "chords", "bass"]}),
        ("solo guitar", {"steel_guitar": ["lead", "chords", "bass"]}),
        ("solo harp", {"harp": ["lead", "arp", "bass"]}),
        ("solo church organ", {"church_organ": ["lead", "pad", "bass"]}),
        ("solo cello", {"lead cello": ["lead"]}),
        ("piano and violin duet", {"lead violin": ["lead"], "grand_piano": ["chords", "bass"]}),
        ("two pianos", {"grand_piano": ["lead", "arp"], "grand_piano-2": ["chords", "bass"]}),
        ("piano four hands", {"grand_piano": ["lead", "arp"], "grand_piano-2": ["chords", "bass"]}),
        ("guitar duo", {"nylon_guitar": ["lead", "arp"], "steel_guitar": ["chords", "bass"]}),
        ("wind trio", {"lead flute": ["lead"], "counter clarinet": ["counter"], "bass bassoon": ["bass"]}),
        ("saxophone quartet", {"lead soprano_sax": ["lead"], "counter alto_sax": ["counter"],
         "pad tenor_sax": ["pad"], "arp tenor_sax": ["arp"]}),
        ("string quartet", {"lead violin": ["lead"], "counter violin": ["counter"], "arp viola": ["arp"],
         "bass cello": ["bass"]}),
        ("late night jazz trio", {"grand_piano": ["lead", "chords"], "bass upright_bass": ["bass"],
         "drums brush_kit": ["drums"]}),
    ],
)  # fmt: skip
def test_hands_are_one_players(prompt: str, stems: dict[str, list[str]]) -> None:
    for seed in range(3):
        assert hands(prompt, seed) == stems


def test_two_horns_are_two_voices_of_the_chords() -> None:
    cast = [("lead", "trumpet"), ("pad", "french_horn"), ("pad", "trombone"), ("chords", "grand_piano")]
    assert voices_of(cast) == [None, 0, 1, None]


def test_guitars_of_a_band_are_overdubs_and_keys_are_one_players() -> None:
    cast = [("lead", "overdriven_guitar"), ("chords", "overdriven_guitar"), ("arp", "electric_piano"),
            ("pad", "electric_piano")]  # fmt: skip
    keys = {("arp", "electric_piano"): "electric_piano", ("pad", "electric_piano"): "electric_piano"}
    assert performers_of(cast, closed=False, wanted=()) == keys
