"""What a song is about, whom it is for, what happens meanwhile: words of a story, which are no wish for a sound.

"A song about my grandmother's kitchen" wants no cooking video. What such words make somebody feel stays; as a subject
they are told as not understood, unless all of them are feelings ("about lost love").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from noisician.prompt.lexicon import Effect

#: What stays of the words of a subject.
_FELT = ("moods", "implies", "energy")
_END = (
    r"(?=\s*(?:$|[,.;:!?()\n]|\b(?:sung|with|in the style|featuring|for an?|played|but|and the|as an?|using|without"
    r"|starting|about)\b|\bby an?\b|\bfor \w+ (?:and|with)\b|-\s))"
)
_WHAT = r"(?P<what>\w[^,.;:!?()\n]*?)"
_ABOUT = re.compile(
    r"\b(?:song|songs|lyrics?|words|rap|ballad|anthem|lullaby|tune|track|music|piece|sings?|singing|raps?|rapping|story"
    r"|hymn|musical|opera|verse|poem|number|jingle|theme)(?:\s+\w+){0,2}?\s+(?:about|on the topic of"
    rf"|that tells(?: the story)? of|telling the story of|describing|concerning)\s+{_WHAT}{_END}"
    r"|\b(?:film|movie|short|documentary|video|game|episode|podcast|play|show|book|novel|timelapse|time-lapse|footage"
    rf"|scene) (?:about|of|where|in which|on) (?P<of>(?!the \w+$)\w[^,.;:!?()\n]*?){_END}",
    re.IGNORECASE,
)
_CALLED = re.compile(
    rf"\b(?:called|named|titled|entitled|dedicated to|in memory of|in honou?r of)\s+{_WHAT}{_END}", re.IGNORECASE
)
_MINE = re.compile(
    r"\b(?P<what>(?:my|our|his|her|their)\s+(?:mum|mom|mother|dad|father|cat|dog|sister|brother|son|daughter|wife"
    r"|husband|girlfriend|boyfriend|friend|boss|teacher|grandma|grandpa|grandmother|grandfather|aunt|uncle|neighbou?r"
    r"|baby|kid|kids|country|nation|city|town|village|shop|shop of flowers|store|company|team|bike|car|horse|hamster"
    r"|parents|kitchen|house|fictional \w+|imaginary \w+|new \w+|best friend)(?:'s)?(?:\s+\w+)?)" + _END,
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Subject:
    """Characters ``start`` … ``end − 1``; ``told``: it is a story, also where all of its words are known."""

    start: int
    end: int
    told: bool = False


def subjects(text: str) -> Iterator[Subject]:
    """Stretches of the text that tell of something else than of music."""
    for pattern in (_ABOUT, _CALLED, _MINE):
        for match in pattern.finditer(text):
            name = next(name for name, said in match.groupdict().items() if said)
            yield Subject(match.start(name), match.end(name))


def felt(effects: Sequence[Effect]) -> tuple[Effect, ...]:
    """What stays of a word that is part of a subject: the feeling, which nobody asked for outright."""
    return tuple(replace(e, field="implies") if e.field == "moods" else e for e in effects if e.field in _FELT)
