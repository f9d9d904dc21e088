"""How exactly ``--notes`` plays MIDI files as they are: notes, tempo and metre, against mido's own reading of each.

python benchmarks/given_notes.py FOLDER [--longest 600]

Every ``.mid``, ``.midi`` and ``.kar`` below the folder that mido reads, that has notes and lasts no longer than
``--longest`` seconds is read, made a piece and compared: each note's start and end in milliseconds, pitch and velocity;
the time of every beat; the metres and where they change. What is left out is listed with its reason.
"""

from __future__ import annotations

import argparse
import bisect
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import mido

from noisician.errors import NoisicianError
from noisician.models.inputs import read_notes
from noisician.piece import Setting, piece_of_score
from noisician.piece.codec import from_dict, to_dict
from noisician.renderer import RenderSettings
from noisician.score import Score
from noisician.score.played import played_notes
from noisician.score.tempo import TempoCurve


class Told:
    """What mido says of a file: tempo map, metres, and notes with a release that is theirs (first on, first off)."""

    def __init__(self, midi: mido.MidiFile) -> None:
        self.per_quarter = midi.ticks_per_beat
        tempi, self.metres = {0: 500_000}, {}
        self.notes: list[tuple[int, int, int, int]] = []
        for track in midi.tracks:
            self._read(track, tempi)
        self._ticks = sorted(tempi)
        self._us = [tempi[tick] for tick in self._ticks]
        self._at_s = [0.0]
        for before, after, us in zip(self._ticks, self._ticks[1:], self._us, strict=False):
            self._at_s.append(self._at_s[-1] + (after - before) * us / 1e6 / self.per_quarter)

    def _read(self, track: mido.MidiTrack, tempi: dict[int, int]) -> None:
        tick = 0
        open_: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for message in track:
            tick += message.time
            if message.type == "set_tempo":
                tempi[tick] = max(message.tempo, 1)
            elif message.type == "time_signature":
                self.metres.setdefault(tick, (message.numerator, message.denominator))
            elif message.type == "note_on" and message.velocity:
                open_.setdefault((message.channel, message.note), []).append((tick, message.velocity))
            elif message.type in ("note_on", "note_off") and open_.get((message.channel, message.note)):
                start, velocity = open_[message.channel, message.note].pop(0)
                self.notes.append((start, max(tick, start + 1), message.note, velocity))
        for (_, pitch), left in open_.items():
            self.notes += [(start, max(tick, start + 1), pitch, velocity) for start, velocity in left]

    def seconds(self, tick: float) -> float:
        place = bisect.bisect_right(self._ticks, tick) - 1
        return self._at_s[place] + (tick - self._ticks[place]) * self._us[place] / 1e6 / self.per_quarter


def piece_score(path: Path) -> Score:
    """The notes of the piece that ``--notes`` makes of a file, written down and read again."""
    score = read_notes(str(path))
    piece = piece_of_score(score, Setting(score.duration_s, {"pop": 1.0}, {}), 0, RenderSettings())
    return from_dict(to_dict(piece)).score


def changes_of(metres: Mapping[float, str]) -> list[tuple[float, str]]:
    """(quarter, metre) where it becomes another; 4/4 until one is stated."""
    found: list[tuple[float, str]] = [(0.0, "4/4")]
    for at, name in sorted(metres.items()):
        if not at:
            found = [(0.0, name)]
        elif name != found[-1][1]:
            found.append((round(at, 3), name))
    return found


def heard(score: Score) -> Counter[tuple[int, int, int, int]]:
    notes = (note for track in score.tracks for note in played_notes(score, track))
    return Counter((round(1e3 * n.start_s), round(1e3 * n.end_s), n.pitch, n.velocity) for n in notes)


def near(wanted: Counter[tuple[int, int, int, int]], found: Counter[tuple[int, int, int, int]]) -> int:
    """How many notes are there, within a millisecond of rounding."""
    exact = (wanted & found).total()
    missing, left = wanted - found, found - wanted
    for start, end, pitch, velocity in list(missing.elements()):
        options = [(start + a, end + b, pitch, velocity) for a in (-1, 0, 1) for b in (-1, 0, 1)]
        hit = next((one for one in options if left[one] > 0), None)
        if hit is not None:
            left[hit] -= 1
            exact += 1
    return exact


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--longest", type=float, default=600.0)
    asked = parser.parse_args()
    files = sorted(path for path in asked.folder.rglob("*") if path.suffix.lower() in (".mid", ".midi", ".kar"))
    notes = there = tempo_ok = metre_ok = counted = changing = 0
    for path in files:
        try:
            midi = mido.MidiFile(path, clip=True)
        except Exception as error:
            print(f"left out: {path.name}: mido does not read it ({type(error).__name__})")
            continue
        told = Told(midi) if midi.type != 2 and midi.ticks_per_beat > 0 else None
        why = "independent tracks, or time in frames" if told is None else "no notes" if not told.notes else ""
        if told is not None and told.notes and told.seconds(max(end for _, end, *_ in told.notes)) > asked.longest:
            why = f"longer than {asked.longest:g} s"
        if told is None or why:
            print(f"left out: {path.name}: {why}")
            continue
        counted += 1
        try:
            score = piece_score(path)
        except NoisicianError as error:
            print(f"REFUSED: {path.name}: {error}")
            notes += len(told.notes)
            continue
        wanted = Counter(
            (round(1e3 * told.seconds(start)), round(1e3 * told.seconds(end)), pitch, velocity)
            for start, end, pitch, velocity in told.notes
        )
        found = near(wanted, heard(score))
        notes, there = notes + len(told.notes), there + found
        quarter_beats = 4 / score.meter.steps_per_beat
        curve = TempoCurve(score.tempo_bpm, score.tempo_changes)
        last = max(end for _, end, *_ in told.notes) // told.per_quarter
        late_s = max(
            abs(curve.seconds(beat * quarter_beats) - told.seconds(beat * told.per_quarter)) for beat in range(last + 1)
        )
        metre = told.metres.get(0, (4, 4))
        stated = changes_of({tick / told.per_quarter: f"{over}/{under}" for tick, (over, under) in told.metres.items()})
        kept = {0.0: score.time_signature}
        kept |= {one.start_beats / quarter_beats: one.time_signature for one in score.meter_changes}
        same_metre = changes_of(kept) == stated
        is_changing = any(tick for tick in told.metres)
        tempo_ok += late_s < 1e-3
        metre_ok += same_metre
        changing += is_changing or metre not in ((4, 4), (3, 4), (6, 8))
        if found < len(told.notes) or late_s >= 1e-3 or not same_metre:
            more = f", changes {len(told.metres) - (0 in told.metres)} times" if is_changing else ""
            print(
                f"{path.name}: {found} of {len(told.notes)} notes, beats within {1e3 * late_s:.2f} ms, "
                f"{metre[0]}/{metre[1]}{more} counted in {score.time_signature}"
            )
    print(f"{len(files)} files, {counted} compared")
    print(f"notes: {there} of {notes} ({100 * there / max(notes, 1):.3f} %)")
    print(f"tempo: {tempo_ok} of {counted} files")
    print(f"metre: {metre_ok} of {counted} files; {changing} have others than 4/4, 3/4 and 6/8, or change it")


if __name__ == "__main__":
    main()
