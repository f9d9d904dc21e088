"""A prompt is read once a track: by whoever checks the request, for everybody after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_model import FakeModel, RunCommand

import noisician
from noisician.prompt import understanding

PROMPT = "fast jazz in A minor"


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The prompts that were read, each time they were."""
    heard: list[str] = []
    read = understanding.read

    def listening(prompt: str) -> understanding.Reading:
        heard.append(prompt)
        return read(prompt)

    monkeypatch.setattr(understanding, "read", listening)
    yield heard


def test_by_the_library(fake_model: FakeModel, readings: list[str]) -> None:
    track = noisician.make(PROMPT)
    assert readings == [PROMPT]
    assert track.recipe.controls["key"] == "A" and track.seed == fake_model.requests[0].seed


def test_for_any_number_of_takes(fake_model: FakeModel, readings: list[str]) -> None:
    assert len(list(noisician.make_takes(PROMPT, takes=3))) == 3
    assert readings == [PROMPT]


def test_by_the_command_line(
    fake_model: FakeModel, readings: list[str], run_command: RunCommand, tmp_path: Path
) -> None:
    done = run_command("make", PROMPT, "--takes", "2", "-o", str(tmp_path / "jazz.wav"))
    assert done.status == 0 and len(fake_model.requests) == 2
    assert readings == [PROMPT]


def test_for_a_variation(fake_model: FakeModel, readings: list[str]) -> None:
    recipe = noisician.make(PROMPT, seed=1).recipe
    readings.clear()
    noisician.vary(recipe, tempo_bpm=96)
    assert readings == [PROMPT]


def test_never_for_what_a_recipe_says(fake_model: FakeModel, readings: list[str]) -> None:
    recipe = noisician.make(PROMPT, seed=1).recipe
    readings.clear()
    noisician.open(recipe)
    assert readings == []


def test_once_by_either_side_of_the_service(readings: list[str], tmp_path: Path) -> None:
    pytest.importorskip("fastapi")
    from small_service import run, small_service

    service = small_service(tmp_path)

    async def talk() -> None:
        async with service.running(), service.client() as client:
            understood = await client.explain(PROMPT)
            assert understood.controls["key"] == "A" and asked(readings) == [PROMPT]
            readings.clear()
            job = await client.finished(await client.make(PROMPT, takes=2))
            assert len(job.outputs) == 2

    run(talk())
    assert asked(readings) == [PROMPT, PROMPT]


def asked(readings: list[str]) -> list[str]:
    """What somebody asked for: the service reads words of its own when it starts, so as to have its tables loaded."""
    return [words for words in readings if words == PROMPT]
