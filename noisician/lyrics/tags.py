"""Section tags: ``[Verse 1]``, ``[Chorus: choir]``, ``[Guitar solo]``, and headings people write without brackets."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAMES = {
    "intro": "intro", "introduction": "intro", "opening": "intro", "verse": "verse", "strophe": "verse",
    "pre chorus": "pre-chorus", "prechorus": "pre-chorus", "pre refrain": "pre-chorus", "pre hook": "pre-chorus",
    "lift": "pre-chorus", "build": "pre-chorus", "build up": "pre-chorus", "buildup": "pre-chorus",
    "chorus": "chorus", "refrain": "chorus", "post chorus": "post-chorus", "postchorus": "post-chorus",
    "hook": "hook", "bridge": "bridge", "middle eight": "bridge", "middle 8": "bridge", "breakdown": "breakdown",
    "break": "breakdown", "drop": "drop", "rap": "rap", "rap verse": "rap", "solo": "solo",
    "instrumental": "instrumental", "instrumental break": "instrumental", "interlude": "instrumental",
    "outro": "outro", "coda": "outro", "ending": "outro", "end": "end", "fin": "end",
}  # fmt: skip
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5}
_ALTERNATIVES = "|".join(sorted((name.replace(" ", r"[\s-]*") for name in _NAMES), key=len, reverse=True))
_TAG = re.compile(
    rf"(?P<before>(?:[a-z]+\s+){{0,2}}?)(?P<name>{_ALTERNATIVES})s?"
    rf"(?:\s*#?(?P<number>\d{{1,3}}|{'|'.join(_NUMBERS)})(?![a-z\d]))?"
    r"(?:\s*\(?(?:[x×]\s*(?P<times>\d)|(?P<times2>\d)\s*[x×])\)?)?"
    r"(?:\s*(?:[:,|;(]|\s[-–—])\s*(?P<modifiers>.*?)\)?)?\s*:?",
    re.IGNORECASE,
)
#: Words before a section's name that say which one, not how it sounds.
_WHICH = frozenset({"the", "a", "final", "last", "first", "second", "third", "another", "repeat", "double", "big"})
MOST_REPEATS = 8


@dataclass(frozen=True)
class Tag:
    """A section's beginning. ``times``: how often it is sung."""

    kind: str
    number: int | None
    modifiers: tuple[str, ...]
    times: int


def read_tag(content: str) -> Tag | None:
    """What stands in brackets as a section's tag; None when it names no section and so is a style hint."""
    match = _TAG.fullmatch(re.sub(r"[\s_]+", " ", content.strip(" [].*#")))
    if match is None:
        return None
    number = (match["number"] or "").lower()
    before = match["before"].lower().split()
    if any(word in ("no", "without") for word in before):
        return None
    listed = [
        *(" ".join(word for word in before if word not in _WHICH),),
        *re.split(r"[,;|]", match["modifiers"] or ""),
    ]
    return Tag(
        kind=_NAMES[re.sub(r"[\s-]+", " ", match["name"].lower())],
        number=_NUMBERS.get(number) or (int(number) if number.isdigit() else None),
        modifiers=tuple(modifier.strip().lower() for modifier in listed if modifier.strip()),
        times=min(MOST_REPEATS, max(1, int(match["times"] or match["times2"] or 1))),
    )


def read_heading(line: str) -> Tag | None:
    """A line without brackets that can only be a heading: "Verse 2:", "(Chorus)", "CHORUS x2"; else None."""
    bare = line.strip()
    if bare.startswith("(") and bare.endswith(")"):
        bare = bare[1:-1].strip() + ":"
    sure = bare.endswith(":") or bool(re.search(r"\s(?:\d{1,2}|[x×]\s?\d|\d\s?[x×])$", bare))
    match = re.fullmatch(
        rf"(?:{_ALTERNATIVES})(?:\s*#?\d{{1,2}})?(?:\s*[x×]\s?\d|\s*\d\s?[x×])?\s*:?", bare, re.IGNORECASE
    )
    return read_tag(bare) if sure and match else None
