"""Something to sing where there are no words."""

from __future__ import annotations

from noisician.errors import RequestError
from noisician.lyrics.model import Line, Lyrics, Section, Word

#: Syllable and, for every note, whether it is sung anew: "la la la"; or one vowel goes over two: "ooh~".
VOCALISES = {"ooh": ("ooh", 1), "ah": ("ah", 1), "la": ("la", 0)}


def vocalises(kind: str = "ooh", lines: int = 4, notes: int = 8, section: str = "verse") -> Lyrics:
    """A section of ``lines`` lines, each of ``notes`` notes, on one syllable: "ooh", "ah" or "la".

    Vowels take two notes at a time. Raises RequestError for another kind or when there is nothing to sing.
    """
    if kind not in VOCALISES:
        raise RequestError(f"no vocalise {kind[:20]!r}; there are {', '.join(VOCALISES)}")
    if lines < 1 or notes < 1:
        raise RequestError(f"{lines} lines of {notes} notes leave nothing to sing; both have to be at least 1")
    syllable, more = VOCALISES[kind]
    words: list[Word] = []
    left = notes
    while left:
        slurs = (len(syllable),) * min(more, left - 1)
        words.append(Word(syllable, len(words) * (len(syllable) + 1), (syllable,), slurs=slurs))
        left -= 1 + len(slurs)
    line = tuple(words)
    return Lyrics(
        (Section(section, None, (), tuple(Line(number + 1, line) for number in range(lines)), inferred=True),)
    )
