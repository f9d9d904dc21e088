"""UltraStar's text of a song, which karaoke games sing from (usdx.eu/format, version 1.1.0)."""

from __future__ import annotations

from collections.abc import Iterator

from noisician.projects.model import Project, SungNote

#: Units a second that times are rounded to: 1,600 a minute, of which the header's BPM is a quarter.
_UNITS_PER_S = 1600 / 60
_HEADER_BPM = 400
_MIDDLE_C = 60
#: What stands for a syllable that goes on on another note.
_GOES_ON = "~"


def song_text(project: Project, audio: str, instrumental: str | None, language: str) -> str:
    """The ``.txt``: ``audio`` and ``instrumental`` are files beside it. The lead voice alone; times are to 19 ms."""
    heads = {
        "VERSION": "1.1.0",
        "TITLE": _flat(project.title),
        "ARTIST": "noisician",
        "LANGUAGE": language,
        "AUDIO": audio,
        "MP3": audio,  # what games of before 2023 read
        **({"INSTRUMENTAL": instrumental} if instrumental else {}),
        "BPM": str(_HEADER_BPM),
        "GAP": "0",
    }
    return "\n".join([*(f"#{name}:{value}" for name, value in heads.items()), *_notes(project), "E"]) + "\n"


def _notes(project: Project) -> Iterator[str]:
    """A line a note, a line's end half-way to the next line's first note."""
    starts = [_units(project, one.start) for one in project.sung]
    ends_line = False
    for number, one in enumerate(project.sung):
        start = starts[number]
        if ends_line and one.text is not None:
            end = max(_units(project, before.start + before.length) for before in project.sung[:number])
            yield f"- {min((end + start) // 2, start)}"
            ends_line = False
        following = starts[number + 1] if number + 1 < len(starts) else None
        stop = _units(project, one.start + one.length)
        stop = stop if following is None else min(stop, following)
        yield f": {start} {max(stop - start, 1)} {one.pitch - _MIDDLE_C} {_text(one)}"
        ends_line = ends_line or one.ends_line


def _text(one: SungNote) -> str:
    """With a space where the word ends."""
    if one.text is None:
        return _GOES_ON
    return _flat(one.text) + (" " if one.ends_word and not one.ends_line else "")


def _units(project: Project, quarters: float) -> int:
    return round(project.tempo.seconds(quarters) * _UNITS_PER_S)


def _flat(text: str) -> str:
    return " ".join(text.split())
