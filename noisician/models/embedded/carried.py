"""The user's own instruments in recipes: which play, with which recordings, and those recordings where asked for."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from noisician.errors import FileError, RequestError
from noisician.piece import Piece
from noisician.recipe import Recipe
from noisician.renderer.library import carry, own_file
from noisician.styles import instruments
from noisician.styles.own import DEFAULT, OWN, OwnInstrument

#: The key of a carried file beside an instrument's entry.
REFERENCES = "references"
#: All files that one recipe carries: it has to fit into tags, and a recipe has 16 MiB in all.
MOST_CARRIED_BYTES = 8 << 20


def told_instruments(piece: Piece, carried: bool) -> dict[str, dict[str, Any]]:
    """What a recipe tells of the user's instruments that play in a piece; ``carried``: their recordings too.

    Raises RequestError where those are more than MOST_CARRIED_BYTES.
    """
    told: dict[str, dict[str, Any]] = {}
    size = 0
    for id_ in sorted({player.instrument for player in piece.plan.players}):
        instrument = instruments().get(id_)
        if instrument is None or instrument.source["kind"] != OWN:
            continue
        told[id_] = DEFAULT.entry_of(instrument).model_dump(mode="json")
        if carried:
            data = own_file(instrument)
            size += len(data)
            told[id_][REFERENCES] = base64.b64encode(data).decode("ascii")
    if size > MOST_CARRIED_BYTES:
        raise RequestError(
            f"{', '.join(told)}: recordings of {size / 2**20:.1f} MiB, a recipe carries at most "
            f"{MOST_CARRIED_BYTES >> 20}; make it without --carry-instruments"
        )
    return told


def bring(recipe: Recipe, played: Iterable[str] = ()) -> None:
    """Knows the instruments that a recipe carries.

    Raises FileError for damage, and for an instrument, of it or among ``played``, that is neither here nor carried.
    """
    for id_, told in recipe.instruments.items():
        if REFERENCES in told:
            _welcome(id_, told)
    missing = sorted({*recipe.instruments, *played} - set(instruments()))
    if missing:
        raise FileError(
            f"{', '.join(missing)}: the recipe plays what is not installed here; add it under that name (noisician "
            "instruments add), or ask for a recipe that carries it (--carry-instruments)"
        )


def _welcome(id_: str, told: Mapping[str, Any]) -> None:
    try:
        entry = OwnInstrument.model_validate(told)
        data = base64.b64decode(str(told[REFERENCES]), validate=True)
    except (ValidationError, binascii.Error, ValueError):
        raise FileError(f"the instrument {id_[:40]!r} that the recipe carries is damaged; it was edited") from None
    if entry.id != id_:
        raise FileError(f"the recipe carries {entry.id!r} as {id_[:40]!r}; it was edited")
    carry(entry, data, f"the instrument {id_!r} that the recipe carries")


def other_recordings(recipe: Recipe) -> tuple[str, ...]:
    """The instruments of a recipe that are installed here with other recordings."""
    here = instruments()
    return tuple(
        id_
        for id_, told in recipe.instruments.items()
        if id_ in here and here[id_].source.get("sha256") != told.get("sha256")
    )
