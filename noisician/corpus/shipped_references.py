"""The recordings that ship: for each instrument of the styles the references of one player.

The held-out soundfont never plays here: it has to stay a sound that the renderer did not meet.
"""

from __future__ import annotations

import json
from pathlib import Path

from noisician.corpus.build import OnPart, each
from noisician.corpus.players import Players
from noisician.corpus.soundfont import TRAINING_SOUNDFONTS
from noisician.renderer.library import ENTRY, SUFFIX, checksum_of_all
from noisician.renderer.references import write_references
from noisician.styles import Instrument, instruments
from noisician.weights import FOLDER, checksum


def player_name(instrument: Instrument) -> str:
    """Whose recordings stand for an instrument."""
    if instrument.source["kind"] == "soundfont":
        return f"{TRAINING_SOUNDFONTS[0]}/{instrument.id}"
    return f"voice/{instrument.id}/0"


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
    write_references(place / f"{id_}{SUFFIX}", players.find(player_name(instruments()[id_])).record())
