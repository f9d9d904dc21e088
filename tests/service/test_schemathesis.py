"""schemathesis against the whole service: what the OpenAPI document promises is what the service does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn")

from pydantic import SecretStr
from small_service import SmallService, run, small_service
from stand_in_networks import ENTRIES, embedded

from noisician.models import registry
from noisician.models.embedded import model
from noisician.renderer import render

KEY = "a-key-of-sixteen-characters"
#: So many examples an operation and phase, beside those of the coverage phase, which are many times more.
EXAMPLES = 6
#: Requests that fit the document and are refused all the same, with 422: no schema states that options must not
#: contradict each other, which genres there are, which model can do what, or which bytes are a sound file.
REFUSED_FOR_REASONS = {
    "positive_data_acceptance": {
        "expected-statuses": ["2xx", "3xx", "401", "403", "404", "409", "422", "429"],
    }
}
MADE_FROM_WORDS = ("makeMusic", "explain")
MADE_FROM_FILES = ("upload", "restoreSettings")
MADE_FROM_TAKES = tuple(
    f"{change}{kind}" for change in ("vary", "loop", "repaint", "extend") for kind in ("Take", "Music")
)
#: Their bodies are covered by "makeMusic" and by the changes of takes: a third of all examples for nothing new.
SAME_BODIES = ("explain", *(f"{change}Music" for change in ("vary", "loop", "repaint", "extend")))
#: Twenty-two kinds of edits have more single cases than all other bodies together; they are tested by themselves.
MANY_KINDS = ("editTake",)
#: Operations on a take get one that is there; "deleteTake" is left to make up its own.
READS_OF_TAKES = (
    "getTake",
    "takeVersions",
    "changeTake",
    "restoreTake",
    "takeContent",
    "takeScore",
    "takePeaks",
    "takeLyrics",
    "takeSpectrogram",
    "takeRecipe",
    "jobContent",
    "stemsOfJob",
    "midiOfJob",
)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallService:
    # What edits would do is told by the model, which need not be the one that ships.
    monkeypatch.setattr(render, "manifest", lambda: ENTRIES)
    monkeypatch.setattr(model, "manifest", lambda: ENTRIES)
    monkeypatch.setattr(registry, "DEFAULT", registry.Registry(embedded))
    # The queue is long enough for what is asked; how a full one answers is tested elsewhere.
    return small_service(
        tmp_path, api_key=SecretStr(KEY), queue_limit=10**6, allowed_hosts=("testserver",), duration_limit_s=30.0
    )


def a_take(service: SmallService) -> str:
    async def make() -> str:
        async with service.running(), service.client() as client:
            job = await client.finished(await client.make("calm piano"))
            return job.outputs[0].id

    return run(make())


def configured(schemathesis: Any, take_id: str) -> Any:
    """The Config of the library, which only the worker that runs the test has to load."""
    operations: list[dict[str, Any]] = [
        {"include-operation-id": name, "checks": REFUSED_FOR_REASONS} for name in (*MADE_FROM_WORDS, *MADE_FROM_FILES)
    ]
    operations += [
        {"include-operation-id": name, "checks": REFUSED_FOR_REASONS, "parameters": {"path.id": take_id}}
        for name in (*MADE_FROM_TAKES, *MANY_KINDS)
    ]
    operations += [{"include-operation-id": name, "parameters": {"path.id": take_id}} for name in READS_OF_TAKES]
    uncovered = {"phases": {"coverage": {"enabled": False}}}
    operations += [{"include-operation-id": name, **uncovered} for name in (*SAME_BODIES, *MANY_KINDS)]
    return schemathesis.Config.from_dict(
        {
            "headers": {"Authorization": f"Bearer {KEY}"},
            "operations": operations,
            # NUL is refused with 422 wherever text is stored: PostgreSQL holds none.
            "generation": {"max-examples": EXAMPLES, "deterministic": True, "allow-x00": False},
        }
    )


@pytest.mark.slow
def test_no_violation(service: SmallService) -> None:
    schemathesis = pytest.importorskip("schemathesis")
    from schemathesis.engine import events, from_schema

    config = configured(schemathesis, a_take(service))
    schema = schemathesis.openapi.from_asgi("/openapi.json", service.app, config=config)
    # Streams end after what is there already.
    service.app.state.desk.hub.close()
    found: list[str] = []
    tried = 0
    for event in from_schema(schema).execute():
        if isinstance(event, (events.NonFatalError, events.FatalError)):
            found.append(str(getattr(event, "info", event)))
        if isinstance(event, events.ScenarioFinished):
            tried += len(event.recorder.interactions)
            found += failures(event)
    assert not found, "\n\n".join(found[:5])
    assert tried > 1000


def failures(event: Any) -> list[str]:
    """The checks of a finished scenario that failed, each with a command that repeats it."""
    return [
        f"{check.name}: {check.failure_info.failure}\n{check.failure_info.code_sample[:1000]}"
        for checks in event.recorder.checks.values()
        for check in checks
        if check.failure_info is not None
    ]
