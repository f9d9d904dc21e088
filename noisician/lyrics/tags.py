"""Section tags: ``[Verse 1]``, ``[Chorus – big]``, ``[Guitar solo]``, headings people write without brackets, and stage
directions in round ones."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_NAMES = {
    "intro": "intro", "introduction": "intro", "opening": "intro", "verse": "verse", "strophe": "verse",
    "stanza": "verse", "couplet": "verse", "vers": "verse", "pre chorus": "pre-chorus", "prechorus": "pre-chorus",
    "pre refrain": "pre-chorus", "pre hook": "pre-chorus", "pre": "pre-chorus", "lift": "pre-chorus",
    "build": "pre-chorus", "build up": "pre-chorus", "buildup": "pre-chorus", "chorus": "chorus", "refrain": "chorus",
    "ref": "chorus", "estribillo": "chorus", "coro": "chorus", "post chorus": "post-chorus",
    "postchorus": "post-chorus", "post": "post-chorus", "hook": "hook",
    "bridge": "bridge", "middle eight": "bridge", "middle 8": "bridge",
    "breakdown": "breakdown", "break": "breakdown", "drop": "drop", "rap": "rap", "rap verse": "rap", "solo": "solo",
    "instrumental": "instrumental", "inst": "instrumental", "instrumental break": "instrumental",
    "interlude": "instrumental", "outro": "outro", "coda": "outro", "ending": "outro", "end": "end", "fin": "end",
}  # fmt: skip
#: Short forms that need their number: "V1", "Ch 2".
_SHORT = {"v": "verse", "vs": "verse", "ch": "chorus", "c": "chorus", "br": "bridge"}
_NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "first": 1, "second": 2, "third": 3, "i": 1,
    "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6,
}  # fmt: skip
_COUNTED = {"twice": 2, "thrice": 3, "bis": 2}
_ALTERNATIVES = "|".join(sorted((name.replace(" ", r"[\s-]*") for name in _NAMES), key=len, reverse=True))
_FIGURE = rf"(?:\d{{1,3}}|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})"
_TAG = re.compile(
    rf"(?P<before>(?:[^\W\d_][\w'&.+-]*[\s,/:]+|\d{{2}}s\s+|\d(?:st|nd|rd|th)\s+){{0,4}}?)(?P<name>{_ALTERNATIVES})(?:es|s)?(?![^\W\d_])"
    rf"(?:\s*[-—–#./:]?\s*(?P<number>{_FIGURE})(?P<part>\s?[a-wyz](?![^\W_]))?"
    r"(?![^\W_]|\s?[x×](?![a-z])|[\s-]*(?:bars?|measures?|times)\b))?(?P<rest>.*)",
    re.IGNORECASE,
)
_SHORT_TAG = re.compile(rf"(?P<name>{'|'.join(_SHORT)})\.?\s?(?P<number>\d)(?P<rest>(?:\W.*)?)", re.IGNORECASE)
_TIMES = re.compile(
    r"\(?(?<![^\W_])(?:repeat(?:ed|s)?\s*)?(?:[x×]\s?(?P<x>\d)|(?P<n>\d)\s?(?:[x×]|times)|(?P<word>twice|thrice|bis))(?![a-z\d])\)?",
    re.IGNORECASE,
)
_PARTED = re.compile(r"[,;|/:()!?…—–•~=+*<>\[\]{}\"]+|(?:^|\s)[-.]+|[-.]+(?:\s|$)")
#: Words before a section's name that say which one, not how it sounds.
_WHICH = frozenset(
    {"the", "a", "final", "last", "first", "second", "third", "another", "repeat", "repeated", "double", "back",
     "to", "again"}
)  # fmt: skip
_NOT_THERE = frozenset({"no", "without", "before", "after", "until", "not", "like", "from"})
_ALWAYS_A_HEADING = (
    r"intro(?:duction)?|verse|pre[\s-]?chorus|(?:post[\s-]?)?chorus|refrain|hook|bridge|middle (?:eight|8)|outro|coda|"
    r"interlude|instrumental|breakdown|solo"
)
_PLAYED = (
    r"(?:(?:electric |acoustic |slide )?(?:guitar|piano|sax(?:ophone)?|drum|bass|synth|organ|violin|trumpet|harmonica|"
    r"keyboard|flute|strings?|banjo|fiddle|cello|horn|brass|accordion|mandolin)|instrumental)s? "
    r"(?:solo|break|interlude|intro|outro|riff)"
)
_HEADING = re.compile(
    rf"(?:(?:repeat|back to|to)\s+(?:the\s+)?)?(?:{_ALTERNATIVES})(?:\s*[-#.]?\s*(?:{_FIGURE})[a-z]?)?"
    r"(?:\s+(?:again|repeats?))?(?:\s*\(?\s*(?:[x×]\s?\d|\d\s?[x×])\)?)?",
    re.IGNORECASE,
)
_MODIFIED = re.compile(rf"(?P<head>{_HEADING.pattern})\s*(?:\([^()]*\)|[-—/|]\s.*)", re.IGNORECASE)
_SUNG_ON = re.compile(rf"\s*(?P<head>{_HEADING.pattern})(?:\s*:(?=\s+\S)|\s(?=\s*\[))", re.IGNORECASE)
_COUNTED_HEADING = re.compile(rf".*[\s(](?:{_FIGURE}|[x×]\s?\d|\d\s?[x×])\)?", re.IGNORECASE)
MOST_REPEATS = 8

#: Round brackets that hold these are directions wherever they stand.
_DIRECTION = re.compile(
    r"(?:.*\b)?(?:solo|instrumental|interlude|riff|fad(?:e|es|ed|ing)(?:[\s-]?(?:out|in|away|to (?:black|silence)))?|"
    r"repeat(?:s|ed)?(?: [\w-]+){0,4}?(?: (?:[x×]\s?\d|\d\s?[x×]|twice|\d times|to fade|until fade))?|"
    r"ad[\s-]?libs?|spoken(?: word)?|whisper(?:ed|ing|s)|humm(?:ing|ed)|laugh(?:s|ing|ter)|"
    r"applause|a[\s-]?capp?ella|key change|modulat(?:es?|ion)|tempo change|"
    r"(?:backing|background) vocals?|in harmony|half[\s-]?time|\d+[\s-](?:bars?|measures?)|"
    r"ends? (?:on|with) .*|d\.?\s?c\.?(?: al (?:fine|coda))?|da capo|tacet|guitar lick|drum fill|vocal run)"
    r"(?: (?:here|continues?|begins|again|over outro|section|break|part|x\s?\d))?"
    r"|(?:the )?(?:music|drums?|bass|guitars?|piano|strings|band|beat|synths?|horns?|sax(?:ophone)?|organ|violins?|"
    r"harmonica|flute|trumpets?|brass|keys|choir|banjo|fiddle|percussion|crowd|everything|everyone|all)"
    r" (?:in|out|only|enters?|stops?|starts?|drops?(?: out| in)?|kicks? in|comes? (?:back )?in|swells?|builds?|plays?|"
    r"fades?(?: out| in)?|breaks?|fill|break|riff|lick)",
    re.IGNORECASE,
)
#: These only where they stand alone or before a line: an echo may say the same.
_ALONE = re.compile(
    r"all|both|together|everyone|everybody|crowd|male|female|man|woman|men|women|boys?|girls?|he|she|duet|choir|"
    r"softly|quietly|gently|loudly|loud|soft|slowly|slower|faster|louder|quieter|shouted|screamed|yelled|sung|spoken|"
    r"echo|pause|silence|beat|music|rap|rapped|instruments?|[^()]*\b(?:voice|vocals?|singer|choir|harmony|harmonies)|"
    r"with (?:feeling|emotion|energy)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Tag:
    """A section's beginning. ``times``: how often it is sung."""

    kind: str
    number: int | None
    modifiers: tuple[str, ...]
    times: int


def plain(content: str) -> str:
    """What stands in brackets without emoji, marks of markdown and doubled spaces."""
    kept = (" " if unicodedata.category(c) in ("So", "Sk", "Mn", "Me", "Cf", "Co") else c for c in content)
    return re.sub(r"[\s_]+", " ", "".join(kept)).strip(" .…*#-—–=:~|<>«»•\"'")


def read_tag(content: str) -> Tag | None:
    """What stands in brackets as a section's tag; None when it names no section and so is a style hint."""
    bare = plain(content)
    match = _TAG.fullmatch(bare)
    if match is None or any(word in _NOT_THERE for word in match["before"].lower().split()):
        short = _SHORT_TAG.fullmatch(bare)
        return None if short is None else _tag(_SHORT[short["name"].lower()], short["number"], "", short["rest"])
    return _tag(_NAMES[re.sub(r"[\s-]+", " ", match["name"].lower())], match["number"], match["before"], match["rest"])


def _tag(kind: str, number: str | None, before: str, rest: str) -> Tag:
    figure = (number or "").lower()
    repeat = _TIMES.search(rest)
    times = 1
    if repeat:
        times = int(repeat["x"] or repeat["n"] or _COUNTED[repeat["word"].lower()])
        rest = rest[: repeat.start()] + "," + rest[repeat.end() :]
    words = [word for word in re.split(r"[\s,/:]+", before.lower()) if word not in _WHICH]
    ordinal = next((int(word[0]) for word in words if re.fullmatch(r"\d(?:st|nd|rd|th)", word)), None)
    ordinal = ordinal or next((_NUMBERS[word] for word in before.lower().split() if word in _NUMBERS), None)
    words = [word for word in words if word and not (ordinal is not None and word[0].isdigit())]
    hints = (re.sub(r"\s+", " ", part).strip(" -.'").lower() for part in (" ".join(words), *_PARTED.split(rest)))
    return Tag(
        kind=kind,
        number=_NUMBERS.get(figure) or (int(figure) if figure.isdigit() else ordinal),
        modifiers=tuple(hint for hint in hints if hint and hint not in _WHICH),
        times=min(MOST_REPEATS, max(1, times)),
    )


def read_heading(line: str, apart: bool = False, marked: bool = False, among: bool = False) -> Tag | None:
    """A line without brackets that can only be a heading: "Verse 2:", "(Chorus)", "CHORUS x2"; else None.

    ``apart``: nothing stands right before it, so that a capital "Chorus" alone is one too. ``marked``: it is written
    as a heading (``## Chorus``, ``**Chorus**``). ``among``: the text has others without brackets, so that it may be
    written small.
    """
    bare = line.strip()
    if bare.startswith("(") and bare.endswith(")") and "(" not in bare[1:]:
        bare = bare[1:-1].strip() + ":"
    ends = bare.endswith(":")
    bare = plain(bare) if marked else bare.rstrip(": .—-").strip()
    played = re.fullmatch(_PLAYED, bare, re.IGNORECASE)
    if played is None and _HEADING.fullmatch(bare) is None:
        modified = _MODIFIED.fullmatch(bare)
        if marked and modified is None and re.match(rf"{_HEADING.pattern}\s*:\s", bare, re.IGNORECASE):
            return read_tag(bare)
        if modified is None or not (marked or apart) or not bare[:1].isupper():
            return None
        counted = _COUNTED_HEADING.fullmatch(modified["head"])
        strong = re.match(rf"(?:{_ALWAYS_A_HEADING})\b", bare, re.IGNORECASE)
        return read_tag(bare) if marked or counted or strong else None
    repeats = re.match(r"(?:repeat|back to|to)\s", bare, re.IGNORECASE)
    counted = _COUNTED_HEADING.fullmatch(bare)
    strong = played or re.fullmatch(_ALWAYS_A_HEADING, bare, re.IGNORECASE)
    sure = (
        ends
        or marked
        or counted
        or repeats
        or (apart and (played or (strong and bare[:1].isupper())))
        or (among and strong)
    )
    return read_tag(bare) if sure else None


def heading_before(line: str) -> int:
    """Where the words begin in a line such as "Chorus: Hold on to me"; 0 where no heading stands before any."""
    match = _SUNG_ON.match(line)
    return 0 if match is None else match.end()


def is_direction(content: str, alone: bool) -> bool:
    """Whether round brackets hold a stage direction and nothing to sing; ``alone``: no words of the line stand before
    them."""
    bare = plain(content)
    if not bare or len(bare.split()) > 7:
        return False
    return bool(_DIRECTION.fullmatch(bare) or (alone and (_ALONE.fullmatch(bare) or read_heading(f"({content})"))))
