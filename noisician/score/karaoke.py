"""The words in a MIDI file: lyric events, or the text events of karaoke files (``.kar``), as lines of a song."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO

import mido

from noisician.score.midi import OWN, open_midi

#: A text track is taken for words from so many syllables.
_LEAST_SYLLABLES = 4
_LIMIT_CHARS = 20_000
#: A silence of so many quarters between two syllables ends a line where the file marks none.
_LINE_REST_QUARTERS = 4.0


def midi_words(path_or_file: str | os.PathLike[str] | BinaryIO) -> str:
    """What is sung according to a MIDI file, a line each, an empty one between verses; nothing where it has no words.

    Errors as :func:`~noisician.score.midi.read_midi`.
    """
    midi, _ = open_midi(path_or_file)
    lyrics = max((_texts(track, "lyrics") for track in midi.tracks), key=len, default=[])
    texts = [] if lyrics else _karaoke_track(midi.tracks)
    return _lines(lyrics or texts, midi.ticks_per_beat)[:_LIMIT_CHARS].strip()


def _texts(track: Iterable[Any], kind: str) -> list[tuple[int, str]]:
    """(tick, text) of a track's events of a kind."""
    tick, found = 0, []
    for message in track:
        tick += message.time
        if message.type == kind and message.text and not message.text.startswith(OWN):
            found.append((tick, message.text))
    return found


def _karaoke_track(tracks: Sequence[mido.MidiTrack]) -> list[tuple[int, str]]:
    """The text track that has lines marked as karaoke files mark them, or is called words."""
    best: list[tuple[int, str]] = []
    for track in tracks:
        syllables = [(tick, text) for tick, text in _texts(track, "text") if not text.startswith("@")]
        is_marked = sum(text[0] in "/\\" for _, text in syllables) > 1
        is_named = re.search(r"word|lyric|karaoke", track.name or "", re.IGNORECASE) is not None
        if (is_marked or is_named) and len(syllables) >= max(_LEAST_SYLLABLES, len(best) + 1):
            best = syllables
    return best


def _lines(events: Sequence[tuple[int, str]], quarter_ticks: int) -> str:
    has_spaces = any(" " in text.strip("\r\n") for _, text in events)
    has_lines = any(re.search(r"[/\\\r\n]", text) for _, text in events)
    out, last = "", 0
    for tick, text in events:
        if not has_lines and out and tick - last > _LINE_REST_QUARTERS * quarter_ticks:
            out = out.rstrip() + "\n"
        last = tick
        text = re.sub(r"^\\", "\n\n", re.sub(r"^/", "\n", text))
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        goes_on = text.endswith("-")
        text = text.rstrip("-") if goes_on else text
        out += text + ("" if goes_on or has_spaces or text.endswith("\n") else " ")
    out = re.sub(r"[ \t]+", " ", out)
    return re.sub(r" ?\n ?", "\n", re.sub(r"\n{3,}", "\n\n", out))
