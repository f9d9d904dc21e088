"""Cursors: where a list goes on, as text that clients hand back and do not read."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence

from noisician.errors import RequestError

_PLACE = re.compile(r"([a-z]+):(\d{1,18})")


def cursor(kind: str, seq: int) -> str:
    """The cursor of what follows the row ``seq`` in the list ``kind``."""
    return base64.urlsafe_b64encode(f"{kind}:{seq}".encode()).decode().rstrip("=")


def place(kind: str, after: str) -> int:
    """The row that :func:`cursor` was made for. Raises RequestError for what it did not make."""
    try:
        text = base64.b64decode(after + "=" * (-len(after) % 4), altchars="-_", validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    match = _PLACE.fullmatch(text)
    if match is None or match[1] != kind:
        raise RequestError(
            f"after={after[:40]!r} is no place in the list of {kind}; use the 'after' of the page before it"
        )
    return int(match[2])


def next_cursor(kind: str, seqs: Sequence[int], limit: int) -> str | None:
    """The cursor after the first ``limit`` of the rows found, None when there are no more than those."""
    return cursor(kind, seqs[limit - 1]) if len(seqs) > limit else None
