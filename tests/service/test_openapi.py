"""The API's document is valid, and what others generate from it works."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from small_service import small_service

GENERATOR = shutil.which("openapi-python-client")


def test_the_document_is_valid(tmp_path: Path) -> None:
    validator = pytest.importorskip("openapi_spec_validator")
    document = small_service(tmp_path).app.openapi()
    assert document["openapi"].startswith("3.1")
    assert [error.message for error in validator.OpenAPIV31SpecValidator(document).iter_errors()] == []


@pytest.mark.slow
@pytest.mark.skipif(GENERATOR is None, reason="openapi-python-client is not on the path")
def test_a_generated_client_makes_a_track(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("attrs")
    assert GENERATOR is not None
    service = small_service(tmp_path)
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(service.app.openapi()), encoding="utf-8")
    package = tmp_path / "generated" / "noisician_client"
    options = ("--meta", "none", "--output-path", str(package))
    done = subprocess.run([GENERATOR, "generate", "--path", str(document), *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    monkeypatch.syspath_prepend(package.parent)

    def part(name: str) -> Any:
        return importlib.import_module(f"noisician_client.{name}")

    with service.at_an_address() as address:
        client = part("client").Client(base_url=address)
        body = part("models.music_body").MusicBody(prompt="calm piano", duration_s=5.0, seed=7)
        job = part("api.music.make_music").sync(client=client, body=body)
        for _ in range(200):
            if job.status in ("completed", "failed"):
                break
            time.sleep(0.05)
            job = part("api.music.get_job").sync(job.id, client=client)
        assert job.status == "completed"
        (take,) = job.outputs
        assert take.seed == 7 and take.duration_s == pytest.approx(0.2)
        view = part("api.content.take_score").sync(take.id, client=client)
        assert view.tempo_bpm == take.tempo_bpm
