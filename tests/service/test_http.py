"""Every endpoint of the service and every refusal, on one application without a worker process."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import math
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

import httpx
import soundfile
from desk import NOBODY, Desk, refused
from sqlalchemy import text as text_of
from starlette.testclient import TestClient

from noisician.score import Note, Score, Track
from noisician.score.midi import write_midi
from noisician.service import schemas
from noisician.service.app import create_app
from noisician.service.records import Failure
from noisician.service.store import StoreError
from noisician.service.web import bodies, editing, orders
from noisician.service.web.problems import Problem


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    with desk.http:
        yield desk
    desk.store.close()


def wav(seconds: float = 0.2) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, [[0.1, -0.1]] * round(seconds * 44100), 44100, format="WAV")
    return file.getvalue()


def test_a_job_from_the_question_to_the_file(desk: Desk) -> None:
    answer = desk.http.post("/v1/music", json={"prompt": "calm piano", "takes": 2, "title": "Rain"})
    job = schemas.Job.model_validate_json(answer.content)
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/music/{job.id}"
    assert (job.status, job.queue_position, job.progress, job.outputs) == ("queued", 0, 0, ())
    assert 0 <= job.params["seed"] < 2**32
    desk.work()
    done = schemas.Job.model_validate_json(desk.http.get(answer.headers["location"]).content)
    assert (done.status, done.progress, len(done.outputs)) == ("completed", 100, 2)
    assert [take.seed for take in done.outputs] == [job.params["seed"], job.params["seed"] + 1]
    sound = desk.http.get(f"/v1/takes/{done.outputs[1].id}/content?format=flac")
    assert sound.headers["content-type"] == "audio/flac"
    assert soundfile.info(io.BytesIO(sound.content)).samplerate == 44100
    assert desk.http.get(f"/v1/music/{job.id}/content?format=flac&take=2").content == sound.content


def test_a_given_seed_is_kept_and_a_drawn_one_is_echoed(desk: Desk) -> None:
    assert desk.ask(seed=7)["params"]["seed"] == 7
    drawn = {desk.ask()["params"]["seed"] for _ in range(4)}
    assert len(drawn) == 4


def test_lists_in_pages_newest_first(desk: Desk) -> None:
    made = [desk.ask(f"piano {number}")["id"] for number in range(5)]
    page = desk.http.get("/v1/music?limit=3").json()
    rest = desk.http.get("/v1/music", params={"limit": 3, "after": page["after"]}).json()
    assert [job["id"] for job in page["data"] + rest["data"]] == made[::-1]
    assert rest["after"] is None
    assert [job["queue_position"] for job in rest["data"]] == [1, 0]
    assert desk.http.get("/v1/music?status=completed").json()["data"] == []
    refused(desk.http.get("/v1/music?limit=0"), 422, "invalid_value", "limit")
    refused(desk.http.get("/v1/music?status=lost"), 422, "invalid_value", "status")
    refused(desk.http.get("/v1/music?after=nowhere"), 404, "no_such_page", "after")
    refused(desk.http.get("/v1/takes?after=nowhere"), 404, "no_such_page", "after")


def test_idempotency_key(desk: Desk) -> None:
    first = desk.http.post("/v1/music", json={"prompt": "x"}, headers={"Idempotency-Key": "k"})
    again = desk.http.post("/v1/music", json={"prompt": "x"}, headers={"Idempotency-Key": "k"})
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    other = desk.http.post("/v1/music", json={"prompt": "y"}, headers={"Idempotency-Key": "k"})
    refused(other, 409, "idempotency_conflict")
    refused(
        desk.http.post("/v1/music", json={}, headers={"Idempotency-Key": "k" * 256}),
        422,
        "invalid_value",
        "idempotency-key",
    )


def test_prefer_wait_answers_when_the_job_has_ended(desk: Desk) -> None:
    def work() -> None:
        while desk.http.get("/v1/music").json()["data"] == []:
            time.sleep(0.05)
        desk.work()

    worker = threading.Thread(target=work)
    worker.start()
    answer = desk.http.post("/v1/music", json={"prompt": "x"}, headers={"Prefer": "respond-async, wait=30"})
    worker.join()
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert answer.headers["preference-applied"] == "wait=30"
    assert len(answer.json()["outputs"]) == 1


@pytest.mark.parametrize("prefer", ["wait=0", "WAIT = 0"])
def test_prefer_wait_that_ends_before_the_job(desk: Desk, prefer: str) -> None:
    answer = desk.http.post("/v1/music", json={"prompt": "x"}, headers={"Prefer": prefer})
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert answer.headers["preference-applied"] == "wait=0"


def test_a_wait_is_no_longer_than_the_setting(tmp_path: Path) -> None:
    desk = Desk(tmp_path, wait_limit_s=0.05)
    answer = desk.http.post("/v1/music", json={"prompt": "x"}, headers={"Prefer": "wait=3600"})
    assert answer.headers["preference-applied"] == "wait=0.05"
    assert "preference-applied" not in desk.http.post("/v1/music", json={}, headers={"Prefer": "wait=soon"}).headers


def test_cancel_and_delete_in_every_state(desk: Desk) -> None:
    waiting, running = desk.ask()["id"], None
    assert desk.http.post(f"/v1/music/{waiting}/cancel").json()["status"] == "cancelled"
    running = desk.ask()["id"]
    claim = desk.claim()
    asked = desk.http.post(f"/v1/music/{running}/cancel").json()
    assert (asked["status"], asked["cancel_requested"]) == ("in_progress", True)
    assert desk.store.heartbeat(claim, 60).cancel
    assert desk.http.delete(f"/v1/music/{running}").status_code == 204
    refused(desk.http.get(f"/v1/music/{running}"), 404, "not_found")
    desk.store.finish(claim, "cancelled")
    finished = desk.take()
    assert desk.http.post(f"/v1/music/{finished['job_id']}/cancel").json()["status"] == "completed"
    assert desk.http.delete(f"/v1/music/{finished['job_id']}").status_code == 204
    refused(desk.http.delete(f"/v1/music/{finished['job_id']}"), 404, "not_found")
    assert [take["id"] for take in desk.http.get("/v1/takes?deleted=true").json()["data"]] == [finished["id"]]


def test_a_failed_job_says_why(desk: Desk) -> None:
    job = desk.ask()
    desk.store.finish(desk.claim(), "failed", Failure("bars 3 do not fit", "invalid_request", "bars"))
    error = desk.http.get(f"/v1/music/{job['id']}").json()["error"]
    assert error == {
        "message": "bars 3 do not fit",
        "type": "invalid_request",
        "param": "bars",
        "code": "invalid_request",
    }


def test_preview(desk: Desk) -> None:
    job = desk.ask()
    refused(desk.http.get(f"/v1/music/{job['id']}/preview"), 404, "not_found")
    desk.files.preview(job["id"]).write_bytes(b"\x89PNG")
    answer = desk.http.get(f"/v1/music/{job['id']}/preview")
    assert (answer.content, answer.headers["content-type"]) == (b"\x89PNG", "image/png")


def test_an_excerpt_says_where_it_starts(desk: Desk) -> None:
    job = desk.ask()
    refused(desk.http.get(f"/v1/music/{job['id']}/excerpt"), 404, "not_found")
    desk.files.excerpt(job["id"], 14.2628).write_bytes(b"fLaC")
    answer = desk.http.get(f"/v1/music/{job['id']}/excerpt")
    assert (answer.content, answer.headers["content-type"]) == (b"fLaC", "audio/flac")
    assert answer.headers["Start-S"] == "14.263"


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"tempo_bpm": 900}, "invalid_request", "tempo_bpm"),
        ({"genres": ["polka of doom"]}, "invalid_request", "genres"),
        ({"duration_s": 601}, "invalid_request", "duration_s"),
        ({"prompt": "eleven minutes of piano"}, "invalid_request", "duration_s"),
        ({"takes": 9}, "over_limit", "takes"),
        ({"negative_prompt": "noise"}, "invalid_request", "negative_prompt"),
        ({"repaint": [[0, 1]]}, "invalid_request", "repaint"),
        ({"model": "/etc"}, "unknown_model", "model"),
        ({"model": "somebody/something"}, "unknown_model", "model"),
        ({"init_audio": "/etc/passwd"}, "unknown_sound", "init_audio"),
        ({"init_audio": f"upload_{NOBODY}"}, "unknown_sound", "init_audio"),
        ({"reference_audio": f"take_{NOBODY}"}, "unknown_sound", "reference_audio"),
        ({"colour": "red"}, "unknown_option", "colour"),
        ({"prompt": 5}, "invalid_value", "prompt"),
    ],
)
def test_what_cannot_be_made_never_waits(desk: Desk, body: dict[str, Any], code: str, param: str) -> None:
    refused(desk.http.post("/v1/music", json=body), 422, code, param)
    assert desk.store.counts()["queued"] == 0


def test_lengths_beyond_the_settings_are_refused_in_words_options_and_bars(tmp_path: Path) -> None:
    desk = Desk(tmp_path, duration_limit_s=30.0, devices=("cpu",))
    for body, param in (
        ({"duration_s": 31}, "duration_s"),
        ({"prompt": "40 seconds of piano"}, "duration_s"),
        ({"bars": 20, "tempo_bpm": 60}, "bars"),
        ({"bars": 20}, "bars"),
    ):
        refused(desk.http.post("/v1/music", json=body), 422, "over_limit", param)
    desk.ask(bars=8, tempo_bpm=120)
    refused(
        desk.http.post("/v1/music", json={"model": "riffusion-v1", "device": "cuda:7"}), 422, "unknown_device", "device"
    )


def test_a_full_queue_says_when_to_come_back(tmp_path: Path) -> None:
    desk = Desk(tmp_path, queue_limit=1)
    desk.ask()
    full = desk.http.post("/v1/music", json={"prompt": "x"})
    assert refused(full, 429, "queue_full").type == "rate_limit"
    assert full.headers["retry-after"] == "10"
    claim = desk.claim()
    desk.store.report(claim, 0.5, "rendering", 41.6, 1)
    desk.ask()
    assert desk.http.post("/v1/music", json={"prompt": "x"}).headers["retry-after"] == "42"


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "not_json"),
        (b"", "application/json", 400, "not_json"),
        (b'{"seed": NaN}', "application/json", 400, "not_json"),
        (b"\xff\xfe", "application/json", 400, "not_json"),
        (b"[" * 100_000, "application/json", 400, "not_json"),
        (b"[" * 60 + b"]" * 60, "application/json", 422, "invalid_value"),
        (b"[]", "application/json", 422, "invalid_value"),
        (b'{"prompt": "\\u0000"}', "application/json", 422, "invalid_value"),
        (b'{"prompt": "\\ud800"}', "application/json", 422, "invalid_value"),
        (b'{"tempo_bpm": 1e999}', "application/json", 422, "invalid_value"),
        (b'{"genres": [' + b"1," * 5000 + b"1]}", "application/json", 422, "invalid_value"),
        (b"{}", "text/plain", 415, "content_type"),
        (b"prompt=x", "application/x-www-form-urlencoded", 415, "content_type"),
        (b"{}", "", 415, "content_type"),
    ],
)
def test_bodies_that_are_no_json(desk: Desk, content: bytes, kind: str, status: int, code: str) -> None:
    headers = {"Content-Type": kind} if kind else {}
    refused(desk.http.post("/v1/music", content=content, headers=headers), status, code)


def test_bodies_too_large_announced_or_not(tmp_path: Path) -> None:
    desk = Desk(tmp_path, longest_body_bytes=1000)
    large = json.dumps({"prompt": "x" * 2000}).encode()
    headers = {"Content-Type": "application/json"}
    refused(desk.http.post("/v1/music", content=large, headers=headers), 413, "too_large")
    pieces = (large[at : at + 100] for at in range(0, len(large), 100))
    refused(desk.http.post("/v1/music", content=pieces, headers=headers), 413, "too_large")


def test_errors_of_the_framework_have_the_same_shape(desk: Desk) -> None:
    refused(desk.http.get("/v1/nothing"), 404, "not_found")
    refused(desk.http.post("/v1/nothing"), 404, "not_found")
    wrong = desk.http.put("/v1/music")
    refused(wrong, 405, "method_not_allowed")
    assert wrong.headers["allow"] == "GET, HEAD, POST"
    refused(desk.http.post("/"), 405, "method_not_allowed")


def test_head_where_there_is_get(desk: Desk) -> None:
    take = desk.take()
    for path in ("/v1/music", "/health", "/", f"/v1/takes/{take['id']}/content?format=flac", "/v1/events"):
        head = desk.http.head(path)
        assert (head.status_code, head.content) == (200, b"")
    whole = desk.http.get(f"/v1/takes/{take['id']}/content?format=flac")
    head = desk.http.head(f"/v1/takes/{take['id']}/content?format=flac")
    assert head.headers["content-length"] == str(len(whole.content))
    assert head.headers["etag"] == whole.headers["etag"]


def test_ranges_and_entity_tags(desk: Desk) -> None:
    path = f"/v1/takes/{desk.take()['id']}/content?format=wav"
    whole = desk.http.get(path)
    size, tag = len(whole.content), whole.headers["etag"]
    assert whole.headers["accept-ranges"] == "bytes"
    for asked, start, stop in (
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, size),
        ("bytes=-10", size - 10, size),
        (f"bytes=5-{size * 2}", 5, size),
        (f"bytes=-{size * 2}", 0, size),
    ):
        part = desk.http.get(path, headers={"Range": asked})
        assert part.status_code == 206
        assert part.content == whole.content[start:stop]
        assert part.headers["content-range"] == f"bytes {start}-{stop - 1}/{size}"
    for ignored in ("bytes=9-3", "bytes=0-1,4-5", "lines=0-1", "bytes=-", f"bytes={'9' * 30}-"):
        assert desk.http.get(path, headers={"Range": ignored}).status_code == 200
    for behind in (f"bytes={size}-", "bytes=-0"):
        far = desk.http.get(path, headers={"Range": behind})
        refused(far, 416, "range")
        assert far.headers["content-range"] == f"bytes */{size}"
    assert desk.http.get(path, headers={"Range": "bytes=0-9", "If-Range": tag}).status_code == 206
    assert desk.http.get(path, headers={"Range": "bytes=0-9", "If-Range": '"older"'}).status_code == 200
    assert desk.http.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert desk.http.get(path, headers={"If-None-Match": f'"a", W/{tag}'}).status_code == 304


def test_every_form_of_a_take(desk: Desk) -> None:
    take = desk.take(title="Für Élise / Nº 1")
    at = f"/v1/takes/{take['id']}"
    for form, kind in (
        ("wav", "audio/wav"),
        ("mp3", "audio/mpeg"),
        ("ogg", "audio/ogg"),
        ("mid", "audio/midi"),
        ("json", "application/json"),
    ):
        answer = desk.http.get(f"{at}/content?format={form}")
        assert answer.headers["content-type"] == kind
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
        assert f".{form}" in answer.headers["content-disposition"]
    stem = desk.http.get(f"{at}/content?format=flac&part={take['stems'][0]}&inline=true")
    assert stem.headers["content-disposition"].startswith("inline")
    archive = zipfile.ZipFile(io.BytesIO(desk.http.get(f"{at}/content?format=zip").content))
    assert any("lead-flute" in name for name in archive.namelist())
    score = schemas.ScoreView.model_validate_json(desk.http.get(f"{at}/score").content)
    assert score.tracks[0].instrument == "flute"
    peaks = schemas.Peaks.model_validate_json(desk.http.get(f"{at}/peaks?slices=10").content)
    assert len(peaks.data) == 2 * peaks.slices == 20
    assert desk.http.get(f"{at}/spectrogram").content.startswith(b"\x89PNG")
    assert desk.http.get(f"{at}/recipe").json()["seed"] == take["seed"]


def test_what_a_take_has_not_got(desk: Desk) -> None:
    at = f"/v1/takes/{desk.take()['id']}"
    refused(desk.http.get(f"{at}/lyrics"), 404, "not_available")
    refused(desk.http.get(f"{at}/content?format=lrc"), 404, "not_available")
    refused(desk.http.get(f"{at}/content?part=tuba"), 404, "no_part", "part")
    refused(desk.http.get(f"{at}/content?part=..%2F.."), 422, "invalid_value", "part")
    refused(desk.http.get(f"{at}/content?format=exe"), 422, "invalid_value", "format")
    refused(desk.http.get(f"{at}/content?bit_depth=8"), 422, "invalid_value", "bit_depth")
    refused(desk.http.get(f"{at}/content?format=mp3&bit_depth=x"), 422, "invalid_value", "bit_depth")
    desk.files.track(at.rpartition("/")[2]).unlink()
    refused(desk.http.get(f"{at}/content?format=flac"), 404, "not_available")


@pytest.mark.parametrize("path", ["", "/content", "/score", "/peaks", "/lyrics", "/spectrogram", "/recipe"])
@pytest.mark.parametrize("id_", [f"take_{NOBODY}", "take_", "..", "%2e%2e%2f%2e%2e", "job_0123456789abcdef"])
def test_takes_that_are_not_there(desk: Desk, path: str, id_: str) -> None:
    assert desk.http.get(f"/v1/takes/{id_}{path}").status_code == 404


def test_jobs_that_are_not_there(desk: Desk) -> None:
    for id_ in (f"job_{NOBODY}", "job", f"take_{NOBODY}"):
        for method, path in (
            ("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/preview"), ("GET", "/excerpt"),
            ("GET", "/events"), ("GET", "/content"), ("POST", "/stems"), ("POST", "/midi"),
        ):  # fmt: skip
            refused(desk.http.request(method, f"/v1/music/{id_}{path}"), 404, "not_found")
    refused(desk.http.get(f"/v1/music/{desk.ask()['id']}/content"), 404, "no_such_take", "take")


def test_the_library(desk: Desk) -> None:
    first, second = desk.take("calm piano"), desk.take("fast drums")
    at = f"/v1/takes/{first['id']}"
    changed = desk.http.patch(at, json={"title": "Morning", "starred": True}).json()
    assert (changed["title"], changed["starred"]) == ("Morning", True)
    assert [take["id"] for take in desk.http.get("/v1/takes?q=morning").json()["data"]] == [first["id"]]
    assert [take["id"] for take in desk.http.get("/v1/takes?starred=false").json()["data"]] == [second["id"]]
    assert [take["id"] for take in desk.http.get(f"/v1/takes?job={first['job_id']}").json()["data"]] == [first["id"]]
    refused(desk.http.get("/v1/takes?job=first"), 422, "invalid_value", "job")
    binned = desk.http.delete(at).json()
    assert binned["deleted_at"] is not None
    assert [take["id"] for take in desk.http.get("/v1/takes").json()["data"]] == [second["id"]]
    assert desk.http.post(f"{at}/restore").json()["deleted_at"] is None
    assert desk.http.delete(f"{at}?permanent=true").status_code == 204
    refused(desk.http.get(at), 404, "not_found")
    assert not desk.files.take(first["id"]).exists()
    assert desk.files.take(second["id"]).exists()


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"title": ""}, "title"),
        ({"title": "   "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"starred": 1}, "starred"),
        ({"seed": 1}, "seed"),
    ],
)
def test_changes_of_a_take_that_are_none(desk: Desk, body: dict[str, Any], param: str) -> None:
    refused(desk.http.patch(f"/v1/takes/{desk.take()['id']}", json=body), 422, "invalid_value", param)


def test_stems_and_midi_lead_to_the_files(desk: Desk) -> None:
    take = desk.take()
    for name, form in (("stems", "zip"), ("midi", "mid")):
        for id_ in (take["id"], take["job_id"]):
            answer = desk.http.post(f"/v1/music/{id_}/{name}")
            assert answer.status_code == 303
            assert answer.headers["location"] == f"/v1/takes/{take['id']}/content?format={form}"


def test_vary_with_and_without_changes(desk: Desk) -> None:
    take = desk.take("calm piano", seed=5, tempo_bpm=90)
    same = desk.http.post(f"/v1/takes/{take['id']}/vary", json={"takes": 2})
    assert (same.status_code, same.json()["operation"], same.json()["takes"]) == (202, "vary", 2)
    assert same.json()["parent_take"] == take["id"]
    assert same.json()["params"]["tempo_bpm"] == 90 and same.json()["params"]["seed"] != 5
    other = desk.http.post(f"/v1/music/{take['job_id']}/vary?take=1", json={"changes": {"tempo_bpm": 120}}).json()
    assert (other["params"]["tempo_bpm"], other["params"]["seed"]) == (120, 5)
    free = desk.http.post(f"/v1/takes/{take['id']}/vary", json={"changes": {"tempo_bpm": None}}).json()
    assert "tempo_bpm" not in free["params"]
    refused(
        desk.http.post(f"/v1/takes/{take['id']}/vary", json={"changes": {"colour": 1}}), 422, "unknown_option", "colour"
    )
    refused(desk.http.post(f"/v1/takes/{take['id']}/vary", json={"takes": 9}), 422, "over_limit", "takes")
    refused(desk.http.post(f"/v1/takes/take_{NOBODY}/vary", json={}), 404, "not_found")


def test_loop_keeps_the_seed_and_takes_whole_bars(desk: Desk) -> None:
    take = desk.take("calm piano", seed=5, duration_s=20)
    job = desk.http.post(f"/v1/takes/{take['id']}/loop", json={"bars": 4}).json()
    assert job["operation"] == "loop"
    assert job["params"] == {"prompt": "calm piano", "seed": 5, "loop": True, "bars": 4}
    # What the take itself can give is cut out of it.
    short = desk.http.post(f"/v1/takes/{take['id']}/loop", json={}).json()
    assert (short["operation"], short["params"]) == ("loop", take["params"])
    assert desk.edits(short) == [{"op": "loop", "bars": [1, 1]}]


def test_repaint_and_extend_are_for_models_that_can(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    job = desk.ask()
    desk.work(duration_s=20.0)
    at = f"/v1/music/{job['id']}"
    monkeypatch.setattr(editing, "writes_pieces", lambda take: False)
    for name, body in (("repaint", {"regions": [[0.0, 0.1]]}), ("extend", {"added_s": 5})):
        error = refused(desk.http.post(f"{at}/{name}", json=body), 422, "invalid_request", "repaint")
        assert "stable-audio-3" in error.message
    monkeypatch.undo()
    repainted = desk.http.post(f"{at}/repaint", json={"regions": [[0.0, 0.1]], "prompt": "busier", "takes": 2}).json()
    extended = desk.http.post(f"{at}/extend", json={"added_s": 5}).json()
    assert [(one["operation"], one["takes"]) for one in (repainted, extended)] == [("repaint", 2), ("extend", 1)]
    (regenerate,), (extend,) = desk.edits(repainted), desk.edits(extended)
    assert 0 <= regenerate.pop("seed") < 2**32 and 0 <= extend.pop("seed") < 2**32
    assert regenerate == {"op": "regenerate", "seconds": [[0.0, 0.1]], "text": "busier"}
    assert extend == {"op": "extend", "by_seconds": 5.0}
    refused(desk.http.post(f"{at}/extend", json={"added_s": 5, "prompt": "x"}), 422, "invalid_request", "prompt")
    refused(desk.http.post(f"{at}/extend", json={"added_s": 590}), 422, "over_limit", "edits")
    for regions in ([[2, 1]], [[-1, 1]], [[25, 26]]):
        assert desk.http.post(f"{at}/repaint", json={"regions": regions}).status_code == 422
    refused(desk.http.post(f"{at}/repaint", json={"regions": []}), 422, "invalid_value", "regions")
    refused(desk.http.post(f"{at}/extend", json={"added_s": 0}), 422, "invalid_value", "added_s")


def test_what_is_repainted_and_added(desk: Desk) -> None:
    job = desk.ask(seed=5, bars=4)
    desk.work(duration_s=20.0)
    take = orders.take_of(desk.store, job["id"])
    repaint = orders.repainted_take(take, schemas.RepaintBody(regions=((2, 5),), prompt="louder", takes=2)).request
    assert (repaint.init_audio, repaint.repaint, repaint.duration_s) == (take.id, ((2, 5),), 20.0)
    assert (repaint.prompt, repaint.takes, repaint.seed, repaint.bars) == ("louder", 2, None, None)
    extend = orders.extended_take(take, schemas.ExtendBody(added_s=10)).request
    assert (extend.init_audio, extend.repaint, extend.duration_s) == (take.id, ((20.0, 30.0),), 30.0)
    assert extend.prompt == "calm piano"


def test_a_damaged_take_is_no_start(desk: Desk) -> None:
    job = desk.ask()
    desk.work()
    take = orders.take_of(desk.store, job["id"])
    for facts in ({}, {"params": []}, {"params": {"tempo_bpm": "fast"}}):
        with pytest.raises(Problem) as damaged:
            orders.request_of(replace(take, take=replace(take.take, facts=facts)))
        assert damaged.value.status == 409


def test_a_take_with_damaged_facts_still_sounds(desk: Desk) -> None:
    take = desk.take()
    for facts in ({"stems": 5}, {"sections": [{"bars": "x"}], "stems": [1]}, {"sections": 7}):
        text = json.dumps({**facts, "params": {"prompt": "x"}})
        with desk.store.database.writing() as connection:
            connection.execute(text_of("UPDATE takes SET facts = :facts"), {"facts": text})
        assert desk.http.get(f"/v1/takes/{take['id']}/content?format=flac").status_code == 200
        refused(desk.http.get(f"/v1/takes/{take['id']}/content?part=drums"), 404, "no_part", "part")
        assert desk.http.get(f"/v1/takes/{take['id']}").json()["damage"] is not None
        assert desk.http.post(f"/v1/takes/{take['id']}/loop", json={}).status_code == 202


def test_what_is_there_is_played_while_others_wait_for_exports(desk: Desk) -> None:
    take = desk.take()
    parts: Any = desk.app.state.desk
    parts.exporting.total_tokens = 1

    async def played() -> int:
        async with parts.exporting, httpx.AsyncClient(transport=httpx.ASGITransport(desk.app)) as client:
            url = f"http://127.0.0.1:8484/v1/takes/{take['id']}/content?format=flac&inline=true"
            return (await client.get(url)).status_code

    assert asyncio.run(asyncio.wait_for(played(), 30)) == 200


def test_health_tells_what_ails_the_workers_and_a_missing_folder(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    app = create_app(desk.service.settings, desk.store, desk.files, lambda: "worker cpu ended 3 times")
    health = TestClient(app, base_url="http://127.0.0.1:8484").get("/health").json()
    assert (health["status"], health["problem"]) == ("degraded", "worker cpu ended 3 times")
    desk.files.root.rename(tmp_path / "elsewhere")
    assert "folder is gone" in desk.http.get("/health").json()["problem"]


@pytest.mark.parametrize(
    "recipe",
    [
        '{"prompt": "\\ud800"}',
        '{"prompt": "a\\u0000b"}',
        '{"prompt": "x"}, "settings": {"a": ' + "[" * 400 + "]" * 400 + "}",
        '{"prompt": "x"}, "settings": {"a": [' + "[]," * 500_000 + "0]}",
    ],
)
def test_recipes_that_nothing_can_hold(desk: Desk, recipe: str) -> None:
    text = f'{{"format": "noisician recipe", "version": 1, "seed": 1, "request": {recipe}}}'
    answer = desk.http.post("/v1/restore", files={"file": ("x.json", text.encode())})
    assert answer.status_code == 422, answer.text
    assert list(desk.files.tmp.iterdir()) == []


def test_a_model_that_is_not_here(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOISICIAN_MODELS", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    error = refused(desk.http.post("/v1/music", json={"model": "riffusion-v1"}), 422, "missing_model", "model")
    assert "noisician models pull" in error.message


def test_explain(desk: Desk) -> None:
    found = schemas.Understood.model_validate(
        desk.http.post("/v1/explain", json={"prompt": "fast jazz in A minor"}).json()
    )
    assert (found.controls["key"], found.controls["mode"], found.problem) == ("A", "minor", None)
    assert {reason.field for reason in found.reasons} >= {"genres", "key", "mode"}
    problem = schemas.Understood.model_validate(desk.http.post("/v1/explain", json={"tempo_bpm": 900}).json()).problem
    assert problem is not None and problem.param == "tempo_bpm"
    lacking = schemas.Understood.model_validate(desk.http.post("/v1/explain", json={"negative_prompt": "x"}).json())
    assert lacking.problem is not None and lacking.problem.param == "negative_prompt"
    refused(desk.http.post("/v1/explain", json={"colour": 1}), 422, "unknown_option", "colour")


def test_catalogue(desk: Desk) -> None:
    styles = schemas.Styles.model_validate_json(desk.http.get("/v1/styles").content)
    assert all(kind for _, kind in styles)
    models = schemas.ModelList.model_validate_json(desk.http.get("/v1/models").content)
    embedded = next(model for model in models.data if model.name == "embedded")
    assert (embedded.available, embedded.how_to_get, embedded.speed) == (True, None, None)
    for model in models.data:
        assert desk.http.get(f"/v1/models/{model.name}").json()["name"] == model.name
    refused(desk.http.get("/v1/models/nobody"), 404, "not_found")
    about = schemas.About.model_validate_json(desk.http.get("/v1/about").content)
    assert (about.limits.takes, about.key_required) == (8, False)
    health = schemas.Health.model_validate_json(desk.http.get("/health").content)
    assert (health.status, health.queued) == ("starting", 0)


def test_uploads(desk: Desk) -> None:
    sent = desk.http.post("/v1/uploads", files={"file": ("../..\\my song.wav", wav())})
    upload = schemas.Upload.model_validate_json(sent.content)
    assert (sent.status_code, upload.name, upload.format, upload.size_bytes) == (201, "my song.wav", "wav", len(wav()))
    assert desk.files.upload(upload.id).read_bytes() == wav()
    assert desk.http.get(f"/v1/uploads/{upload.id}").json() == sent.json()
    assert desk.http.delete(f"/v1/uploads/{upload.id}").status_code == 204
    assert not desk.files.upload(upload.id).exists()
    refused(desk.http.get(f"/v1/uploads/{upload.id}"), 404, "not_found")
    refused(desk.http.delete(f"/v1/uploads/{upload.id}"), 404, "not_found")


def test_notes_are_an_uploaded_midi_file(desk: Desk) -> None:
    file = io.BytesIO()
    write_midi(Score(120, "C", "major", "4/4", 1, tracks=(Track("lead", "flute", (Note(60, 0, 1, 80),)),)), file)
    post = desk.http.post
    notes = post("/v1/uploads", files={"file": ("tune.mid", file.getvalue())}).json()
    sound = post("/v1/uploads", files={"file": ("a.wav", wav())}).json()
    assert notes["format"] == "mid"
    assert post("/v1/music", json={"notes": notes["id"]}).status_code == 202
    refused(post("/v1/music", json={"notes": sound["id"]}), 422, "file", "notes")
    refused(post("/v1/music", json={"notes": "tune.mid"}), 422, "unknown_sound", "notes")
    refused(post("/v1/uploads", files={"file": ("tune.mid", b"MThd broken")}), 422, "file")


def test_an_uploaded_recording_is_listened_to(desk: Desk) -> None:
    post = desk.http.post
    tone = io.BytesIO()
    times = [place / 8000 for place in range(20000)]
    soundfile.write(tone, [0.3 * math.sin(2764.6 * time) for time in times], 8000, format="WAV")
    sound = post("/v1/uploads", files={"file": ("a.wav", tone.getvalue())}).json()
    heard = schemas.Analysis.model_validate(desk.http.get(f"/v1/uploads/{sound['id']}/analysis").json())
    assert heard.duration_s == 2.5 and len(heard.chords) == heard.bars and heard.sound.width == 0
    short = post("/v1/uploads", files={"file": ("b.wav", wav(0.5))}).json()
    error = refused(desk.http.get(f"/v1/uploads/{short['id']}/analysis"), 409, "file", "id")
    assert error.message.startswith("b.wav: 0.5 s of audio")
    refused(desk.http.get(f"/v1/uploads/upload_{NOBODY}/analysis"), 404, "not_found")


def test_the_oldest_uploads_make_room(tmp_path: Path) -> None:
    desk = Desk(tmp_path, uploads_kept=2)
    ids = [desk.http.post("/v1/uploads", files={"file": ("a.wav", wav())}).json()["id"] for _ in range(3)]
    assert [desk.http.get(f"/v1/uploads/{id_}").status_code for id_ in ids] == [404, 200, 200]
    assert sorted(path.name for path in desk.files.uploads.iterdir()) == sorted(ids[1:])


def test_uploads_that_are_refused_leave_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, longest_upload_bytes=100_000, longest_upload_s=0.5)
    post = desk.http.post
    refused(post("/v1/uploads", files={"file": ("a.wav", b"no sound")}), 422, "file")
    refused(post("/v1/uploads", files={"file": ("a.wav", wav(0.55))}), 422, "file")
    refused(post("/v1/uploads", files={"file": ("a.wav", b"x" * 300_000)}), 413, "too_large")
    pieces = (b"x" * 10_000 for _ in range(100))
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    begin = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    refused(post("/v1/uploads", content=_chain(begin, pieces), headers=kind), 413, "too_large")
    refused(post("/v1/uploads", content=begin + b"RIFF", headers=kind), 400, "cut_off")
    refused(post("/v1/uploads", content=b"nonsense", headers=kind), 400, "bad_multipart")
    refused(post("/v1/uploads", content=b"x", headers={"Content-Type": "multipart/form-data"}), 400, "bad_multipart")
    refused(post("/v1/uploads", json={}), 415, "content_type")
    refused(post("/v1/uploads", files={"other": ("a.wav", wav())}), 422, "invalid_value", "file")
    two = [("file", ("a.wav", wav())), ("file", ("b.wav", wav()))]
    refused(post("/v1/uploads", files=two), 422, "invalid_value", "file")
    assert [*desk.files.uploads.iterdir(), *desk.files.tmp.iterdir()] == []


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def test_a_full_disk_and_a_database_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(bodies._FilePart, "flush", full)
        refused(desk.http.post("/v1/uploads", files={"file": ("a.wav", wav())}), 507, "disk_full")
    assert list(desk.files.tmp.iterdir()) == []

    def broken(*_: object) -> None:
        raise StoreError("the database /home/me/noisician.sqlite3 is locked")

    monkeypatch.setattr(desk.store, "jobs", broken)
    monkeypatch.setattr(desk.store, "counts", broken)
    answer = desk.http.get("/v1/music")
    assert "/home/me" not in refused(answer, 503, "storage").message
    assert answer.headers["retry-after"] == "5"
    health = desk.http.get("/health")
    assert (health.status_code, health.json()["status"]) == (503, "degraded")
    full_disk = Desk(tmp_path / "other", least=2**62)
    refused(full_disk.http.post("/v1/uploads", files={"file": ("a.wav", wav())}), 507, "disk_full")
    assert "are needed" in full_disk.http.get("/health").json()["problem"]


def test_settings_come_back_from_a_file(desk: Desk) -> None:
    take = desk.take("calm piano", seed=5, tempo_bpm=90)
    for form in ("mp3", "mid", "json", "zip"):
        file = desk.http.get(f"/v1/takes/{take['id']}/content?format={form}").content
        restored = schemas.Restored.model_validate_json(
            desk.http.post("/v1/restore", files={"file": (f"x.{form}", file)}).content
        )
        assert restored.params == {"prompt": "calm piano", "tempo_bpm": 90}
        assert (restored.seed, restored.take_id, restored.title) == (5, take["id"], take["title"])
    desk.http.delete(f"/v1/takes/{take['id']}?permanent=true")
    gone = desk.http.post("/v1/restore", files={"file": ("x.json", file)})
    assert gone.json()["take_id"] is None
    error = refused(desk.http.post("/v1/restore", files={"file": ("my.wav", wav())}), 422, "file", "file")
    assert error.message.startswith("my.wav") and str(desk.files.root) not in error.message
    assert list(desk.files.tmp.iterdir()) == []
