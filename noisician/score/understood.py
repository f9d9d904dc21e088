"""How a file of notes was understood, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from noisician.request.keys import written_key
from noisician.score.harmony import note_name
from noisician.score.model import Score


def understood(score: Score, words: str = "") -> dict[str, Any]:
    """What a file says of the music and who plays what in it, as JSON values; ``words`` are the file's own."""
    told: dict[str, Any] = {
        "tempo_bpm": round(score.tempo_bpm, 3),
        "tempo_changes": len(score.tempo_changes),
        "time_signature": score.time_signature,
        "key": written_key(score.key, score.mode),
        "mode": score.mode,
        "bars": score.bars,
        "duration_s": round(score.duration_s, 3),
        "chords": len(score.chords),
        "tracks": [
            {
                "name": track.name,
                "role": track.role,
                "instrument": track.instrument,
                "notes": len(track.notes),
                "lowest": min((note.pitch for note in track.notes), default=None),
                "highest": max((note.pitch for note in track.notes), default=None),
            }
            for track in score.tracks
        ],
    }
    return {**told, "lyrics": words} if words else told


def summary_rows(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What holds for the whole file, a line each."""
    changes = told["tempo_changes"]
    moves = f", changes {changes} time{'s' if changes > 1 else ''}" if changes else ""
    length_s = round(told["duration_s"])
    rows = [
        ("tempo", f"{told['tempo_bpm']:g} BPM{moves}"),
        ("key", f"{told['key']} {told['mode']}"),
        ("metre", told["time_signature"]),
        ("length", f"{length_s // 60}:{length_s % 60:02d}, {told['bars']} bars"),
    ]
    if told["chords"]:
        rows.append(("chords", f"{told['chords']} symbols"))
    if told.get("lyrics"):
        lines = [line for line in told["lyrics"].splitlines() if line]
        rows.append(("words", f"{len(lines)} lines, from {lines[0][:60]!r}; --lyrics takes them from this file"))
    return rows


def track_rows(told: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Track by track: what the file calls it, who plays it as what, how many notes, from where to where."""
    return [
        (
            track["name"] or "-",
            track["role"],
            track["instrument"],
            str(track["notes"]),
            "-"
            if track["lowest"] is None or track["role"] == "drums"
            else f"{note_name(track['lowest'])} to {note_name(track['highest'])}",
        )
        for track in told["tracks"]
    ]
