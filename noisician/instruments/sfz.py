"""SFZ (sfzformat.com): the zones of one instrument file.

What is read: ``<control> default_path``, ``<global>``, ``<master>``, ``<group>`` and ``<region>`` with sample, keys,
velocities, tuning, volume, loops, offset and end, release; ``#define`` and ``#include``. Regions that sound on release,
by a controller or in turn are left out. Files come from strangers: sizes and counts are bounded, and no ``sample`` and
no ``#include`` leaves the file's folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path, PureWindowsPath

import numpy as np

from noisician.audio import read_audio
from noisician.errors import FileError
from noisician.instruments.zones import MOST_VELOCITIES, Zone

MOST_FILE_BYTES, MOST_INCLUDES, MOST_DEPTH = 4 << 20, 64, 8
MOST_REGIONS, MOST_DEFINES = 4096, 1024
#: Text after all ``#define`` are put in; names that grow with each round are an attack.
MOST_LINE_CHARS = 4096
MOST_SAMPLE_S = 120.0
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_DIRECTIVE = re.compile(r"^\s*#(define|include)\b\s*(.*)$")
_DEFINE = re.compile(r"(\$\w+)\s+(\S+)")
_HEADER = re.compile(r"<(\w+)>")
#: A value goes on to the next opcode, for names of samples hold spaces.
_OPCODE = re.compile(r"([\w$]+)=(.*?)(?=\s+[\w$]+=|$)")
_NOTE = re.compile(r"([a-g])([#b]?)(-?\d)", re.IGNORECASE)
_SEMITONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
#: Headers from the outermost in; a header ends what lies further in.
_LEVELS = ("global", "master", "group", "region")

Opcodes = Mapping[str, str]


def read_sfz(path: Path) -> list[Zone]:
    """The zones of an SFZ file in its order. Raises FileError, one line each, for what cannot be used."""
    reader = _Reader(path)
    zones = [zone for region in reader.regions() if (zone := reader.zone(region)) is not None]
    if not zones:
        raise FileError(f"{path}: has no region that a key plays; is it an SFZ instrument?")
    return zones


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder = path.parent.resolve()
        self._defines: dict[str, str] = {}
        self._includes = 0
        self._load = lru_cache(2 * MOST_VELOCITIES)(self._read_sample)

    def regions(self) -> Iterator[Opcodes]:
        """Each region's opcodes over those of its group, master, file and ``<control>``."""
        levels: dict[str, dict[str, str]] = {level: {} for level in ("control", *_LEVELS)}
        current, count = "control", 0
        for line in self._lines(self._path, 0):
            for header, opcodes in self._pieces(line):
                if header is not None:
                    if current == "region":
                        yield _merged(levels)
                    current = header
                    if header in _LEVELS:
                        for inner in _LEVELS[_LEVELS.index(header) :]:
                            levels[inner] = {}
                    count += header == "region"
                    if count > MOST_REGIONS:
                        raise FileError(f"{self._path}: more than {MOST_REGIONS} regions; is it an SFZ instrument?")
                levels.get(current, {}).update(opcodes)
        if current == "region":
            yield _merged(levels)

    def zone(self, region: Opcodes) -> Zone | None:
        """None for a region that no key alone plays."""
        if not _is_played(region):
            return None
        sample = self._inside(region.get("default_path", "") + region["sample"], "sample")
        low, high = self._keys(region)
        root = self._number(region, "pitch_keycenter", region.get("key", "60"), note=True)
        root -= self._number(region, "transpose", "0") + (self._number(region, "tune", region.get("pitch", "0"))) / 100
        offset = max(0, int(self._number(region, "offset", "0")))
        looped = region.get("loop_mode", region.get("loopmode", "")) in ("loop_continuous", "loop_sustain")
        first = self._number(region, "loop_start", region.get("loopstart", "-1"))
        last = self._number(region, "loop_end", region.get("loopend", "-1"))
        loop = (int(first) - offset, int(last) + 1 - offset) if looped and offset <= first < last else None
        end = int(self._number(region, "end", "0"))
        return Zone(
            read=partial(self._samples, sample, offset, end + 1 if end > offset else None),
            rate_hz=float(self._rate_hz(sample)),
            keys=(low, high),
            velocities=(
                int(np.clip(self._number(region, "lovel", "0"), 0, 127)),
                int(np.clip(self._number(region, "hivel", "127"), 0, 127)),
            ),
            root=float(np.clip(root, -128, 256)),
            gain_db=self._number(region, "volume", "0"),
            loop=loop,
            release_s=self._number(region, "ampeg_release", "0.05"),
        )

    def _lines(self, path: Path, depth: int) -> Iterator[str]:
        for line in _COMMENT.sub(" ", self._text(path)).splitlines():
            directive = _DIRECTIVE.match(line)
            if directive is None:
                yield line
            elif directive[1] == "define":
                found = _DEFINE.match(directive[2])
                if found is not None:
                    self._defines[found[1]] = found[2]
                if len(self._defines) > MOST_DEFINES:
                    raise FileError(f"{path}: more than {MOST_DEFINES} names defined; is it an SFZ instrument?")
            else:
                self._includes += 1
                if depth >= MOST_DEPTH or self._includes > MOST_INCLUDES:
                    raise FileError(
                        f"{path}: more than {MOST_INCLUDES} includes, or {MOST_DEPTH} inside each other; it may "
                        "include itself"
                    )
                yield from self._lines(
                    self._inside(self._defined(directive[2].strip().strip('"')), "#include"), depth + 1
                )

    def _text(self, path: Path) -> str:
        try:
            with path.open("rb") as file:
                data = file.read(MOST_FILE_BYTES + 1)
        except (OSError, ValueError) as error:
            raise FileError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
        if len(data) > MOST_FILE_BYTES:
            raise FileError(f"{path}: more than {MOST_FILE_BYTES >> 20} MiB; an SFZ file is a short text")
        return data.decode("utf-8", "replace").lstrip("\ufeff")

    def _pieces(self, line: str) -> Iterator[tuple[str | None, Opcodes]]:
        """The headers of a line, each with the opcodes after it; None stands for the header before the line."""
        if "$" in line:
            line = self._defined(line)
        parts = _HEADER.split(line)
        yield None, _opcodes(parts[0])
        for header, text in zip(parts[1::2], parts[2::2], strict=True):
            yield header, _opcodes(text)

    def _defined(self, text: str) -> str:
        """The text with names that were defined put in, the longest first."""
        for name in sorted(self._defines, key=len, reverse=True):
            text = text.replace(name, self._defines[name])
            if len(text) > MOST_LINE_CHARS:
                raise FileError(f"{self._path}: a line of more than {MOST_LINE_CHARS} characters after its #define")
        return text

    def _inside(self, name: str, what: str) -> Path:
        """A file below the folder. Raises FileError for every way out of it."""
        windows = PureWindowsPath(name)
        parts = windows.parts
        if windows.drive or windows.root or ".." in parts or "\0" in name or not parts:
            raise FileError(
                f"{self._path}: {what} {name[:80]!r} leads out of its folder; only what lies below it is read"
            )
        path = self._folder.joinpath(*parts)
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError, ValueError):
            raise FileError(f"{self._path}: {what} {name[:80]!r} is not there; copy its samples beside it") from None
        if not real.is_relative_to(self._folder):
            raise FileError(f"{self._path}: {what} {name[:80]!r} is a link out of its folder; copy the file into it")
        return real

    def _keys(self, region: Opcodes) -> tuple[int, int]:
        key = region.get("key")
        low = self._number(region, "lokey", key or "0", note=True)
        high = self._number(region, "hikey", key or "127", note=True)
        return int(np.clip(low, 0, 127)), int(np.clip(high, 0, 127))

    def _number(self, region: Opcodes, name: str, default: str, note: bool = False) -> float:
        """Raises FileError for a value that is no number, nor the name of a note where one may stand."""
        text = region.get(name, default).strip()
        found = _NOTE.fullmatch(text) if note else None
        if found is not None:
            return 12 * (int(found[3]) + 1) + _SEMITONES[found[1].lower()] + {"": 0, "#": 1, "b": -1}[found[2].lower()]
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not abs(value) < 2**31:
            raise FileError(f"{self._path}: {name}={text[:40]!r} is no number; mend the file")
        return value

    def _rate_hz(self, path: Path) -> int:
        import soundfile

        try:
            return int(soundfile.info(str(path)).samplerate)
        except (soundfile.SoundFileError, OSError, RuntimeError):
            raise FileError(f"{path}: cannot be read as audio; damaged, or not audio") from None

    def _samples(self, path: Path, offset: int, end: int | None) -> np.ndarray:
        return self._load(path)[offset:end]

    def _read_sample(self, path: Path) -> np.ndarray:
        samples, _ = read_audio(path, MOST_SAMPLE_S)
        return samples.mean(axis=1)


def _opcodes(text: str) -> Opcodes:
    return {name.lower(): value.strip() for name, value in _OPCODE.findall(text.strip()[:MOST_LINE_CHARS])}


def _merged(levels: Mapping[str, Opcodes]) -> Opcodes:
    return {name: value for level in levels.values() for name, value in level.items()}


def _is_played(region: Opcodes) -> bool:
    """Whether a key alone makes a region sound, and it is the first of those that take turns."""
    return (
        "sample" in region
        and not region["sample"].startswith("*")
        and region.get("trigger", "attack") in ("attack", "first")
        and region.get("seq_position", "1") == "1"
        and region.get("lorand", "0").strip("0.") == ""
        and not any(name.startswith(("on_locc", "on_hicc")) for name in region)
        and region.get("sw_last", region.get("sw_default")) == region.get("sw_default", region.get("sw_last"))
        and region.get("hikey") != "-1"
    )
