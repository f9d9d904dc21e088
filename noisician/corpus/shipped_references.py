"""The recordings that ship: for each instrument of the styles the references of whoever plays it best.

Real recordings stand for an instrument where there are enough of them, a soundfont or one of our own voices for the
rest. The held-out soundfont never plays here: it has to stay a sound that the renderer did not meet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path

import numpy as np

from noisician.corpus.build import OnPart, each
from noisician.corpus.players import Player, Players
from noisician.corpus.soundfont import TRAINING_SOUNDFONTS
from noisician.loudness import momentary_loudness_lufs
from noisician.mel import SAMPLE_RATE_HZ
from noisician.renderer.library import ENTRY, SUFFIX, checksum_of_all
from noisician.renderer.references import LOG_STEP, References, write_references
from noisician.score.played import NoteEvent
from noisician.styles import Instrument, shipped_instruments
from noisician.weights import FOLDER, checksum, enter

#: Recordings by instrument. Of several, the later ones play from their own lowest key upwards.
RECORDED: Mapping[str, tuple[str, ...]] = {
    "grand_piano": ("salamander-grand:grand piano (Yamaha C5):sustain",),
    "electric_piano": ("learman:electric piano (Rhodes Mark I):sustain",),
    "vibraphone": ("versilian-orchestra:vibraphone:soft mallet",),
    "marimba": ("versilian-orchestra:marimba:mallet",),
    "glockenspiel": ("versilian-orchestra:glockenspiel:mallet",),
    "steel_guitar": ("learman:acoustic guitar, steel strings (Martin HD28):pluck",),
    "jazz_guitar": ("shinyguitar:archtop guitar by pickup:pick",),
    "clean_guitar": ("emilyguitar:electric guitar, flatwound, direct:pick",),
    "muted_guitar": ("black-and-green-guitars:electric guitar (Gretsch Anniversary), palm muted:staccato",),
    "upright_bass": ("meatbass:double bass:pizzicato",),
    "electric_bass": ("swagbass:electric bass, flatwound, fingered:sustain",),
    "picked_bass": ("growlybass:electric bass (Jazz Bass), picked:sustain",),
    "violin": ("versilian-orchestra:violin, solo:sustain vibrato",),
    "cello": ("versilian-orchestra:cello, solo:sustain vibrato",),
    "contrabass": ("meatbass:double bass:bowed",),
    "pizzicato_strings": ("versilian-orchestra:string orchestra:pizzicato",),
    "string_ensemble": (
        "versilian-orchestra:cello section:sustain vibrato",
        "versilian-orchestra:viola section:sustain vibrato",
        "versilian-orchestra:violin section:sustain vibrato",
    ),
    "harp": ("versilian-orchestra:concert harp:pluck",),
    "timpani": ("vcsl:timpani:hit",),
    "trumpet": ("versilian-orchestra:trumpet:sustain",),
    "trombone": ("versilian-orchestra:tenor trombone:sustain",),
    "tuba": ("versilian-orchestra:tuba:sustain",),
    "alto_sax": ("weresax:alto saxophone:sustain",),
    "tenor_sax": ("versilian-orchestra:tenor saxophone:sustain vibrato",),
    "bassoon": ("winer:bassoon:sustain",),
    "flute": ("versilian-orchestra:flute:sustain vibrato",),
    "sitar": ("raikar-sitar:sitar:pluck",),
    "tremolo_strings": ("versilian-orchestra:string orchestra:tremolo",),
    "spiccato_strings": (
        "versilian-orchestra:cello section:spiccato",
        "versilian-orchestra:viola section:spiccato",
    ),
    "baritone_sax": ("bear-sax:baritone saxophone:sustain",),
    "staccato_sax": ("bear-sax:baritone saxophone:staccato",),
    "shawm": ("raikar-shanai:shanai (double reed):sustain",),
    "bagpipe": ("squidpipes:bagpipe:sustain",),
    "tagelharpa": ("horse-pulse:bass tagelharpa, plucked:pluck",),
    "honky_tonk_piano": ("freepats-old-piano:old upright piano, honky-tonk:sustain",),
    "upright_piano": ("versilian-orchestra:upright piano (VCSL):sustain",),
    "staccato_bass": ("growlybass:electric bass (Jazz Bass), picked:staccato",),
    "glass_harmonica": ("versilian-orchestra:wine glasses rubbed:sustain",),
    "humming": ("bainter:male voice humming:hum",),
    "didgeridoo": ("vcsl:didgeridoo:Sus",),
}

_PHU, _SNARES, _VCSL = "gogodze-phu-2:", "frankensnare:", "vcsl:"
_ROCK_DRUMS = {
    35: _PHU + "bass drum:", 36: _PHU + "bass drum:", 37: _PHU + "snare drum, side stick:",
    38: _PHU + "snare drum, centre:", 40: _PHU + "snare drum, edge:", 41: _PHU + "floor tom:", 43: _PHU + "floor tom:",
    45: _PHU + "middle tom:", 47: _PHU + "middle tom:", 48: _PHU + "high tom:", 50: _PHU + "high tom:",
    42: _PHU + "hi-hat, tightly closed:", 44: _PHU + "hi-hat, foot:", 46: _PHU + "hi-hat, open:",
}  # fmt: skip
#: Recorded pieces of kits by key; all other pieces are the soundfont's.
RECORDED_PIECES: Mapping[str, Mapping[int, str]] = {
    "room_kit": _ROCK_DRUMS,
    "standard_kit": _ROCK_DRUMS | {38: _SNARES + "14 inch deep snare:"},
    "jazz_kit": _ROCK_DRUMS | {38: _SNARES + "14 inch piccolo snare:", 46: _PHU + "hi-hat, half open:"},
    "brush_kit": {
        38: _SNARES + "14 inch deep snare, brush:", 40: _SNARES + "10 inch snare, brush:",
        51: "bainter:ride cymbal, brush:", 59: "bainter:ride cymbal, brush:",
    },
    "orchestral_kit": {
        35: _VCSL + "concert bass drum:", 36: _VCSL + "concert bass drum:", 49: _VCSL + "pair of clash cymbals:",
        57: _VCSL + "suspended cymbal, mallet:", 51: _VCSL + "suspended cymbal, stick:",
        59: _VCSL + "suspended cymbal, stick:", 53: _VCSL + "suspended cymbal, bell:", 54: _VCSL + "tambourine:",
    },
    "cajon_kit": {
        35: _VCSL + "cajon:hit2", 36: _VCSL + "cajon:hit3", 37: _VCSL + "claves:", 38: _VCSL + "cajon:hit1",
        40: _VCSL + "cajon:hit1", 42: _VCSL + "large shaker:Hit", 44: _VCSL + "large shaker:Hit",
        46: _VCSL + "tambourine:", 54: _VCSL + "tambourine:", 56: _VCSL + "cowbell:Normal",
        60: _VCSL + "bongo, high:", 61: _VCSL + "bongo, low:", 62: _VCSL + "quinto (conga drum), muted:",
        63: _VCSL + "quinto (conga drum), open:", 64: _VCSL + "tumba (conga drum), open:", 69: _VCSL + "cabasa:Hit",
        75: _VCSL + "claves:",
    },
}  # fmt: skip
#: Where the pieces of a kit stand against its snare, in LU (loudest 400 ms of a hit at velocity 100), by key of General
#: MIDI's percussion map: what engineers make of close microphones. Soundfonts are up to 20 LU from it.
PIECE_LEVELS_LU: Mapping[int, float] = {
    35: 1, 36: 1, 37: -8, 38: 0, 39: -2, 40: 0, 41: -2, 42: -14, 43: -2, 44: -17, 45: -2, 46: -10, 47: -2, 48: -2,
    49: -5, 50: -2, 51: -13, 52: -6, 53: -12, 54: -13, 55: -9, 56: -11, 57: -5, 59: -13, 60: -7, 61: -7, 62: -8,
    63: -6, 64: -6, 65: -6, 66: -6, 67: -11, 68: -11, 69: -16, 70: -16, 73: -13, 74: -13, 75: -10, 76: -10, 77: -10,
    80: -16, 81: -14,
}  # fmt: skip
SNARE = 38
DB_PER_NAT = 20 / np.log(10)
#: A kit keeps this much of a character of its own (LU).
KIT_CHARACTER_LU = 3.0
#: Kits whose keys are other drums than General MIDI's.
OTHER_KEYS = frozenset({"tabla_kit", "hand_percussion"})


def player_names(instrument: Instrument) -> tuple[str, ...]:
    """Whose recordings stand for an instrument."""
    if instrument.id in RECORDED:
        return tuple(f"recorded/{id_}" for id_ in RECORDED[instrument.id])
    if instrument.source["kind"] == "soundfont":
        return (f"{TRAINING_SOUNDFONTS[0]}/{instrument.id}",)
    return (f"voice/{instrument.id}/0",)


def ship_references(
    players: Players,
    version: str,
    folder: Path = FOLDER,
    workers: int = 1,
    on_part: OnPart = lambda done, total: None,
    only: Sequence[str] | None = None,
) -> None:
    """Records every instrument below ``folder``, or ``only`` those named, and writes the manifest's entry.

    Raises CorpusError for a missing soundfont, sample or recording.
    """
    place = folder / ENTRY
    place.mkdir(parents=True, exist_ok=True)
    each(_record, [(players, id_, place) for id_ in only or shipped_instruments()], workers, on_part)
    paths = {id_: place / f"{id_}{SUFFIX}" for id_ in shipped_instruments()}
    files = {id_: checksum(path) for id_, path in sorted(paths.items())}
    entry = {
        "folder": ENTRY,
        "version": version,
        "sha256": checksum_of_all(files),
        "bytes": sum(path.stat().st_size for path in paths.values()),
        "files": files,
    }
    enter(ENTRY, entry, folder)


def _record(players: Players, id_: str, place: Path) -> None:
    chosen = [players.find(name) for name in player_names(shipped_instruments()[id_])]
    references = joined([player.record() for player in chosen])
    if references.kind == "drum" and id_ not in OTHER_KEYS:
        references = _kit(players, id_, chosen[0], references)
    write_references(place / f"{id_}{SUFFIX}", references)


def _kit(players: Players, id_: str, player: Player, references: References) -> References:
    """A kit with its recorded pieces in their places, all of them at their levels."""
    loudness = {key: loudness_of(player, key) for key in PIECE_LEVELS_LU}
    pieces = RECORDED_PIECES.get(id_, {})
    if pieces:
        recorded = players.of_pieces(id_, pieces)
        references = overlaid(references, recorded.record())
        loudness |= {key: loudness_of(recorded, key) for key in pieces}
    return balanced(references, loudness)


def overlaid(base: References, over: References) -> References:
    """The notes of ``over``, and those of ``base`` at keys that it lacks."""
    kept = base.only(np.flatnonzero(~np.isin(np.round(base.pitch), over.keys)))
    return _together(kept, over)


def loudness_of(player: Player, key: int) -> float:
    """Loudest 400 ms of a hit at velocity 100, LUFS; minus infinity for silence."""
    hit = player.play([NoteEvent(key, 0.1, 0.2, 100)], 0.8, 0)
    return float(momentary_loudness_lufs(np.stack([hit, hit], axis=1), SAMPLE_RATE_HZ).max())


def balanced(references: References, loudness_lufs: Mapping[int, float]) -> References:
    """A kit whose pieces stand where PIECE_LEVELS_LU has them, give or take KIT_CHARACTER_LU; ``loudness_lufs`` is how
    loud they are.
    """
    steps = np.zeros(len(references), int)
    for key, layer in references.layers.items():
        if key not in PIECE_LEVELS_LU or not np.isfinite([loudness_lufs[key], loudness_lufs[SNARE]]).all():
            continue
        wanted_lu, is_lu = PIECE_LEVELS_LU[key], loudness_lufs[key] - loudness_lufs[SNARE]
        step_db = wanted_lu - is_lu + float(np.clip(is_lu - wanted_lu, -KIT_CHARACTER_LU, KIT_CHARACTER_LU))
        steps[layer] = round(step_db / DB_PER_NAT / LOG_STEP)
    return references.louder(steps)


def joined(recorded: Sequence[References]) -> References:
    """One instrument of several: each plays up to where the next one begins."""
    return reduce(_joined, recorded)


def who_plays(players: Sequence[Player], pitch: float) -> Player:
    """Of the players whose recordings are joined, the one who plays a pitch."""
    return [one for one in players if min(one.keys) <= pitch or one is players[0]][-1]


def _joined(low: References, high: References) -> References:
    return _together(low.only(np.flatnonzero(low.pitch < high.pitch.min())), high)


def _together(first: References, second: References) -> References:
    """All notes of both, as an instrument of the first's kind."""

    def both(name: str) -> np.ndarray | None:
        parts = getattr(first, name), getattr(second, name)
        return None if any(part is None for part in parts) else np.concatenate(parts)

    fields = ("pitch", "velocity", "held_codes", "loss_codes", "attack_codes", "attack_peaks")
    return replace(first, **{name: both(name) for name in fields})
