"""Files that are corrupt, cut, huge or made to harm: one line each, nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hostile_files import KINDS, hostile, taken

from noisician.errors import NoisicianError
from noisician.score.midi_events import events_of

#: Some dozens, of every kind; benchmarks/hostile_files.py takes a thousand.
NUMBERS = [number for number in range(60) if number != 2 and len(hostile(number).content) < 100_000]


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_files_are_taken_or_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    files = [file for file in map(hostile, NUMBERS) if file.name.endswith(f".{kind}")]
    assert len(files) > 8
    for file in files:
        path = tmp_path / file.name
        path.write_bytes(file.content)
        try:
            taken(path)
        except NoisicianError as error:
            assert "\n" not in str(error), file.name


def test_events_are_counted_without_being_made() -> None:
    track = b"\x00\x90\x3c\x40" + b"\x00\x3c\x40" * 9 + b"\x00\xff\x2f\x00"
    content = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x60MTrk" + len(track).to_bytes(4, "big") + track
    assert events_of(content, 100) == 11
    assert events_of(content, 5) == 6
    assert events_of(content[:-20], 100) <= 11 and events_of(b"", 9) == 0
