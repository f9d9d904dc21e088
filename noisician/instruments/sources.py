"""What somebody hands in to make an instrument of: sound files, a folder of them, a SoundFont, an SFZ file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from noisician.analysis.pitch import pitch_of_note
from noisician.audio import SAMPLE_RATE_HZ, read_audio, resample
from noisician.errors import FileError, RequestError
from noisician.instruments.names import Told, told_by
from noisician.instruments.pieces import heard_piece
from noisician.instruments.sf2 import SoundFont
from noisician.instruments.sfz import read_sfz
from noisician.instruments.takes import Take, cut_at_silences, with_release
from noisician.instruments.zones import Zone, takes_of_zones
from noisician.score.percussion import PIECE_KEYS

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64"})
MOST_FILES, MOST_FILE_S, MOST_ALL_S = 512, 120.0, 1800.0
#: A reference shows four seconds of a note; of longer ones nothing is kept beyond so many (s).
_LONGEST_TAKE_S = 10.0
#: Takes kept of all files; beyond it every so-many-th one.
MOST_TAKES = 192
#: The pitch is looked for in so much of a note (s).
_PITCH_S = 2.5
#: So many notes of an SFZ file tell whether they have pitches.
_ASKED_TAKES = 8
#: A name is believed where the tracker agrees within an octave.
_OCTAVE = 12.0
_PRESET = re.compile(r"(?:(\d{1,5}):)?(\d{1,5})")


@dataclass(frozen=True)
class Handed:
    """Takes that all have a pitch, or, of a kit, all a key; the names they came from; what should be told."""

    takes: tuple[Take, ...]
    names: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    polyphonic: bool | None = None


def read_sources(sources: Sequence[str], kit: bool | None = None) -> Handed:
    """The takes in what was handed in; ``kit`` says whether they are hits, None lets their pitches tell.

    Raises FileError for what cannot be read or holds no note, RequestError for no source or a mixture of kinds.
    """
    if not sources:
        raise RequestError("no recordings were named (0 files); name sound files, a folder, a .sf2 or a .sfz")
    files = _files(sources)
    special = [name for name in files if _suffix(name) in (".sf2", ".sfz", ".sf3")]
    if special and len(files) > 1:
        raise RequestError(f"{special[0]}: an instrument file stands alone; it was named among {len(files)} files")
    if special:
        return _from_instrument_file(special[0], kit)
    return _from_recordings([Path(name) for name in files], kit)


def _suffix(name: str) -> str:
    """The extension, of a SoundFont without its preset."""
    return Path(name.rpartition("#")[0] if re.search(r"\.sf[23]#", name, re.IGNORECASE) else name).suffix.lower()


def _files(sources: Sequence[str]) -> list[str]:
    """The sources with each folder replaced by the files in it: its recordings, else its one instrument file."""
    found: list[str] = []
    for source in sources:
        path = Path(source)
        if not path.is_dir():
            found.append(source)
            continue
        try:
            inside = sorted(entry for entry in path.iterdir() if entry.is_file() and not entry.name.startswith("."))
        except OSError as error:
            raise FileError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from None
        sounds = [entry for entry in inside if entry.suffix.lower() in AUDIO_SUFFIXES]
        others = [entry for entry in inside if entry.suffix.lower() in (".sf2", ".sfz")]
        if not sounds and len(others) != 1:
            raise FileError(
                f"{path}: holds no sound file and {len(others)} instrument files; name recordings, or one file"
            )
        found += [str(entry) for entry in sounds or others]
    if len(found) > MOST_FILES:
        raise RequestError(f"{len(found)} files, the limit is {MOST_FILES}; choose fewer notes and layers")
    return found


def _from_instrument_file(name: str, kit: bool | None) -> Handed:
    if _suffix(name) == ".sfz":
        zones = read_sfz(Path(name))
        takes = takes_of_zones(zones, bool(kit), name)
        if kit is None and _is_kit(zones, takes):
            takes = takes_of_zones(zones, True, name)
        return Handed(tuple(takes), (Path(name).name,), polyphonic=True)
    file_name, _, wanted = name.rpartition("#") if re.search(r"\.sf2#", name, re.IGNORECASE) else (name, "", "")
    font = SoundFont(Path(file_name))
    presets = font.presets()
    if not presets:
        raise FileError(f"{file_name}: holds no preset; the file is empty or damaged")
    preset = presets[0]
    if wanted:
        number = _PRESET.fullmatch(wanted)
        asked = (int(number[1] or 0), int(number[2])) if number else None
        named = [one for one in presets if asked == (one.bank, one.program)]
        if not named:
            some = ", ".join(f"{one.bank}:{one.program} {one.name}" for one in presets[:8])
            raise RequestError(f"{file_name}: has no preset {wanted!r}; of its {len(presets)} the first are {some}")
        preset = named[0]
    takes = takes_of_zones(font.zones(preset), preset.is_kit if kit is None else kit, f"{file_name}, {preset.name!r}")
    others = f"; it has {len(presets) - 1} more, named with #PROGRAM or #BANK:PROGRAM" if len(presets) > 1 else ""
    remark = f"preset {preset.bank}:{preset.program} {preset.name!r} was taken{others}"
    return Handed(tuple(takes), (Path(file_name).name,), (remark,), polyphonic=True)


def _is_kit(zones: Sequence[Zone], takes: Sequence[Take]) -> bool:
    """Whether every zone belongs to a key or two, and most of the notes have no pitch that is heard."""
    if any(zone.keys[1] - zone.keys[0] > 1 for zone in zones):
        return False
    some = takes[:: max(1, len(takes) // _ASKED_TAKES)]
    return 2 * sum(_tracked(take) is None for take in some) > len(some)


def _from_recordings(files: Sequence[Path], kit: bool | None) -> Handed:
    """Every note of every file, its pitch from its name and its sound."""
    heard: list[tuple[Take, Told]] = []
    silent = []
    total_s, longest = 0.0, round(_LONGEST_TAKE_S * SAMPLE_RATE_HZ)
    for path in files:
        samples, rate_hz = read_audio(path, MOST_FILE_S)
        total_s += len(samples) / rate_hz
        if total_s > MOST_ALL_S:
            raise RequestError(
                f"{path}: with it the recordings last over {MOST_ALL_S:g} s, the limit; choose fewer notes"
            )
        notes = cut_at_silences(resample(samples.mean(axis=1), rate_hz))
        told = told_by(path.stem)
        own = [with_release(Take(path.name, note[:longest].copy())) for note in notes]
        heard += [(take, told) for take in own]
        silent += [] if own else [path.name]
    if not heard:
        raise FileError(f"{files[0]}: holds nothing but silence (below -80 dBFS)")
    heard = [
        heard[place] for place in np.unique(np.linspace(0, len(heard) - 1, min(len(heard), MOST_TAKES)).astype(int))
    ]
    pitched = [replace(take, pitch=_tracked(take), velocity=told.velocity) for take, told in heard]
    told_of = [told for _, told in heard]
    hits = [
        (take.pitch is None and told.pitch is None) or (told.piece is not None and told.pitch is None)
        for take, told in zip(pitched, told_of, strict=True)
    ]
    remarks = [f"{len(silent)} silent files were left out ({silent[0]})"] if silent else []
    if kit if kit is not None else 2 * sum(hits) >= len(hits):
        takes = [_hit(take, told) for take, told in zip(pitched, told_of, strict=True)]
        return Handed(tuple(takes), tuple(path.name for path in files), tuple(remarks))
    takes = _believed(pitched, told_of)
    if not takes:
        raise FileError(f"{files[0]}: no pitch was heard in it and its name tells none; name it like piano_C4.wav")
    if len(takes) < len(pitched):
        remarks.append(f"{len(pitched) - len(takes)} notes without a pitch were left out")
    return Handed(tuple(takes), tuple(path.name for path in files), tuple(remarks))


def _tracked(take: Take) -> float | None:
    found = pitch_of_note(take.sound[: round(_PITCH_S * SAMPLE_RATE_HZ)])
    return None if found is None else found.pitch


def _hit(take: Take, told: Told) -> Take:
    piece = told.piece or heard_piece(take.sound)
    return replace(take, pitch=None, key=PIECE_KEYS[piece][0])


def _believed(takes: Sequence[Take], told_of: Sequence[Told]) -> list[Take]:
    """The takes with the pitch that name and sound agree on; those without any are left out.

    Some number the octaves one lower (C3 is middle C): where most names are an octave below what is heard, all are.
    """
    several = _of_several_notes(takes)
    names = [_named(take, told, several) for take, told in zip(takes, told_of, strict=True)]
    apart = [
        take.pitch - name
        for take, name in zip(takes, names, strict=True)
        if take.pitch is not None and name is not None
    ]
    octave = 12 if apart and np.mean(np.abs(np.array(apart) - 12) < 0.6) > 0.5 and len(apart) > 1 else 0
    out = []
    for take, name in zip(takes, names, strict=True):
        pitch = settled_pitch(take.pitch, None if name is None else name + octave)
        if pitch is not None and 0 <= pitch <= 127:
            out.append(replace(take, pitch=pitch))
    return out


def _named(take: Take, told: Told, several: frozenset[str]) -> int | None:
    """The pitch in a take's name; of a file that holds several notes its name cannot tell."""
    return None if take.name in several else told.pitch if told.pitch is not None else told.number


def _of_several_notes(takes: Sequence[Take]) -> frozenset[str]:
    pitches: dict[str, list[float]] = {}
    for take in takes:
        if take.pitch is not None:
            pitches.setdefault(take.name, []).append(take.pitch)
    return frozenset(name for name, own in pitches.items() if max(own) - min(own) > 1)


def settled_pitch(tracked: float | None, named: int | None) -> float | None:
    """A note's pitch from what was heard and what its name says, either None.

    The name is believed within an octave of what was heard, and the cents are those of the sound as far as they agree
    but for octaves.
    """
    if tracked is None or named is None:
        return tracked if named is None else float(named)
    if abs(tracked - named) > _OCTAVE + 0.6:
        return tracked
    cents = (tracked - named + 6) % 12 - 6
    return named + cents if abs(cents) < 0.6 else float(named)
