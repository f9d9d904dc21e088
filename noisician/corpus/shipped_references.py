"""The recordings that ship: for each instrument of the styles the references of whoever plays it best.

Real recordings stand for an instrument where there are enough of them, a soundfont or one of our own voices for the
rest. The held-out soundfont never plays here: it has to stay a sound that the renderer did not meet.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path

import numpy as np

from noisician.corpus.build import OnPart, each
from noisician.corpus.players import Players
from noisician.corpus.soundfont import TRAINING_SOUNDFONTS
from noisician.renderer.library import ENTRY, SUFFIX, checksum_of_all
from noisician.renderer.references import References, write_references
from noisician.styles import Instrument, instruments
from noisician.weights import FOLDER, checksum

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
}


def player_names(instrument: Instrument) -> tuple[str, ...]:
    """Whose recordings stand for an instrument."""
    if instrument.id in RECORDED:
        return tuple(f"recorded/{id_}" for id_ in RECORDED[instrument.id])
    if instrument.source["kind"] == "soundfont":
        return (f"{TRAINING_SOUNDFONTS[0]}/{instrument.id}",)
    return (f"voice/{instrument.id}/0",)


def ship_references(
    players: Players, version: str, folder: Path = FOLDER, workers: int = 1, on_part: OnPart = lambda done, total: None
) -> None:
    """Records every instrument below ``folder`` and writes the manifest's entry.

    Raises CorpusError for a missing soundfont, sample or recording.
    """
    place = folder / ENTRY
    place.mkdir(parents=True, exist_ok=True)
    each(_record, [(players, id_, place) for id_ in instruments()], workers, on_part)
    paths = {id_: place / f"{id_}{SUFFIX}" for id_ in instruments()}
    files = {id_: checksum(path) for id_, path in sorted(paths.items())}
    entry = {
        "folder": ENTRY,
        "version": version,
        "sha256": checksum_of_all(files),
        "bytes": sum(path.stat().st_size for path in paths.values()),
        "files": files,
    }
    manifest_path = folder / "manifest.json"
    entries = json.loads(manifest_path.read_text()) if manifest_path.exists() else {}
    manifest_path.write_text(json.dumps(dict(sorted((entries | {ENTRY: entry}).items())), indent=2) + "\n")


def _record(players: Players, id_: str, place: Path) -> None:
    recorded = [players.find(name).record() for name in player_names(instruments()[id_])]
    write_references(place / f"{id_}{SUFFIX}", joined(recorded))


def joined(recorded: Sequence[References]) -> References:
    """One instrument of several: each plays up to where the next one begins."""
    return reduce(_joined, recorded)


def _joined(low: References, high: References) -> References:
    below = low.only(np.flatnonzero(low.pitch < high.pitch.min()))
    return References(
        low.kind,
        low.sustain,
        np.concatenate([below.pitch, high.pitch]),
        np.concatenate([below.velocity, high.velocity]),
        np.concatenate([below.held_codes, high.held_codes]),
        np.concatenate([below.loss_codes, high.loss_codes]),
        low.one_voice,
    )
