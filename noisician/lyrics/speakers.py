"""Who sings a line, where a name stands before it: "Anna: walk with me"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from noisician.lyrics.english import FUNCTION_WORDS
from noisician.lyrics.pasted import Row
from noisician.lyrics.tags import read_heading

_LABEL = re.compile(r"\s*(?P<name>[^\W\d_][\w'’.&+/, -]{0,30}?)\s*:(?=\s|$)")
_ROLE = re.compile(
    r"(?:(?:lead|male|female|backing|background|second|first)\s+)?(?:singers?|vocalists?|vocals?|voices?)(?:\s*#?\d|\s[a-d])?|"
    r"all|both|together|duet|everyone|everybody|solo(?:ist)?|lead|man|woman|men|women|boys?|girls?|him|her|he|she|male|"
    r"female|rapper|mc|dj|narrator|crowd|choir|chorus|backing|background|backup|bgvs?|echo|unison|group|ensemble|"
    r"(?:soprano|alto|tenor|baritone|bass)s?",
    re.IGNORECASE,
)
_BACKING = re.compile(r"(?:backing|background|backup|bgv|choir|crowd|echo|group)", re.IGNORECASE)
#: Words that call somebody and then a colon; they are sung.
_CALLS = frozenset(
    {"listen", "look", "remember", "baby", "darling", "honey", "oh", "hey", "yeah", "now", "so", "then", "well", "wait",
     "stop", "see", "warning", "note", "one", "two", "three", "four", "question", "answer", "dear", "love", "said",
     "say", "says", "think", "know", "yes", "no", "first", "last", "truth", "fact", "hear", "repeat"}
)  # fmt: skip


@dataclass
class Speakers:
    """The names before lines of a text; ``named`` those taken off so far."""

    names: frozenset[str]
    named: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, lines: Sequence[str]) -> Speakers:
        labels = [match["name"] for line in lines if (match := _LABEL.match(line)) and not read_heading(line)]
        shouted = sum(line.isupper() for line in lines) * 2 > sum(bool(line.strip()) for line in lines)
        return cls(frozenset(label for label in labels if _is_name(label, shouted)))

    def take(self, row: Row) -> tuple[Row, bool]:
        """The row without the name before it, and whether the backing voice sings it."""
        match = _LABEL.match(row.text)
        if match is None or match["name"] not in self.names:
            return row, False
        shown = row.shown[match.start("name") : match.end("name")]
        if shown not in self.named:
            self.named.append(shown)
        return row.blanked(0, match.end()), bool(_BACKING.match(match["name"]))


def _is_name(label: str, shouted: bool) -> bool:
    """A role, or capitalised words of which none belongs to grammar."""
    if _ROLE.fullmatch(label):
        return True
    words = [word for word in re.split(r"[\s,/&+]+", label) if word and word.lower() != "and"]
    if not words or len(words) > 3 or any(word.lower() in FUNCTION_WORDS | _CALLS for word in words):
        return False
    return all(word[:1].isupper() for word in words) and not (shouted and len(words) > 1)
