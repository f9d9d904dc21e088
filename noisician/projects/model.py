"""A piece as a project: tracks with sound and notes, tempo, metres, markers, chords and words in quarter notes."""

from __future__ import annotations

import colorsys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from noisician.piece import performers
from noisician.request.keys import pitch_classes_beside, written_key
from noisician.score import Note, Score, Track
from noisician.score.model import LINE_END, VOICE
from noisician.score.spelling import written_chord
from noisician.score.tempo import TempoCurve
from noisician.styles import instruments

#: The hue of each role's tracks, in degrees; others share the last.
_HUES_DEG = {
    "vocals": 350, "doubles": 350, "harmony": 340, "backing": 335, "choir": 330, "lead": 28, "counter": 55,
    "chords": 255, "pad": 295, "arp": 195, "bass": 150, "drums": 85, "texture": 230, "fx": 320,
}  # fmt: skip
_OTHER_HUE_DEG = 0
_LIGHTNESS, _SATURATION = 0.58, 0.5


@dataclass(frozen=True)
class ProjectNote:
    """``start`` and ``length`` in quarter notes, MIDI pitch, velocity 1 … 127."""

    start: float
    length: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class ProjectTrack:
    """One player: a name to read, a colour ``#rrggbb``, the name of its stem (None: it has no sound of its own)."""

    name: str
    colour: str
    stem: str | None
    notes: tuple[ProjectNote, ...]
    is_drums: bool = False


@dataclass(frozen=True)
class Metre:
    """``numerator``/``denominator`` from ``start`` quarter notes on."""

    start: float
    numerator: int
    denominator: int


@dataclass(frozen=True)
class Label:
    """A word that stands at ``start`` quarter notes."""

    start: float
    text: str


@dataclass(frozen=True)
class SungNote:
    """A note of the lead voice. ``text`` is the syllable that begins on it, None where the one before goes on;
    ``ends_word`` and ``ends_line`` say what ends with that syllable."""

    start: float
    length: float
    pitch: int
    text: str | None
    ends_word: bool = False
    ends_line: bool = False


@dataclass(frozen=True)
class Project:
    """``tempo`` counts quarter notes a minute; ``frames`` samples at ``rate_hz`` are what every stem has.

    ``comment`` is what whoever opens it should know.
    """

    title: str
    key: str
    tempo: TempoCurve
    metres: tuple[Metre, ...]
    tracks: tuple[ProjectTrack, ...]
    sections: tuple[Label, ...]
    chords: tuple[Label, ...]
    sung: tuple[SungNote, ...]
    frames: int
    rate_hz: int
    comment: str = ""

    @property
    def duration_s(self) -> float:
        return self.frames / self.rate_hz

    @cached_property
    def length(self) -> float:
        """In quarter notes, all that is heard included."""
        return self.tempo.beats(self.duration_s)

    @property
    def lyrics(self) -> tuple[Label, ...]:
        """What is sung, a syllable each; a hyphen says that the word goes on."""
        return tuple(
            Label(one.start, one.text if one.ends_word else f"{one.text}-") for one in self.sung if one.text is not None
        )

    @property
    def first_tempo_bpm(self) -> float:
        return self.tempo.tempo_bpm


def project_of(
    score: Score, stems: Collection[str], title: str, frames: int, rate_hz: int, comment: str = ""
) -> Project:
    """The project of a score whose sound is in ``stems`` by their names (:func:`noisician.piece.stem_names`)."""
    quarters = score.meter.steps_per_beat / 4
    tempo = TempoCurve.of(
        score.tempo_bpm * quarters,
        [(one.start_beats * quarters, one.tempo_bpm * quarters) for one in score.tempo_changes],
    )
    signatures = {0.0: score.time_signature} | {one.start_beats: one.time_signature for one in score.meter_changes}
    bar = score.meter.beats_per_bar * quarters
    return Project(
        title=title,
        key=f"{written_key(score.key, score.mode)} {score.mode}",
        tempo=tempo,
        metres=tuple(Metre(start * quarters, *map(int, name.split("/"))) for start, name in sorted(signatures.items())),
        tracks=_tracks(score, stems, quarters),
        sections=tuple(Label(one.start_bar * bar, _section_name(one.kind, one.label)) for one in score.sections),
        chords=_chords(score, quarters),
        sung=_sung(score, quarters),
        frames=frames,
        rate_hz=rate_hz,
        comment=comment,
    )


def _tracks(score: Score, stems: Collection[str], quarters: float) -> tuple[ProjectTrack, ...]:
    """Every player, then the stems that nobody's notes belong to: second voices, say."""
    heard = performers(score, stems)
    names: list[str] = []
    tracks = []
    for track, stem in heard:
        names.append(_unlike(_name(track), names))
        notes = tuple(_note(note, quarters) for note in track.notes)
        tracks.append(ProjectTrack(names[-1], colour_of(track.role), stem, notes, track.role == "drums"))
    for stem in stems:
        if stem not in {one for _, one in heard}:
            names.append(_unlike(stem.replace("-", " ").replace("_", " "), names))
            tracks.append(ProjectTrack(names[-1], colour_of(stem.split("-")[0]), stem, ()))
    return tuple(tracks)


def _name(track: Track) -> str:
    """What a person would call the player: the instrument, of a singer the part."""
    instrument = instruments().get(track.instrument)
    if instrument is None:
        return track.role.replace("_", " ")
    return instrument.name if track.performer else f"{track.role}: {instrument.name}"


def _unlike(name: str, others: Sequence[str]) -> str:
    """``name``, with a number where it is taken: programs file tracks by name."""
    taken = sum(other == name or other.startswith(f"{name} ") for other in others)
    return f"{name} {taken + 1}" if taken else name


def _note(note: Note, quarters: float) -> ProjectNote:
    return ProjectNote(note.start_beats * quarters, note.duration_beats * quarters, note.pitch, note.velocity)


def colour_of(role: str) -> str:
    """``#rrggbb`` of a role's tracks."""
    hue = _HUES_DEG.get(role, _OTHER_HUE_DEG) / 360
    return "#" + "".join(f"{round(255 * part):02x}" for part in colorsys.hls_to_rgb(hue, _LIGHTNESS, _SATURATION))


def _section_name(kind: str, label: str) -> str:
    return f"{kind.replace('_', ' ')} {label}".strip()


def _chords(score: Score, quarters: float) -> tuple[Label, ...]:
    """The harmony as people write it, where it changes."""
    names = pitch_classes_beside(score.key, score.mode)
    labels: list[Label] = []
    for chord in score.chords:
        text = written_chord(chord, names)
        if not labels or labels[-1].text != text:
            labels.append(Label(chord.start_beats * quarters, text))
    return tuple(labels)


def _sung(score: Score, quarters: float) -> tuple[SungNote, ...]:
    """The lead voice. Texts end as in MIDI's recommended practice 17: in a hyphen, a space or a line's end."""
    lead = next((track for track in score.tracks if track.instrument == VOICE), None)
    return tuple(_sung_note(note, quarters) for note in (lead.notes if lead is not None else ()))


def _sung_note(note: Note, quarters: float) -> SungNote:
    placed = (note.start_beats * quarters, note.duration_beats * quarters, note.pitch)
    if note.syllable is None:
        return SungNote(*placed, None)
    ends_line, goes_on = note.syllable.endswith(LINE_END), note.syllable.endswith("-")
    text = note.syllable.removesuffix("-").rstrip()
    return SungNote(*placed, text, ends_word=not goes_on, ends_line=ends_line)
