"""ACE-Step-DAW's calls for notes and chords: what its client says and reads."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from small_service import URL, run, small_service

from noisician.errors import RequestError
from noisician.score import Chord, Note
from noisician.service.compat import ace_step_daw as daw
from noisician.service.compat.ace_step_tasks import Refusal


def packed(*notes: tuple[int, float, float, int], bpm: float = 96) -> str:
    listed = [
        {"pitch": pitch, "start_beat": start, "duration_beats": length, "velocity": velocity}
        for pitch, start, length, velocity in notes
    ]
    return base64.b64encode(json.dumps({"format": daw.FORMAT, "bpm": bpm, "notes": listed}).encode()).decode()


CONTEXT = packed((60, 0, 1, 100), (64, 1, 0.5, 80))


def test_a_body_becomes_tasks() -> None:
    body = {
        "task_type": "midi_generate", "mode": "infill", "context_midi": CONTEXT, "selection_start": 1,
        "selection_end": 4, "locked_note_indices": [1], "key": "A minor", "time_signature": "3/4",
        "style": "jazz", "temperature": 2.0, "num_results": 2, "seed": 7, "model": "amt",
    }  # fmt: skip
    first, second = daw.notes_tasks(body)
    assert (first.mode, first.selection, first.locked, first.strength) == ("infill", (1.0, 4.0), {1}, 1.0)
    assert first.notes == (Note(60, 0, 1, 100), Note(64, 1, 0.5, 80))
    assert (first.setting.words, first.setting.key, first.setting.time_signature) == ("jazz", "A minor", "3/4")
    assert (first.setting.tempo_bpm, first.setting.seed, second.setting.seed) == (96, 7, 8)
    assert daw.notes_tasks({"mode": "infill", "context_midi": CONTEXT, "selection_start": 0.5})[0].selection == (
        0.5,
        1.5,
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"mode": "sing"}, "mode"), ({"context_midi": "!"}, "base64"),
        ({"context_midi": packed((200, 0, 1, 9))}, "base64"),
        ({"context_midi": CONTEXT, "locked_note_indices": [2]}, "locked"), ({"temperature": 3}, "temperature"),
        ({"num_results": 99}, "num_results"), ({"time_signature": "5/8"}, "time_signature"),
        ({"style": "x" * 9999}, "style"), ({"selection_start": "now"}, "selection"),
        ({"context_midi": base64.b64encode(b"[" * 100000).decode()}, "base64"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_one_line(body: dict[str, Any], told: str) -> None:
    with pytest.raises(Refusal, match=told) as refused:
        daw.notes_tasks(body)
    assert "\n" not in str(refused.value) and refused.value.status == 422


def test_chords_in_their_words() -> None:
    events = [
        {"root": "F#", "quality": "min7", "start_beat": 4, "duration_beats": 4},
        {"root": "C", "quality": "maj", "bass": "E", "start_beat": 0, "duration_beats": 4},
    ]
    (task,) = daw.chords_tasks({"mode": "continue", "existing_chords": events})
    assert task.chords == (Chord(0, 4, 0, "maj", 4), Chord(4, 4, 6, "min7"))
    assert daw.chord_events(task.chords, ("D", "major")) == [events[1], events[0]]
    assert daw.chord_events((Chord(0, 4, 10, "m7b5"),), ("F", "minor"))[0]["quality"] == "hdim7"
    for wrong in ({"mode": "harmonize"}, {"mode": "from_text"}, {"existing_chords": [{"root": "H"}]}):
        with pytest.raises(Refusal):
            daw.chords_tasks(wrong)


async def polled(client: httpx.AsyncClient, task: str) -> dict[str, Any]:
    while (told := (await client.get(f"/v1/midi/result/{task}")).json())["status"] in ("pending", "processing"):
        await asyncio.sleep(0.01)
    return told


def test_notes_are_asked_for_and_polled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(task: Any) -> tuple[Note, ...]:
        if task.setting.words == "silent":
            raise RequestError("seed 3 leaves it silent")
        return (*task.notes, Note(72, 2.0, 1.0, 90))

    monkeypatch.setattr(daw, "notes_made", made)
    monkeypatch.setattr(
        daw, "chords_made", lambda task: ((Chord(0, 4, task.setting.seed % 12, "maj"),), ("C", "major"))
    )
    service = small_service(tmp_path, works=False)

    async def asked() -> None:
        transport = httpx.ASGITransport(service.app)
        async with service.running(), httpx.AsyncClient(transport=transport, base_url=URL) as client:
            for prefix in ("", "/ace-step"):
                assert (await client.get(f"{prefix}/v1/midi/health")).json()["status"] == "ok"
            body = {"mode": "variation", "context_midi": CONTEXT, "num_results": 2, "bpm": 120}
            task = (await client.post("/v1/midi/generate", json=body)).json()["task_id"]
            told = await polled(client, task)
            assert told["status"] == "completed" and len(told["results"]) == 2
            back = json.loads(base64.b64decode(told["results"][0]["midi_data"]))
            assert back["format"] == daw.FORMAT and [note["pitch"] for note in back["notes"]] == [60, 64, 72]
            silent = (await client.post("/v1/midi/generate", json={**body, "style": "silent"})).json()["task_id"]
            assert await polled(client, silent) == {"status": "error", "error": "seed 3 leaves it silent"}
            assert (await client.get("/v1/midi/result/midi_0")).status_code == 404
            assert (await client.post("/v1/midi/generate", json={"mode": "sing"})).status_code == 422
            body = {"mode": "suggest", "seed": 0, "num_suggestions": 3}
            chords = (await client.post("/v1/chords/generate", json=body)).json()
            assert [one["root"] for one in chords["chords"]] == ["C"] and len(chords["alternatives"]) == 2
            assert chords["confidence"] == 1.0

    run(asked())
