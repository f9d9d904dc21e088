"""ACE-Step's REST calls: what its clients say and expect, on plain values and against the whole service."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from small_service import URL, SmallService, run, small_service

from noisician.service import schemas
from noisician.service.compat import ace_step_tasks as tasks
from noisician.service.compat.ace_step_tasks import Refusal
from noisician.service.web.understanding import music_of

JOB = "job_0123456789abcdef"
TAKE = "take_0123456789abcdef"


def model(name: str, *features: str, available: bool = True) -> schemas.ModelInfo:
    return schemas.ModelInfo(
        name=name,
        available=available,
        how_to_get=None,
        licence="MIT",
        licence_url=None,
        restricted=False,
        size_gb=None,
        features=features,
        duration_range_s=None,
        sample_rate_hz=None,
        speed=None,
        measured_takes=0,
    )


EMBEDDED = model("embedded", "text", "score")
ACE_STEP = model("ace-step-1.5", "text", "init_audio", "repaint")


def body(**values: Any) -> dict[str, Any]:
    """What a task becomes where only the embedded model is; the usual two takes and the model left out."""
    made = tasks.music_body(tasks.gathered(values), (EMBEDDED, model("ace-step-1.5", "text", available=False)))
    return {name: value for name, value in made.items() if (name, value) != ("takes", 2)}


def test_names_in_any_spelling_and_place() -> None:
    raw = {
        "caption": "jazz",
        "audioDuration": "30",
        "param_obj": '{"bpm": 90, "duration": 99}',
        "metas": {"keyScale": "A Minor", "bpm": 120},
        "time_signature": "",
        "cot-caption": True,
    }
    found = tasks.gathered(raw)
    assert found == {"prompt": "jazz", "audio_duration": "30", "bpm": 90, "key_scale": "A Minor", "cot_caption": True}


@pytest.mark.parametrize("nested", ["{", '"text', "[" * 100_000])
def test_what_is_no_json_inside_is_refused(nested: str) -> None:
    with pytest.raises(Refusal, match="param_obj is no JSON object"):
        tasks.gathered({"param_obj": nested})


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"prompt": "x", "batch_size": 3}, {"prompt": "x", "takes": 3}),
        ({"prompt": "x", "batch_size": "1", "audio_duration": "-1", "bpm": 0}, {"prompt": "x", "takes": 1}),
        ({"bpm": "auto", "key_scale": "N/A"}, {"prompt": ""}),
        ({"bpm": "92.5", "audio_duration": 20}, {"prompt": "", "tempo_bpm": 92.5, "duration_s": 20}),
        ({"bpm": 30, "time_signature": "2"}, {"prompt": "", "tempo_bpm": 60, "time_signature": "2/4"}),
        ({"bpm": 300, "time_signature": "12/8"}, {"prompt": "", "tempo_bpm": 150, "time_signature": "12/8"}),
        ({"bpm": 1000}, {"prompt": "", "tempo_bpm": 1000}),
        ({"key_scale": "A harmonic minor"}, {"prompt": "", "key": "A", "mode": "minor"}),
        ({"key_scale": "F# Phrygian-Dominant"}, {"prompt": "", "key": "F#", "mode": "phrygian"}),
        ({"key_scale": "C klezmer"}, {"prompt": "", "key": "C klezmer"}),
        ({"seed": -1, "use_random_seed": False}, {"prompt": ""}),
        ({"seed": "7,9", "use_random_seed": "false"}, {"prompt": "", "seed": 7}),
        ({"seed": 7, "use_random_seed": "True"}, {"prompt": ""}),
        ({"seed": 7}, {"prompt": "", "seed": 7}),
        ({"lyrics": "[Instrumental]", "vocal_language": "en"}, {"prompt": ""}),
        ({"lyrics": "la", "vocal_language": "unknown"}, {"prompt": "", "lyrics": "la"}),
        ({"lyrics": "la", "language": "en"}, {"prompt": "", "lyrics": "la", "language": "en"}),
        ({"sample_mode": True, "sample_query": "a", "prompt": "b"}, {"prompt": "a"}),
        ({"description": "a"}, {"prompt": "a"}),
        ({"prompt": "x", "inference_steps": 50, "guidance_scale": 7}, {"prompt": "x"}),
        ({"prompt": "x", "src_audio": "silence.wav"}, {"prompt": "x"}),
        ({"prompt": "x", "model": "acestep-v15-turbo"}, {"prompt": "x"}),
        ({"prompt": "x", "model": "embedded"}, {"prompt": "x", "model": "embedded"}),
        ({"prompt": "x", "model": "other"}, {"prompt": "x", "model": "other"}),
    ],
)
def test_a_task_becomes_a_request(said: dict[str, Any], meant: dict[str, Any]) -> None:
    assert body(**said) == meant


def test_every_value_is_one_the_service_understands() -> None:
    made = body(
        prompt="x", bpm="90", keyScale="F# Minor", timesignature="3", audio_duration="20", seed="5",
        lyrics="la la", vocal_language="en", batch_size="2",
    )  # fmt: skip
    request, title = music_of(made)
    assert (request.tempo_bpm, request.key, request.mode, request.time_signature) == (90, "F#", "minor", "3/4")
    assert (request.duration_s, request.seed, request.lyrics, title) == (20, 5, "la la", None)


@pytest.mark.parametrize(
    ("said", "status", "message"),
    [
        ({"task_type": "lego"}, 501, "task_type 'lego' cannot be done here"),
        ({"task_type": "cover"}, 400, "starts from a sound"),
        ({"bpm": "fast"}, 400, "bpm 'fast' is no number"),
        ({"bpm": "nan"}, 400, "bpm 'nan' is no number"),
        ({"audio_duration": True}, 400, "audio_duration 'True' is no number"),
        ({"audio_duration": "9" * 5000}, 400, "is no number"),
        ({"batch_size": 1.5}, 400, "batch_size 1.5 is no whole number"),
        ({"prompt": ["x"]}, 400, "prompt is no text"),
    ],
)
def test_what_cannot_be_is_one_line(said: dict[str, Any], status: int, message: str) -> None:
    with pytest.raises(Refusal, match=message) as refused:
        body(**said)
    assert refused.value.status == status and "\n" not in str(refused.value) and len(str(refused.value)) < 300


def test_their_own_network_is_asked_where_it_is_here() -> None:
    said = tasks.gathered({"model": "acestep-v15-turbo", "inference_steps": 8, "guidance_scale": 7.0})
    made = tasks.music_body(said, (EMBEDDED, ACE_STEP))
    assert (made["model"], made["steps"], made["guidance_scale"]) == ("ace-step-1.5", 8, 7.0)


@pytest.mark.parametrize(("kept", "strength"), [(None, None), (1.0, None), (0.2, 0.8), (0, 1)])
def test_a_cover_goes_to_a_model_that_can(kept: float | None, strength: float | None) -> None:
    said = {"task_type": "cover", "src_audio": TAKE, "audio_cover_strength": kept}
    made = tasks.music_body(tasks.gathered(said), (EMBEDDED, ACE_STEP))
    assert made["model"] == "ace-step-1.5" and made["init_audio"] == TAKE and made.get("strength") == strength


def test_repainting_to_the_end() -> None:
    said = {"task_type": "repaint", "src_audio": TAKE, "repainting_start": "3", "repainting_end": -1}
    made = tasks.music_body(tasks.gathered({**said, "audio_duration": 12}), (EMBEDDED, ACE_STEP))
    assert music_of(made)[0].repaint == ((3.0, 12.0),)


def test_names_of_tasks_and_sounds() -> None:
    assert tasks.job_of(tasks.task_id(JOB, "mp3")) == (JOB, "mp3") and tasks.task_id(JOB, "mp3") == JOB
    assert tasks.job_of(tasks.task_id(JOB, "wav")) == (JOB, "wav")
    assert tasks.job_of("../etc/passwd") is None and tasks.job_of(f"{JOB}.exe") is None
    assert tasks.sound_of(f"{TAKE}.flac") == tasks.sound_of(f"/v1/audio?path={TAKE}.flac") == (TAKE, "flac")
    assert tasks.sound_id(f"/v1/audio?path={TAKE}.wav", "src_audio_path") == TAKE


@given(st.text(max_size=80))
def test_no_other_text_names_a_sound(text: str) -> None:
    assert tasks.sound_of(text) is None and tasks.job_of(text) is None
    with pytest.raises(Refusal, match="send the file itself"):
        tasks.sound_id(text, "src_audio_path")


@given(st.dictionaries(st.text(max_size=20), st.none() | st.booleans() | st.floats() | st.text(max_size=20)))
def test_any_values_become_a_request_or_a_refusal(values: dict[str, Any]) -> None:
    try:
        json.dumps(body(**{"bpm": 90, **values}), allow_nan=False)
    except Refusal as refused:
        assert str(refused)


def job(status: Any, **more: Any) -> schemas.Job:
    values: dict[str, Any] = {
        "operation": "make", "progress": 40.0, "stage": None, "eta_s": None, "queue_position": None, "created_at": 5.5,
        "started_at": None, "completed_at": None, "error": None, "model": "embedded", "params": {"prompt": "x"},
        "title": None, "parent_take": None, "takes": 1, "attempts": 1, "cancel_requested": False, "outputs": (),
    }  # fmt: skip
    return schemas.Job(id=JOB, status=status, **{**values, **more})


@pytest.mark.parametrize(
    ("state", "status", "error"),
    [
        (job("queued", queue_position=2), 0, None),
        (job("in_progress", stage="rendering", eta_s=3.2), 0, None),
        (job("completed"), 2, "its takes were deleted"),
        (job("cancelled"), 2, "cancelled"),
        (job("failed", error=schemas.ErrorBody(message="no room", type="server", code="disk_full")), 2, "no room"),
        (None, 2, "there is no such task; it may have been deleted"),
    ],
)
def test_states_as_their_clients_poll_them(state: schemas.Job | None, status: int, error: str | None) -> None:
    entry = tasks.result_entry(JOB, state, "mp3")
    (item,) = json.loads(entry["result"])
    assert entry["task_id"] == JOB and entry["status"] == item["status"] == status and item["error"] == error
    if state is not None and state.status == "in_progress":
        assert entry["progress_text"] == "rendering, 40%, about 3 s left"
        assert (item["progress"], item["stage"], item["prompt"], item["create_time"]) == (0.4, "rendering", "x", 5)


@pytest.mark.parametrize(
    ("loop", "asked", "given"), [(True, "mp3", "wav"), (True, "flac", "flac"), (False, "mp3", "mp3")]
)
def test_a_loop_is_never_mp3_and_the_metas_say_what_was_made(loop: bool, asked: str, given: str) -> None:
    take: Any = schemas.Take.model_construct(
        id=TAKE, tempo_bpm=60.0, key="A", mode="minor", time_signature="4/4", duration_s=3.0, params={}, loop=loop,
        title="x", model="embedded", recipe_id="abcdef", made_in_s=1.0, seed=7,
    )  # fmt: skip
    state = job("completed").model_copy(update={"outputs": (take,)})
    (item,) = json.loads(tasks.result_entry(JOB, state, asked)["result"])
    assert item["file"] == f"/v1/audio?path={TAKE}.{given}"
    metas = item["metas"]
    assert (metas["audio_format"], metas["loop"], metas["bpm"], metas["timesignature"]) == (given, loop, 60, "4")


def test_errors_name_what_their_clients_gave() -> None:
    said = tasks.in_their_words("embedded cannot follow init_audio; duration_s stays")
    assert said == "embedded cannot follow src_audio; audio_duration stays"


def test_a_random_sample_can_be_made() -> None:
    samples = [tasks.random_sample(np.random.default_rng(seed)) for seed in range(20)]
    assert samples[3] == tasks.random_sample(np.random.default_rng(3))
    assert len({sample["caption"] for sample in samples}) > 15
    for sample in samples:
        request, _ = music_of(body(**sample))
        assert request.prompt and request.key and request.mode and request.time_signature and request.lyrics is None


@pytest.fixture
def service(tmp_path: Path, fake_checkpoints: None) -> SmallService:
    return small_service(tmp_path)


@pytest.fixture
def fake_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without open checkpoints."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NOISICIAN_MODELS", str(tmp_path / "own"))


Talk = Callable[[httpx.AsyncClient], Coroutine[Any, Any, None]]


def with_client(service: SmallService, talk: Talk, prefix: str = "/ace-step") -> None:
    async def go() -> None:
        transport = httpx.ASGITransport(service.app, raise_app_exceptions=False)
        async with service.running(), httpx.AsyncClient(transport=transport, base_url=URL + prefix) as client:
            await talk(client)

    run(go())


async def data(answer: Coroutine[Any, Any, httpx.Response]) -> Any:
    """The data of an envelope that is all right."""
    found = await answer
    assert found.status_code == 200, found.text
    envelope = found.json()
    assert (envelope["code"], envelope["error"], envelope["extra"]) == (200, None, None)
    assert set(envelope) == {"data", "code", "error", "timestamp", "extra"}
    return envelope["data"]


async def refused(answer: Coroutine[Any, Any, httpx.Response], status: int, message: str) -> None:
    found = await answer
    envelope = found.json()
    assert (found.status_code, envelope["code"], envelope["data"]) == (status, status, None), found.text
    assert message in envelope["error"] and envelope["detail"] == envelope["error"]


async def result(client: httpx.AsyncClient, task: str) -> list[dict[str, Any]]:
    """Polls as a front end does."""
    while True:
        (entry,) = await data(client.post("/query_result", json={"task_id_list": [task]}))
        if entry["status"]:
            return json.loads(entry["result"])
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("prefix", ["/ace-step", ""])
def test_the_life_of_a_task(service: SmallService, prefix: str) -> None:
    """What ACE-Step-DAW does: a multipart form with silence as source, polling, fetching what the result names."""

    async def talk(client: httpx.AsyncClient) -> None:
        form = {
            "task_type": "text2music", "prompt": "calm piano", "lyrics": "", "audio_duration": "20", "bpm": "90",
            "key_scale": "A Minor", "time_signature": "", "inference_steps": "50", "guidance_scale": "7", "shift": "3",
            "batch_size": "2", "audio_format": "wav", "thinking": "true", "seed": "7", "use_random_seed": "false",
            "model": "acestep-v15-turbo", "vocal_language": "unknown",
        }  # fmt: skip
        files = {"src_audio": ("src_audio.wav", b"RIFF....")}
        task = await data(client.post("/release_task", data=form, files=files))
        assert task["status"] == "queued" and task["queue_position"] >= 1
        first, second = await result(client, task["task_id"])
        assert (first["seed_value"], second["seed_value"]) == ("7", "8")
        assert first["prompt"] == "calm piano" and first["dit_model"] == "embedded" and first["lm_model"] == ""
        assert first["metas"]["bpm"] == 120 and first["metas"]["keyscale"] == "C Major"
        assert first["metas"]["timesignature"] == "4" and first["metas"]["duration"] == 0.2
        sound = await client.get(first["file"])
        assert sound.status_code == 200 and sound.headers["content-type"] == "audio/wav"
        assert soundfile.info(io.BytesIO(sound.content)).duration == 0.2
        part = await client.get(first["file"], headers={"Range": "bytes=0-3"})
        assert (part.status_code, part.content) == (206, b"RIFF")
        assert not service.files.uploads.exists() or not list(service.files.uploads.iterdir())
        job, _ = tasks.job_of(task["task_id"]) or ("", "")
        record = service.store.job(job)
        assert record is not None
        assert record.params == {
            "prompt": "calm piano",
            "duration_s": 20.0,
            "tempo_bpm": 90.0,
            "key": "A",
            "mode": "minor",
            "takes": 2,
            "seed": 7,
        }

    with_client(service, talk, prefix)


def test_forms_and_json_in_their_spellings(service: SmallService) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        bodies: tuple[dict[str, Any], ...] = (
            {"json": {"caption": "x", "batchSize": 1}},
            {"data": {"prompt": "x", "batch_size": "1"}},
            {"content": b'{"prompt": "x"}', "headers": {"Content-Type": "application/vnd.it+json"}},
            {"content": b'{"prompt": "x"}'},
        )
        for more in bodies:
            task = await data(client.post("/release_task", **more))
            (first, *_) = await result(client, task["task_id"])
            assert first["file"].endswith(".mp3") and (await client.get(first["file"])).content[:3] in (
                b"ID3",
                b"\xff\xfb\x90",
            )
        query = urlencode({"task_id_list": json.dumps([task["task_id"], "nobody"])})
        form = {"content": query, "headers": {"Content-Type": "application/x-www-form-urlencoded"}}
        done, nobody = await data(client.post("/query_result", **form))
        assert (done["status"], nobody["status"]) == (1, 2) and nobody["task_id"] == "nobody"
        assert await data(client.post("/query_result", json={})) == []

    with_client(service, talk)


def test_a_sound_to_start_from(service: SmallService) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        task = await data(client.post("/release_task", json={"prompt": "x"}))
        (first, *_) = await result(client, task["task_id"])
        cover = {"task_type": "cover", "src_audio_path": first["file"]}
        (again, *_) = await result(client, (await data(client.post("/release_task", json=cover)))["task_id"])
        assert again["file"].endswith(".mp3")
        sound = await client.get(first["file"])
        files = {"ctx_audio": ("a.mp3", sound.content)}
        form = {"task_type": "repaint", "repainting_end": "-1"}
        await refused(client.post("/release_task", data=form, files=files), 422, "embedded cannot follow repaint")
        assert len(list(service.files.uploads.iterdir())) == 1
        await refused(client.post("/release_task", data=form, files={"src_audio": ("a.wav", b"no sound")}), 422, "")
        theirs = {"task_type": "cover", "src_audio_path": "/etc/passwd"}
        await refused(client.post("/release_task", json=theirs), 400, "names a file of this machine")

    with_client(service, talk)


def test_lyrics_that_cannot_be_sung_are_refused_before_they_wait(service: SmallService) -> None:
    french = {"prompt": "pop", "lyrics": "[Verse]\nLe vent se leve, la nuit est belle\net nous dansons dans la rue"}

    async def talk(client: httpx.AsyncClient) -> None:
        await refused(client.post("/release_task", json=french), 422, "the lyrics look French")
        asked = {"prompt": "pop", "lyrics": "[Verse]\nStay with me", "vocal_language": "fr"}
        await refused(client.post("/release_task", json=asked), 422, "lyrics in 'fr' cannot be sung")
        await data(client.post("/release_task", json={"prompt": "pop", "lyrics": "[Inst]", "batch_size": 1}))

    with_client(service, talk)


def test_what_is_listed_and_told(service: SmallService) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        assert (await data(client.get("/health")))["service"].startswith("noisician")
        for path in ("/v1/models", "/v1/model_inventory"):
            models = await data(client.get(path))
            assert models["default_model"] == "embedded" and [entry["name"] for entry in models["models"]] == [
                "embedded"
            ]
            assert models["models"][0]["supported_task_types"] == ["text2music", "cover"]
        assert (await data(client.get("/v1/stats")))["avg_job_seconds"] == 0
        task = await data(client.post("/release_task", json={"prompt": "x"}))
        await result(client, task["task_id"])
        stats = await data(client.get("/v1/stats"))
        assert stats["jobs"] == {"total": 1, "queued": 0, "running": 0, "succeeded": 1, "failed": 0}
        assert stats["queue_maxsize"] == 500 and stats["avg_job_seconds"] > 0
        loaded = await data(client.post("/v1/init", json={"model": "embedded", "init_llm": True}))
        assert loaded["loaded_model"] == "embedded" and loaded["llm_initialized"] is False
        await refused(client.post("/v1/init", json={"model": "acestep-v15-base"}), 400, "is not here")

    with_client(service, talk)


def test_words_are_understood_but_not_rewritten(service: SmallService) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        values = {"prompt": "waltz at 90 bpm", "lyrics": "la", "param_obj": '{"key": "F# minor", "language": "en"}'}
        found = await data(client.post("/format_input", json=values))
        assert found["caption"] == "waltz at 90 bpm" and found["lyrics"] == "la" and found["vocal_language"] == "en"
        assert (found["bpm"], found["key_scale"], found["time_signature"]) == (90, "F# Minor", "3")
        sample = await data(client.post("/v1/create_sample", json={"query": "fast techno", "instrumental": True}))
        assert sample["caption"] == "fast techno" and sample["lyrics"] == "[Instrumental]"
        assert (await data(client.post("/create_random_sample", json={"sample_type": "simple_mode"})))["caption"]
        await refused(client.post("/format_input", json={"param_obj": '{"bpm": 9999}'}), 422, "9999")

    with_client(service, talk)


def test_errors_in_their_envelope(service: SmallService) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        await refused(client.get("/v1/lora/status"), 501, "no LoRA")
        await refused(client.post("/v1/training/start", json={}), 501, "no training")
        await refused(client.post("/release_task", content=b"[1]"), 400, "must be a JSON object")
        await refused(client.post("/release_task", content=b"{"), 400, "the body is no JSON")
        await refused(
            client.post("/release_task", content=b"x", headers={"Content-Type": "text/plain"}), 415, "text/plain"
        )
        await refused(client.post("/release_task", json={"bpm": 9999}), 422, "9999")
        for half in ({"prompt": "\ud800"}, {"ai_token": "\ud800"}):
            await refused(client.post("/release_task", content=json.dumps(half)), 422, "surrogate")
        await refused(client.post("/query_result", content=b'{"task_id_list": ["\\ud800"]}'), 422, "surrogate")
        tokens = await client.post("/query_result", json={"ai_token": "clé", "task_id_list": []})
        assert tokens.status_code == 200
        await refused(client.post("/release_task", content=b"x" * 2_000_000), 413, "limit")
        broken = {"Content-Type": "multipart/form-data; boundary=x"}
        await refused(client.post("/release_task", content=b"--x\r\nno", headers=broken), 400, "")
        await refused(client.post("/query_result", json={"task_id_list": ["x"] * 101}), 400, "101 tasks")
        await refused(client.get("/v1/audio", params={"path": "/etc/passwd"}), 404, "none of those")
        gone = await client.get("/v1/audio", params={"path": f"{TAKE}.mp3"})
        assert gone.status_code == 404

    with_client(service, talk)


def test_a_full_queue_says_when_to_come_back(tmp_path: Path, fake_checkpoints: None) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        await data(client.post("/release_task", json={"prompt": "x"}))
        answer = await client.post("/release_task", json={"prompt": "y"})
        assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1

    with_client(small_service(tmp_path, works=False, queue_limit=1), talk)


def test_the_key_in_their_ways(tmp_path: Path, fake_checkpoints: None) -> None:
    key = "a key of twenty-four chars"

    async def talk(client: httpx.AsyncClient) -> None:
        body = {"prompt": "x", "batch_size": 1}
        task = await data(client.post("/release_task", json={**body, "ai_token": key}))
        await data(client.post("/release_task", json=body, headers={"Authorization": key}))
        await data(client.post("/release_task", data=body, headers={"Authorization": f"Bearer {key}"}))
        for more in ({}, {"headers": {"Authorization": "Bearer no"}}, {"json": {**body, "ai_token": "no"}}):
            await refused(client.post("/release_task", **{"json": body, **more}), 401, "key")
        files = {"src_audio": ("a.wav", b"x" * 100)}
        await refused(client.post("/release_task", data={**body, "ai_token": key}, files=files), 401, "key")
        await data(client.post("/release_task", data=body, files=files, headers={"Authorization": key}))
        for call in (client.get("/v1/stats"), client.get("/v1/models"), client.post("/query_result", json={})):
            await refused(call, 401, "key")
        while not (entry := (await data(client.post(
            "/query_result", json={"task_id_list": [task["task_id"]], "ai_token": key})))[0])["status"]:  # fmt: skip
            await asyncio.sleep(0.02)
        path = json.loads(entry["result"])[0]["file"]
        assert (await client.get(path)).status_code == 401
        assert (await client.get(path, headers={"Authorization": key})).status_code == 200
        assert (await client.get("/health")).status_code == 200

    with_client(small_service(tmp_path, api_key=key), talk)


def test_a_page_of_an_allowed_origin(tmp_path: Path, fake_checkpoints: None) -> None:
    page = "http://localhost:5174"

    async def talk(client: httpx.AsyncClient) -> None:
        client.headers["Origin"] = page
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        assert (await client.options("/release_task", headers=asked)).headers["access-control-allow-origin"] == page
        task = await data(client.post("/release_task", json={"prompt": "x", "batch_size": 1}))
        (first,) = await result(client, task["task_id"])
        sound = await client.get(first["file"], headers={"Sec-Fetch-Site": "cross-site"})
        assert sound.status_code == 200 and sound.headers.get_list("access-control-allow-origin") == [page]
        other = {"Origin": "http://elsewhere.example"}
        assert (await client.post("/release_task", json={"prompt": "x"}, headers=other)).status_code == 403

    with_client(small_service(tmp_path, allowed_origins=(page,)), talk)
