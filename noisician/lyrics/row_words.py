"""The words between two places of a row: split, spoken, slurred, and shown as they were written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from noisician.errors import RequestError
from noisician.lyrics.letters import settle_stress
from noisician.lyrics.model import Word
from noisician.lyrics.normalise import pieces
from noisician.lyrics.pasted import Row
from noisician.lyrics.phones import SYMBOLS, VOWELS, Pronunciation, is_vowel
from noisician.lyrics.pronunciation import plural_sound
from noisician.lyrics.text import DASH, INVISIBLE

_TOKEN = re.compile(
    r"(?P<override>\{[^{}]*\}(?:'s(?!\w))?)|(?P<bracket>[()])"
    r"|(?P<chunk>\bw/o?(?![^\s])|(?:[^\s(){}/—]|(?<=[^\W_])/(?=[^\W_]))+)|(?P<break>[/—])|(?P<brace>[{}])",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(?:0?\d|1[0-2])(?::[0-5]\d)?")
#: Marks of the notation, which no display shows.
_MARKS = str.maketrans("", "", "()[]{}~" + INVISIBLE)


@dataclass(frozen=True)
class _Placed:
    """A word and where it stands in its row."""

    word: Word
    start: int
    end: int


def words_between(
    row: Row, start: int, end: int, backing: bool, capitals: bool
) -> tuple[tuple[Word, ...], tuple[tuple[int, int], ...]]:
    """The words between two places of a row, and where each stands in it."""
    placed = list(_placed_words(row.text[start:end], row.offset + start, backing, capitals))
    first = row.offset
    placed = [replace(one, start=one.start - first, end=one.end - first) for one in placed]
    words = [_by_its_neighbour(one.word, placed[at - 1].word if at else None) for at, one in enumerate(placed)]
    shown = _shown(row, start, end, placed)
    return (
        tuple(
            replace(word, shown=text.strip(), joined=joined) for word, (text, joined) in zip(words, shown, strict=True)
        ),
        tuple((one.start, one.end) for one in placed),
    )


def _by_its_neighbour(word: Word, before: Word | None) -> Word:
    """ "2 AM" is a time, and "the US" no pronoun."""
    if before is not None and word.text == "US" and before.text == "the":
        return replace(word, spoken=("u.", "s."), accent=False)
    if before is not None and word.text.lower() in ("am", "pm") and _CLOCK.fullmatch(before.text):
        return replace(word, spoken=(f"{word.text[0].lower()}.", "m."), accent=False)
    return word


def _shown(row: Row, start: int, end: int, placed: Sequence[_Placed]) -> list[tuple[str, bool]]:
    """Each word with the punctuation beside it, as it was written, and whether it goes on into the next."""
    texts = [re.sub(r"\s+", " ", row.shown[one.start : one.end]) for one in placed]
    texts = [
        one.word.text if one.word.override is not None else text.translate(_MARKS)
        for one, text in zip(placed, texts, strict=True)
    ]
    joined = [False] * len(placed)
    edges = [start, *(edge for one in placed for edge in (one.start, one.end)), end]
    for gap in range(len(placed) + 1):
        between = row.shown[edges[2 * gap] : edges[2 * gap + 1]]
        between = re.sub(r"(?<=\s)/(?=\s|$)|^/(?=\s)", "", between).translate(_MARKS)
        if not placed:
            break
        if gap == 0:
            texts[0] = re.sub(r"\s+", " ", between.lstrip()) + texts[0]
        elif gap == len(placed):
            texts[-1] += re.sub(r"\s+", " ", between.rstrip())
        elif not re.search(r"\s", row.shown[edges[2 * gap] : edges[2 * gap + 1]]):
            joined[gap - 1] = placed[gap - 1].word.backing == placed[gap].word.backing
            texts[gap - 1] += between
        else:
            *behind, ahead = re.split(r"\s+", between) if between.strip() else ["", ""]
            texts[gap - 1] += (
                " ".join(["", *filter(None, behind[1:])]) if not behind[0] else " ".join(filter(None, behind))
            )
            texts[gap] = ahead + texts[gap]
    return list(zip(texts, joined, strict=True))


def _placed_words(line: str, offset: int, backing: bool, capitals: bool) -> Iterator[_Placed]:
    """The words of a line that begins at ``offset`` of the text."""
    pending: _Placed | None = None
    inside = backing
    for match in _TOKEN.finditer(line):
        kind, token, start = match.lastgroup, match.group(), offset + match.start()
        if kind == "brace":
            raise RequestError("a curly bracket without its other half; a pronunciation is written {word|W ER1 D}")
        if kind == "bracket":
            inside = backing or token == "("
        elif kind == "break":
            if pending and token != DASH:
                pending = replace(pending, word=replace(pending.word, break_after=True))
        elif kind == "override":
            if pending:
                yield pending
            pending = _Placed(replace(_override(token, start), backing=inside), start, start + len(token))
        else:
            for word in _chunk_words(token, start, capitals):
                if isinstance(word, int):
                    pending = _extend(pending, word)
                    continue
                if pending:
                    yield pending
                length = len(word.text) + line[word.start - offset : word.start - offset + len(word.text)].count("~")
                pending = _Placed(replace(word, backing=inside), word.start, word.start + length)
    if pending:
        yield pending


def _chunk_words(chunk: str, start: int, capitals: bool) -> Iterator[Word | int]:
    """The words of a chunk without spaces; a number stands for so many "~" without a word of their own."""
    leading = len(chunk) - len(chunk.lstrip("~"))
    if leading:
        yield leading
    for run in re.finditer(r"[^~]+(?:~+(?:[^\W\d_]+~*)*)?", chunk):
        written = run.group()
        bare = written.replace("~", "")
        slurs = [place - written[:place].count("~") for place, c in enumerate(written) if c == "~"]
        found = pieces(bare, capitals)
        for piece in found:
            end = piece.start + len(piece.text)
            last = piece is found[-1]
            inside = [
                max(0, min(slur, end) - piece.start) for slur in slurs if piece.start < slur and (slur <= end or last)
            ]
            yield Word(
                text=piece.text,
                start=start + run.start() + piece.start + _tildes_before(written, piece.start),
                spoken=piece.spoken,
                slurs=(*piece.slurs, *inside),
                accent=_is_capital(piece.text) and len(piece.spoken) == 1,
            )


def _tildes_before(written: str, place: int) -> int:
    """How many "~" stand before the character that is at ``place`` without them."""
    if "~" not in written:
        return 0
    plain = 0
    for index, character in enumerate(written):
        if character != "~":
            if plain == place:
                return index - place
            plain += 1
    return 0


def _extend(placed: _Placed | None, notes: int) -> _Placed | None:
    """A word with ``notes`` more on its last syllable."""
    if placed is None:
        return None
    word = placed.word
    return replace(placed, word=replace(word, slurs=(*word.slurs, *[len(word.text)] * notes)))


def _is_capital(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    return len(letters) > 1 and all(character.isupper() for character in letters)


def _override(token: str, start: int) -> Word:
    inside, _, possessive = token[1:].partition("}")
    text, bar, sounds = inside.partition("|")
    text = text.replace(INVISIBLE, "").strip()
    if not bar or not text:
        raise RequestError(f'"{token[:30]}" gives no sounds; a pronunciation is written {{word|W ER1 D}}')
    phones: list[str] = []
    for sound in sounds.upper().split():
        phone = f"{sound}0" if sound in VOWELS else sound
        if phone not in SYMBOLS:
            raise RequestError(
                f'"{sound[:10]}" in "{token[:30]}" is no ARPABET phone; there are {" ".join(SYMBOLS[1::3])} …'
            )
        phones.append(phone)
    if not any(map(is_vowel, phones)):
        raise RequestError(f'"{token[:30]}" has no vowel to sing; a pronunciation is written {{word|W ER1 D}}')
    sounded = _stressed(tuple(phones))
    if possessive:
        sounded = (*sounded, *plural_sound(sounded))
    return Word(text + possessive, start, (text + possessive,), sounded, accent=_is_capital(text))


def _stressed(phones: Pronunciation) -> Pronunciation:
    return phones if any(phone.endswith("1") for phone in phones) else settle_stress(phones)
