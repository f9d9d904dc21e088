"""Score ↔ Standard MIDI file (type 1, 480 ticks a quarter note).

Besides the notes a file carries its score's own terms (roles, instrument ids, sections, chords) in text events that
start with ``noisician:``, so our own files come back exactly, to the tick. Files by others come back with roles
and instruments inferred from programs, names and how the parts move.
"""

from __future__ import annotations

import json
import math
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from io import BytesIO
from numbers import Integral
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO, overload

import mido
import numpy as np

from noisician.errors import FileError, RequestError
from noisician.request import MODES, TONICS
from noisician.score.encode import estimate_key
from noisician.score.hands import by_performer, one_track
from noisician.score.harmony import pitch_class
from noisician.score.midi_events import events_of
from noisician.score.midi_roles import Part, infer_roles
from noisician.score.model import (
    METERS,
    SECTION_KINDS,
    VOICE,
    Chord,
    Meter,
    MeterChange,
    Note,
    Score,
    Section,
    Track,
)
from noisician.score.tempo import TempoCurve
from noisician.styles import ROLES, Instrument, instruments, table

TICKS_PER_QUARTER = 480
DRUM_CHANNEL = 9
FILE_LIMIT_BYTES = 16 << 20
EVENTS_LIMIT = 400_000  # of which an object is made each
PARTS_LIMIT, TRACKS_LIMIT = 256, 1024
BARS_LIMIT = 4000  # a damaged delta time easily claims days of silence
OWN = "noisician:"
VOICE_PROGRAM = 53  # Voice Oohs

#: 120 quarter notes a minute, which a file means that states no tempo; where one is looked for in a track.
_TEMPO_US, _HEAD_EVENTS = 500_000, 32
#: What the parser raises on bytes that are no MIDI.
_DAMAGE = (OSError, EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError)

#: General MIDI stand-ins for sounds without a soundfont program.
_SUBSTITUTE_PROGRAMS = {
    "supersaw": 81, "saw_pluck": 84, "fm_bell": 98, "stab": 62, "fm_bass": 38, "sub_808": 39, "acid_bass": 38,
    "reese_bass": 39, "wobble_bass": 39, "sine_sub": 39, "analog_bass": 38, "organ_bass": 16, "chip_pulse": 80,
    "chip_triangle": 80, "analog_pad": 89, "string_machine": 50, "analog_lead": 81, "glass_pad": 92,
    "trap_kit": 25, "tr909_kit": 24, "chip_kit": 24, "club_kit": 24, "glitch_kit": 24, "lofi_kit": 40,
    "rain": 96, "wind": 122, "ocean_waves": 122, "birdsong": 123, "dark_drone": 95, "glass_drone": 92,
    "choir_wash": 91, "shimmer": 98, "deep_space": 103, "noise_riser": 119, "reverse_swell": 119, "impact": 127,
    "sub_boom": 118,
}  # fmt: skip
_FAMILY_PROGRAMS = {
    ("drums", "struck"): 0,
    ("bass", "plucked"): 38,
    ("bass", "sustained"): 39,
    ("synth", "plucked"): 84,
    ("synth", "struck"): 98,
    ("synth", "sustained"): 89,
    ("texture", "struck"): 119,
    ("texture", "sustained"): 122,
}


def general_midi_program(instrument: Instrument) -> int:
    """Program 0 … 127 that sounds most like an instrument; for kits, the program of the drum channel."""
    if instrument.source["kind"] == "soundfont":
        return int(instrument.source["program"])
    by_family = _FAMILY_PROGRAMS.get((instrument.family, instrument.sustain), 0)
    return _SUBSTITUTE_PROGRAMS.get(instrument.id, by_family)


def ticks_per_beat(meter: Meter) -> int:
    """480 where a quarter is the beat, 720 where a dotted quarter is."""
    return TICKS_PER_QUARTER * meter.steps_per_beat // 4


def write_midi(score: Score, path_or_file: str | os.PathLike[str] | BinaryIO, *, overwrite: bool = False) -> None:
    """Write a type 1 file: a conductor track, then one named track per player, all hands together.

    Players have a channel each as far as there are enough; else those of one program share theirs, and where even
    programs are more than channels, further ports begin. Texts are Latin-1, which other programs take them for, where
    that has all their characters, and else UTF-8.

    Raises RequestError for a score that MIDI cannot hold, FileError when the path exists (unless ``overwrite``) or
    cannot be written; a failed write leaves nothing behind.
    """
    _check(score)
    midi = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER)
    midi.tracks.append(_conductor(score))
    performers = by_performer(score.tracks)
    tracks = [one_track(hands) for hands in performers]
    for track, hands, place in zip(tracks, performers, _places(tracks), strict=True):
        midi.tracks.append(_track_events(track, len(hands) > 1, place, ticks_per_beat(score.meter)))
    midi.charset = _charset(midi)
    content = BytesIO()
    midi.save(file=content)
    if isinstance(path_or_file, (str, os.PathLike)):
        _write_file(Path(path_or_file), content.getvalue(), overwrite)
    else:
        path_or_file.write(content.getvalue())


def _check(score: Score) -> None:
    """Raises RequestError for what no MIDI file can say."""
    if not (0 < score.tempo_bpm < 1000):
        raise RequestError(f"a score of {score.tempo_bpm:g} BPM; MIDI files hold tempos above 0 and below 1000 BPM")
    if score.time_signature not in METERS or score.mode not in MODES:
        known = f"{', '.join(METERS)} and {', '.join(MODES)}"
        raise RequestError(f"a score in {score.time_signature!r} and {score.mode!r}; there are {known}")
    try:
        pitch_class(score.key)
    except (KeyError, AttributeError):
        raise RequestError(f"a score in {score.key!r}; keys are {', '.join(TONICS)}") from None
    for track in score.tracks:
        _check_notes(track)


def _check_notes(track: Track) -> None:
    for note in track.notes:
        if not (isinstance(note.pitch, Integral) and isinstance(note.velocity, Integral)):
            raise RequestError(f"{track.role} has a note of pitch {note.pitch!r}, {note.velocity!r}; both are integers")
        if not (0 <= note.pitch <= 127 and 1 <= note.velocity <= 127):
            raise RequestError(
                f"{track.role} has a note of pitch {note.pitch} and velocity {note.velocity}; "
                "MIDI has pitches 0 to 127 and velocities 1 to 127"
            )
        if not (0 <= note.start_beats < math.inf and 0 <= note.duration_beats < math.inf):
            raise RequestError(
                f"{track.role} has a note at beat {note.start_beats:g} for {note.duration_beats:g} beats; "
                "both are 0 or more"
            )


def _places(tracks: Sequence[Track]) -> list[tuple[int, int]]:
    """The (port, channel) of each track; one place is shared by equal programs alone."""
    free = [channel for channel in range(16) if channel != DRUM_CHANNEL]
    pitched = [number for number, track in enumerate(tracks) if track.role != "drums"]
    enough = len(pitched) <= len(free)
    # What has a place of its own: the track where channels are enough for all, else the program.
    names = {number: number if enough else _program_of(tracks[number]) for number in pitched}
    order = {name: place for place, name in enumerate(dict.fromkeys(names.values()))}
    kits = {program: port for port, program in enumerate(dict.fromkeys(map(_program_of, _drums(tracks))))}
    places = []
    for number, track in enumerate(tracks):
        if track.role == "drums":
            places.append((kits[_program_of(track)], DRUM_CHANNEL))
        else:
            port, place = divmod(order[names[number]], len(free))
            places.append((port, free[place]))
    return places


def _drums(tracks: Iterable[Track]) -> Iterator[Track]:
    return (track for track in tracks if track.role == "drums")


def _program_of(track: Track) -> int:
    instrument = instruments().get(track.instrument)
    if instrument is None:
        return VOICE_PROGRAM if track.instrument == VOICE else 0
    return general_midi_program(instrument)


def _charset(midi: mido.MidiFile) -> str:
    texts = (getattr(message, kind, "") for track in midi.tracks for message in track for kind in ("text", "name"))
    try:
        "".join(texts).encode("latin-1")
    except UnicodeEncodeError:
        return "utf-8"
    return "latin-1"


def _write_file(path: Path, content: bytes, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise FileError(f"{path} exists; choose another name or ask to overwrite it")
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            try:
                file.write(content)
                file.flush()
                temporary.chmod(0o644)
                temporary.replace(path)
            except OSError:
                temporary.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from None


def _timed_track(name: str, events: list[tuple[int, int, Any]], end_tick: int) -> mido.MidiTrack:
    """A track from (tick, order within the tick, message)."""
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
    now = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(end_tick - now, 0)))
    return track


def _conductor(score: Score) -> mido.MidiTrack:
    meter = score.meter
    beat_ticks, quarters = ticks_per_beat(meter), meter.steps_per_beat / 4
    tempi = [(0.0, score.tempo_bpm), *((change.start_beats, change.tempo_bpm) for change in score.tempo_changes)]
    minor = score.mode in ("minor", "dorian", "phrygian")
    terms = {
        "tempo_bpm": score.tempo_bpm,
        "key": score.key,
        "mode": score.mode,
        "bars": score.bars,
        "sections": [asdict(section) for section in score.sections],
        "chords": [
            [c.start_beats, c.duration_beats, c.root, c.quality, *([] if c.bass is None else [c.bass])]
            for c in score.chords
        ],
    }
    events = [
        (0, 0, mido.MetaMessage("text", text=OWN + json.dumps(terms, separators=(",", ":")))),
        *(
            (round(beats * beat_ticks), 1, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm * quarters)))
            for beats, bpm in tempi
        ),
        *_signatures(score, beat_ticks),
        (0, 3, mido.MetaMessage("key_signature", key=_signature_name(score.key, minor))),
    ]
    bar_ticks = round(beat_ticks * meter.beats_per_bar)
    for section in score.sections:
        text = f"{section.kind} {section.label}".strip()
        events.append((section.start_bar * bar_ticks, 4, mido.MetaMessage("marker", text=text)))
    return _timed_track("noisician", events, score.bars * bar_ticks)


def _signatures(score: Score, beat_ticks: int) -> Iterator[tuple[int, int, Any]]:
    """The metre, and whatever else a file stated that the score was read from."""
    stated = {round(change.start_beats * beat_ticks): change.time_signature for change in score.meter_changes}
    for tick, name in sorted({0: score.time_signature, **stated}.items()):
        numerator, denominator = map(int, name.split("/"))
        clocks = 36 if denominator == 8 and numerator % 3 == 0 else 24
        message = mido.MetaMessage(
            "time_signature", numerator=numerator, denominator=denominator, clocks_per_click=clocks
        )
        yield tick, 2, message


def _signature_name(key: str, minor: bool) -> str:
    """The spelling MIDI key signatures have for a tonic: at most seven sharps or flats."""
    major = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
    minors = ("Cm", "C#m", "Dm", "Ebm", "Em", "Fm", "F#m", "Gm", "G#m", "Am", "Bbm", "Bm")
    return (minors if minor else major)[pitch_class(key)]


def _track_events(track: Track, has_hands: bool, place: tuple[int, int], beat_ticks: int) -> mido.MidiTrack:
    port, channel = place
    instrument = instruments().get(track.instrument)
    name = instrument.name if instrument else track.instrument
    terms: dict[str, Any] = {
        "role": track.role,
        "instrument": track.instrument,
        "articulations": list(track.timbre_tags),
        **({"player": track.player} if track.player else {}),
    }
    events: list[tuple[int, int, Any]] = [
        (0, 0, mido.MetaMessage("text", text=OWN + json.dumps(terms, separators=(",", ":")))),
        (0, 1, mido.Message("program_change", channel=channel, program=_program_of(track))),
    ]
    if port:
        events.insert(0, (0, -1, mido.MetaMessage("midi_port", port=port)))
    for note in track.notes:
        start = round(note.start_beats * beat_ticks)
        end = max(round(note.end_beats * beat_ticks), start + 1)
        if note.syllable is not None:
            events.append((start, 3, mido.MetaMessage("lyrics", text=note.syllable)))
        events.append((start, 3, mido.Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity)))
        events.append((end, 2, mido.Message("note_off", channel=channel, note=note.pitch)))
    return _timed_track(
        name if has_hands else f"{track.role}: {name}", events, max((event[0] for event in events), default=0)
    )


@dataclass
class _Voice:
    """The notes of one channel of one track chunk, in ticks."""

    name: str
    channel: int
    program: int = 0
    terms: Mapping[str, Any] | None = None
    notes: list[tuple[int, int, int, int, str | None]] = field(default_factory=list)  # start end pitch velocity text


@dataclass
class _Heading:
    """What the file says about the whole piece; of metre and key the first counts, further metres are kept."""

    tempi_us: dict[int, int] = field(default_factory=dict)  # by tick, a quarter note each
    signatures: dict[int, tuple[int, int]] = field(default_factory=dict)  # by tick
    key: str | None = None
    terms: Mapping[str, Any] | None = None
    markers: list[tuple[int, str]] = field(default_factory=list)

    @property
    def first_signature(self) -> tuple[int, int] | None:
        return self.signatures[min(self.signatures)] if self.signatures else None

    def meter_changes(self, signature: str, beat_ticks: float) -> tuple[MeterChange, ...]:
        """What is stated beside ``signature``, in which the piece is counted."""
        changes, now = [], signature
        for tick, stated in sorted(self.signatures.items()):
            name = f"{stated[0]}/{stated[1]}"
            if name != now:
                changes.append(MeterChange(tick / beat_ticks, name))
                now = name
        return tuple(changes)


def read_midi(path_or_file: str | os.PathLike[str] | BinaryIO) -> Score:
    """The score in a MIDI file.

    The metre is the first that the file states, or the nearest there is (2/2 reads as 4/4, 3/8 as 6/8); key and
    mode come from the key signature, or by Krumhansl–Schmuckler without one. Raises FileError for anything that
    is no MIDI file, has no notes, or claims more than 4000 bars.
    """
    midi, name = open_midi(path_or_file)
    heading = _Heading()
    voices = [voice for track in midi.tracks for voice in _read_track(track, heading)]
    signature = nearest_signature(heading.first_signature)
    beat_ticks = midi.ticks_per_beat * METERS[signature].steps_per_beat / 4
    last_tick = max((end for voice in voices for _, end, *_ in voice.notes), default=0)
    bars = max(int(np.ceil(last_tick / beat_ticks / METERS[signature].beats_per_bar - 1e-9)), 1)
    if bars > BARS_LIMIT:
        raise FileError(f"{name} claims {bars} bars; the limit is {BARS_LIMIT} bars; it is probably damaged")
    try:
        if heading.terms is not None:
            return _own_score(heading, voices, signature, beat_ticks, bars)
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(f"{name}: its noisician text event is damaged ({error!r})") from None
    if not any(voice.notes for voice in voices):
        raise FileError(f"{name} holds no notes")
    refuse_crowd(sum(bool(voice.notes) for voice in voices), name)
    return _foreign_score(heading, voices, signature, beat_ticks, bars)


def refuse_crowd(parts: int, name: str) -> None:
    """Raises FileError for more parts than any score has."""
    if parts > PARTS_LIMIT:
        raise FileError(
            f"{name} has {parts} parts with notes; the limit is {PARTS_LIMIT} parts; it is probably damaged"
        )


def midi_ticks_per_quarter(path_or_file: str | os.PathLike[str] | BinaryIO) -> int:
    """How finely a file counts time. Errors as :func:`read_midi`."""
    return open_midi(path_or_file)[0].ticks_per_beat


def open_midi(path_or_file: str | os.PathLike[str] | BinaryIO) -> tuple[mido.MidiFile, str]:
    if isinstance(path_or_file, (str, os.PathLike)):
        name = str(path_or_file)
        try:
            content = Path(path_or_file).read_bytes()
        except OSError as error:
            raise FileError(f"cannot read {name}: {error.strerror or error}") from None
    else:
        name = "the MIDI file"
        content = path_or_file.read()
    if len(content) > FILE_LIMIT_BYTES:
        raise FileError(f"{name} has {len(content)} bytes; the limit is {FILE_LIMIT_BYTES} bytes for a MIDI file")
    if content.count(b"MTrk") > TRACKS_LIMIT:
        raise FileError(f"{name} has more than {TRACKS_LIMIT} tracks; it is probably damaged")
    if events_of(content, EVENTS_LIMIT) > EVENTS_LIMIT:
        raise FileError(f"{name} has more than {EVENTS_LIMIT} events; that is more than anybody plays")
    for charset in ("utf-8", "latin-1"):
        try:
            midi = mido.MidiFile(file=BytesIO(content), charset=charset, clip=True)
        except UnicodeDecodeError:
            continue
        except (*_DAMAGE, mido.KeySignatureError) as error:
            raise FileError(f"{name} is not a readable MIDI file ({error or type(error).__name__})") from None
        if midi.ticks_per_beat <= 0:
            raise FileError(f"{name} counts time in frames of film; only musical time can be read")
        if midi.type == 2:
            _play_in_turn(midi)
        return midi, name
    raise FileError(f"{name} is not a readable MIDI file (undecodable text)")


def _play_in_turn(midi: mido.MidiFile) -> None:
    """In place: the independent tracks of a type 2 file one after another, each from the bar line after the one before,
    each at a tempo of its own."""
    start = 0
    for number, track in enumerate(midi.tracks):
        length = sum(message.time for message in track)
        has_tempo = any(message.type == "set_tempo" for message in track[:_HEAD_EVENTS])
        if track:
            track[0].time += start
        if number and not has_tempo:
            track.insert(0, mido.MetaMessage("set_tempo", tempo=_TEMPO_US, time=track[0].time if track else 0))
            if len(track) > 1:
                track[1].time = 0
        metre = next((message for message in track if message.type == "time_signature"), None)
        quarters = 4 * metre.numerator / metre.denominator if metre is not None else 4
        bar_ticks = max(1, round(quarters * midi.ticks_per_beat))
        start = -(-(start + length) // bar_ticks) * bar_ticks


def _read_track(track: mido.MidiTrack, heading: _Heading) -> list[_Voice]:
    """The voices of a track chunk; fills in ``heading``. A chunk of our own without notes is still a voice."""
    voices: dict[int, _Voice] = {}
    pending: dict[tuple[int, int], list[tuple[int, int, str | None]]] = defaultdict(list)
    track_terms: Mapping[str, Any] | None = None
    tick, syllable, syllable_tick = 0, None, -1
    for message in track:
        tick += message.time
        if message.type == "lyrics":
            syllable, syllable_tick = message.text, tick
        elif message.type == "text" and message.text.startswith(OWN):
            track_terms = _terms(message.text, heading) or track_terms
        elif message.is_meta:
            _note_heading(message, tick, heading)
        elif message.type == "program_change":
            _voice(voices, message.channel, track).program = message.program
        elif message.type == "note_on" and message.velocity > 0:
            text = syllable if syllable_tick == tick else None
            syllable = None
            pending[message.channel, message.note].append((tick, message.velocity, text))
        elif message.type in ("note_on", "note_off") and pending[message.channel, message.note]:
            start, velocity, text = pending[message.channel, message.note].pop(0)
            _voice(voices, message.channel, track).notes.append((start, tick, message.note, velocity, text))
    for (channel, pitch), left in pending.items():  # never released: they sound to the end of the track
        for start, velocity, text in left:
            _voice(voices, channel, track).notes.append((start, max(tick, start + 1), pitch, velocity, text))
    for voice in voices.values():
        voice.terms = track_terms
    return list(voices.values())


def _voice(voices: dict[int, _Voice], channel: int, track: mido.MidiTrack) -> _Voice:
    return voices.setdefault(channel, _Voice(track.name, channel))


def _terms(text: str, heading: _Heading) -> Mapping[str, Any] | None:
    """Our own JSON: the score's goes to the heading, a track's is returned if we know its role and instrument."""
    try:
        terms = json.loads(text.removeprefix(OWN))
    except json.JSONDecodeError:
        return None
    if not isinstance(terms, dict):
        return None
    if "tempo_bpm" in terms:
        heading.terms = terms
        return None
    role, instrument = terms.get("role"), terms.get("instrument")
    if not (isinstance(role, str) and isinstance(instrument, str) and isinstance(terms.get("articulations", []), list)):
        return None
    sung = instrument == VOICE and role in table("mix")["sung"]
    return terms if sung or (role in ROLES and instrument in instruments()) else None


def _note_heading(message: Any, tick: int, heading: _Heading) -> None:
    if message.type == "set_tempo":
        heading.tempi_us[tick] = max(message.tempo, 1)
    elif message.type == "time_signature":
        heading.signatures[tick] = (message.numerator, message.denominator)
    elif message.type == "key_signature" and heading.key is None:
        heading.key = message.key
    elif message.type == "marker":
        heading.markers.append((tick, message.text))


def nearest_signature(signature: tuple[int, int] | None) -> str:
    """The metre of ours in which one is counted: 4/4 for none."""
    numerator, denominator = signature or (4, 4)
    if f"{numerator}/{denominator}" in METERS:
        return f"{numerator}/{denominator}"
    if denominator == 8 and numerator % 3 == 0:
        return "6/8"
    if denominator == 2:
        return {1: "2/4", 2: "4/4", 3: "3/4"}.get(numerator, "4/4")
    return {3: "3/4", 5: "5/4", 7: "7/8"}.get(numerator, "4/4")


def _notes(voice: _Voice, beat_ticks: float) -> tuple[Note, ...]:
    notes = (
        Note(pitch, start / beat_ticks, (max(end, start + 1) - start) / beat_ticks, velocity, text)
        for start, end, pitch, velocity, text in voice.notes
    )
    return tuple(sorted(notes, key=lambda note: (note.start_beats, note.pitch)))


def _own_score(heading: _Heading, voices: list[_Voice], signature: str, beat_ticks: float, sounding_bars: int) -> Score:
    """Our own file, perhaps edited elsewhere: notes may reach past the bars written, tracks may be new."""
    terms = heading.terms or {}
    if terms["mode"] not in MODES or not 0 < terms["tempo_bpm"] < 1000:
        raise ValueError(f"mode {terms['mode']!r}, tempo {terms['tempo_bpm']!r}")
    return Score(
        tempo_bpm=float(terms["tempo_bpm"]),
        key=TONICS[pitch_class(terms["key"])],
        mode=terms["mode"],
        time_signature=signature,
        bars=min(max(int(terms["bars"]), sounding_bars), BARS_LIMIT),
        sections=tuple(Section(**section) for section in terms["sections"]),
        tracks=tuple(_tracks(voices, beat_ticks)),
        chords=tuple(Chord(*chord) for chord in terms["chords"]),
        tempo_changes=_tempo(heading, signature, beat_ticks).changes,
        meter_changes=heading.meter_changes(signature, beat_ticks),
    )


def _tempo(heading: _Heading, signature: str, beat_ticks: float) -> TempoCurve:
    """The tempo as the file has it: 120 quarter notes a minute until it states one."""
    quarters = METERS[signature].steps_per_beat / 4  # a beat
    stated = {tick: _bpm(us) / quarters for tick, us in sorted(heading.tempi_us.items())}
    changes = ((tick / beat_ticks, bpm) for tick, bpm in stated.items() if tick)
    return TempoCurve.of(stated.get(0, 120 / quarters), changes)


def _bpm(quarter_us: int) -> float:
    """Quarter notes a minute: the round number that a file writes so, if there is one."""
    exact = 60e6 / quarter_us
    near = round(exact, 3)
    return near if round(60e6 / near) == quarter_us else exact


def _tracks(voices: list[_Voice], beat_ticks: float) -> Iterator[Track]:
    """Tracks in file order; those without terms of ours get a role and an instrument by their notes."""
    foreign = [voice for voice in voices if voice.terms is None and voice.notes]
    parts = [Part(v.name, v.program, v.channel == DRUM_CHANNEL, _notes(v, beat_ticks)) for v in foreign]
    inferred = iter(infer_roles(parts))
    for voice in voices:
        if voice.terms is not None:
            tags = tuple(voice.terms.get("articulations", ()))
            notes, player = _notes(voice, beat_ticks), str(voice.terms.get("player", ""))
            yield Track(voice.terms["role"], voice.terms["instrument"], notes, tags, player, name=voice.name)
        elif voice.notes:
            role, instrument = next(inferred)
            yield Track(role, instrument, _notes(voice, beat_ticks), name=voice.name)


def _foreign_score(heading: _Heading, voices: list[_Voice], signature: str, beat_ticks: float, bars: int) -> Score:
    meter = METERS[signature]
    tracks = tuple(_tracks(voices, beat_ticks))
    key, mode = _stated_key(heading.key) or estimate_key(pitch_class_weights(tracks))
    tempo = _tempo(heading, signature, beat_ticks)
    return Score(
        tempo_bpm=tempo.tempo_bpm,
        key=key,
        mode=mode,
        time_signature=signature,
        bars=bars,
        sections=tuple(_sections(heading.markers, beat_ticks * meter.beats_per_bar, bars)),
        tracks=tracks,
        tempo_changes=tempo.changes,
        meter_changes=heading.meter_changes(signature, beat_ticks),
    )


def _stated_key(name: str | None) -> tuple[str, str] | None:
    if name is None:
        return None
    minor = name.endswith("m")
    return TONICS[pitch_class(name.removesuffix("m"))], "minor" if minor else "major"


def pitch_class_weights(tracks: Sequence[Track]) -> np.ndarray:
    """How long each pitch class sounds, ``[12]``."""
    weights = np.zeros(12)
    for track in tracks:
        if track.role != "drums":
            for note in track.notes:
                weights[note.pitch % 12] += note.duration_beats
    return weights


def _sections(markers: list[tuple[int, str]], bar_ticks: float, bars: int) -> Iterator[Section]:
    """Markers as sections, each until the next; equal texts share a label."""
    starts: dict[int, str] = {}
    for tick, text in sorted(markers):
        bar = round(tick / bar_ticks)
        if bar < bars:
            starts[bar] = text.strip().lower()
    labels: dict[str, str] = {}
    ends = [*starts, bars][1:]
    for (bar, text), end in zip(starts.items(), ends, strict=True):
        label = labels.setdefault(text, chr(ord("A") + len(labels) % 26))
        yield Section(kind_named(text, "verse"), label, bar, end - bar, 0.5)


@overload
def kind_named(text: str, otherwise: str) -> str: ...
@overload
def kind_named(text: str, otherwise: None) -> str | None: ...
def kind_named(text: str, otherwise: str | None) -> str | None:
    """The kind of section that a marker in small letters speaks of, "pre-chorus 2" or "breakdown"; ``otherwise`` where
    it says none."""
    letters = "".join(letter for letter in text if letter.isalpha())
    longest_first = sorted(SECTION_KINDS, key=len, reverse=True)  # a pre-chorus is no chorus
    return next((kind for kind in longest_first if kind.replace("_", "") in letters), otherwise)
