"""The calls for notes and chords that ACE-Step-DAW makes (its src/types/api.ts), answered by the composer.

Notes are a task that is asked for and polled; chords are answered at once. Both take a moment of one processor, here in
the web process, one after another: nothing is rendered and nothing is kept but the last results. Its stream over a
WebSocket is not offered; its client then polls.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import anyio
import anyio.to_thread
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response

from noisician.errors import NoisicianError
from noisician.models import registry
from noisician.models.embedded.clips import (
    ChordsMode,
    ChordsTask,
    ClipSetting,
    NotesMode,
    NotesTask,
    clip_chords,
    clip_notes,
)
from noisician.request import SEEDS, TIME_SIGNATURES
from noisician.score import Chord, Note
from noisician.score.chart import read_symbol
from noisician.score.harmony import SCALES, pitch_class
from noisician.score.qualities import HARTE_NAMES, tones_of
from noisician.score.spelling import fifths_of, spelled_root
from noisician.service.compat.ace_step_tasks import Refusal
from noisician.service.web.bodies import chunks, json_of
from noisician.service.web.problems import Problem

FORMAT = "ace-step-midi-v1"
MODEL = "noisician"
_PREFIXES = ("", "/ace-step")
_RESULTS_LIMIT = 8
#: Finished tasks that can still be asked for, and those that wait at the same time.
_TASKS_KEPT, _TASKS_WAITING = 64, 16
_BODY_LIMIT_BYTES = 4 << 20
_TEXT_CHARS = 2000
_CHORDS_LIMIT = 2000


@dataclass
class _Task:
    status: str = "pending"
    results: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None


def install(app: FastAPI) -> None:
    """Adds the calls to the service ``app``."""
    calls = _Calls()
    for prefix in _PREFIXES:
        router = APIRouter(prefix=prefix, include_in_schema=False)
        router.add_api_route("/v1/midi/generate", _answered(calls.generate_notes), methods=["POST"])
        router.add_api_route("/v1/midi/result/{task}", _answered(calls.result), methods=["GET"])
        router.add_api_route("/v1/chords/generate", _answered(calls.generate_chords), methods=["POST"])
        for kind in ("midi", "chords"):
            router.add_api_route(f"/v1/{kind}/health", _answered(_healthy), methods=["GET"])
        app.include_router(router)


def _answered(call: Callable[[Request], Any]) -> Callable[[Request], Any]:
    async def wrapped(request: Request) -> Response:
        try:
            return JSONResponse(await call(request))
        except Refusal as error:
            return JSONResponse({"error": str(error), "detail": str(error)}, error.status)
        except Problem as error:
            return JSONResponse({"error": str(error), "detail": str(error)}, error.status, error.headers)
        except NoisicianError as error:
            return JSONResponse({"error": str(error), "detail": str(error)}, 422)

    return wrapped


async def _healthy(request: Request) -> dict[str, Any]:
    return {"status": "ok", "model": MODEL}


class _Calls:
    """The tasks of one service."""

    def __init__(self) -> None:
        self._tasks: OrderedDict[str, _Task] = OrderedDict()
        self._running: set[asyncio.Task[None]] = set()
        self._one = anyio.CapacityLimiter(1)

    async def generate_notes(self, request: Request) -> dict[str, Any]:
        asked = notes_tasks(await _body(request))
        if sum(task.status in ("pending", "processing") for task in self._tasks.values()) >= _TASKS_WAITING:
            raise Refusal(f"{_TASKS_WAITING} tasks wait already; ask again in a moment", 429)
        id_ = f"midi_{secrets.token_hex(8)}"
        self._tasks[id_] = task = _Task()
        while len(self._tasks) > _TASKS_KEPT:
            self._tasks.popitem(last=False)
        running = asyncio.create_task(self._make(task, asked))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return {"task_id": id_}

    async def _make(self, task: _Task, asked: Sequence[NotesTask]) -> None:
        def made() -> list[dict[str, Any]]:
            task.status = "processing"
            return [notes_result(one, notes_made(one)) for one in asked]

        try:
            task.results = await anyio.to_thread.run_sync(made, limiter=self._one)
            task.status = "completed"
        except NoisicianError as error:
            task.status, task.error = "error", str(error)
        except Exception:
            task.status, task.error = "error", "the notes could not be written; the service's log says why"
            raise

    async def result(self, request: Request) -> dict[str, Any]:
        task = self._tasks.get(request.path_params["task"])
        if task is None:
            raise Refusal("there is no such task; it was asked for too long ago, or of another service", 404)
        told: dict[str, Any] = {"status": task.status}
        if task.status == "completed":
            told["results"] = task.results
        return told if task.error is None else {**told, "error": task.error}

    async def generate_chords(self, request: Request) -> dict[str, Any]:
        asked = chords_tasks(await _body(request))
        found = [await anyio.to_thread.run_sync(chords_made, one, limiter=self._one) for one in asked]
        events = [chord_events(chords, key) for chords, key in found]
        chords, key = found[0]
        distinct = [one for place, one in enumerate(events) if one not in events[:place]]
        return {"chords": events[0], "confidence": round(in_key(chords, key), 3), "alternatives": distinct[1:]}


def notes_made(task: NotesTask) -> tuple[Note, ...]:
    models = registry.DEFAULT
    with models.one_at_a_time:
        return clip_notes(task, lambda: models.embedded.networks.composer)  # type: ignore[attr-defined]


def chords_made(task: ChordsTask) -> tuple[tuple[Chord, ...], tuple[str, str]]:
    models = registry.DEFAULT
    with models.one_at_a_time:
        return clip_chords(task, lambda: models.embedded.networks.composer)  # type: ignore[attr-defined]


async def _body(request: Request) -> dict[str, Any]:
    values = json_of(b"".join([chunk async for chunk in chunks(request, _BODY_LIMIT_BYTES)]) or b"{}")
    if not isinstance(values, dict):
        raise Refusal("the body must be a JSON object", 422)
    return values


# --- their values and ours --------------------------------------------------------------------------------------------


def notes_tasks(values: Mapping[str, Any]) -> list[NotesTask]:
    """What a body asks for, once for each result. Raises Refusal."""
    mode = _mode(values, get_args(NotesMode), "infill")
    notes, bpm = notes_of(values.get("context_midi"), "context_midi")
    start, end = _number(values, "selection_start"), _number(values, "selection_end")
    locked = values.get("locked_note_indices") or []
    if not isinstance(locked, list) or any(type(one) is not int or not 0 <= one < len(notes) for one in locked):
        raise Refusal(f"locked_note_indices are places among the {len(notes)} notes of context_midi, from 0", 422)
    temperature = _number(values, "temperature", 0.0, 2.0)
    selection = None
    if mode == "infill" and (start is not None or end is not None):
        last = max((note.end_beats for note in notes), default=0.0)
        selection = (start or 0.0, last if end is None else end)
    setting = _setting(values, bpm, _text(values, "style"))
    count = _whole(values, "num_results", 1, _RESULTS_LIMIT, 1)
    task = NotesTask(
        mode=mode,  # type: ignore[arg-type]
        notes=notes,
        setting=setting,
        selection=selection,
        locked=frozenset(locked),
        bars=_whole(values, "continuation_bars", 1, 64, 4),
        instrument=_text(values, "target_instrument"),
        strength=min(max((1.0 if temperature is None else temperature) / 2, 0.1), 1.0),
    )
    return [_with_seed(task, number) for number in range(count)]


def chords_tasks(values: Mapping[str, Any]) -> list[ChordsTask]:
    """What a body asks for, once for each suggestion. Raises Refusal."""
    mode = _mode(values, get_args(ChordsMode), "suggest")
    events = values.get("existing_chords") or []
    if not isinstance(events, list) or len(events) > _CHORDS_LIMIT:
        raise Refusal(f"existing_chords is a list of at most {_CHORDS_LIMIT} chords", 422)
    melody = notes_of(values.get("melody_midi"), "melody_midi")[0] if values.get("melody_midi") else ()
    words = _text(values, "text_prompt")
    if mode == "harmonize" and not melody:
        raise Refusal("harmonize needs a tune: melody_midi", 422)
    if mode == "from_text" and not words:
        raise Refusal("from_text needs words: text_prompt", 422)
    task = ChordsTask(
        mode=mode,  # type: ignore[arg-type]
        setting=_setting(values, None, _text(values, "genre")),
        chords=tuple(sorted(map(_chord, events), key=lambda one: one.start_beats)),
        melody=melody if mode == "harmonize" else (),
        words=words if mode == "from_text" else "",
    )
    count = _whole(values, "num_suggestions", 1, _RESULTS_LIMIT, 1)
    return [_with_seed(task, number) for number in range(count)]


def _with_seed(task: Any, number: int) -> Any:
    return replace(task, setting=replace(task.setting, seed=(task.setting.seed + number) % SEEDS))


def _mode(values: Mapping[str, Any], modes: Sequence[str], otherwise: str) -> str:
    mode = values.get("mode", otherwise)
    if mode not in modes:
        raise Refusal(f"mode {str(mode)[:40]!r} is none of {', '.join(modes)}", 422)
    return mode


def _setting(values: Mapping[str, Any], bpm: float | None, words: str) -> ClipSetting:
    signature = _text(values, "time_signature") or "4/4"
    if signature not in TIME_SIGNATURES:
        raise Refusal(f"time_signature {signature[:20]!r} is none of {', '.join(TIME_SIGNATURES)}", 422)
    asked = _number(values, "bpm", 1.0, 1000.0)
    seed = _whole(values, "seed", 0, SEEDS - 1, -1)
    return ClipSetting(
        words=words,
        key=_text(values, "key") or None,
        time_signature=signature,
        tempo_bpm=asked or bpm or 120.0,
        seed=secrets.randbelow(SEEDS) if seed < 0 else seed,
    )


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > _TEXT_CHARS:
        raise Refusal(f"{name} is a text of at most {_TEXT_CHARS} characters", 422)
    return value.strip()


def _number(values: Mapping[str, Any], name: str, low: float = 0.0, high: float = 10_000.0) -> float | None:
    value = values.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise Refusal(f"{name} {str(value)[:40]} is outside {low:g} to {high:g}", 422)
    return float(value)


def _whole(values: Mapping[str, Any], name: str, low: int, high: int, otherwise: int) -> int:
    value = _number(values, name, low, high)
    if value is None:
        return otherwise
    if not value.is_integer():
        raise Refusal(f"{name} {value:g} is no whole number", 422)
    return int(value)


def notes_of(packed: object, name: str) -> tuple[tuple[Note, ...], float | None]:
    """The notes in base64 of their JSON, in their order, and the tempo it states. Raises Refusal."""
    if packed is None or packed == "":
        return (), None
    try:
        told = json.loads(base64.b64decode(str(packed), validate=True))
        notes = tuple(_note(one) for one in told["notes"])
        bpm = told.get("bpm")
    except (binascii.Error, ValueError, KeyError, TypeError, RecursionError, AttributeError):
        told = "{format, bpm, notes: [{pitch, start_beat, duration_beats, velocity}]}"
        raise Refusal(f"{name} is no base64 of {FORMAT}: {told}", 422) from None
    return notes, float(bpm) if isinstance(bpm, int | float) and 1 <= bpm <= 1000 else None


def _note(told: Mapping[str, Any]) -> Note:
    pitch, velocity = round(float(told["pitch"])), round(float(told.get("velocity", 90)))
    start, length = float(told["start_beat"]), float(told["duration_beats"])
    if not (0 <= pitch <= 127 and 0 <= start < 1e5 and 0 <= length < 1e5):
        raise ValueError(told)
    return Note(pitch, start, length, min(max(velocity, 1), 127))


def notes_result(task: NotesTask, notes: Sequence[Note]) -> dict[str, Any]:
    """One result as their client reads it."""
    told = {
        "format": FORMAT,
        "bpm": task.setting.tempo_bpm,
        "notes": [
            {
                "pitch": note.pitch,
                "start_beat": round(note.start_beats, 6),
                "duration_beats": round(note.duration_beats, 6),
                "velocity": note.velocity,
            }
            for note in notes
        ],
    }
    attributes = {"bpm": task.setting.tempo_bpm, "time_signature": task.setting.time_signature}
    if task.setting.key:
        attributes["key"] = task.setting.key
    packed = base64.b64encode(json.dumps(told, separators=(",", ":")).encode()).decode("ascii")
    return {"midi_data": packed, "model": MODEL, "inferred_attributes": attributes}


def _chord(event: object) -> Chord:
    """A chord of theirs. Raises Refusal."""
    try:
        assert isinstance(event, dict)
        root, quality = str(event["root"]), str(event.get("quality", "maj"))
        start, length = float(event["start_beat"]), float(event["duration_beats"])
        if not (0 <= start < 1e5 and 0 < length < 1e5):
            raise ValueError(event)
        symbol = read_symbol(f"{root}:{quality}")
        bass = event.get("bass")
        below = pitch_class(str(bass)) if bass else None
        assert symbol.root is not None
    except (AssertionError, KeyError, TypeError, ValueError):
        shown = str(event)[:120]
        raise Refusal(f"existing_chords: {shown} is no {{root, quality, start_beat, duration_beats}}", 422) from None
    return Chord(start, length, symbol.root, symbol.quality, None if below == symbol.root else below)


def chord_events(chords: Sequence[Chord], key: tuple[str, str]) -> list[dict[str, Any]]:
    """Chords as their client reads them: roots as the key has them, kinds by Harte's names."""
    fifths = fifths_of(*key)
    return [
        {
            "root": spelled_root(one.root, fifths).name,
            "quality": HARTE_NAMES.get(one.quality, one.quality),
            **({} if one.bass is None else {"bass": spelled_root(one.bass, fifths).name}),
            "start_beat": round(one.start_beats, 6),
            "duration_beats": round(one.duration_beats, 6),
        }
        for one in chords
    ]


def in_key(chords: Sequence[Chord], key: tuple[str, str]) -> float:
    """The share of the chords' tones, by their time, that are the key's."""
    scale, tonic = SCALES[key[1]], pitch_class(key[0])
    inside = total = 0.0
    for one in chords:
        tones = [(one.root + tone - tonic) % 12 in scale for tone in tones_of(one.quality)]
        inside += one.duration_beats * sum(tones) / len(tones)
        total += one.duration_beats
    return inside / total if total else 0.0
