"""What ACE-Step's clients say and expect, in the terms of this service: pure functions on JSON values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import numpy as np

from noisician.request import DURATION_RANGE_S, MODES, TEMPO_RANGE_BPM, TIME_SIGNATURES
from noisician.service import schemas
from noisician.service.files import is_id

#: Their statuses of a task.
WAITING, SUCCEEDED, FAILED = 0, 1, 2
TASK_TYPES = ("text2music", "cover", "repaint")
#: Their model, under the name it has here.
OWN_MODEL = "ace-step-1.5"
_DEFAULT_TAKES = 2
_DEFAULT_FORMAT = "mp3"
_FORMATS = {"mp3": "mp3", "wav": "wav", "wav32": "wav", "flac": "flac", "ogg": "ogg"}
#: What they call a value, besides its own name, in snake case.
_OTHER_NAMES: Mapping[str, str] = {
    "caption": "prompt",
    "description": "sample_query",
    "desc": "sample_query",
    "duration": "audio_duration",
    "target_duration": "audio_duration",
    "keyscale": "key_scale",
    "key": "key_scale",
    "timesignature": "time_signature",
    "language": "vocal_language",
    "model_name": "model",
    "dit_model": "model",
    "ctx_audio": "src_audio",
    "ctx_audio_path": "src_audio_path",
    "source_audio_path": "src_audio_path",
    "ref_audio": "reference_audio",
    "ref_audio_path": "reference_audio_path",
}
#: What they call the fields of ours that messages name.
_THEIR_NAMES: Mapping[str, str] = {
    "tempo_bpm": "bpm",
    "duration_s": "audio_duration",
    "init_audio": "src_audio",
}
_OUR_NAME = re.compile(rf"\b({'|'.join(_THEIR_NAMES)})\b")
_NESTED = ("param_obj", "metas", "meta", "metadata", "user_metadata")
_UNSET = frozenset({"", "auto", "n/a", "none", "null", "unknown"})
_NO_WORDS = frozenset({"[inst]", "[instrumental]"})
_TRUE = frozenset({"1", "true", "yes", "on"})
_CAPITAL = re.compile(r"(?<=[a-z0-9])[A-Z]")
_TASK = re.compile(r"(job_[0-9a-f]{16})(?:\.(wav|flac|ogg))?")
_KEY_AND_MODE = re.compile(r"([A-Ga-g](?:#|♯|♭|b)?)[\s:_-]+(\w[\w\s-]*)")
#: Scales that are not here, and the one that has most of their notes.
_SCALES_LIKE: Mapping[str, str] = {
    "harmonic minor": "minor",
    "melodic minor": "minor",
    "natural minor": "minor",
    "aeolian": "minor",
    "min": "minor",
    "blues": "minor",
    "minor pentatonic": "minor",
    "ionian": "major",
    "maj": "major",
    "harmonic major": "major",
    "major pentatonic": "major",
    "phrygian dominant": "phrygian",
    "mixolydian b6": "mixolydian",
}
#: A metre that is not here, and the one whose bars last as long.
_METRES_LIKE: Mapping[str, str] = {"2/2": "4/4"}
_THEIR_TEMPOS_BPM = (30, 300)
_SHORT_MINOR = re.compile(r"([A-Ga-g](?:#|♯|♭|b)?)m")
_SOUND = re.compile(r"(take_[0-9a-f]{16})\.(mp3|wav|flac|ogg)")


class Refusal(Exception):
    """Something these clients ask for that cannot be. ``status`` is HTTP's."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def gathered(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The values under one name each, empty ones left out. What stands at the top wins over what is nested.

    Names may be in camel case, and objects may come as JSON text. Raises Refusal for text that is none.
    """
    outer = {_name(name): value for name, value in raw.items()}
    found: dict[str, Any] = {}
    for source in (outer, *(_object(outer[name], name) for name in _NESTED if name in outer)):
        for name, value in source.items():
            name = _OTHER_NAMES.get(_name(name), _name(name))
            if name not in _NESTED and not _is_unset(value):
                found.setdefault(name, value)
    return found


def music_body(values: Mapping[str, Any], models: Sequence[schemas.ModelInfo]) -> dict[str, Any]:
    """The body of POST /v1/music for their task. ``src_audio`` and ``reference_audio`` are ids here.

    Left out on purpose: what steers their language model and the sampling of their own network, unless it is that
    network which is asked. Raises Refusal.
    """
    kind = _text(values, "task_type") or TASK_TYPES[0]
    if kind not in TASK_TYPES:
        raise Refusal(f"task_type {kind[:80]!r} cannot be done here; there are {', '.join(TASK_TYPES)}", 501)
    model = _model(_text(values, "model"), kind, models)
    body: dict[str, Any] = {
        "prompt": _prompt(values),
        "model": model,
        "takes": _whole(values, "batch_size") or _DEFAULT_TAKES,
        "duration_s": _positive(values, "audio_duration"),
        "tempo_bpm": _tempo_bpm(values),
        "time_signature": _signature(values),
        "negative_prompt": _text(values, "negative_prompt"),
        "reference_audio": values.get("reference_audio"),
        "seed": _seed(values),
        **_key(values),
        **_words(values),
        **_source(values, kind),
    }
    if model == OWN_MODEL:
        body |= {"steps": _whole(values, "inference_steps"), "guidance_scale": _number(values, "guidance_scale")}
    return {name: value for name, value in body.items() if value is not None}


def in_their_words(message: str) -> str:
    """A message with the names that their clients gave in place of ours."""
    return _OUR_NAME.sub(lambda found: _THEIR_NAMES[found[0]], message)


def audio_format(values: Mapping[str, Any]) -> str:
    """The format they want the music in. Raises Refusal for one that is not made here."""
    given = (_text(values, "audio_format") or _DEFAULT_FORMAT).lower()
    if given not in _FORMATS:
        raise Refusal(f"audio_format {given[:80]!r} is not made here; there are {', '.join(_FORMATS)}")
    return _FORMATS[given]


def task_id(job_id: str, audio_format: str) -> str:
    """The job's id; a format other than the usual one rides along."""
    return job_id if audio_format == _DEFAULT_FORMAT else f"{job_id}.{audio_format}"


def job_of(task: str) -> tuple[str, str] | None:
    """The job and the format behind a task's id, None for a text that is none."""
    found = _TASK.fullmatch(task)
    return None if found is None else (found[1], found[2] or _DEFAULT_FORMAT)


def sound_of(path: str) -> tuple[str, str] | None:
    """The take and the format behind what we call a path, or behind the address made of it."""
    query = parse_qs(urlsplit(path).query).get("path") if "?" in path else None
    found = _SOUND.fullmatch(query[0] if query else path)
    return None if found is None else (found[1], found[2])


def sound_id(path: str, name: str) -> str:
    """The id behind a path that a client gives. Raises Refusal for a place on this machine."""
    sound = sound_of(path)
    found = sound[0] if sound else path
    if not (is_id(found, "take") or is_id(found, "upload")):
        raise Refusal(f"{name} names a file of this machine, which clients may not; send the file itself")
    return found


def result_entry(task: str, job: schemas.Job | None, audio_format: str) -> dict[str, Any]:
    """A task as their clients poll it; ``result`` is JSON text. A task nobody knows has failed."""
    if job is None:
        items, status, said = (
            [_item(FAILED, error="there is no such task; it may have been deleted")],
            FAILED,
            "unknown",
        )
    elif job.status == "completed" and job.outputs:
        items, status, said = [_track(job, take, audio_format) for take in job.outputs], SUCCEEDED, "completed"
    elif job.status in ("queued", "in_progress"):
        status, said = WAITING, _progress_text(job)
        item = _item(status, job, progress=job.progress / 100, stage=job.stage or job.status, error=None)
        items = [item]
    else:
        error = (
            in_their_words(job.error.message)
            if job.error
            else "cancelled"
            if job.status == "cancelled"
            else "its takes were deleted"
        )
        items, status, said = [_item(FAILED, job, progress=1.0, stage=job.status, error=error)], FAILED, error
    return {
        "task_id": task,
        "result": json.dumps(items, ensure_ascii=False),
        "status": status,
        "progress_text": said,
    }


def form_values(understood: schemas.Understood, prompt: str, lyrics: str, language: str | None) -> dict[str, Any]:
    """A request as it is understood, under their names. The words stay as they are: nothing here rewrites them."""
    controls = understood.controls
    key, mode = controls.get("key"), controls.get("mode")
    metre = controls.get("time_signature")
    scale = f"{key} {str(mode or 'major').title()}" if key else ""
    signature = str(metre).partition("/")[0] if metre else ""
    return {
        "caption": prompt,
        "lyrics": lyrics,
        "bpm": None if controls.get("tempo_bpm") is None else round(controls["tempo_bpm"]),
        "key_scale": scale,
        "keyscale": scale,
        "time_signature": signature,
        "timesignature": signature,
        "duration": controls.get("duration_s"),
        "vocal_language": language or "unknown",
    }


def random_sample(rng: np.random.Generator) -> dict[str, Any]:
    """A genre in a mood with an instrument that suits it, at the genre's tempo and in one of its modes."""
    from noisician.request import TONICS
    from noisician.styles import instruments, table

    genre = _drawn(rng, table("genres"))
    mood = str(_drawn(rng, table("moods"))["name"])
    players = [name for role in genre["roles"].values() for name in role.get("instruments", ())]
    player = instruments()[str(rng.choice(players))].name if players else "piano"
    modes = genre["modes"]
    mode = str(rng.choice(list(modes), p=np.array(list(modes.values())) / sum(modes.values())))
    return {
        "caption": f"{mood} {genre['name']} with {player}",
        "lyrics": "[Instrumental]",
        "bpm": round(genre["tempo_bpm"][1]),
        "key_scale": f"{rng.choice(TONICS)} {mode.title()}",
        "time_signature": str(next(iter(genre["time_signatures"]))).partition("/")[0],
        "duration": 60,
        "vocal_language": "unknown",
    }


def _drawn(rng: np.random.Generator, table: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    return table[str(rng.choice(list(table)))]


def _name(name: str) -> str:
    return _CAPITAL.sub(lambda found: f"_{found[0]}", name).lower().replace("-", "_")


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if isinstance(value, str) and value.strip():
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise Refusal(f"{name} is no JSON object") from None
    return value if isinstance(value, Mapping) else {}


def _is_unset(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip().lower() in _UNSET)


def _text(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    if isinstance(value, (Mapping, list)):
        raise Refusal(f"{name} is no text")
    return None if value is None else str(value).strip()


def _number(values: Mapping[str, Any], name: str) -> float | None:
    value = values.get(name)
    if value is None:
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if isinstance(value, bool) or not math.isfinite(found):
        raise Refusal(f"{name} {str(value)[:80]!r} is no number")
    return found


def _positive(values: Mapping[str, Any], name: str) -> float | None:
    """Nothing and less than nothing stand for "choose for me"."""
    found = _number(values, name)
    return found if found is not None and found > 0 else None


def _whole(values: Mapping[str, Any], name: str) -> int | None:
    found = _positive(values, name)
    if found is not None and not found.is_integer():
        raise Refusal(f"{name} {found:g} is no whole number")
    return None if found is None else int(found)


def _flag(values: Mapping[str, Any], name: str) -> bool:
    return str(values.get(name, "")).strip().lower() in _TRUE


def _prompt(values: Mapping[str, Any]) -> str:
    """What the music should be: of a track in a project, the project's own description where the track has none."""
    order = ["prompt", "sample_query", "global_caption"]
    if _flag(values, "sample_mode"):
        order = ["sample_query", "prompt", "global_caption"]
    return next((text for name in order if (text := _text(values, name))), "")


def _key(values: Mapping[str, Any]) -> dict[str, Any]:
    """Their key is tonic and mode in one: "C Major", "Am", "D:dorian". The service refuses what is none."""
    given = _text(values, "key_scale")
    if given is None:
        return {}
    minor, long = _SHORT_MINOR.fullmatch(given), _KEY_AND_MODE.fullmatch(given)
    if minor is not None:
        return {"key": minor[1], "mode": "minor"}
    mode = None if long is None else " ".join(re.split(r"[\s_-]+", long[2].lower()))
    mode = None if mode is None else _SCALES_LIKE.get(mode, mode)
    if long is not None and mode in MODES:
        return {"key": long[1], "mode": mode}
    return {"key": given}


def _signature(values: Mapping[str, Any]) -> str | None:
    """Their metre is the beats of a bar: "4" is 4/4. Of metres that are not here, the one with the same beat."""
    given = _text(values, "time_signature")
    given = given if given is None else _METRES_LIKE.get(given, given)
    return next((metre for metre in TIME_SIGNATURES if metre.partition("/")[0] == given), given)


def _tempo_bpm(values: Mapping[str, Any]) -> float | None:
    """Their tempos run from 30 to 300: what is beyond ours is halved or doubled, which leaves the felt beat."""
    tempo_bpm = _positive(values, "bpm")
    if tempo_bpm is None or not _THEIR_TEMPOS_BPM[0] <= tempo_bpm <= _THEIR_TEMPOS_BPM[1]:
        return tempo_bpm
    slowest, fastest = TEMPO_RANGE_BPM
    return tempo_bpm * 2 if tempo_bpm < slowest else tempo_bpm / 2 if tempo_bpm > fastest else tempo_bpm


def _words(values: Mapping[str, Any]) -> dict[str, Any]:
    lyrics = _text(values, "lyrics")
    if lyrics is None or lyrics.lower() in _NO_WORDS or _flag(values, "instrumental"):
        return {}
    return {"lyrics": lyrics, "language": _text(values, "vocal_language")}


def _seed(values: Mapping[str, Any]) -> int | None:
    """The first of the seeds they give; one that is to be drawn, or below 0, is none."""
    given = _text(values, "seed")
    if given is None or _flag(values, "use_random_seed"):
        return None
    first = _number({"seed": given.partition(",")[0]}, "seed")
    return int(first) if first is not None and first >= 0 else None


def _model(name: str | None, kind: str, models: Sequence[schemas.ModelInfo]) -> str | None:
    """A model by our name; theirs, under whatever name, means their network if it is here. None is the usual one.

    What starts from a sound goes to a model that can, if there is one.
    """
    here = [model for model in models if model.available]
    if name is not None and any(name == model.name for model in models):
        return name
    if name is not None and not name.lower().replace("-", "").startswith("acestep"):
        return name
    wanted = {"cover": {"init_audio"}, "repaint": {"init_audio", "repaint"}}.get(kind, set())
    if name is None and not wanted:
        return None
    able = [model.name for model in here if wanted <= set(model.features)]
    return OWN_MODEL if OWN_MODEL in able else next(iter(able), None) if wanted else None


def _source(values: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """What a cover or a repainting starts from. Other tasks do not listen to the source, whatever comes along."""
    if kind == "text2music":
        return {}
    source = values.get("src_audio")
    if source is None:
        raise Refusal(f"task_type {kind} starts from a sound: send it as src_audio")
    if kind == "cover":
        kept = _number(values, "audio_cover_strength")
        # At their default, 1, the new piece follows the source as closely as a new piece can.
        return {"init_audio": source, "strength": None if kept is None or kept >= 1 else round(1 - kept, 6)}
    start, end = (_number(values, name) for name in ("repainting_start", "repainting_end"))
    if end is None or end < 0:  # the end of the piece, at which stretches are cut
        end = _positive(values, "audio_duration") or DURATION_RANGE_S[1]
    return {"init_audio": source, "repaint": [[max(0.0, start or 0.0), end]]}


def _track(job: schemas.Job, take: schemas.Take, audio_format: str) -> dict[str, Any]:
    """A finished take. ``metas`` say what it has become: where a metre, tempo or key is not here, another one."""
    if take.loop and audio_format == "mp3":
        audio_format = "wav"  # MP3 pads both ends, so loops would not close
    metre = (take.time_signature or "").partition("/")[0]
    metas = {
        "bpm": None if take.tempo_bpm is None else round(take.tempo_bpm),
        "duration": round(take.duration_s, 2),
        "genres": ", ".join(map(str, take.params.get("genres") or ())),
        "keyscale": f"{take.key} {(take.mode or '').title()}".strip() if take.key else "",
        "timesignature": metre,
        "audio_format": audio_format,
        "loop": take.loop,
    }
    return _item(
        SUCCEEDED,
        job,
        file=f"/v1/audio?{urlencode({'path': f'{take.id}.{audio_format}'})}",
        metas=metas,
        generation_info=f"{take.title}: {take.model}, recipe {take.recipe_id}, made in {take.made_in_s:.1f} s",
        seed_value=str(take.seed),
        lm_model="",
        dit_model=take.model,
        progress=1.0,
        stage="completed",
        error=None,
    )


def _item(status: int, job: schemas.Job | None = None, **more: Any) -> dict[str, Any]:
    params = {} if job is None else job.params
    item = {
        "file": "",
        "wave": "",
        "status": status,
        "create_time": 0 if job is None else int(job.created_at),
        "env": "noisician",
        "prompt": params.get("prompt") or "",
        "lyrics": params.get("lyrics") or "",
        "metas": {},
    }
    return item | more


def _progress_text(job: schemas.Job) -> str:
    if job.status == "queued":
        return f"queued, {job.queue_position} before it" if job.queue_position else "queued, next in line"
    left = "" if job.eta_s is None else f", about {job.eta_s:.0f} s left"
    return f"{job.stage or 'starting'}, {job.progress:.0f}%{left}"
