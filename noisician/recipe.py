"""The recipe: all that is needed to make the same samples again, and where they came from.

A recipe is JSON. It lies beside every exported file (sidecar) and inside it (:func:`pack`). It holds no date, and of
the sound files a piece was made from their names and (in ``settings``) checksums, never their folders: the same piece
made twice has the same recipe, byte for byte. Only a checkpoint that was named by its folder stays so named.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import zlib
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from noisician.errors import FileError
from noisician.request import FILE_FIELDS, Request

RECIPE_FORMAT = "noisician recipe"
#: Raised when an older reader would misunderstand a newer recipe. Version 1 held a score where 2 holds a piece.
RECIPE_VERSION = 2
#: Marks a packed recipe inside a file; the digit is the packing's version.
PACKED_PREFIX = "noisician-recipe-1:"
#: A ten-minute score is about 2 MB; anything far beyond is damage or an attack on memory.
JSON_LIMIT_BYTES = 16 * 1024 * 1024
#: Lists and objects in it. Such a score has some ten thousand; an empty list takes 3 bytes here and 60 of memory.
_CONTAINERS_LIMIT = 500_000

NOT_OURS = "was not made by noisician, or its recipe was removed"


def software_version() -> str:
    """Version of the installed package; "unknown" where it runs uninstalled."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("noisician")
    except PackageNotFoundError:
        return "unknown"


class Recipe(BaseModel):
    """Everything that determines one track.

    ``controls`` and ``piece`` are the plain JSON values of ``prompt.Controls`` and ``piece.Piece`` (this layer knows
    neither); ``score`` is what recipes of version 1 hold instead of a piece. ``models`` maps a part ("composer",
    "renderer", ...) to the SHA-256 or version of its weights. ``settings`` holds what else the samplers used (steps,
    guidance, schedule). ``instruments`` tells of each of the user's own instruments that plays, by id: its entry
    (``styles.own``) and, where that was asked for, the file of its references in base64. ``lineage`` names, oldest
    first, the recipes (``id6``) and operations this one came from. ``stems``, in the recipe that lies with stems, tells
    how they were written: the ``gain_db`` that all have in common, and whether they are ``mastered``. Neither
    influences the samples. What a newer noisician wrote besides is kept and written back.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    format: str = RECIPE_FORMAT
    version: int = RECIPE_VERSION
    noisician: str = Field(default_factory=software_version)
    request: Request
    seed: int = Field(ge=0, lt=2**32)
    controls: dict[str, Any] = Field(default_factory=dict)
    piece: dict[str, Any] | None = None
    score: dict[str, Any] | None = None
    models: dict[str, str] = Field(default_factory=dict)
    settings: dict[str, Any] = Field(default_factory=dict)
    instruments: dict[str, dict[str, Any]] = Field(default_factory=dict)
    lineage: tuple[dict[str, Any], ...] = ()
    stems: dict[str, Any] = Field(default_factory=dict)

    @field_validator("request")
    @classmethod
    def _names_for_paths(cls, request: Request) -> Request:
        return without_folders(request)

    @field_validator("controls", "piece", "score", "settings", "instruments", "lineage", "stems", mode="before")
    @classmethod
    def _as_json_values(cls, value: Any) -> Any:
        """Tuples become lists and numpy scalars numbers, so a recipe equals the one read back from its file."""
        return json.loads(_dumps(value))

    @property
    def id6(self) -> str:
        """First six hex digits of the SHA-256 of what determines the samples.

        Left out: lineage and how stems were written, how many takes were asked for, the explanations of the controls,
        what the models and sound files are called and whether own instruments are carried (their checksums count), and
        whatever the request leaves at its default, so that options still to be invented change no id.
        """
        data = self._values(exclude={"lineage", "request", "stems"})
        unheard = {"takes", "model", "carry_instruments", *FILE_FIELDS}
        data["request"] = self.request.model_dump(mode="json", exclude=unheard, exclude_defaults=True)
        if self.instruments:
            data["instruments"] = {id_: entry.get("sha256") for id_, entry in self.instruments.items()}
        for explanation in ("reasons", "not_understood", "notes"):
            data["controls"].pop(explanation, None)
        return hashlib.sha256(_dumps(data).encode()).hexdigest()[:6]

    def to_json(self) -> str:
        """One line per field, keys sorted within: equal recipes give equal text."""
        data = self._values()
        lines = [f"{json.dumps(name)}: {_dumps(value)}" for name, value in data.items()]
        return "{\n" + ",\n".join(lines) + "\n}\n"

    def _values(self, exclude: set[str] | None = None) -> dict[str, Any]:
        """JSON values, without music, own instruments and stems where there are none of that kind."""
        data = self.model_dump(mode="json", exclude=exclude)
        absent = {"piece": None, "score": None, "instruments": {}, "stems": {}}
        return {name: value for name, value in data.items() if name not in absent or value != absent[name]}

    @classmethod
    def from_json(cls, text: str | bytes, source: str = "recipe") -> Recipe:
        """Restore a recipe. ``source`` (a path) begins the one-line :class:`FileError` of anything else."""
        data = _loads(text, source)
        if not isinstance(data, dict) or data.get("format") != RECIPE_FORMAT:
            raise FileError(f"{source}: is JSON but not a recipe; it {NOT_OURS}")
        version = data.get("version")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise FileError(f"{source}: recipe version {version!r} is not a number from 1; the recipe is damaged")
        if version > RECIPE_VERSION:
            raise FileError(
                f"{source}: recipe version {version}, this noisician reads up to {RECIPE_VERSION};"
                f" made by noisician {_one_line(data.get('noisician'))}, upgrade to read it"
            )
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "recipe"
            raise FileError(f"{source}: the recipe is damaged at {place}: {_one_line(first['msg'])}") from None


def without_folders(request: Request) -> Request:
    """The request with the names of its sound files in place of their paths."""
    paths = {name: getattr(request, name) for name in FILE_FIELDS}
    # Either separator: a recipe may travel between systems.
    names = {name: re.split(r"[/\\]", path)[-1] for name, path in paths.items() if path is not None}
    return request.model_copy(update=names) if names else request


def pack(recipe_json: str) -> str:
    """A recipe as one ASCII word for tags: zlib, because scores repeat themselves (an eighth of the size), then
    base64, because Vorbis comments and ID3 text frames hold text and some tag editors drop anything else."""
    return PACKED_PREFIX + base64.b64encode(zlib.compress(recipe_json.encode("utf-8"), 9)).decode("ascii")


def unpack(packed: str, source: str = "recipe") -> str:
    """Inverse of :func:`pack`; :class:`FileError` if damaged, foreign or larger than 16 MiB unpacked."""
    word = packed.strip()
    if not word.startswith(PACKED_PREFIX):
        raise FileError(f"{source}: its embedded recipe has an unknown packing; made by a newer noisician")
    try:
        compressed = base64.b64decode(word[len(PACKED_PREFIX) :], validate=True)
        stream = zlib.decompressobj()
        data = stream.decompress(compressed, JSON_LIMIT_BYTES)
        if stream.unconsumed_tail:
            raise FileError(f"{source}: its embedded recipe exceeds {JSON_LIMIT_BYTES >> 20} MiB; damaged")
        if not stream.eof:
            raise FileError(f"{source}: its embedded recipe is cut short; the file is damaged")
        return data.decode("utf-8")
    except (binascii.Error, zlib.error, ValueError):
        raise FileError(f"{source}: its embedded recipe cannot be unpacked; the file is damaged") from None


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return value.tolist()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _dumps(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain)
    # Arguments that are not UTF-8 arrive with lone surrogates, which only an escape can carry into a file.
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def _loads(text: str | bytes, source: str) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not a JSON value")

    if len(text) > JSON_LIMIT_BYTES:
        raise FileError(f"{source}: {len(text) >> 20} MiB of JSON, a recipe has at most {JSON_LIMIT_BYTES >> 20}")
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        if text.count("[") + text.count("{") > _CONTAINERS_LIMIT:
            raise FileError(f"{source}: holds more than {_CONTAINERS_LIMIT} lists and objects; no recipe has as many")
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        reason = _one_line(error) if isinstance(error, json.JSONDecodeError) else "unreadable text"
        raise FileError(f"{source}: is not valid JSON ({reason}); damaged, or another kind of file") from None


def _one_line(value: object) -> str:
    return " ".join(str(value).split())[:200]
