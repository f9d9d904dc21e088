"""Writes what is derived from the sources and committed beside them; a test holds it against its source.

python tools/derive.py                          every derived file
python tools/derive.py openapi > openapi.json   what the studio's types are made of, by npm run types in studio/
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args, get_origin

from noisician.request import OPTIONS, TYPES

ROOT = Path(__file__).parents[1]
#: Fields that the library's functions take under a name of their own.
_ARGUMENTS = ("prompt", "takes")
_CONTENT = "/v1/takes/{id}/content"
_KEYWORDS = '''"""The library's keyword arguments. Written by ``tools/derive.py`` from ``fields.py``."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TypedDict


class RequestOptions(TypedDict, total=False):
    """The keyword arguments of :func:`noisician.make` and its kin: the fields of :class:`Request` besides the prompt.

    Left out or None means "choose for me". An option wins over the prompt's words.
    """

'''


def keywords() -> str:
    """The module that declares the fields of a request as keyword arguments."""
    lines = [f"    {name}: {_typed(name, kind)} | None" for name, kind in TYPES.items() if name not in _ARGUMENTS]
    return _KEYWORDS + "\n".join(lines) + "\n"


def _typed(name: str, annotation: Any) -> str:
    """What people may hand in for a field: text where it names choices or files, one name where it takes several."""
    if OPTIONS[name].writing in ("sound", "place"):
        return "str | PathLike[str]"
    if OPTIONS[name].writing == "names":
        return "str | Sequence[str]"
    if OPTIONS[name].writing == "spans":
        return "Sequence[tuple[float, float]]"
    kind = next((part for part in get_args(annotation) if part is not type(None)), annotation)
    return kind.__name__ if get_origin(kind) is None else "str"


def openapi() -> str:
    """The HTTP API's document as far as the studio names its parts: all shapes, and the query of the one address that
    it puts together by itself."""
    from noisician.service.app import create_app
    from noisician.service.files import Files
    from noisician.service.settings import Settings
    from noisician.service.store import Store

    with TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder), database_url=None)
        store = Store(settings.database)
        document = create_app(settings, store, Files(settings.data)).openapi()
        store.close()
    document["paths"] = {_CONTENT: document["paths"][_CONTENT]}
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def limits() -> str:
    """The module that tells the studio the limits of options, which types cannot."""
    bounds = {name: [*map(_plain, option.limits)] for name, option in OPTIONS.items() if option.limits is not None}
    chars = {name: option.limit_chars for name, option in OPTIONS.items() if option.limit_chars is not None}
    lines = ["// The limits of a request's options. Written by tools/derive.py from noisician/request/fields.py.", ""]
    for about, name, table in (
        ("Lowest and highest value, both included.", "LIMITS", bounds),
        ("The longest texts, in characters.", "CHARS", chars),
    ):
        entries = [f"  {field}: {json.dumps(value)}," for field, value in table.items()]
        lines += [f"/** {about} */", f"export const {name} = {{", *entries, "} as const", ""]
    return "\n".join(lines)


def _plain(limit: float) -> float:
    """240 rather than 240.0."""
    return int(limit) if limit == int(limit) else limit


#: The derived files, and what writes each.
DERIVED: dict[Path, Callable[[], str]] = {
    ROOT / "noisician" / "request" / "keywords.py": keywords,
    ROOT / "studio" / "src" / "lib" / "limits.ts": limits,
}

if __name__ == "__main__":
    if sys.argv[1:] == ["openapi"]:
        sys.stdout.write(openapi())
    else:
        for path, written in DERIVED.items():
            path.write_text(written(), encoding="utf-8")
