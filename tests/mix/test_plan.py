"""The mix table covers every style, and words bend a mix the way they say."""

from __future__ import annotations

import numpy as np
import pytest

from noisician.errors import RequestError
from noisician.mix import mix_settings, plan_mix
from noisician.mix.filters import Band, biquad, power_response, sections
from noisician.mix.plan import SEVERAL_PARTS, later_place
from noisician.mix.settings import LIMITS
from noisician.mix.space import Room
from noisician.styles import ROLES, instruments, table

BAND = [("drums", "standard_kit"), ("bass", "electric_bass"), ("chords", "grand_piano"), ("pad", "warm_pad")]


def test_the_table_names_only_styles_that_exist_and_every_role_and_family() -> None:
    mix = table("mix")
    families = {instrument.family for instrument in instruments().values()}
    assert set(mix["roles"]) == {*ROLES, SEVERAL_PARTS}
    assert set(mix["families"]) <= families
    assert set(mix["genres"]) <= set(table("genres"))
    assert set(mix["instruments"]) <= set(instruments())
    assert {entry["room"] for entry in mix["genres"].values()} <= set(mix["rooms"])


def test_every_instrument_in_every_role_has_a_usable_plan() -> None:
    roster = [(role, name) for name, instrument in instruments().items() for role in instrument.roles]
    plan = plan_mix(roster, [("house", 1.0)])
    for stem in plan.stems:
        assert -45 < stem.level_lufs < -10
        assert -0.85 <= stem.pan <= 0.85
        assert 0 <= stem.width <= 0.75
        for band in stem.bands:
            assert np.isfinite(biquad(band)).all()


@pytest.mark.parametrize("genre", list(table("genres")))
def test_every_genre_gives_settings_in_range(genre: str) -> None:
    settings = mix_settings([(genre, 1.0)], [(mood, 1.0) for mood in table("moods")], ["wet", "driven", "lofi"])
    for name, (low, high) in LIMITS.items():
        assert low <= getattr(settings, name) <= high
    assert 2000 < settings.lowpass_hz <= 20000


def test_rooms_are_ordered_as_their_names_suggest() -> None:
    rooms = {name: Room.from_data(entry) for name, entry in table("mix")["rooms"].items()}
    decays = [rooms[name].decay_s[1] for name in ("studio", "room", "plate", "hall", "cathedral")]
    assert decays == sorted(decays)


def test_a_blend_lies_between_its_genres_and_takes_the_heavier_ones_room() -> None:
    ambient, house = mix_settings([("ambient", 1.0)]), mix_settings([("house", 1.0)])
    blend = mix_settings([("ambient", 3.0), ("house", 1.0)])
    assert house.reverb < blend.reverb < ambient.reverb
    assert ambient.sidechain < blend.sidechain < house.sidechain
    assert blend.room == "cathedral"


@pytest.mark.parametrize(
    ("tag", "field", "sign"),
    [
        ("bright", "tilt_db", 1),
        ("dark", "tilt_db", -1),
        ("driven", "saturation", 1),
        ("lofi", "lofi", 1),
        ("wide", "width", 1),
        ("narrow", "width", -1),
        ("dry", "reverb", -1),
        ("wet", "reverb", 1),
        ("punchy", "glue", 1),
        ("warm", "warmth", 1),
    ],
)
def test_production_words_do_what_they_say(tag: str, field: str, sign: int) -> None:
    plain, bent = mix_settings(), mix_settings(production=[tag])
    assert sign * (getattr(bent, field) - getattr(plain, field)) > 0


def test_a_word_asked_for_outweighs_one_a_mood_brings_along() -> None:
    sad = mix_settings(moods=[("sad", 1.0)])
    asked = mix_settings(moods=[("sad", 1.0)], production=["dark"])
    assert asked.tilt_db < sad.tilt_db < mix_settings().tilt_db
    assert asked.lowpass_hz < sad.lowpass_hz


def test_rhythm_section_and_lead_stand_in_the_middle() -> None:
    plan = plan_mix([*BAND, ("lead", "flute")])
    centre = {stem.role for stem in plan.stems if stem.pan == 0}
    assert {"drums", "bass", "lead"} <= centre


def test_doubled_roles_stand_opposed_and_the_stage_balances() -> None:
    roster = [("chords", "grand_piano"), ("chords", "clean_guitar"), ("arp", "harp"), ("counter", "viola")]
    pans = [stem.pan for stem in plan_mix(roster).stems]
    assert pans[0] == pytest.approx(-pans[1])
    assert abs(sum(pans)) < 0.1


def test_bass_stays_mono_where_it_is_deep_and_nearly_dry() -> None:
    plan = plan_mix(BAND, [("ambient", 1.0)], production=["wide", "wet"])
    bass = plan.stems[1]
    assert bass.width < 0.4 and bass.width_from_hz > 100
    assert bass.reverb_send < 0.1 * plan.stems[3].reverb_send


@pytest.mark.parametrize("part", [("conductor", "grand_piano"), ("lead", "kazoo")])
def test_unknown_parts_are_refused_in_one_line(part: tuple[str, str]) -> None:
    with pytest.raises(RequestError) as caught:
        plan_mix([part])
    assert repr(part[0]) in str(caught.value) or repr(part[1]) in str(caught.value)
    assert "\n" not in str(caught.value)


# --- amplifiers ---------------------------------------------------------------------------------------------


def test_what_was_recorded_direct_goes_through_an_amplifier_and_timbre_tags_come_after_it() -> None:
    plain = plan_mix([("chords", "steel_guitar"), ("chords", "clean_guitar")], [("pop", 1.0)]).stems
    assert plain[0].drive is None and plain[1].drive is not None
    assert plain[1].drive.amount < 1.5
    driven = plan_mix([("chords", "clean_guitar")], [("pop", 1.0)], timbre_tags=[("driven",)]).stems[0]
    assert driven.drive is not None and driven.drive.amount == table("mix")["timbre_tags"]["driven"]["drive"]["amount"]
    assert driven.bands[: len(plain[1].bands)] == plain[1].bands


def test_a_genre_has_amplifiers_of_its_own() -> None:
    amounts = {}
    for genre in ("pop", "punk"):
        bass = plan_mix([("bass", "picked_bass")], [(genre, 1.0)]).stems[0]
        assert bass.drive is not None
        amounts[genre] = bass.drive.amount
    assert amounts["punk"] > 2 * amounts["pop"]
    settings = mix_settings([("punk", 1.0)])
    later = later_place([], "bass", "picked_bass", settings)
    assert later.drive is not None and later.drive.amount == amounts["punk"]


def test_every_amplifier_that_is_named_is_there() -> None:
    data = table("mix")
    named = {entry["amp"] for entry in data["instruments"].values() if "amp" in entry}
    for genre in data["genres"].values():
        named |= set(genre.get("amps", {}).values())
        assert set(genre.get("amps", {})) <= set(instruments())
    assert named == set(data["amps"])


@pytest.mark.parametrize("amp", list(table("mix")["amps"]))
def test_cabinets_let_little_above_6_khz_and_below_their_resonance_through(amp: str) -> None:
    bands = sections([Band(**band) for band in table("mix")["amps"][amp]["bands"]])
    hz = np.array([20.0, 100.0, 1000.0, 2500.0, 8000.0, 12000.0])
    sub, low, middle, presence, high, top = 10 * np.log10(power_response(bands, hz))
    assert sub < low - 8
    assert presence > middle - 1
    assert high < middle - 15 and top < middle - 30
