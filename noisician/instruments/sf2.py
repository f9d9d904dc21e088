"""SoundFont 2 (SoundFont Technical Specification 2.01): one preset's zones, with 16-bit samples.

What is read: key and velocity ranges, tuning, attenuation, loops, decay, sustain and release of the volume envelope.
Filters, modulators and low-frequency oscillators are left out. Files come from strangers: every offset, size and count
is checked against the file before anything is allocated.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from noisician.errors import FileError
from noisician.instruments.zones import NOTE_S, Zone

MOST_FILE_BYTES = 4 << 30
MOST_RECORDS = 1 << 18
#: Zones of one preset; General MIDI's largest pianos have some hundred.
MOST_ZONES = 4096
PERCUSSION_BANK = 128
_RECORDS = {
    b"phdr": [("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("unused", "V12")],
    b"pbag": [("generator", "<u2"), ("modulator", "<u2")],
    b"pgen": [("kind", "<u2"), ("amount", "<u2")],
    b"inst": [("name", "S20"), ("bag", "<u2")],
    b"ibag": [("generator", "<u2"), ("modulator", "<u2")],
    b"igen": [("kind", "<u2"), ("amount", "<u2")],
    b"shdr": [
        ("name", "S20"), ("start", "<u4"), ("end", "<u4"), ("loop_start", "<u4"), ("loop_end", "<u4"),
        ("rate", "<u4"), ("root", "u1"), ("cents", "i1"), ("link", "<u2"), ("type", "<u2"),
    ],
}  # fmt: skip
#: Generators by the numbers of the specification (8.1.3).
_START, _END, _LOOP_START, _LOOP_END = (0, 4), (1, 12), (2, 45), (3, 50)
_DECAY, _SUSTAIN, _RELEASE, _INSTRUMENT, _KEYS, _VELOCITIES = 36, 37, 38, 41, 43, 44
_ATTENUATION, _COARSE_TUNE, _FINE_TUNE, _SAMPLE, _MODES, _ROOT = 48, 51, 52, 53, 54, 58
_COARSE_STEP = 32768
_ROM, _COMPRESSED = 0x8000, 0x10
_RATES_HZ = (400, 192_000)
#: Synthesisers since the Sound Blaster Live play 0.4 of the attenuation that is written.
_ATTENUATION_DB = 0.04
_UNTOLD_TIMECENTS = -12000
_NEPERS_OF_100_DB = 11.51

Generators = Mapping[int, int]


@dataclass(frozen=True)
class Preset:
    """One of a file's instruments: ``bank`` 128 holds kits."""

    name: str
    bank: int
    program: int

    @property
    def is_kit(self) -> bool:
        return self.bank == PERCUSSION_BANK


class SoundFont:
    """A SoundFont file, opened. Raises FileError for what is no SoundFont, damaged or too large."""

    def __init__(self, path: Path) -> None:
        self._name = str(path)
        try:
            with path.open("rb") as file:
                size = file.seek(0, 2)
                if not 12 <= size <= MOST_FILE_BYTES:
                    raise self._wrong(f"{size} bytes; a SoundFont has 12 bytes to {MOST_FILE_BYTES >> 30} GiB")
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise FileError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
        if self._data[:4] != b"RIFF" or self._data[8:12] != b"sfbk":
            raise self._wrong("is no SoundFont; it does not begin as one")
        self._chunks = self._read_chunks()
        self._records = {name: self._table(name) for name in _RECORDS}
        first, size = self._chunks.get(b"smpl", (0, 0))
        self._samples = np.frombuffer(self._data, "<i2", size // 2, first)

    def presets(self) -> list[Preset]:
        """Every preset by bank and program; the last record of the file only marks the end."""
        found = [
            Preset(_text(record["name"]), int(record["bank"]), int(record["program"]))
            for record in self._records[b"phdr"][:-1]
        ]
        return sorted(found, key=lambda preset: (preset.bank, preset.program))

    def zones(self, preset: Preset) -> list[Zone]:
        """The zones of one of :meth:`presets`. Raises FileError for damage and for compressed samples (SoundFont 3)."""
        headers = self._records[b"phdr"]
        place = next(
            number
            for number, record in enumerate(headers[:-1])
            if (int(record["bank"]), int(record["program"])) == (preset.bank, preset.program)
        )
        zones = []
        for outer in self._zones_of(b"p", int(headers[place]["bag"]), int(headers[place + 1]["bag"]), _INSTRUMENT):
            instruments = self._records[b"inst"]
            number = outer[_INSTRUMENT]
            if number + 1 >= len(instruments):
                raise self._wrong(f"preset {preset.name!r} names instrument {number} of {len(instruments) - 1}")
            bags = int(instruments[number]["bag"]), int(instruments[number + 1]["bag"])
            for inner in self._zones_of(b"i", *bags, _SAMPLE):
                zone = self._zone(outer, inner)
                zones += [] if zone is None else [zone]
                if len(zones) > MOST_ZONES:
                    raise self._wrong(f"preset {preset.name!r} has more than {MOST_ZONES} zones")
        return zones

    def _wrong(self, what: str) -> FileError:
        return FileError(f"{self._name}: {what}; the file is damaged or of another kind")

    def _read_chunks(self) -> dict[bytes, tuple[int, int]]:
        """Place and size of each chunk inside the file's lists."""
        found: dict[bytes, tuple[int, int]] = {}
        stack = [(12, len(self._data))]
        while stack:
            at, end = stack.pop()
            while at + 8 <= end:
                name, size = self._data[at : at + 4], struct.unpack_from("<I", self._data, at + 4)[0]
                if at + 8 + size > len(self._data):
                    raise self._wrong(f"chunk {name!r} of {size} bytes goes beyond the end; cut short")
                if name == b"LIST":
                    stack.append((at + 12, min(at + 8 + size, end)))
                else:
                    found[name] = (at + 8, size)
                at += 8 + size + size % 2
        return found

    def _table(self, name: bytes) -> np.ndarray:
        kind = np.dtype(_RECORDS[name])
        first, size = self._chunks.get(name, (0, 0))
        count = size // kind.itemsize
        if not 1 <= count <= MOST_RECORDS:
            raise self._wrong(f"holds {count} records {name.decode()}; there are 1 to {MOST_RECORDS}")
        return np.frombuffer(self._data, kind, count, first)

    def _zones_of(self, level: bytes, first: int, last: int, ends_in: int) -> Iterator[Generators]:
        """The generators of each zone between two bags that names a target, over those of the global zone."""
        bags, generators = self._records[level + b"bag"], self._records[level + b"gen"]
        if not first <= last < len(bags):
            raise self._wrong(f"zones {first} to {last} of {len(bags) - 1}")
        common: dict[int, int] = {}
        for number in range(first, last):
            begin, end = int(bags[number]["generator"]), int(bags[number + 1]["generator"])
            if not begin <= end <= len(generators):
                raise self._wrong(f"generators {begin} to {end} of {len(generators)}")
            own = {int(record["kind"]): int(record["amount"]) for record in generators[begin:end][:64]}
            if ends_in in own:
                yield {**common, **own}
            elif number == first:
                common = own

    def _zone(self, outer: Generators, inner: Generators) -> Zone | None:
        """What a zone of a preset makes of a zone of its instrument; None where both never sound together."""
        keys = _intersection(outer.get(_KEYS), inner.get(_KEYS))
        velocities = _intersection(outer.get(_VELOCITIES), inner.get(_VELOCITIES))
        headers = self._records[b"shdr"]
        if keys is None or velocities is None:
            return None
        if inner[_SAMPLE] + 1 >= len(headers):
            raise self._wrong(f"a zone names sample {inner[_SAMPLE]} of {len(headers) - 1}")
        header = headers[inner[_SAMPLE]]
        if int(header["type"]) & _COMPRESSED:
            raise FileError(f"{self._name}: its samples are compressed (SoundFont 3); convert it to a .sf2 first")
        rate = int(header["rate"])
        if int(header["type"]) & _ROM or not _RATES_HZ[0] <= rate <= _RATES_HZ[1]:
            return None
        span = self._span(header, inner)
        if span is None:
            return None
        start, end, loop = span
        root = inner.get(_ROOT, 255)
        root = root if root <= 127 else int(header["root"])
        tune = _sum(outer, inner, _COARSE_TUNE) + (_sum(outer, inner, _FINE_TUNE) + int(header["cents"])) / 100
        return Zone(
            read=partial(self._read, start, min(end, start + int(NOTE_S * rate * 16))),
            rate_hz=float(rate),
            keys=keys,
            velocities=velocities,
            root=(root if root <= 127 else 60) - tune,
            gain_db=-_ATTENUATION_DB * _sum(outer, inner, _ATTENUATION),
            loop=loop if inner.get(_MODES, 0) & 1 else None,
            decay_s=_fall_s(outer, inner, _DECAY),
            sustain_db=-0.1 * max(0, _sum(outer, inner, _SUSTAIN)),
            release_s=_fall_s(outer, inner, _RELEASE),
        )

    def _span(self, header: np.void, inner: Generators) -> tuple[int, int, tuple[int, int] | None] | None:
        """First sample, the one after the last, and the loop from the first on; None where nothing is left."""

        def place(field: str, generators: tuple[int, int]) -> int:
            fine, coarse = (_signed(inner.get(generator, 0)) for generator in generators)
            return int(header[field]) + fine + _COARSE_STEP * coarse

        start, end = place("start", _START), place("end", _END)
        if not 0 <= start < end <= len(self._samples):
            return None
        first, last = place("loop_start", _LOOP_START) - start, place("loop_end", _LOOP_END) - start
        return start, end, (first, last) if 0 <= first < last <= end - start else None

    def _read(self, start: int, end: int) -> np.ndarray:
        return self._samples[start:end].astype(np.float32) / np.float32(32768)


def _signed(amount: int) -> int:
    return amount - 65536 if amount >= 32768 else amount


def _sum(outer: Generators, inner: Generators, kind: int) -> int:
    """A preset's values are added to its instruments' (9.4)."""
    return _signed(inner.get(kind, 0)) + _signed(outer.get(kind, 0))


def _fall_s(outer: Generators, inner: Generators, kind: int) -> float:
    """Time constant of a fall whose 100 dB are written in timecents (8.1.2)."""
    timecents = _signed(inner.get(kind, _UNTOLD_TIMECENTS & 0xFFFF)) + _signed(outer.get(kind, 0))
    return float(2 ** (np.clip(timecents, _UNTOLD_TIMECENTS, 8000) / 1200)) / _NEPERS_OF_100_DB


def _intersection(*ranges: int | None) -> tuple[int, int] | None:
    """Ranges are a low and a high byte; None stands for all."""
    low, high = 0, 127
    for value in ranges:
        if value is not None:
            low, high = max(low, value & 0xFF), min(high, value >> 8)
    return (low, high) if low <= high else None


def _text(name: bytes) -> str:
    return name.split(b"\0")[0].decode("latin-1").strip()
