"""OpenUtau's project (``.ustx``): the lead voice's notes and words, for voicebanks of people's own; YAML by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator

from noisician.projects.model import Metre, Project, SungNote

_VERSION = "0.6"
_TICKS = 480  # a quarter note
#: What OpenUtau takes for a syllable that goes on.
_GOES_ON = "+~"
#: Of a word with several syllables the first note has all of it, the others this.
_NEXT_SYLLABLE = "+"


def project_yaml(project: Project) -> str:
    """The ``.ustx``."""
    return "\n".join(_lines(project)) + "\n"


def _lines(project: Project) -> Iterator[str]:
    yield f"name: {_text(project.title)}"
    yield 'comment: ""'
    yield "output_dir: Vocal"
    yield "cache_dir: UCache"
    yield f"ustx_version: {_text(_VERSION)}"
    yield f"resolution: {_TICKS}"
    yield "time_signatures:"
    for bar, one in _bars(project):
        yield f"- bar_position: {bar}"
        yield f"  beat_per_bar: {one.numerator}"
        yield f"  beat_unit: {one.denominator}"
    yield "tempos:"
    changes = ((one.start_beats, one.tempo_bpm) for one in project.tempo.changes)
    for start, bpm in ((0.0, project.first_tempo_bpm), *changes):
        yield f"- position: {round(start * _TICKS)}"
        yield f"  bpm: {bpm:.6f}"
    yield "tracks:"
    yield "- phonemizer: OpenUtau.Core.DefaultPhonemizer"
    yield "  track_name: lead"
    yield "  mute: false"
    yield "  solo: false"
    yield "  volume: 0"
    yield "voice_parts:"
    end = max((one.start + one.length for one in project.sung), default=0.0)
    yield f"- duration: {round(end * _TICKS)}"
    yield "  name: lead"
    yield "  track_no: 0"
    yield "  position: 0"
    yield "  notes:" if project.sung else "  notes: []"
    for one, lyric in zip(project.sung, _lyrics(project.sung), strict=True):
        start = round(one.start * _TICKS)
        yield f"  - position: {start}"
        yield f"    duration: {max(round((one.start + one.length) * _TICKS) - start, 1)}"
        yield f"    tone: {one.pitch}"
        yield f"    lyric: {_text(lyric)}"
    yield "wave_parts: []"


def _bars(project: Project) -> Iterator[tuple[int, Metre]]:
    """(bar from 0, metre) of each metre; changes inside of a bar come at its end."""
    bar, last = 0, project.metres[0]
    for one in project.metres:
        length = 4 * last.numerator / last.denominator
        bar += max(round((one.start - last.start) / length), 0)
        yield bar, one
        last = one


def _lyrics(sung: tuple[SungNote, ...]) -> Iterator[str]:
    """What each note has: the whole word, the sign for its next syllable, or that of a syllable that goes on."""
    inside = False
    for number, one in enumerate(sung):
        if one.text is None:
            yield _GOES_ON
            continue
        yield _NEXT_SYLLABLE if inside else _word(sung[number:])
        inside = not one.ends_word


def _word(notes: tuple[SungNote, ...]) -> str:
    parts: list[str] = []
    for one in notes:
        if one.text is not None:
            parts.append(one.text)
            if one.ends_word:
                break
    return "".join(parts)


def _text(value: str) -> str:
    """A double-quoted scalar: JSON's are YAML's."""
    return json.dumps(" ".join(value.split()), ensure_ascii=False)
