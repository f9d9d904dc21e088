from __future__ import annotations

import io
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_model import FakeModel

import noisician
from noisician.api import RequestOptions, changed, checked, other_weights, request_of, takes_of
from noisician.errors import NoisicianError
from noisician.models import support
from noisician.recipe import Recipe
from noisician.request import Request


def _modules_after(code: str) -> set[str]:
    """Top-level modules loaded by a fresh interpreter that runs ``code``."""
    script = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_loads_nothing_heavy() -> None:
    heavy = {"numpy", "scipy", "onnxruntime", "torch", "pydantic", "typer", "rich", "soundfile", "tokenizers"}
    assert not _modules_after("import noisician") & heavy


def test_the_command_line_starts_without_what_only_making_needs() -> None:
    assert not _modules_after("import noisician.cli") & {"numpy", "scipy", "onnxruntime", "torch", "pydantic"}


def test_explaining_needs_no_network() -> None:
    loaded = _modules_after("import noisician; noisician.explain('dreamy lofi')")
    assert not loaded & {"onnxruntime", "torch", "scipy", "soundfile"}


def test_every_public_name_resolves() -> None:
    assert set(noisician.__all__) == set(noisician._HOMES)
    for name in noisician.__all__:
        assert getattr(noisician, name) is not None
        assert name in dir(noisician)
    assert isinstance(noisician.__version__, str)
    with pytest.raises(AttributeError, match="no attribute 'mak'"):
        noisician.mak  # noqa: B018


def test_the_typed_options_are_the_fields_of_a_request() -> None:
    assert set(RequestOptions.__annotations__) == set(Request.model_fields) - {"prompt", "takes"}


def test_make_passes_everything_on(fake_model: FakeModel) -> None:
    heard = []
    music = noisician.make("calm piano", tempo_bpm=80, genres="ambient", seed=3, on_progress=heard.append)
    assert fake_model.requests == [Request(prompt="calm piano", tempo_bpm=80, genres=("ambient",), seed=3)]
    assert list(music.stems) == ["lead-flute"]
    assert [progress.stage for progress in heard] == ["composing", "mixing"]
    assert noisician.make(keep_stems=False).stems == {}


def test_takes_have_consecutive_seeds_and_wrap(fake_model: FakeModel) -> None:
    tracks = list(noisician.make_takes("techno", takes=3, seed=2**32 - 2))
    assert [track.seed for track in tracks] == [2**32 - 2, 2**32 - 1, 0]
    assert {request.takes for request in fake_model.requests} == {1}
    drawn = [asked.seed for asked in takes_of(checked(Request(takes=2)))]
    assert drawn[1] == (drawn[0] + 1) % 2**32


def test_takes_are_refused_before_the_first_is_asked_for(fake_model: FakeModel) -> None:
    with pytest.raises(noisician.RequestError, match="takes 99"):
        noisician.make_takes("techno", takes=99)
    assert fake_model.requests == []


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ({"bpm": 90}, "'bpm' is no option of a request; did you mean tempo_bpm?"),
        ({"tempo_bmp": 90}, "did you mean tempo_bpm?"),
        ({"zzz": 90}, "there are prompt, duration_s"),
        ({"time_signature": "13/8"}, "time_signature '13/8' does not fit"),
        ({"bars": 2.5}, "bars 2.5 does not fit"),
        ({"seed": "x"}, "seed 'x' does not fit"),
    ],
)
def test_options_that_do_not_fit_are_one_line(controls: dict[str, object], message: str) -> None:
    with pytest.raises(noisician.RequestError) as refused:
        request_of("x", controls)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(noisician.RequestError, match="model 'opus' is not known"):
        noisician.make("x", model="opus")


def test_a_new_length_or_key_replaces_the_old() -> None:
    base = Request(duration_s=30, key="C", mode="major", seed=1)
    assert changed(base, {"bars": 8}) == Request(bars=8, key="C", mode="major", seed=1)
    assert changed(base, {"key": "A minor"}) == Request(duration_s=30, key="A minor", seed=1)
    assert changed(base, {"key": "Bb"}) == Request(duration_s=30, key="Bb", mode="major", seed=1)
    assert changed(base, {"key": "F# minor", "mode": "minor"}).mode == "minor"
    assert changed(base, {"bars": None}) == base


def test_opening_replays_the_recipe(fake_model: FakeModel, tmp_path: Path) -> None:
    track = noisician.make("calm piano", seed=9)
    track.save(tmp_path / "a.flac")
    again = noisician.open(tmp_path / "a.flac")
    assert fake_model.replayed == [track.recipe]
    assert np.array_equal(again.audio, track.audio)
    assert noisician.read_recipe(tmp_path / "a.json") == track.recipe
    assert np.array_equal(noisician.open(track.recipe).audio, track.audio)


def test_opening_what_other_weights_made_says_so(fake_model: FakeModel) -> None:
    recipe = noisician.make("calm piano", seed=9).recipe
    assert other_weights(recipe) == ()
    strange = recipe.model_copy(update={"models": {"renderer": "0" * 16}})
    with pytest.warns(UserWarning, match="other weights of renderer"):
        noisician.open(strange)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        noisician.open(recipe)


def test_varying_keeps_the_request_and_names_where_it_came_from(fake_model: FakeModel) -> None:
    first = noisician.make("calm piano", seed=9, duration_s=20).recipe
    faster = noisician.vary(first, tempo_bpm=150).recipe
    assert faster.request == Request(prompt="calm piano", seed=9, duration_s=20, tempo_bpm=150)
    assert faster.lineage == ({"id": first.id6, "operation": "vary"},)
    third = noisician.vary(faster, prompt="wild piano", seed=10).recipe
    assert third.request.prompt == "wild piano"
    assert [step["id"] for step in third.lineage] == [first.id6, faster.id6]


def test_varying_without_a_wish_draws_another_seed(fake_model: FakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support.secrets, "randbelow", lambda limit: limit - 1)
    assert noisician.vary(noisician.make("calm piano", seed=9).recipe).seed == 2**32 - 1


@pytest.mark.slow
def test_the_real_model_makes_the_same_track_again() -> None:
    """The whole path once, with the weights that ship."""
    stages = []
    track = noisician.make(
        "solo piano", duration_s=2, steps=2, seed=11, on_progress=lambda progress: stages.append(progress.stage)
    )
    assert track.audio.shape == (2 * 44100, 2)
    assert track.audio.dtype == np.float32
    assert np.isfinite(track.audio).all()
    assert 0 < np.abs(track.audio).max() <= 1
    assert list(dict.fromkeys(stages)) == ["composing", "rendering", "vocoding", "mixing"]
    assert all(stem.shape == track.audio.shape for stem in track.stems.values())
    assert np.array_equal(noisician.open(track.recipe, keep_stems=False).audio, track.audio)


def test_cancelling_stops_the_real_model() -> None:
    calls = []
    with pytest.raises(noisician.Cancelled):
        noisician.make("solo piano", duration_s=2, seed=11, cancel=lambda: len(calls) > 2, on_progress=calls.append)
    assert len(calls) <= 4


# --- bad calls ------------------------------------------------------------------------------------------------

WRONG: Any = noisician
RECIPE = Recipe(request=Request(prompt="x"), seed=1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: WRONG.make("x", duration_s=1, on_progress=5), "on_progress 5 cannot be called"),
        (lambda: WRONG.make("x", duration_s=1, cancel="no"), "cancel 'no' cannot be called"),
        (lambda: WRONG.open(RECIPE, on_progress=5), "on_progress 5 cannot be called"),
        (lambda: WRONG.make("x", takes=3), "takes 3: this gives one track; noisician.make_takes"),
        (lambda: WRONG.vary(RECIPE, takes=2), "takes 2: this gives one track"),
        (lambda: WRONG.make_takes("x", takes="a"), "takes 'a' does not fit"),
        (lambda: WRONG.make(5), "prompt 5 does not fit"),
        (lambda: WRONG.make(["x"]), r"prompt \['x'\] does not fit"),
        (lambda: WRONG.make("x", duration_s=float("nan")), "length nan s is outside 1 to 600 s"),
        (lambda: WRONG.make("x", seed=2**32), "seed 4294967296 is outside 0 to 4294967295"),
        (lambda: WRONG.make("x", instruments=[5]), "instruments.0 5 does not fit"),
        (lambda: WRONG.make("x", init_audio=5), "init_audio 5 is no path"),
        (lambda: WRONG.make("x", model=5), "model 5 is no path"),
        (lambda: WRONG.make("x", tempo=3), "did you mean tempo_bpm"),
        (lambda: WRONG.make("x", key="H"), "a mode goes into mode"),
        (lambda: WRONG.make("x", instruments="kazooo"), "^instruments 'kazooo' is not known"),
        (lambda: WRONG.explain("x", genres="nope"), "^genres 'nope' is not known"),
        (lambda: WRONG.vary(RECIPE, negative_prompt="a"), "^embedded cannot follow negative_prompt"),
        (lambda: WRONG.open(b"nothing.wav"), "nothing.wav: does not exist"),
        (lambda: WRONG.open(None), "None is no path and no recipe"),
        (lambda: WRONG.open("a" * 300), "too long"),
        (lambda: WRONG.vary(5, seed=1), "5 is no path"),
        (lambda: WRONG.edit(5), "5 is no path"),
        (lambda: WRONG.outlook(5), "5 is no path"),
        (lambda: WRONG.read_recipe(io.BytesIO()), "is no path"),
        (lambda: WRONG.generate(5), "5 is no Request"),
        (lambda: WRONG.edit(RECIPE, "tempo"), "an edit is an object"),
        (lambda: WRONG.repaint(RECIPE, 5), "seconds.0 5"),
        (lambda: WRONG.loop(RECIPE, bars=5), "bars 5"),
        (lambda: WRONG.extend(RECIPE, bars="x"), "by_bars 'x'"),
    ],
)
def test_what_makes_no_sense_is_one_line(call: Callable[[], object], words: str) -> None:
    with pytest.raises(NoisicianError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
