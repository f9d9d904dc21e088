"""Pasted lyrics to sections, lines and words.

[Verse 1]            a section; [Chorus: choir] with modifiers; a tag that names no section is a style hint
(ooh)                the backing voice; (guitar solo), (fade out), (repeat chorus) are done, not sung
love~   a-a-a        a syllable over more notes
LOVE                 an accent
hold on / be strong  a forced break
{Ava|EY1 V AH0}      a pronunciation of one's own, in ARPABET
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from noisician.errors import RequestError
from noisician.lyrics.foreign import refuse_other_languages
from noisician.lyrics.form import infer_sections
from noisician.lyrics.language import language as find_language
from noisician.lyrics.model import Line, Lyrics, Section
from noisician.lyrics.pasted import Pasted, Row, ends_section, read_pasted, unescaped
from noisician.lyrics.row_words import words_between
from noisician.lyrics.speakers import Speakers
from noisician.lyrics.tags import MOST_REPEATS, Tag, heading_before, is_direction, plain, read_heading, read_tag
from noisician.lyrics.text import clean, foreign_script

LINE_LIMIT_SYLLABLES = 32
LINES_LIMIT = 400
#: Sections that, named again without words, are sung again.
_REFRAINS = frozenset({"chorus", "pre-chorus", "post-chorus", "hook"})
#: Headings of what is played; the words after them go on with what was sung before.
_PLAYED = frozenset({"solo", "instrumental"})
_TAG = re.compile(r"\[([^\[\]\n]*)\]")
_BRACKETED = re.compile(r"\[(?P<square>[^\[\]\n]*)\]|\((?P<round>[^()\n]*)\)")
_TIMES = re.compile(
    r"\s*[(\[]\s*(?:repeat\s*)?(?:[x×]\s?(\d)|(\d)\s?(?:[x×]|times))\s*[)\]]\s*$|\s+[x×](\d)\s*$|\s+(\d)[x×]\s*$"
    r"|\s*[(\[]\s*(twice|bis)\s*[)\]]\s*$",
    re.IGNORECASE,
)
_AGAIN = re.compile(r"repeat(?:s|ed)?(?:\s*(?:[x×]\s?(\d)|(\d)\s?(?:[x×]|times)|twice))?", re.IGNORECASE)
#: The words of a text that asks for music without words.
_INSTRUMENTAL = frozenset({"instrumental", "inst", "instr", "instrumentals", "n/a"})
_REFUSING = frozenset({"no", "without", "zero", "only", "just", "pure", "purely"})
_SUNG = frozenset(
    {"lyrics", "lyric", "vocals", "vocal", "words", "singing", "voice", "voices", "singer", "music"}
)  # fmt: skip
_BESIDE = frozenset({"a", "an", "the", "this", "is", "it", "and", "or", "please", "version", "track", "song", "piece",
                     "at", "all", "any", "with", "music", "mix"})  # fmt: skip
_MOST_WORDS_FOR_NONE = 8
#: What a hint says of the whole piece, wherever it stands.
_OF_THE_PIECE = re.compile(
    r"\bfad(?:e|es|ing)\b|\bbpm\b|key change|modulat|change of key|\bends?\b|ending", re.IGNORECASE
)
#: "Energy: high" is said "high energy".
_LABELLED_HINT = re.compile(r"^(energy|ending|end)\s*[:=]\s*(\S.*)$", re.IGNORECASE)
_SINGER = re.compile(
    r"(?:singers?|vocalists?|vocals?|voices?|lead)\s*\d{0,2}\s*[:=—-]?\s*(?P<who>[a-z][a-z ,-]*)", re.IGNORECASE
)
#: Scripts in which one language is written, or nearly all that is sung.
_WRITTEN_SO = {
    "Cjk": "Chinese", "Hangul": "Korean", "Greek": "Greek", "Hebrew": "Hebrew", "Thai": "Thai", "Devanagari": "Hindi",
    "Armenian": "Armenian", "Georgian": "Georgian", "Tamil": "Tamil", "Bengali": "Bengali",
}  # fmt: skip


@lru_cache(maxsize=16)
def parse(text: str, language: str | None = "en") -> Lyrics:
    """The lyrics in ``text``, for one ISO 639-1 language.

    Raises RequestError for an unknown language; for text that is empty, longer than the limit of characters, holds
    control characters, another script or another language; for brackets never closed; and for words or lines too long
    to be sung.
    """
    clean(text)  # its limits are those of what was given
    text = unescaped(text)
    cleaned = clean(text)
    _refuse_other_scripts(cleaned)
    if _asks_for_none(cleaned):
        return Lyrics((), notes=("no words to sing: an instrumental",))
    pasted = read_pasted(cleaned, text.replace("\r\n", " \n"))
    headed = any(read_heading(row.text) for row in pasted.rows if "(" not in row.text)
    reader = _Reader(Speakers.of([row.text for row in pasted.rows]), _shouted(pasted.rows), headed)
    before = True
    for row in pasted.rows:
        try:
            reader.read(row, before)
        except RequestError as wrong:
            raise RequestError(f"line {row.number} of the lyrics: {wrong}") from wrong
        before = row.is_blank or (before and not reader.sang)
    sections = reader.sections()
    sung = any(section.lines for section in sections)  # what nobody sings is in no language
    lyrics = Lyrics(
        _calm(sections),
        tuple(dict.fromkeys(reader.hints)),
        find_language(language if sung else None).code,
        wishes=tuple(dict.fromkeys([*pasted.wishes, *reader.wishes])),
        title=pasted.title,
        capo=pasted.capo,
        notes=_notes(pasted, reader, sections),
    )
    _check(lyrics, tags=reader.tags)
    return lyrics


def _notes(pasted: Pasted, reader: _Reader, sections: Sequence[Section]) -> tuple[str, ...]:
    """What was read otherwise than it stands there, and what nobody sings."""
    aside = tuple(dict.fromkeys(text for text in (*pasted.aside, *reader.aside) if re.search(r"\w", text)))
    notes = [*pasted.notes]
    if not any(section.lines for section in sections):
        notes.append("no words to sing: an instrumental")
    if pasted.title is not None:
        notes.append(f'"{pasted.title}" is the title and not sung')
    if aside:
        notes.append("not sung: " + ", ".join(f'"{text}"' for text in aside))
    if reader.speakers.named:
        notes.append(f"names before lines are not sung, one voice sings them all: {', '.join(reader.speakers.named)}")
    return tuple(notes)


@dataclass
class _Part:
    """A section while it is read. Without a tag it is a stanza; ``directed``: a direction asked for it, and the words
    after it go on with the section before."""

    tag: Tag | None = None
    lines: list[Line] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    chords: list[str] = field(default_factory=list)
    directed: bool = False
    source: str = ""


@dataclass
class _Reader:
    """Collects sections while it goes through the rows."""

    speakers: Speakers
    shouted: bool
    headed: bool = False  # whether the text has headings without brackets
    hints: list[str] = field(default_factory=list)
    wishes: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    tags: int = 0
    sang: bool = False
    _parts: list[_Part] = field(default_factory=lambda: [_Part()])
    _waiting: list[str] = field(default_factory=list)  # hints for the words after a solo
    _lines: int = 0

    def read(self, row: Row, apart: bool) -> None:
        """Takes one row; ``apart``: nothing to sing stands right before it."""
        self.sang = False
        if apart and _asks_for_none(row.text):
            if "inst" in row.text.lower():
                self._begin(Tag("instrumental", None, (), 1), directed=True)
            return
        heading = read_heading(row.text, apart, among=self.headed)
        if heading is not None:
            again = re.match(r"\s*\(?\s*(?:repeat|back to|to)\b", row.text, re.IGNORECASE)
            self._begin(heading, bool(again) or heading.kind in _PLAYED, row.shown)
            return
        if row.is_blank:
            self._end_stanza()
            return
        words = heading_before(row.text)
        if words and (tag := read_tag(row.text[:words])) is not None:
            self._begin(tag)
            row = row.blanked(0, words)
        row, backing = self.speakers.take(row)
        row, times = self._times(row)
        start = 0
        for match in _BRACKETED.finditer(row.text):
            square = match["square"]
            content = match["round"] if square is None else square
            if square is None and not self._is_direction(row, match, start):
                continue
            row = row.blanked(*match.span())
            self.tags += 1
            tag = self._section_of(content, square is None, row, match)
            if tag is not None or ends_section(content):
                self._take(row, start, match.start(), backing, 1)
                start = match.end()
                if tag is None:
                    self._parts.append(_Part())
                else:
                    self._begin(tag, directed=square is None, source=match.group(), counted=False)
            elif _AGAIN.fullmatch(plain(content)):
                times = self._again(row, start, match, times)
            elif content.strip():
                self._hint(plain(content))
        row = self._refuse_open_tag(row)
        self._take(row, start, len(row.text), backing, times)

    def _times(self, row: Row) -> tuple[Row, int]:
        """The row without "(x2)" at its end, and how often it is sung; alone in its row it repeats the line before."""
        repeat = _TIMES.search(row.text)
        if not repeat:
            return row, 1
        given = next(filter(None, repeat.groups()))
        times = min(MOST_REPEATS, max(1, int(given) if given.isdigit() else 2))
        row = row.blanked(repeat.start(), len(row.text))
        lines = self._parts[-1].lines
        if not row.text.strip() and lines:
            lines.extend([lines[-1]] * (times - 1))
        return row, times

    def _is_direction(self, row: Row, match: re.Match[str], start: int) -> bool:
        """Whether round brackets hold a direction; an echo of the line's own words is sung."""
        others = row.text[start : match.start()] + row.text[match.end() :]
        said = set(re.findall(r"[a-z']{4,}", match["round"].lower()))
        if said & set(re.findall(r"[a-z']{4,}", others.lower())):
            return False
        return is_direction(match["round"], not row.text[start : match.start()].strip(" ()"))

    def _section_of(self, content: str, round_: bool, row: Row, match: re.Match[str]) -> Tag | None:
        """The section that a tag, or a direction, begins. "Fade out on the chorus" begins none."""
        tag = read_tag(content)
        if (
            tag is None
            or _LABELLED_HINT.match(content)
            or (round_ and re.match(r"\s*(?:fad(?:e|es|ing)|\d+ bars?)\b", content, re.IGNORECASE))
        ):
            return None
        return tag

    def _again(self, row: Row, start: int, match: re.Match[str], times: int) -> int:
        """ "(repeat)" after a line is for the line, alone for all of the section so far."""
        again = _AGAIN.fullmatch(plain(match["round"] if match["square"] is None else match["square"]))
        assert again is not None
        count = int(next(filter(None, again.groups()), "2"))
        if row.text[start : match.start()].strip():
            return min(MOST_REPEATS, max(1, count))
        lines = self._parts[-1].lines
        lines.extend(list(lines) * (min(MOST_REPEATS, count) - 1))
        self._lines = max(self._lines, len(lines))
        _refuse_many_lines(self._lines)
        return times

    def _take(self, row: Row, start: int, end: int, backing: bool, times: int) -> None:
        """Adds what stands between two places of a row as a line."""
        words, places = words_between(row, start, end, backing, not self.shouted)
        chords = [(at, name) for at, name in row.chords if start <= at < end or (end == len(row.text) and at >= start)]
        if not words:
            self._take_chords([name for _, name in chords])
            return
        part = self._parts[-1]
        if part.directed and not part.lines:
            part = self._resumed()
        part.hints += self._waiting
        self._waiting.clear()
        line = Line(row.number, words, tuple((_word_at(places, at), name) for at, name in chords))
        part.lines.extend([line] * times)
        self.sang = True
        self._lines += times
        _refuse_many_lines(self._lines)

    def _take_chords(self, names: list[str]) -> None:
        """Chords without words: those of a wordless section, else they end the line before."""
        lines = self._parts[-1].lines
        if lines and names:
            end = len(lines[-1].words)
            lines[-1] = replace(lines[-1], chords=(*lines[-1].chords, *((end, name) for name in names)))
        else:
            self._parts[-1].chords += names

    def _resumed(self) -> _Part:
        """After a solo in the middle of a verse the verse goes on."""
        before = next((part for part in reversed(self._parts) if not part.directed), _Part())
        tag = None if before.tag is None else replace(before.tag, times=1)
        self._parts.append(_Part(tag))
        return self._parts[-1]

    def _begin(self, tag: Tag, directed: bool = False, source: str = "", counted: bool = True) -> None:
        self.tags += counted
        self._parts.append(_Part(tag, directed=directed, source=source.strip()))

    def _end_stanza(self) -> None:
        if self._parts[-1].tag is None and self._parts[-1].lines:
            self._parts.append(_Part())

    def _hint(self, content: str) -> None:
        hint = _LABELLED_HINT.sub(r"\2 \1", content.lower())
        if not re.search(r"\w", hint):
            return
        self.hints.append(hint)
        singer = _SINGER.fullmatch(hint)
        if singer is not None:
            self.wishes.append(f"{singer['who'].strip(' ,-')} voice")
        elif _OF_THE_PIECE.search(hint) or not any(part.lines or part.tag for part in self._parts):
            self.wishes.append(hint)
        elif self._parts[-1].directed:
            self._waiting.append(hint)
        else:
            self._parts[-1].hints.append(hint)

    def _refuse_open_tag(self, row: Row) -> Row:
        """A tag that only lacks its bracket is taken as meant, anything else in half a bracket refused."""
        line = row.text
        if "[" not in line and "]" not in line:
            return row
        if line.lstrip().startswith("[") and "]" not in line:
            tag = read_tag(line.strip().lstrip("["))
            if tag is not None:
                self._begin(tag)
                return row.blanked(0, len(line))
        shown = line.strip()[:30]
        raise RequestError(f'"{shown}" has a square bracket without its other half; tags are written [Chorus]')

    def sections(self) -> tuple[Section, ...]:
        """The form: as tagged, or from stanzas where there is no tag."""
        stanzas = [part for part in self._parts if part.tag is None and part.lines]
        inferred = iter(infer_sections([tuple(part.lines) for part in stanzas]))
        found: list[Section] = []
        earlier: dict[str | tuple[str, int | None], tuple[Line, ...]] = {}
        lines = 0
        for part in self._parts:
            if part.tag is None:
                if not part.lines:
                    continue
                found.append(replace(next(inferred), hints=tuple(part.hints)))
                earlier[found[-1].kind] = earlier[found[-1].kind, found[-1].number] = found[-1].lines
                lines += len(found[-1].lines)
                continue
            tag = part.tag
            again = not part.lines and not part.chords and tag.kind in earlier
            repeated = again and (tag.kind in _REFRAINS or (part.directed and tag.kind not in _PLAYED))
            if part.directed and not part.lines and not repeated and tag.kind in (*_REFRAINS, "verse", "bridge"):
                self.aside.append(part.source)  # nothing of that name is there to be repeated
                continue
            if part.lines and part.chords:
                self.aside.append(" ".join(part.chords))
            sung = earlier.get((tag.kind, tag.number), earlier[tag.kind]) if repeated else tuple(part.lines)
            section = Section(
                tag.kind, tag.number, tag.modifiers, sung, hints=tuple(part.hints), chords=tuple(part.chords)
            )
            found += [replace(section, repeated=repeated or turn > 0) for turn in range(tag.times)]
            if part.lines:
                earlier[tag.kind] = earlier[tag.kind, tag.number] = tuple(part.lines)
            lines += len(section.lines) * tag.times
            _refuse_many_lines(lines)
        bare = [name for part in self._parts if part.tag is None and not part.lines for name in part.chords]
        if bare and not found:
            found.append(Section("instrumental", None, (), (), chords=tuple(bare)))
        elif bare:
            self.aside.append(" ".join(bare))
        return tuple(found)


def _asks_for_none(text: str) -> bool:
    """Whether words say nothing but that there are none to sing."""
    words = re.findall(r"[a-z/]+", text.lower())
    if not 0 < len(words) <= _MOST_WORDS_FOR_NONE or re.search(r"[^\W\da-zA-Z_]", text):
        return False
    refused = any(word in _REFUSING for word in words) and any(word in _SUNG for word in words)
    sure = refused or any(word in _INSTRUMENTAL for word in words)
    return sure and all(word in _INSTRUMENTAL | _REFUSING | _SUNG | _BESIDE for word in words)


def _word_at(places: Sequence[tuple[int, int]], column: int) -> int:
    """The index of the word that stands at a column of its row, else of the next one."""
    return next((index for index, (_, end) in enumerate(places) if column < end), len(places))


def _shouted(rows: Iterable[Row]) -> bool:
    """Whether most words are written in capitals, which then mean nothing."""
    words = [word for row in rows for word in re.findall(r"[^\W\d_]{2,}", re.sub(r"\[[^\]]*\]", "", row.text))]
    return 2 * sum(word.isupper() for word in words) > len(words)


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


def _refuse_other_scripts(cleaned: str) -> None:
    without_overrides = re.sub(r"\{[^{}]*\}", "", cleaned)
    script, letters, total = foreign_script(without_overrides)
    if letters > total / 2:
        kana = re.search(r"[\u3040-\u30ff]", without_overrides)
        name = "Japanese" if kana else _WRITTEN_SO.get(script)
        raise RequestError(
            f"the lyrics are mostly in another script ({script}, {letters} of {total} letters"
            f"{f': {name}' if name else ''}); only English in Latin letters can be sung"
        )


def _refuse_many_lines(lines: int) -> None:
    if lines > LINES_LIMIT:
        raise RequestError(
            f"the lyrics come to {lines} lines with their repeats, at most {LINES_LIMIT}; shorten the song"
        )


def _check(lyrics: Lyrics, tags: int) -> None:
    """Refuses what cannot be sung for its length; needs the pronunciations."""
    from noisician.lyrics.singing import sung_line

    if not lyrics.lines and not tags and not any(section.chords for section in lyrics.sections):
        raise RequestError("the lyrics hold no words to sing; write some, or leave the lyrics out")
    refuse_other_languages(lyrics)
    for line in dict.fromkeys(lyrics.lines):
        count = sum(len(word.syllables) for word in sung_line(line, lyrics.language))
        if count > LINE_LIMIT_SYLLABLES:
            raise RequestError(
                f"line {line.number} of the lyrics has {count} syllables, at most {LINE_LIMIT_SYLLABLES}; "
                "break it into shorter lines"
            )
