"""Pasted lyrics to sections, lines and words.

[Verse 1]            a section; [Chorus: choir] with modifiers; a tag that names no section is a style hint
(ooh)                the backing voice
love~   a-a-a        a syllable over more notes
LOVE                 an accent
hold on / be strong  a forced break
{Ava|EY1 V AH0}      a pronunciation of one's own, in ARPABET
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from noisician.errors import RequestError
from noisician.lyrics.form import infer_sections
from noisician.lyrics.language import language as find_language
from noisician.lyrics.letters import settle_stress
from noisician.lyrics.model import Line, Lyrics, Section, Word
from noisician.lyrics.normalise import pieces
from noisician.lyrics.phones import SYMBOLS, VOWELS, Pronunciation, is_vowel
from noisician.lyrics.pronunciation import plural_sound
from noisician.lyrics.tags import MOST_REPEATS, Tag, read_heading, read_tag
from noisician.lyrics.text import INVISIBLE, clean, foreign_script

LINE_LIMIT_SYLLABLES = 32
LINES_LIMIT = 400
#: Sections that, named again without words, are sung again.
_REFRAINS = frozenset({"chorus", "pre-chorus", "post-chorus", "hook"})
_TAG = re.compile(r"\[([^\[\]\n]*)\]")
_TIMES = re.compile(
    r"\s*[(\[]\s*(?:[x×]\s?(\d)|(\d)\s?[x×])\s*[)\]]\s*$|\s+[x×](\d)\s*$|\s+(\d)[x×]\s*$", re.IGNORECASE
)
_TOKEN = re.compile(
    r"(?P<override>\{[^{}]*\}(?:'s(?!\w))?)|(?P<bracket>[()])|(?P<chunk>\bw/o?(?![^\s])|(?:[^\s(){}/]|(?<=\d)/(?=\d))+)"
    r"|(?P<break>/)|(?P<brace>[{}])",
    re.IGNORECASE,
)


def parse(text: str, language: str | None = "en") -> Lyrics:
    """The lyrics in ``text``, for one ISO 639-1 language.

    Raises RequestError for an unknown language; for text that is empty, longer than the limit of characters, holds
    control characters, nothing but tags or another script; for brackets never closed; and for words or lines too long
    to be sung.
    """
    spoken_in = find_language(language)
    cleaned = clean(text)
    _refuse_other_scripts(cleaned)
    reader = _Reader()
    offset = 0
    for number, line in enumerate(cleaned.split("\n"), start=1):
        try:
            reader.read(line, number, offset)
        except RequestError as wrong:
            raise RequestError(f"line {number} of the lyrics: {wrong}") from wrong
        offset += len(line) + 1
    lyrics = Lyrics(_calm(reader.sections()), tuple(dict.fromkeys(reader.hints)), spoken_in.code)
    _check(lyrics, tags=reader.tags)
    return lyrics


@dataclass
class _Reader:
    """Collects sections while it goes through the lines."""

    hints: list[str] = field(default_factory=list)
    tags: int = 0
    _tagged: list[tuple[Tag, list[Line]]] = field(default_factory=list)
    _untagged: list[list[Line]] = field(default_factory=lambda: [[]])
    _lines: int = 0

    def read(self, line: str, number: int, offset: int) -> None:
        """Takes one line of the text that begins at ``offset``."""
        heading = read_heading(line)
        if heading is not None:
            self._begin(heading)
            return
        times = 1
        repeat = _TIMES.search(line)
        if repeat and not _TAG.fullmatch(line.strip()):
            times = min(MOST_REPEATS, max(1, int(next(filter(None, repeat.groups())))))
            line = line[: repeat.start()] + " " * (len(line) - repeat.start())
        line = _TAG.sub(self._take_tag, line)
        line = self._refuse_open_tag(line)
        words = tuple(_words(line, offset))
        target = self._tagged[-1][1] if self._tagged else self._untagged[-1]
        if words:
            target.extend([Line(number, words)] * times)
        elif repeat and target:
            target.extend([target[-1]] * (times - 1))
        elif not line.strip() and not self._tagged and self._untagged[-1]:
            self._untagged.append([])
        self._lines += times
        _refuse_many_lines(self._lines)

    def _begin(self, tag: Tag) -> None:
        self.tags += 1
        self._tagged.append((tag, []))

    def _take_tag(self, match: re.Match[str]) -> str:
        tag = read_tag(match[1])
        if tag is not None:
            self._begin(tag)
        elif match[1].strip():
            self.tags += 1
            self.hints.append(match[1].strip().lower())
        return " " * len(match[0])

    def _refuse_open_tag(self, line: str) -> str:
        """A tag that only lacks its bracket is taken as meant, anything else in half a bracket refused."""
        if "[" not in line and "]" not in line:
            return line
        if line.lstrip().startswith("[") and "]" not in line:
            tag = read_tag(line.strip().lstrip("["))
            if tag is not None:
                self._begin(tag)
                return ""
        shown = line.strip()[:30]
        raise RequestError(f'"{shown}" has a square bracket without its other half; tags are written [Chorus]')

    def sections(self) -> tuple[Section, ...]:
        """The form: as tagged, or from stanzas; words before the first tag are a section of their own."""
        stanzas = [tuple(stanza) for stanza in self._untagged if stanza]
        found = list(infer_sections(stanzas))
        earlier: dict[str, tuple[Line, ...]] = {}
        total = sum(len(section.lines) for section in found)
        for tag, lines in self._tagged:
            repeated = not lines and tag.kind in _REFRAINS and tag.kind in earlier
            section = Section(tag.kind, tag.number, tag.modifiers, earlier[tag.kind] if repeated else tuple(lines))
            found += [replace(section, repeated=repeated or again > 0) for again in range(tag.times)]
            if lines:
                earlier[tag.kind] = tuple(lines)
            total += len(section.lines) * tag.times
            _refuse_many_lines(total)
        return tuple(found)


def _words(line: str, offset: int) -> Iterator[Word]:
    """The words of a line that begins at ``offset`` of the text."""
    pending: Word | None = None
    backing = False
    for match in _TOKEN.finditer(line):
        kind, token, start = match.lastgroup, match.group(), offset + match.start()
        if kind == "brace":
            raise RequestError("a curly bracket without its other half; a pronunciation is written {word|W ER1 D}")
        if kind == "bracket":
            backing = token == "("
        elif kind == "break":
            pending = replace(pending, break_after=True) if pending else None
        elif kind == "override":
            if pending:
                yield pending
            pending = replace(_override(token, start), backing=backing)
        else:
            for word in _chunk_words(token, start):
                if isinstance(word, int):
                    pending = _extend(pending, word)
                    continue
                if pending:
                    yield pending
                pending = replace(word, backing=backing)
    if pending:
        yield pending


def _chunk_words(chunk: str, start: int) -> Iterator[Word | int]:
    """The words of a chunk without spaces; a number stands for so many "~" without a word of their own."""
    leading = len(chunk) - len(chunk.lstrip("~"))
    if leading:
        yield leading
    for run in re.finditer(r"[^~]+(?:~+(?:[^\W\d_]+~*)*)?", chunk):
        written = run.group()
        bare = written.replace("~", "")
        slurs = [place - written[:place].count("~") for place, c in enumerate(written) if c == "~"]
        found = pieces(bare)
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
    plain = 0
    for index, character in enumerate(written):
        if character != "~":
            if plain == place:
                return index - place
            plain += 1
    return 0


def _extend(word: Word | None, notes: int) -> Word | None:
    """``word`` with ``notes`` more on its last syllable."""
    return replace(word, slurs=(*word.slurs, *[len(word.text)] * notes)) if word else None


def _calm(sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """Capitals accent nothing where most words are written so."""
    words = [word for section in sections for line in section.lines for word in line.words if len(word.text) > 1]
    if sum(word.accent for word in words) <= len(words) / 2:
        return sections
    return tuple(
        replace(
            section,
            lines=tuple(
                replace(line, words=tuple(replace(word, accent=False) for word in line.words)) for line in section.lines
            ),
        )
        for section in sections
    )


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


def _refuse_other_scripts(cleaned: str) -> None:
    without_overrides = re.sub(r"\{[^{}]*\}", "", cleaned)
    script, letters, total = foreign_script(without_overrides)
    if letters > total / 2:
        raise RequestError(
            f"the lyrics are mostly in another script ({script}, {letters} of {total} letters); only English in Latin "
            "letters can be sung"
        )


def _refuse_many_lines(lines: int) -> None:
    if lines > LINES_LIMIT:
        raise RequestError(
            f"the lyrics come to {lines} lines with their repeats, at most {LINES_LIMIT}; shorten the song"
        )


def _check(lyrics: Lyrics, tags: int) -> None:
    """Refuses what cannot be sung for its length; needs the pronunciations."""
    from noisician.lyrics.singing import sung_line

    if not lyrics.lines:
        held = "only tags and no words" if tags else "no words"
        raise RequestError(f"the lyrics hold {held} to sing; write lines under the tags or leave the lyrics out")
    for line in dict.fromkeys(lyrics.lines):
        count = sum(len(word.syllables) for word in sung_line(line, lyrics.language))
        if count > LINE_LIMIT_SYLLABLES:
            raise RequestError(
                f"line {line.number} of the lyrics has {count} syllables, at most {LINE_LIMIT_SYLLABLES}; "
                "break it into shorter lines"
            )
