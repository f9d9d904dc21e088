"""Note rolls, and the renderer's windows on a stand-in network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from decaying_sine import decaying_sine
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.diffusion.noise import NoiseField
from noisician.errors import Cancelled
from noisician.mel import FRAME_RATE_HZ, MEL_BANDS
from noisician.renderer import Part, Renderer, RenderSettings, render
from noisician.renderer.conditions import (
    AGE_DECAY_S,
    FEATURES,
    LOWEST_PITCH,
    PITCHES,
    RINGING_S,
    note_roll,
)
from noisician.renderer.reference_notes import record
from noisician.renderer.sketch import Heard, Sketcher
from noisician.renderer.traits import TRAITS
from noisician.score.played import NoteEvent
from noisician.styles import instruments
from noisician.weights import available_cores

FRAME_S = 1 / FRAME_RATE_HZ
A4 = 69 - LOWEST_PITCH


def roll_of(notes: list[NoteEvent], frames: int = 400, first: int = 0) -> np.ndarray:
    return note_roll(notes, frames, first).reshape(frames, 3, PITCHES)


# --- the roll -----------------------------------------------------------------------------------------------

NOTES = st.lists(
    st.builds(
        lambda pitch, start, length, velocity: NoteEvent(pitch, start, start + length, velocity),
        st.integers(0, 127),
        st.floats(-1, 5),
        st.floats(0, 3),
        st.integers(1, 127),
    ),
    max_size=5,
)


@settings(deadline=None, max_examples=60)
@given(notes=NOTES, first=st.integers(0, 400), frames=st.integers(1, 200))
def test_a_window_of_the_roll_equals_that_slice_of_the_whole(notes: list[NoteEvent], first: int, frames: int) -> None:
    # Half a frame is where rounding could go either way; human timing never falls on it exactly.
    notes = [
        note
        for note in notes
        if all(abs(at * FRAME_RATE_HZ % 1 - 0.5) > 1e-6 for at in (note.start_s, note.end_s, note.end_s + RINGING_S))
    ]
    window, whole = note_roll(notes, frames, first), note_roll(notes, 700)
    np.testing.assert_allclose(window, whole[first : first + frames], atol=1e-6)


def test_an_onset_between_two_frames_is_shared() -> None:
    roll = roll_of([NoteEvent(69, 10.25 * FRAME_S, 20 * FRAME_S, 127)])
    assert roll[9:13, 0, A4] == pytest.approx([0, 0.75, 0.25, 0], abs=1e-5)
    assert roll[:, 0].sum() == pytest.approx(1, abs=1e-5)


def test_sustain_lasts_from_start_to_end_at_the_velocity() -> None:
    roll = roll_of([NoteEvent(69, 10 * FRAME_S, 20 * FRAME_S, 64)])
    expected = np.zeros(400)
    expected[10:20] = 64 / 127
    np.testing.assert_allclose(roll[:, 1, A4], expected, rtol=1e-6)


def test_age_falls_from_the_start_and_is_gone_after_the_ringing() -> None:
    roll = roll_of([NoteEvent(69, 10 * FRAME_S, 20 * FRAME_S, 127)])
    age = roll[:, 2, A4]
    np.testing.assert_allclose(age[10:50], np.exp(-np.arange(40) * FRAME_S / AGE_DECAY_S), rtol=1e-5)
    last = round(20 + RINGING_S * FRAME_RATE_HZ)
    assert age[last - 1] > 0
    assert not age[last:].any()
    assert not age[:10].any()


def test_the_shortest_note_still_sounds_a_frame() -> None:
    roll = roll_of([NoteEvent(69, 0.1, 0.1, 100)])
    assert (roll[:, 1] > 0).sum() == 1


def test_pitches_beyond_the_piano_take_its_outer_keys() -> None:
    roll = roll_of([NoteEvent(5, 0.0, 1.0, 100), NoteEvent(127, 0.0, 1.0, 100)])
    assert np.flatnonzero(roll[5, 1]).tolist() == [0, PITCHES - 1]


def test_of_a_repeated_pitch_the_loudest_age_counts() -> None:
    loud, soft = NoteEvent(69, 0.0, 0.1, 120), NoteEvent(69, 0.2, 0.3, 10)
    age = roll_of([loud, soft])[:, 2, A4]
    assert age[30] == pytest.approx(120 / 127 * np.exp(-30 * FRAME_S / AGE_DECAY_S), rel=1e-4)


# --- windows ------------------------------------------------------------------------------------------------

WINDOW = 96
MIX = np.random.default_rng(0).standard_normal((FEATURES, MEL_BANDS)).astype(np.float32)
KINDS = np.linspace(0.1, 0.3, len(TRAITS)).astype(np.float32)
SETTINGS = RenderSettings(steps=3)
SINES = record(decaying_sine, "harmonic", "struck", [(60, 80), (72, 80)])
OTHERS = record(decaying_sine, "harmonic", "struck", [(66, 80)])
MELODY = tuple(NoteEvent(60 + step % 7, 0.5 + 0.25 * step, 0.7 + 0.25 * step, 80) for step in range(5))


class FakeNetwork:
    """Every item is computed by itself, so only the renderer could let one touch another."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def __call__(self, **inputs: np.ndarray) -> list[np.ndarray]:
        self.calls.append(len(inputs["mel_t"]))
        assert all(value.dtype == np.float32 for value in inputs.values())
        made = [
            self._one({name: value[item] for name, value in inputs.items()}) for item in range(len(inputs["mel_t"]))
        ]
        return [np.stack(made)]

    @staticmethod
    def _one(inputs: dict[str, np.ndarray]) -> np.ndarray:
        heard = inputs["roll"] @ MIX + 0.1 * inputs["sketch"] + inputs["traits"] @ KINDS
        return np.tanh(0.5 * inputs["mel_t"] + heard).astype(np.float32)


@pytest.fixture
def renderer(monkeypatch: pytest.MonkeyPatch) -> Renderer:
    config = {"frames_per_token": 4, "window_tokens": WINDOW // 4}
    monkeypatch.setattr(render, "manifest", lambda: {"renderer": {"config": config}})
    return Renderer(FakeNetwork())  # type: ignore[arg-type]


def part(notes: tuple[NoteEvent, ...] = MELODY, id_: str = "flute", stream: int = 0, seed: int = 5) -> Part:
    return Part(instruments()[id_], SINES, notes, NoiseField(seed, stream))


def test_a_part_alone_equals_it_among_others_bit_for_bit(renderer: Renderer) -> None:
    parts = [part(), part(id_="grand_piano", stream=1), part(id_="violin", stream=2)]
    together = renderer.render(parts, 150, SETTINGS)
    for one, mel in zip(parts, together, strict=True):
        np.testing.assert_array_equal(renderer.render([one], 150, SETTINGS)[0], mel)


def test_lengthening_a_piece_keeps_the_windows_before_the_end(renderer: Renderer) -> None:
    short, long = (renderer.render([part()], frames, SETTINGS)[0] for frames in (200, 300))
    plan = renderer.plan(200)
    settled = plan.start(plan.count - 1)  # where the short piece's last window begins
    np.testing.assert_array_equal(long[:settled], short[:settled])


def test_a_changed_note_changes_only_the_windows_that_hear_it(renderer: Renderer) -> None:
    late = NoteEvent(80, 3.0, 3.2, 100)
    before = renderer.render([part()], 300, SETTINGS)[0]
    after = renderer.render([part((*MELODY, late))], 300, SETTINGS)[0]
    plan = renderer.plan(300)
    heard_from = int(3.0 * FRAME_RATE_HZ) - 1
    first = next(start for start in map(plan.start, range(plan.count)) if start + plan.length > heard_from)
    np.testing.assert_array_equal(after[:first], before[:first])
    assert (after[first:] != before[first:]).any()


def test_seed_stream_kind_and_references_all_matter(renderer: Renderer) -> None:
    base = renderer.render([part()], 120, SETTINGS)[0]
    others = [
        renderer.render([part(stream=9)], 120, SETTINGS)[0],
        renderer.render([part(id_="grand_piano")], 120, SETTINGS)[0],
        renderer.render([replace(part(), references=OTHERS)], 120, SETTINGS)[0],
        renderer.render([part(seed=6)], 120, SETTINGS)[0],
    ]
    np.testing.assert_array_equal(renderer.render([part()], 120, SETTINGS)[0], base)
    assert all((other != base).any() for other in others)


@pytest.mark.parametrize("frames", [1, 20, 95, 96, 97, 130])
def test_any_length_gives_its_frames(renderer: Renderer, frames: int) -> None:
    (mel,) = renderer.render([part()], frames, SETTINGS)
    assert mel.shape == (frames, MEL_BANDS)
    assert mel.dtype == np.float32
    assert mel.min() >= np.float32(render.SILENCE)


def test_each_window_is_painted_alone_and_silence_is_not(renderer: Renderer) -> None:
    network: FakeNetwork = renderer._network  # type: ignore[assignment]
    note = NoteEvent(69, 0.0, 0.2, 90)
    heard = Sketcher(SINES).heard([note])[0]
    plan = renderer.plan(1000)
    hearing = sum(heard.within(plan.start(window), plan.length) for window in range(plan.count))
    assert 0 < hearing < plan.count
    renderer.render([part((note,))], 1000, RenderSettings(steps=1))
    assert network.calls == [1] * hearing


def test_where_the_score_is_silent_the_mel_is(renderer: Renderer) -> None:
    note = NoteEvent(69, 100 * FRAME_S, 120 * FRAME_S, 90)
    (mel,) = renderer.render([part((note,))], 600, SETTINGS)
    heard = Sketcher(SINES).heard([note])[0]
    assert heard.first == 98 and 120 < heard.last < 200
    assert (mel[:98] == np.float32(render.SILENCE)).all()
    assert (mel[heard.last :] == np.float32(render.SILENCE)).all()
    assert (mel[98 : heard.last].max(axis=1) > render.SILENCE).all()


def test_a_noise_is_its_sketch_and_asks_no_network(renderer: Renderer) -> None:
    network: FakeNetwork = renderer._network  # type: ignore[assignment]
    rain = record(decaying_sine, "noise", "sustained", [(60, 80)])
    notes = (NoteEvent(60, 0.5, 4.0, 80),)
    (mel,) = renderer.render([replace(part(notes, "rain"), references=rain)], 500, SETTINGS)
    np.testing.assert_array_equal(mel, Sketcher(rain).sketch(notes, 500))
    assert not network.calls and mel.max() > render.SILENCE + 3


def test_a_piece_that_a_kit_lacks_is_struck_on_the_nearest_one(renderer: Renderer) -> None:
    kit = record(decaying_sine, "drum", "struck", [(36, 90), (46, 90)])
    lacking, there = (
        replace(part((NoteEvent(pitch, 0.5, 0.6, 90),), "standard_kit"), references=kit) for pitch in (44, 46)
    )
    heard = [renderer._laid(one).heard for one in (lacking, there)]
    assert heard[0] == heard[1] != ()


def test_without_notes_there_is_silence_and_progress_ends(renderer: Renderer) -> None:
    shares: list[float] = []
    (mel,) = renderer.render([part(())], 100, SETTINGS, shares.append)
    assert (mel == np.float32(render.SILENCE)).all()
    assert shares == [1.0]
    assert renderer.render([], 100, SETTINGS) == []


def test_notes_beyond_the_end_are_nobodys(renderer: Renderer) -> None:
    beyond = NoteEvent(69, 9.0, 9.5, 90)
    assert (renderer.render([part((beyond,))], 100, SETTINGS)[0] == np.float32(render.SILENCE)).all()


def test_progress_climbs_to_one_and_may_cancel_at_once(renderer: Renderer) -> None:
    network: FakeNetwork = renderer._network  # type: ignore[assignment]
    shares: list[float] = []
    renderer.render([part(), part(stream=1)], 200, SETTINGS, shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len(shares) > 4
    asked = len(network.calls)

    def cancel(share: float) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        renderer.render([part()], 200, RenderSettings(steps=3), cancel)
    assert asked < len(network.calls) <= asked + available_cores()


def test_what_rings_fades_into_silence() -> None:
    ringing = np.full((600, 128), 0.0, np.float32)
    quiet = render._hush(ringing, [Heard(NoteEvent(60, 0.0, 0.5, 90), np.inf, -2, 300)])
    assert (quiet[:200] == 0).all()
    assert (quiet[300:] == render.SILENCE).all()
    steps = np.diff(quiet[:, 0])
    assert steps.min() > -0.5  # no cut


def hushed(*spans: tuple[int, int], frames: int = 300) -> np.ndarray:
    """How much is left of a sound that is heard in some spans: 1 … 0."""
    heard = [Heard(NoteEvent(60, 0.0, 0.5, 90), np.inf, first, last) for first, last in spans]
    quiet = render._hush(np.zeros((frames, 128), np.float32), heard)
    return 1 - quiet[:, 0] / render.SILENCE


def test_short_hits_begin_as_loud_as_they_are() -> None:
    short = hushed((100, 115))
    assert (short[100:107] == 1).all()
    assert (np.diff(short[106:117]) <= 0).all() and short[114] < 0.2 and not short[115:].any()
    late = hushed((0, 200), (186, 198))  # just before what rings is over
    assert (late[:192] == 1).all() and not late[200:].any()


@given(st.lists(st.tuples(st.integers(-5, 280), st.integers(1, 200)), max_size=5))
def test_every_note_is_left_whole_for_its_first_half_unless_another_fades(notes: list[tuple[int, int]]) -> None:
    spans = [(first, first + length) for first, length in notes]
    level = hushed(*spans)
    sounding = np.zeros(300, bool)
    for first, last in spans:
        sounding[max(0, first) : max(0, last)] = True
    assert not level[~sounding].any()
    assert (level[sounding] > 0).all()
    for first, _ in spans:
        if 0 <= first < 300 and sounding[first : first + 3].all():
            assert level[first] == 1
