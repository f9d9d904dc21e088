"""The picture of a piece in the making, and the share of the work that is done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from decaying_sine import decaying_sine
from fake_model import generated
from hypothesis import given
from hypothesis import strategies as st
from stand_in_networks import ENTRIES, LOOP, SHORT, embedded

from noisician.diffusion.noise import NoiseField
from noisician.diffusion.windows import WindowPlan, join
from noisician.mel import HOP, MEL_BANDS, SAMPLE_RATE_HZ, log_mel
from noisician.models.embedded import model
from noisician.models.embedded.cost import CostEstimate
from noisician.models.protocol import Progress, Run, Stages
from noisician.renderer import Part, Preview, Renderer, RenderSettings, render
from noisician.renderer.conditions import MEL_MEAN, MEL_STD
from noisician.renderer.preview import PHRASES_AT_ONCE
from noisician.renderer.reference_notes import record
from noisician.request import Request
from noisician.score.played import NoteEvent
from noisician.styles import instruments

PLAN = WindowPlan(frames=200, length=96, overlap=32)
SILENCE = render.SILENCE
NOTES = tuple(NoteEvent(60 + step, 0.1 + 0.4 * step, 0.4 + 0.4 * step, 80) for step in range(5))
SINES = record(decaying_sine, "harmonic", "struck", [(60, 80), (72, 80)])
PARTS = [
    Part(instruments()["flute"], SINES, NOTES, NoiseField(3, 0)),
    Part(instruments()["violin"], SINES, NOTES[1:], NoiseField(3, 1)),
]
LOUD = 1.5


def sketch_of(preview: Preview) -> np.ndarray:
    sketch = preview.log_mel()
    assert sketch is not None
    return sketch


def windows_of(value: float, count: int) -> np.ndarray:
    return np.full((count, PLAN.length, MEL_BANDS), value, np.float32)


# --- windows ------------------------------------------------------------------------------------------------


def test_there_is_nothing_until_somebody_paints() -> None:
    preview = Preview(200)
    assert preview.log_mel() is None
    canvas = preview.canvas(PLAN, [0])
    assert preview.log_mel() is None
    canvas.show(windows_of(0, 1))
    assert sketch_of(preview).shape == (200, MEL_BANDS)


def test_finished_windows_of_one_player_join_without_a_seam_and_the_rest_is_silent() -> None:
    preview = Preview(PLAN.frames)
    preview.canvas(PLAN, [0, 1]).finish(windows_of(LOUD, 4))  # a batch may hold more than was asked for
    sketch = sketch_of(preview)
    end_of_second, fade = PLAN.start(1) + PLAN.length, PLAN.overlap
    np.testing.assert_allclose(sketch[: end_of_second - fade], LOUD, atol=1e-5)
    np.testing.assert_allclose(sketch[end_of_second:], SILENCE, atol=1e-5)
    assert (np.diff(sketch[end_of_second - fade : end_of_second, 0]) <= 1e-6).all()
    preview.canvas(PLAN, [2]).finish(windows_of(LOUD, 1))
    np.testing.assert_allclose(sketch_of(preview), LOUD, atol=1e-5)


def test_work_in_progress_shows_in_its_noisy_state_and_changes_with_every_step() -> None:
    preview = Preview(PLAN.length)
    canvas = preview.canvas(WindowPlan(PLAN.length, PLAN.length, PLAN.overlap), [0])
    for x in (1.0, 2.0, 0.5):
        canvas.show(windows_of(x, 1))
        np.testing.assert_allclose(sketch_of(preview), MEL_MEAN + MEL_STD * x, atol=1e-4)
    canvas.show(windows_of(-5, 1))
    np.testing.assert_allclose(sketch_of(preview), SILENCE, atol=1e-5)
    canvas.finish(windows_of(LOUD, 1))
    np.testing.assert_allclose(sketch_of(preview), LOUD, atol=1e-5)


@pytest.mark.parametrize("asked_between", [False, True])
def test_the_energies_of_players_add_up(asked_between: bool) -> None:
    preview = Preview(PLAN.frames)
    for _ in range(4):
        preview.canvas(PLAN, [0, 1, 2]).finish(windows_of(LOUD, 3))
        if asked_between:
            preview.log_mel()
    np.testing.assert_allclose(sketch_of(preview), LOUD + np.log(2), atol=1e-3)
    np.testing.assert_array_equal(sketch_of(preview), sketch_of(preview))


@given(tail=st.integers(0, 250))
def test_what_rings_beyond_the_end_of_a_loop_comes_back_at_its_start(tail: int) -> None:
    preview = Preview(100, tail)
    preview.settle([np.full((100 + tail, MEL_BANDS), LOUD, np.float32)])
    times = np.array([len(range(frame, 100 + tail, 100)) for frame in range(100)])
    np.testing.assert_allclose(sketch_of(preview)[:, 0], LOUD + np.log(times) / 2, atol=1e-3)


def test_finished_players_take_the_place_of_their_windows() -> None:
    preview = Preview(PLAN.frames)
    preview.canvas(PLAN, [0, 1, 2]).show(windows_of(3, 3))
    noise = np.random.default_rng(0).uniform(SILENCE, 2, (2, PLAN.frames, MEL_BANDS)).astype(np.float32)
    preview.settle(list(noise))
    magnitudes = np.exp(noise.astype(np.float64)) - 1e-3
    expected = np.log(np.sqrt((magnitudes**2).sum(axis=0)) + 1e-3)
    np.testing.assert_allclose(sketch_of(preview), expected, atol=1e-3)


# --- singers ------------------------------------------------------------------------------------------------

TONE = 0.3 * np.sin(2 * np.pi * 440 * np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ).astype(np.float32)


@pytest.mark.parametrize("start", [0, 3 * HOP, 40_000, -5000, 80_000, 500_000])
def test_a_sung_phrase_shows_where_it_is_sung(start: int) -> None:
    preview = Preview(200)
    preview.add_phrase(start, TONE)
    stem = np.zeros(200 * HOP, np.float32)
    first, last = max(0, start), min(len(stem), start + len(TONE))
    if first < last:
        stem[first:last] = TONE[first - start : last - start]
    assert np.abs(sketch_of(preview) - log_mel(stem)).mean() < 0.1


def test_a_call_after_a_long_time_takes_some_phrases_and_the_next_ones_the_rest() -> None:
    preview = Preview(100)
    for _ in range(4 * PHRASES_AT_ONCE):
        preview.add_phrase(0, TONE)
    loudest = [float(sketch_of(preview).max()) for _ in range(6)]
    np.testing.assert_allclose(loudest[3] - loudest[0], np.log(2), atol=1e-3)
    assert loudest[:4] == sorted(loudest[:4]) and loudest[3] == loudest[4] == loudest[5]


# --- the renderer -------------------------------------------------------------------------------------------


class FakeNetwork:
    """Its clean windows are LOUD wherever a note was begun, silence elsewhere. ``look`` is called before it answers."""

    def __init__(self) -> None:
        self.look: Callable[[], None] = lambda: None

    def __call__(self, **inputs: np.ndarray) -> list[np.ndarray]:
        self.look()
        age = inputs["roll"].reshape(*inputs["roll"].shape[:2], 3, -1)[:, :, 2].max(axis=-1, keepdims=True)
        clean = np.where(age > 0, (LOUD - MEL_MEAN) / MEL_STD, (SILENCE - MEL_MEAN) / MEL_STD)
        return [np.broadcast_to(clean, inputs["mel_t"].shape).astype(np.float32)]


@pytest.fixture
def network() -> FakeNetwork:
    return FakeNetwork()


@pytest.fixture
def renderer(network: FakeNetwork, monkeypatch: pytest.MonkeyPatch) -> Renderer:
    config = {"frames_per_token": 4, "window_tokens": 50}
    monkeypatch.setattr(render, "manifest", lambda: {"renderer": {"config": config}})
    return Renderer(network)  # type: ignore[arg-type]


def test_music_emerges_from_noise_step_by_step(renderer: Renderer, network: FakeNetwork) -> None:
    preview, seen = Preview(200), []
    network.look = lambda: seen.append(sketch_of(preview))
    (mel,) = renderer.render(PARTS[:1], 200, RenderSettings(steps=5), preview=preview)
    assert len(seen) == 5
    distances = [np.abs(sketch - mel).mean() for sketch in (*seen, sketch_of(preview))]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 1 and distances[-1] < 1e-4
    preview.settle([mel])
    np.testing.assert_allclose(sketch_of(preview), mel, atol=1e-4)


def test_looking_changes_no_bit(renderer: Renderer) -> None:
    settings = RenderSettings(steps=3)
    alone = renderer.render(PARTS, 400, settings)
    preview, seen = Preview(400), []
    looked = renderer.render(PARTS, 400, settings, lambda share: seen.append(sketch_of(preview)), preview)
    assert seen
    np.testing.assert_array_equal(looked, alone)


def test_any_number_of_threads_may_look_at_any_time(renderer: Renderer) -> None:
    preview, done, failures = Preview(400), threading.Event(), []

    def look() -> None:
        while not done.is_set():
            sketch = preview.log_mel()
            if sketch is not None and not (sketch.shape == (400, MEL_BANDS) and np.isfinite(sketch).all()):
                failures.append(sketch)

    watchers = [threading.Thread(target=look) for _ in range(3)]
    for watcher in watchers:
        watcher.start()
    try:
        mels = renderer.render(PARTS * 3, 400, RenderSettings(steps=4), preview=preview)
        painted = sketch_of(preview)
        preview.settle(mels)
    finally:
        done.set()
        for watcher in watchers:
            watcher.join()
    assert not failures
    np.testing.assert_allclose(painted[:150], sketch_of(preview)[:150], atol=1e-3)


def test_windows_fade_into_each_other_as_they_are_joined() -> None:
    painted = np.random.default_rng(1).uniform(SILENCE, 2, (3, PLAN.length, MEL_BANDS)).astype(np.float32)
    preview = Preview(PLAN.frames)
    preview.canvas(PLAN, [0, 1, 2]).finish(painted)
    joined, sketch = join(painted, PLAN), sketch_of(preview)
    fading = np.zeros(PLAN.frames, bool)
    for window in (1, 2):
        fading[PLAN.start(window) : PLAN.start(window) + PLAN.overlap] = True
    np.testing.assert_allclose(sketch[~fading], joined[~fading], atol=1e-3)


# --- the whole line -----------------------------------------------------------------------------------------


@pytest.fixture
def stand_in_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "manifest", lambda: ENTRIES)


@pytest.mark.usefixtures("stand_in_weights")
@pytest.mark.parametrize("request_", [SHORT, LOOP])
def test_progress_carries_the_sketch_from_the_first_painted_window_on(request_: Request) -> None:
    heard: list[tuple[Progress, np.ndarray | None]] = []
    music = generated(embedded(), request_, Run(lambda p: heard.append((p, p.sketch() if p.sketch else None))))
    unwatched = generated(embedded(), request_)
    np.testing.assert_array_equal(music.audio, unwatched.audio)
    assert all(progress.sketch is None for progress, _ in heard if progress.stage == "composing")
    sketches = [sketch for progress, sketch in heard if progress.stage != "composing"]
    assert sketches[0] is None  # rendering has been announced and nothing is there
    assert all(sketch is not None for sketch in sketches[1:])
    last = sketches[-1]
    assert last is not None and last.shape == (-(-len(music.audio) // HOP), MEL_BANDS) and last.dtype == np.float32
    assert last.max() > SILENCE + 1
    afterwards = heard[-1][0].sketch
    assert afterwards is not None
    np.testing.assert_array_equal(afterwards(), last)


def test_a_guided_model_hands_the_sketch_on() -> None:
    heard: list[Progress] = []
    Run(heard.append).part(0.5, 1.0).on_progress(Progress("rendering", 0.5, lambda: TONE))
    assert heard == [Progress("rendering", 0.75)]
    assert heard[0].sketch is not None and heard[0].sketch() is TONE


# --- the share of the work ----------------------------------------------------------------------------------


def test_stages_within_a_stage_share_out_its_span() -> None:
    heard: list[Progress] = []
    stages = Stages({"first": 1.0, "second": 3.0}, heard.append, lambda: False)
    inner = stages.within("second", {"a": 1.0, "b": 2.0})
    inner.reporter("a")(1.0)
    inner.reporter("b")(0.5)
    inner.reporter("b")(1.0)
    assert [progress.share for progress in heard] == pytest.approx([0.25, 0.5, 0.5, 0.75, 0.5, 1.0])
    assert heard[-1].share == 1.0


COSTS = st.builds(
    CostEstimate,
    st.integers(1, 12),
    st.floats(1, 600),
    st.builds(RenderSettings, steps=st.integers(1, 50)),
    st.floats(0, 2000),
    st.booleans(),
)


@given(cost=COSTS, bars=st.integers(1, 200))
def test_stages_follow_one_another_to_exactly_one_whatever_it_costs(cost: CostEstimate, bars: int) -> None:
    heard: list[Progress] = []
    outer = Stages(cost.with_composing(bars), heard.append, lambda: False)
    outer.reporter("composing")(1.0)
    inner = outer.within("playing", cost.playing())
    for stage in inner.weights:
        report = inner.reporter(stage)
        report(0.5)
        report(1.0)
    shares = [progress.share for progress in heard]
    assert shares[0] == 0 and shares[-1] == 1
    assert shares == sorted(shares)


def test_what_takes_more_work_weighs_more() -> None:
    plain = CostEstimate(6, 30.0, RenderSettings())
    twice = replace(plain, render=RenderSettings(steps=2 * RenderSettings().steps))
    rendering = [cost.playing()["rendering"] for cost in (plain, twice)]
    assert rendering[1] == pytest.approx(2 * rendering[0])
    assert replace(plain, kept=True).playing()["vocoding"] > plain.playing()["vocoding"]
    assert list(replace(plain, sung_s=9.0).playing()) == ["singing", "rendering", "vocoding", "mixing"]
    assert list(plain.playing()) == ["rendering", "vocoding", "mixing"]
