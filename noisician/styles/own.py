"""The user's own instruments, as entries beside those that ship.

An instrument is a folder, named by its id, in the folder of all (``folders.instruments_folder``): ``instrument.json``
says what it is, ``recordings.references`` is what the renderer is shown. Recipes can carry both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from noisician.errors import FileError
from noisician.folders import instruments_folder
from noisician.styles import UNLISTED, Instrument, shipped_instruments

ENTRY_FILE, REFERENCES_FILE = "instrument.json", "recordings.references"
#: ``Instrument.source["kind"]`` of what is not shipped.
OWN = "own"
ID_PATTERN = re.compile(r"[a-z][a-z0-9_]{0,39}")
MOST_ENTRY_BYTES = 1 << 17
MOST_INSTRUMENTS = 1000
#: Instruments of opened recipes that a process knows at a time.
MOST_CARRIED = 48
MOST_RIGHTS_CHARS = 500

_Line = Annotated[str, StringConstraints(max_length=MOST_RIGHTS_CHARS)]
_Key = Annotated[int, Field(ge=0, le=127)]
Role = Literal["lead", "counter", "chords", "pad", "arp", "bass", "drums"]


class OwnInstrument(BaseModel):
    """What is known of one instrument besides its recordings.

    ``sha256`` is that of its references' file, ``files`` are the names of the recordings without their folders,
    ``rights`` is what the user said of them.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Annotated[str, StringConstraints(pattern=rf"^{ID_PATTERN.pattern}$")]
    family: Literal["own", "drums"]
    excitation: Literal["harmonic", "drum"]
    sustain: Literal["struck", "plucked", "sustained"]
    polyphonic: bool
    range: tuple[_Key, _Key]
    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=7)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    rights: _Line = ""
    files: Annotated[tuple[_Line, ...], Field(max_length=1024)] = ()

    @property
    def instrument(self) -> Instrument:
        recordings = f"{len(self.files)} recordings" if len(self.files) > 1 else "one recording"
        return Instrument(
            id=self.id,
            index=UNLISTED,
            name=self.id.replace("_", " "),
            family=self.family,
            excitation=self.excitation,
            source=MappingProxyType({"kind": OWN, "sha256": self.sha256}),
            sustain=self.sustain,
            polyphonic=self.polyphonic,
            range=self.range,
            roles=self.roles,
            synonyms=(),
            description=f"Your own, from {recordings}{': ' if self.rights else ''}{self.rights}.",
        )


class InstrumentTable:
    """All instruments by id: those that ship, those in the user's folder, those that opened recipes carry.

    The folder is looked at anew whenever something was added or removed, by whichever process. What is damaged in it
    is no instrument of the table; :func:`read_entry` says what is wrong.
    """

    def __init__(self, folder: Callable[[], Path] = instruments_folder) -> None:
        self._folder = folder
        self._carried: dict[str, OwnInstrument] = {}
        self._seen: tuple[object, ...] | None = None
        self._all: Mapping[str, Instrument] = MappingProxyType({})
        self._lock = Lock()

    def all(self) -> Mapping[str, Instrument]:
        folder = self._folder()
        try:
            changed = folder.stat().st_mtime_ns
        except OSError:
            changed = None
        with self._lock:
            seen = (folder, changed, tuple(entry.sha256 for entry in self._carried.values()), tuple(self._carried))
            if seen != self._seen:
                own = {} if changed is None else {id_: entry.instrument for id_, entry in installed(folder).items()}
                others = {id_: entry.instrument for id_, entry in self._carried.items()} | own
                shipped = shipped_instruments()
                self._all = MappingProxyType({**shipped, **{id_: others[id_] for id_ in others if id_ not in shipped}})
                self._seen = seen
            return self._all

    def carry(self, entry: OwnInstrument) -> None:
        """Knows an instrument that a recipe carries, while the process lives; what is installed goes before it.

        Of so many that came with recipes the MOST_CARRIED last ones are known.
        """
        with self._lock:
            self._carried.pop(entry.id, None)
            self._carried[entry.id] = entry
            while len(self._carried) > MOST_CARRIED:
                del self._carried[next(iter(self._carried))]

    def entry_of(self, instrument: Instrument) -> OwnInstrument:
        """All that is known of one of the user's instruments. Raises FileError where its entry is damaged."""
        carried = self._carried.get(instrument.id)
        if carried is not None and carried.sha256 == instrument.source["sha256"]:
            return carried
        return read_entry(self._folder() / instrument.id)

    def forget(self) -> None:
        """Looks at the folder anew when asked next."""
        with self._lock:
            self._seen = None


DEFAULT = InstrumentTable()


def installed(folder: Path) -> dict[str, OwnInstrument]:
    """The sound entries of a folder of instruments, by id in alphabetical order."""
    found = {}
    for place in sorted(folder.iterdir())[:MOST_INSTRUMENTS]:
        if ID_PATTERN.fullmatch(place.name) and (place / ENTRY_FILE).is_file():
            try:
                found[place.name] = read_entry(place)
            except FileError:
                continue
    return found


def read_entry(place: Path) -> OwnInstrument:
    """The entry in an instrument's folder. Raises FileError."""
    path = place / ENTRY_FILE
    try:
        with path.open("rb") as file:
            data = file.read(MOST_ENTRY_BYTES + 1)
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from None
    if len(data) > MOST_ENTRY_BYTES:
        raise FileError(f"{path}: more than {MOST_ENTRY_BYTES >> 10} kB; the file is damaged")
    try:
        entry = OwnInstrument.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise FileError(f"{path}: {field}: {' '.join(first['msg'].split())[:200]}; the file is damaged") from None
    if entry.id != place.name:
        raise FileError(f"{path}: is the entry of {entry.id!r}, which lies in the wrong folder")
    return entry
