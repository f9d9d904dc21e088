"""Reaper's project file: plain text, one element a line, blocks in angle brackets."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping

from noisician.projects.model import Label, Project, ProjectNote, ProjectTrack

#: Ticks of a quarter note in the notes of an item.
_TICKS = 960
_SQUARE = 1  # a tempo that holds until the next
_NAMES = uuid.UUID("6f1b8d5c-3f0e-4a53-9c0c-2d5a7c1f9e21")
_REFERENCE_COLOUR = "#808080"
_DRUM_CHANNEL = 9


def project_text(project: Project, files: Mapping[str, str], finished: str) -> str:
    """The ``.rpp``. ``files`` are the paths of the stems by name, beside it; ``finished`` is that of the finished
    track, which is there to compare and muted."""
    return "\n".join(_lines(project, files, finished)) + "\n"


def _lines(project: Project, files: Mapping[str, str], finished: str) -> Iterator[str]:
    first = project.metres[0]
    yield '<REAPER_PROJECT 0.1 "7.0" 0'
    yield "  <NOTES 0 2"
    yield from (f"    |{line}" for line in (project.title, *project.comment.splitlines()))
    yield "  >"
    yield f"  SAMPLERATE {project.rate_hz} 1 0"
    yield f"  TEMPO {_number(project.first_tempo_bpm)} {first.numerator} {first.denominator}"
    yield from _tempo(project)
    yield from _regions(project)
    for number, one in enumerate(project.tracks):
        if one.stem is not None:
            yield from _sound_track(project, number, one.name, one.colour, files[one.stem])
    yield from _sound_track(project, len(project.tracks), "finished track", _REFERENCE_COLOUR, finished, muted=True)
    for number, one in enumerate(project.tracks):
        if one.notes:
            yield from _notes_track(project, number, one)
    for name, labels in (("chords", project.chords), ("lyrics", project.lyrics)):
        if labels:
            yield from _words_track(project, name, labels)
    yield ">"


def _tempo(project: Project) -> Iterator[str]:
    """Tempo and metre share one envelope: a point where either changes."""
    curve = project.tempo
    signatures = {one.start: one for one in project.metres}
    yield "  <TEMPOENVEX"
    yield "    ACT 1 -1"
    yield "    VIS 1 0 1"
    yield f"    DEFSHAPE {_SQUARE} -1 -1"
    for start in sorted({0.0, *(one.start_beats for one in curve.changes), *signatures}):
        point = f"    PT {_number(curve.seconds(start))} {_number(curve.bpm(start))} {_SQUARE}"
        metre = signatures.get(start)
        yield point if metre is None else f"{point} {metre.denominator << 16 | metre.numerator}"
    yield "  >"


def _regions(project: Project) -> Iterator[str]:
    starts = [one.start for one in project.sections]
    ends = [*starts[1:], project.length]
    for number, (one, end) in enumerate(zip(project.sections, ends, strict=True), 1):
        yield f"  MARKER {number} {_number(project.tempo.seconds(one.start))} {_quoted(one.text)} 1"
        yield f'  MARKER {number} {_number(project.tempo.seconds(end))} "" 1'


def _sound_track(
    project: Project, number: int, name: str, colour: str, file: str, muted: bool = False
) -> Iterator[str]:
    yield from _track_head(f"sound {number}", name, colour, muted)
    yield from _item(name, 0.0, project.duration_s)
    yield "      <SOURCE WAVE"
    yield f"        FILE {_quoted(file)}"
    yield "      >"
    yield "    >"
    yield "  >"


def _notes_track(project: Project, number: int, one: ProjectTrack) -> Iterator[str]:
    end = max(project.length, *(note.start + note.length for note in one.notes))
    yield from _track_head(f"notes {number}", f"{one.name} (notes)", one.colour)
    yield from _item(one.name, 0.0, project.tempo.seconds(end))
    yield "      <SOURCE MIDI"
    yield f"        HASDATA 1 {_TICKS} QN"
    yield from _events(one.notes, _DRUM_CHANNEL if one.is_drums else 0, end)
    yield "      >"
    yield "    >"
    yield "  >"


def _events(notes: Iterable[ProjectNote], channel: int, end: float) -> Iterator[str]:
    """Ons and offs with the ticks since the one before; at one time offs first, so that a repeated note sounds."""
    events: list[tuple[int, int, str]] = []
    for note in notes:
        start = round(note.start * _TICKS)
        stop = max(round((note.start + note.length) * _TICKS), start + 1)
        events.append((start, 1, f"{0x90 | channel:02x} {note.pitch:02x} {note.velocity:02x}"))
        events.append((stop, 0, f"{0x80 | channel:02x} {note.pitch:02x} 00"))
    now = 0
    for tick, _, message in sorted(events):
        yield f"        E {tick - now} {message}"
        now = tick
    yield f"        E {max(round(end * _TICKS) - now, 0)} b0 7b 00"


def _words_track(project: Project, name: str, labels: tuple[Label, ...]) -> Iterator[str]:
    """Words on the time line: empty items with a note in each."""
    yield from _track_head(name, name, _REFERENCE_COLOUR)
    ends = [*(one.start for one in labels[1:]), project.length]
    for one, end in zip(labels, ends, strict=True):
        start_s = project.tempo.seconds(one.start)
        yield from _item(one.text, start_s, max(project.tempo.seconds(end) - start_s, 0.0))
        yield "      <NOTES"
        yield f"        |{_flat(one.text)}"
        yield "      >"
        yield "    >"
    yield "  >"


def _track_head(key: str, name: str, colour: str, muted: bool = False) -> Iterator[str]:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    yield f"  <TRACK {{{str(uuid.uuid5(_NAMES, key)).upper()}}}"
    yield f"    NAME {_quoted(name)}"
    yield f"    PEAKCOL {1 << 24 | blue << 16 | green << 8 | red}"
    yield "    VOLPAN 1 0 -1 -1 1"
    yield f"    MUTESOLO {int(muted)} 0 0"
    yield "    NCHAN 2"


def _item(name: str, start_s: float, length_s: float) -> Iterator[str]:
    yield "    <ITEM"
    yield f"      POSITION {_number(start_s)}"
    yield f"      LENGTH {_number(length_s)}"
    yield "      LOOP 0"
    yield f"      NAME {_quoted(name)}"


def _number(value: float) -> str:
    return f"{value:.12f}".rstrip("0").rstrip(".")


def _flat(text: str) -> str:
    return " ".join(text.split())


def _quoted(text: str) -> str:
    """In whichever of the three quotes the text has not, as Reaper reads it; with all of them, without backticks."""
    text = _flat(text)
    mark = next((mark for mark in "\"'`" if mark not in text), None)
    return f"{mark}{text}{mark}" if mark is not None else f"`{text.replace('`', chr(39))}`"
