"""From what the database holds to what the API shows. A damaged row becomes an answer that says so, never an error."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import ValidationError

from noisician.request.keys import pitch_classes_beside
from noisician.score.model import LINE_END
from noisician.score.spelling import written_chord
from noisician.service import schemas
from noisician.service.records import EventRecord, Failure, JobRecord, TakeRecord, UploadRecord, finite

if TYPE_CHECKING:
    from noisician.music import Music
    from noisician.score import Score, Track
    from noisician.score.tempo import TempoCurve

ErrorType = Literal["invalid_request", "authentication", "not_found", "conflict", "rate_limit", "server"]
S = TypeVar("S", bound=schemas.Shape)

#: The codes of failures that the request is to blame for; all others are the service's or the machine's.
_REQUEST_CODES = frozenset({"invalid_request", "file"})


def facts_of(music: Music, params: Mapping[str, Any]) -> dict[str, Any]:
    """What the library keeps of a take for display: ``NewTake.facts``, JSON values under the names of schemas.Take.

    ``params`` are the request's JSON values as the client sent them, with ids in place of sound files.
    """
    controls = music.recipe.controls
    return {
        "sections": [section.model_dump(mode="json") for section in _sections(music.score)],
        "players": [player.model_dump(mode="json") for player in _players(music.score, music.stems)],
        "stems": list(music.stems),
        "has_score": music.score is not None,
        "has_lyrics": bool(music.lyrics),
        "loop": music.metadata.loop,
        "params": dict(params),
        "reasons": list(controls.get("reasons") or ()),
        "not_understood": list(controls.get("not_understood") or ()),
        "remarks": list(music.remarks),
    }


def take_shape(record: TakeRecord) -> schemas.Take:
    """A take as the API shows it. What its facts lack or hold wrongly is left out, and ``damage`` says so."""
    take, facts = record.take, _Facts(record.take.facts)
    shown: dict[str, Any] = {
        "sections": facts.shapes("sections", schemas.SectionInfo),
        "players": facts.shapes("players", schemas.PlayerInfo),
        "stems": facts.texts("stems"),
        "has_score": facts.flag("has_score"),
        "has_lyrics": facts.flag("has_lyrics"),
        "loop": facts.flag("loop"),
        "params": facts.mapping("params"),
        "reasons": facts.shapes("reasons", schemas.Reason),
        "not_understood": facts.texts("not_understood"),
        "remarks": facts.texts("remarks") if "remarks" in record.take.facts else (),
    }
    return schemas.Take(
        id=take.id,
        job_id=record.job_id,
        number=take.number,
        title=take.title,
        starred=record.starred,
        created_at=record.created_at,
        deleted_at=record.deleted_at,
        operation=record.operation,
        parent_take=record.parent_take,
        piece=record.piece,
        listed=record.listed,
        edits=_edits_of(record),
        model=take.model,
        licence=take.licence,
        seed=take.seed,
        recipe_id=take.recipe_id,
        duration_s=finite(take.duration_s) or 0.0,
        made_in_s=finite(take.made_in_s) or 0.0,
        loudness_lufs=finite(take.loudness_lufs),
        true_peak_dbtp=finite(take.true_peak_dbtp),
        tempo_bpm=finite(take.tempo_bpm),
        key=take.key,
        mode=take.mode,
        time_signature=take.time_signature,
        damage=record.damage or facts.damage,
        **shown,
    )


def version_shape(record: TakeRecord) -> schemas.Version:
    """A take as one of the versions of its piece."""
    return schemas.Version(
        id=record.id,
        parent_take=record.parent_take,
        edits=_edits_of(record),
        title=record.take.title,
        listed=record.listed,
        starred=record.starred,
        duration_s=finite(record.take.duration_s) or 0.0,
        created_at=record.created_at,
    )


def _edits_of(record: TakeRecord) -> str | None:
    facts = record.take.facts
    edits = facts.get("edits") if isinstance(facts, Mapping) else None
    return edits if isinstance(edits, str) else None


def job_shape(record: JobRecord, takes: Sequence[TakeRecord]) -> schemas.Job:
    """A job as the API shows it, with those of its takes that are finished, in order."""
    failure = record.failure
    if failure is None and record.damage is not None:
        failure = Failure(record.damage, "damaged")
    return schemas.Job(
        id=record.id,
        operation=record.operation,
        status=record.status,
        progress=round(100 * min(1.0, max(0.0, finite(record.progress) or 0.0)), 1),
        stage=record.stage,
        eta_s=finite(record.eta_s),
        queue_position=record.queue_position,
        created_at=record.created_at,
        started_at=record.started_at,
        completed_at=record.completed_at,
        error=None if failure is None else error_body(failure),
        model=record.model,
        params=_json_mapping(record.params),
        title=record.title,
        parent_take=record.parent_take,
        takes=record.takes,
        attempts=record.attempts,
        cancel_requested=record.cancel_requested,
        outputs=tuple(take_shape(take) for take in sorted(takes, key=lambda take: take.take.number)),
    )


def score_shape(score: Score, stems: Collection[str]) -> schemas.ScoreView:
    """The score in seconds of the track, its players joined with those of ``stems`` that hold their sound."""
    from noisician.piece import performers

    names = pitch_classes_beside(score.key, score.mode)
    tracks = performers(score, stems)
    return schemas.ScoreView(
        tempo_bpm=score.tempo_bpm,
        key=score.key,
        mode=score.mode,
        time_signature=score.time_signature,
        bars_s=tuple(score.bar_start_s(bar) for bar in range(score.bars + 1)),
        beats_per_bar=score.meter.beats_per_bar,
        tracks=tuple(_score_track(track, stem, score.tempo) for track, stem in tracks),
        chords=tuple(
            schemas.ScoreChord(
                start_s=score.tempo.seconds(chord.start_beats),
                end_s=score.tempo.seconds(chord.start_beats + chord.duration_beats),
                name=written_chord(chord, names),
            )
            for chord in score.chords
        ),
    )


def event_shape(record: EventRecord) -> schemas.Event:
    return schemas.Event(
        type=record.type,
        job_id=record.job_id,
        take_id=record.take_id,
        data=_json_mapping(record.data),
        created_at=record.created_at,
    )


def upload_shape(record: UploadRecord) -> schemas.Upload:
    return schemas.Upload(
        id=record.id,
        name=record.name,
        format=record.format,
        size_bytes=record.size_bytes,
        created_at=record.created_at,
    )


def error_body(failure: Failure) -> schemas.ErrorBody:
    """Why a job failed, in the shape of every error."""
    kind: ErrorType = "invalid_request" if failure.code in _REQUEST_CODES else "server"
    return schemas.ErrorBody(message=failure.message, type=kind, param=failure.param, code=failure.code)


class _Facts:
    """Reads a take's facts; the first thing that is not what it should be is remembered as ``damage``."""

    def __init__(self, facts: object) -> None:
        self.damage: str | None = None
        self._facts: Mapping[str, Any] = facts if isinstance(facts, Mapping) else {}
        if not isinstance(facts, Mapping):
            self._broken("facts")

    def _broken(self, name: str) -> None:
        self.damage = self.damage or f"what the library knows of this take is damaged at {name}"

    def _of_type(self, name: str, kind: type | tuple[type, ...], default: Any) -> Any:
        value = self._facts.get(name, default)
        if isinstance(value, kind):
            return value
        self._broken(name)
        return default

    def flag(self, name: str) -> bool:
        return self._of_type(name, bool, False)

    def mapping(self, name: str) -> dict[str, Any]:
        return _json_mapping(self._of_type(name, Mapping, {}))

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._of_type(name, (list, tuple), ())
        if not all(isinstance(value, str) for value in values):
            self._broken(name)
        return tuple(value for value in values if isinstance(value, str))

    def shapes(self, name: str, shape: type[S]) -> tuple[S, ...]:
        found = []
        for value in self._of_type(name, (list, tuple), ()):
            try:
                found.append(shape.model_validate(value))
            except ValidationError:
                self._broken(name)
        return tuple(found)


def _sections(score: Score | None) -> tuple[schemas.SectionInfo, ...]:
    if score is None:
        return ()
    return tuple(
        schemas.SectionInfo(
            kind=section.kind,
            start_s=score.bar_start_s(section.start_bar),
            end_s=score.bar_start_s(section.start_bar + section.bars),
            start_bar=section.start_bar,
            bars=section.bars,
        )
        for section in score.sections
    )


def _players(score: Score | None, stems: Collection[str]) -> tuple[schemas.PlayerInfo, ...]:
    if score is None:
        return ()
    from noisician.piece import performers

    return tuple(
        schemas.PlayerInfo(role=track.role, instrument=track.instrument, stem=stem, notes=len(track.notes))
        for track, stem in performers(score, stems)
    )


def _score_track(track: Track, stem: str | None, tempo: TempoCurve) -> schemas.ScoreTrack:
    return schemas.ScoreTrack(
        role=track.role,
        instrument=track.instrument,
        stem=stem,
        notes=tuple(
            schemas.ScoreNote(
                pitch=note.pitch,
                start_s=tempo.seconds(note.start_beats),
                end_s=tempo.seconds(note.end_beats),
                velocity=note.velocity,
                syllable=note.syllable and note.syllable.replace(LINE_END, " "),
            )
            for note in track.notes
        ),
    )


def _json_mapping(value: object) -> dict[str, Any]:
    """What JSON can carry of a mapping: its values as they are, numbers that are none as None."""
    cleaned = _json_value(value)
    return cleaned if isinstance(cleaned, dict) else {}


def _json_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _json_value(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_value(entry) for entry in value]
    return finite(value) if isinstance(value, float) else value
