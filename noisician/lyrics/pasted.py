"""What people paste as lyrics, made one plain form: rows of text with tags in square brackets.

HTML and escaped line ends, subtitles (LRC, SRT, WebVTT), ChordPro, chords above words, markdown and lines such as
"Style: …" are read here. What is taken out of a row leaves spaces, so that places stay those of the text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from noisician.lyrics.tags import is_direction, plain, read_heading, read_tag

_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]\w{1,30});", re.IGNORECASE)
_ESCAPED = re.compile(r"\\u(?!d[89a-f])([0-9a-f]{4})", re.IGNORECASE)
_BREAK = re.compile(r"[ \t]*(?:<br\s*/?>|</(?:p|div|li|tr)>)[ \t]*(?:\r\n|\r|\n)?", re.IGNORECASE)
_HTML_HEADING = re.compile(r"<h[1-6][^<>]*>(.*?)</h[1-6]>\s*", re.IGNORECASE | re.DOTALL)
_HTML_TAG = re.compile(
    r"</?(?:p|div|span|b|i|u|em|strong|font|a|li|ul|ol|pre|code|small|sub|sup|body|html|table|tr|td|center|blockquote)"
    r"(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)

_LINE_STAMP = re.compile(r"\[\d{1,3}:[0-5]?\d(?:[.:]\d{1,3})?\]")
_BARE_STAMP = re.compile(r"^\s*\(?\d{1,2}:[0-5]\d(?:[.:]\d{1,3})?\)?(?=\s|$)(?:\s+[-—|])?")
_WORD_STAMP = re.compile(r"<\d{1,3}:[0-5]?\d(?:[.:]\d{1,3})?>|<(?:\d{1,2}:)?[0-5]\d:[0-5]\d[.,]\d{3}>")
_LRC_HEAD = re.compile(r"\s*\[(ti|ar|al|au|by|lr|re|ve|tool|length|offset|la|#)\s*:([^\]]*)\]\s*", re.IGNORECASE)
_CUE = re.compile(
    r"\s*(?:(\d{1,2}):)?(\d{1,2}):(\d\d)[.,](\d{1,3})\s*-->\s*(?:(\d{1,2}):)?(\d{1,2}):(\d\d)[.,](\d{1,3}).*"
)
_CUE_MARK = re.compile(r"</?(?:[ibuvc]|ruby|rt|lang|font)(?:[.\s][^<>]*)?>|\{\\[^{}]*\}|[♪♫♬]", re.IGNORECASE)
#: Silence in seconds between two subtitles that parts them like an empty line.
_PARTING_S = 4.0

_CHORD_BODY = (
    r"[A-G][#b♯♭]?(?:(?:maj|min|dim|aug|sus|add|alt|omit|no|M|m|°|ø|Δ|\+|-)?(?:\d{1,2})?|[#b♯♭]\d{1,2}|\([^()\s]{1,8}\))*"
    r"(?:/[A-G][#b♯♭]?)?"
)
_CHORD = re.compile(rf"\(?(?:{_CHORD_BODY}|N\.?\s?C\.?)\*?\)?")
_NO_CHORD = re.compile(r"N\.?\s?C\.?", re.IGNORECASE)
_BAR_MARK = re.compile(r"[|:]+|,|%|/|-|[x×]\d|\(?(?:\d[x×]|[x×]\d)\)?|\.\.\.|…|—|>")
_BRACKETED = re.compile(r"\[([^\[\]\n]*)\]")
#: A string of a guitar's tablature.
_TABLATURE = re.compile(r"\s*[A-Ga-g]?[#b]?\s*[|:][-\d\shpbrtx/\\~|()^<>.*=]*")
_TABLATURE_DASHES = 4
_BEFORE_CHORDS = re.compile(r"\s*(?:\[(?P<tag>[^\[\]]+)\]|(?P<heading>[A-Za-z][\w -]{1,20}):)(?=\s)")
_DIRECTIVE = re.compile(r"\s*\{\s*([a-z_]+(?:-[a-z0-9]+)?)\s*(?:[:\s]\s*([^{}|]*))?\}\s*", re.IGNORECASE)
_INLINE_DIRECTIVE = re.compile(r"\{\s*([a-z_]+)\s*:\s*([^{}|]*)\}", re.IGNORECASE)
_SECTION_DIRECTIVES = {
    "start_of_chorus": "chorus", "soc": "chorus", "start_of_verse": "verse", "sov": "verse",
    "start_of_bridge": "bridge", "sob": "bridge",
}  # fmt: skip
_SECTION_ENDS = frozenset({"end_of_chorus", "eoc", "end_of_verse", "eov", "end_of_bridge", "eob"})
_GRIDS = ("start_of_grid", "sog")
_VERBATIM = {
    **dict.fromkeys(("start_of_tab", "sot"), ("end_of_tab", "eot")),
    **dict.fromkeys(_GRIDS, ("end_of_grid", "eog")),
}
_COMMENTS = frozenset({"comment", "c", "comment_italic", "ci", "comment_box", "cb", "highlight"})
_UNSUNG = frozenset(
    {"subtitle", "st", "artist", "composer", "lyricist", "copyright", "album", "year", "duration", "meta", "define",
     "chord", "new_page", "np", "new_physical_page", "npp", "column_break", "cob", "columns", "col", "new_song", "ns",
     "textfont", "tf", "textsize", "ts", "chordfont", "cf", "chordsize", "cs", "chordcolour", "textcolour", "tempofont",
     "titles", "pagetype", "grid", "g", "no_grid", "ng", "sorttitle", "arranger", "transpose", "x_notes"}
)  # fmt: skip

_LABEL = re.compile(r"\s*([A-Za-z][A-Za-z ]{1,28}?)\s*[:=]\s*(\S.*?)\s*")
_TITLES = frozenset({"title", "song", "song title", "name", "song name", "track"})
#: What is offered as prompt, and how it is worded there.
_STYLES = {
    "style": "{}", "styles": "{}", "genre": "{}", "genres": "{}", "mood": "{}", "moods": "{}", "tags": "{}",
    "style of music": "{}", "music style": "{}", "prompt": "{}", "style prompt": "{}", "music": "{}", "feel": "{}",
    "vibe": "{}", "sound": "{}", "instruments": "{}", "instrumentation": "{}", "description": "{}", "arrangement": "{}",
    "vocals": "{} vocals", "vocal": "{} vocals", "voice": "{} voice", "vocal style": "{} vocals", "singer": "{} voice",
    "key": "in {}", "tempo": "{} bpm", "bpm": "{} bpm", "time": "{}", "time signature": "{}", "meter": "{}",
    "metre": "{}",
}  # fmt: skip
_FIGURES = {
    "key": re.compile(r"[A-G][#b♯♭]?\s?(?:m|min|maj|minor|major|dorian|mixolydian|lydian|phrygian)?", re.IGNORECASE),
    **dict.fromkeys(("tempo", "bpm"), re.compile(r"~?\d{2,3}\s?(?:bpm)?|[a-z ]{4,12}", re.IGNORECASE)),
    **dict.fromkeys(("time", "time signature", "meter", "metre"), re.compile(r"\d{1,2}/\d{1,2}")),
    **dict.fromkeys(("voice", "vocal", "singer"), re.compile(r"[\w ,/&-]{3,40}")),
}
_NAMED = frozenset(
    {"artist", "artists", "by", "written by", "author", "authors", "composer", "composed by", "music by", "words by",
     "lyrics by", "lyricist", "songwriter", "songwriters", "producer", "produced by", "performed by", "copyright",
     "album", "year", "released", "release date", "label", "publisher", "language", "duration", "length", "tuning",
     "difficulty", "source", "chords used", "strumming",
     "strumming pattern", "note", "notes", "key of", "tabbed by", "transcribed by", "license", "licence", "feat",
     "featuring"}
)  # fmt: skip
_CAPO = re.compile(r"\s*capo\s*:?\s*(?:on\s+|at\s+)?(?:the\s+)?(\d{1,2})(?:st|nd|rd|th)?(?:\s*fret)?\s*", re.IGNORECASE)
_LYRICS_LABEL = re.compile(r"\s*(?:lyrics|words|text|song lyrics)\s*:?\s*", re.IGNORECASE)
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_LINK = re.compile(r"\[([^\[\]\n]*)\]\((?:https?://|/|#)[^()\s]*\)")
_RULE = re.compile(r"\s*(?:[-*_=~—]\s*){3,}|\s*[-*_=~—]{3,}\s*|\s*(?:```|~~~)\w*\s*|\s*\|?(?:\s*:?-{3,}:?\s*\|)+\s*")
_HEADING_MARK = re.compile(r"\s*(#{1,6})\s+(.*?)\s*#*\s*")
_WHOLE_BOLD = re.compile(r"\s*(\*{1,3}|_{1,3}|={2,}|-{2,}|—+|~{1,3}|<{1,2}|«|\||\{)\s*([^*_{}|]+?)\s*:?\s*"
                         r"(?:\*{1,3}|_{1,3}|={2,}|-{2,}|—+|~{1,3}|>{1,2}|»|\||\})\s*:?\s*")  # fmt: skip
_EMPHASIS = re.compile(r"(\*{1,3}|(?<!\w)_{1,3})(?=\S)([^*_\n]+?)(?<=\S)(?:\1)(?!\w)")
_BULLET = re.compile(r"\s*(?:[>•▪‣·*+]|-(?=\s))\s+|\s*>+\s*")
_NUMBERED = re.compile(r"\s*\d{1,3}[.)]\s+(?=\S)")
_RULED_SHARE = 0.5


@dataclass(frozen=True)
class Row:
    """One line. ``text`` has plain quotes and line ends; ``shown`` is as it was written, as long; both begin at
    ``offset`` of the text. ``number`` counts from 1. ``chords`` are (column, name)."""

    number: int
    offset: int
    text: str
    shown: str
    chords: tuple[tuple[int, str], ...] = ()

    @property
    def is_blank(self) -> bool:
        return not self.text.strip() and not self.chords

    def blanked(self, start: int, end: int) -> Row:
        """The row with spaces from ``start`` to ``end``."""
        return self.written_over(start, " " * (end - start))

    def written_over(self, start: int, text: str) -> Row:
        """The row with ``text`` from ``start`` on, as long as before."""
        end = start + len(text)
        return replace(
            self, text=self.text[:start] + text + self.text[end:], shown=self.shown[:start] + text + self.shown[end:]
        )

    def without(self, pattern: re.Pattern[str]) -> Row:
        """The row with spaces for every match."""
        row = self
        for match in pattern.finditer(self.text):
            row = row.blanked(*match.span())
        return row

    def tagged(self, tag: str) -> Row:
        """A row that is the tag and nothing else."""
        return replace(self, text=f"[{tag}]", shown=f"[{tag}]", chords=())

    @property
    def emptied(self) -> Row:
        return replace(self, text="", shown="", chords=())


@dataclass
class Pasted:
    """Rows to read, and what was found beside them. ``aside`` are texts that are not sung."""

    rows: list[Row]
    title: str | None = None
    wishes: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    capo: int = 0


def unescaped(text: str) -> str:
    """``text`` with entities, HTML and written-out line ends and characters as what they stand for."""
    text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    if "\\n" in text:
        text = re.sub(r"\\r\\n|\\n|\\r", "\n", text).replace("\\t", " ").replace('\\"', '"').replace("\\'", "'")
    if _ENTITY.search(text):
        text = _ENTITY.sub(lambda match: html.unescape(match.group()), text)
        text = _ENTITY.sub(lambda match: html.unescape(match.group()), text)
    if "<" in text and (_BREAK.search(text) or _HTML_TAG.search(text) or _HTML_HEADING.search(text)):
        text = _HTML_HEADING.sub(lambda match: f"\n## {match[1].strip()}\n", text)
        text = _BREAK.sub("\n", text)
        text = _HTML_TAG.sub("", text)
    return text


def without_word_stamps(text: str) -> str:
    """Timed lyrics without the times of their words, which nobody follows and which are longer than the words."""
    return _WORD_STAMP.sub("", text) if _LINE_STAMP.search(text) or "-->" in text else text


def read_pasted(cleaned: str, written: str) -> Pasted:
    """The rows of a text; ``written`` is as long as ``cleaned`` and has its marks as they were."""
    rows, offset = [], 0
    for number, line in enumerate(cleaned.split("\n"), start=1):
        rows.append(Row(number, offset, line, written[offset : offset + len(line)]))
        offset += len(line) + 1
    pasted = Pasted(rows)
    for step in (_timed_text, _chord_pro, _markdown, _labels, _chord_lines):
        step(pasted)
    return pasted


# Subtitles


def _timed_text(pasted: Pasted) -> None:
    first = next((row.text for row in pasted.rows if row.text.strip()), "")
    if first.lstrip("\u00ad").startswith("WEBVTT") or sum(bool(_CUE.fullmatch(row.text)) for row in pasted.rows) > 0:
        _subtitles(pasted)
    elif any(_LINE_STAMP.match(row.text.lstrip()) for row in pasted.rows):
        _lrc(pasted)
    elif _share(_BARE_STAMP, pasted.rows) > _RULED_SHARE:
        pasted.rows = [row.without(_BARE_STAMP) for row in pasted.rows]
    else:
        return
    pasted.notes.append("the times of the lines are not followed: each line gets the bars that it needs")


def _share(pattern: re.Pattern[str], rows: Sequence[Row]) -> float:
    """The share of rows with text that begin so; 0 for less than two."""
    filled = [row for row in rows if not row.is_blank]
    count = sum(bool(pattern.match(row.text)) for row in filled)
    return count / len(filled) if count > 1 else 0.0


def _lrc(pasted: Pasted) -> None:
    """Stamped lines in order of time; a line with several stamps comes as often."""
    heads: list[Row] = []
    timed: list[tuple[float, int, Row]] = []
    latest = 0.0
    for place, row in enumerate(pasted.rows):
        head = _LRC_HEAD.fullmatch(row.text)
        if head is not None:
            if head[1].lower() == "ti" and head[2].strip():
                pasted.title = head[2].strip()
            elif head[1].lower() not in ("length", "offset", "ve", "re", "tool", "#", "la") and head[2].strip():
                pasted.aside.append(head[2].strip())
            continue
        stamps, end = [], len(row.text) - len(row.text.lstrip())
        while match := _LINE_STAMP.match(row.text, end):
            stamps.append(_seconds(match.group()))
            end = match.end() + len(row.text[match.end() :]) - len(row.text[match.end() :].lstrip())
        words = row.blanked(0, end).without(_WORD_STAMP)
        if not stamps and not timed:
            heads.append(words)
            continue
        for stamp in stamps or [latest]:
            timed.append((stamp, place, words))
        latest = max(stamps, default=latest)
    pasted.rows = [*heads, *(row for _, _, row in sorted(timed, key=lambda entry: entry[:2]))]


def _seconds(stamp: str) -> float:
    minutes, _, rest = stamp.strip("[]<>").partition(":")
    return 60 * int(minutes) + float(rest.replace(":", "."))


def _subtitles(pasted: Pasted) -> None:
    """The lines of the cues, parted where nothing is sung for a while; what stands between them is not sung."""
    rows: list[Row] = []
    end_s, inside = 0.0, False
    for row in pasted.rows:
        cue = _CUE.fullmatch(row.text)
        if cue is not None:
            start, end = (_cue_seconds(cue.groups()[at : at + 4]) for at in (0, 4))
            if rows and start - end_s >= _PARTING_S:
                rows.append(row.emptied)
            end_s, inside = end, True
        elif row.is_blank:
            inside = False
        elif inside:
            rows.append(row.without(_WORD_STAMP).without(_CUE_MARK))
        elif read_tag(row.text.strip("[] ")) and row.text.strip().startswith("["):
            rows.append(row)
        elif not row.text.strip().isdigit() and not row.text.strip().startswith("WEBVTT"):
            pasted.aside.append(row.shown.strip())
    pasted.rows = rows


def _cue_seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = parts
    return 3600 * int(hours or 0) + 60 * int(minutes or 0) + int(seconds or 0) + float(f"0.{fraction}")


# Chords


def is_chord(text: str) -> bool:
    return bool(_CHORD.fullmatch(text))


def _chord_name(text: str) -> str:
    return (
        "N"
        if _NO_CHORD.fullmatch(text.strip("()*"))
        else text.rstrip("*").strip("()")
        if text[0] == "("
        else text.rstrip("*")
    )


def _chord_pro(pasted: Pasted) -> None:
    """Directives become tags; ``[Am]`` becomes a chord at its place."""
    rows: list[Row] = []
    until: tuple[str, ...] = ()
    directives = any(_directive(row.text) for row in pasted.rows)
    for row in pasted.rows:
        directive = _directive(row.text)
        if until:
            if directive and directive[0] in until:
                until = ()
            continue
        if directive is None:
            if directives and row.text.startswith("#") and not row.text.startswith("##"):
                pasted.aside.append(row.shown[1:].strip())
                continue
            rows.append(_with_bracketed_chords(_without_directives(pasted, row)))
            continue
        name, value = directive
        if name in _VERBATIM:
            until = _VERBATIM[name]
            if name not in _GRIDS:  # whose chords are played
                pasted.aside.append(f"{{{name}}}")
        else:
            rows += _from_directive(pasted, row, name, value)
    pasted.rows = rows


def _without_directives(pasted: Pasted, row: Row) -> Row:
    """The row without directives among its words: what is said of the music stands there as a tag."""
    for match in _INLINE_DIRECTIVE.finditer(row.text):
        if _directive(match.group()) is None:
            continue
        name, value = match[1].lower(), (match[2] or "").strip()
        tags = list(_from_directive(pasted, row, name, value))
        width = match.end() - match.start()
        tag = next((one.text for one in tags if one.text and len(one.text) <= width), "").ljust(width)
        row = row.written_over(match.start(), tag)
    return row


def _directive(text: str) -> tuple[str, str] | None:
    match = _DIRECTIVE.fullmatch(text)
    if match is None:
        return None
    name, value = match[1].lower(), (match[2] or "").strip()
    known = (
        name.startswith(("start_of_", "end_of_")) or name in _SECTION_DIRECTIVES or name in _SECTION_ENDS
        or name in _VERBATIM or name in _COMMENTS
        or name in _UNSUNG or name in ("title", "t", "key", "tempo", "time", "capo", "chorus") or name.startswith("x_")
        or any(name in ends for ends in _VERBATIM.values())
    )  # fmt: skip
    return (name, value) if known and (value or ":" not in text) else None


def _from_directive(pasted: Pasted, row: Row, name: str, value: str) -> Iterator[Row]:
    part = re.fullmatch(r"start_of_(\w+)", name)
    if name in _SECTION_DIRECTIVES or part is not None:
        kind = _SECTION_DIRECTIVES.get(name) or (part[1].replace("_", " ") if part else "")
        label = value.partition("=")[2].strip("\"' ") or value
        yield row.tagged(label if read_tag(label) else f"{kind}: {label}" if label else kind)
    elif name in _SECTION_ENDS or name.startswith("end_of_"):
        yield row.emptied
        yield row.tagged(_AFTER)
    elif name == "chorus":
        yield row.tagged("chorus")
    elif name in ("title", "t"):
        pasted.title = pasted.title or value
    elif name in ("key", "tempo", "time"):
        pasted.wishes.append(_STYLES[name].format(value))
    elif name == "capo" and value.isdigit():
        pasted.capo = int(value) % 12
    elif name in _COMMENTS:
        yield row.tagged(value)
    elif value and name != "define":
        pasted.aside.append(value)


#: A tag of our own: what follows belongs to no section that was named.
_AFTER = "\u00ad"


def ends_section(content: str) -> bool:
    """Whether a tag says that the section before it is over."""
    return content == _AFTER


def _with_bracketed_chords(row: Row) -> Row:
    chords: list[tuple[int, str]] = list(row.chords)
    result = row
    for match in _BRACKETED.finditer(row.text):
        name = match[1].strip()
        if name and is_chord(name):
            chords.append((match.start(), _chord_name(name)))
            result = result.blanked(*match.span())
        elif name.startswith("*"):  # an annotation of ChordPro
            result = result.written_over(match.start(), f"[{name[1:].strip()}]".ljust(match.end() - match.start()))
    if not chords:
        return row
    return _closed_up(replace(result, chords=tuple(chords)), row)


def _closed_up(result: Row, row: Row) -> Row:
    """``to[Am]night`` is one word: the letters on both sides of a chord come together, spaces go to the end."""
    text, shown, chords = result.text, result.shown, list(result.chords)
    for match in reversed(list(_BRACKETED.finditer(row.text))):
        start, end = match.span()
        inside = start > 0 and end < len(row.text) and row.text[start - 1].isalpha() and row.text[end].isalpha()
        if inside and is_chord(match[1].strip()):
            width = end - start
            text, shown = text[:start] + text[end:] + " " * width, shown[:start] + shown[end:] + " " * width
            chords = [(at - width if at >= end else at, name) for at, name in chords]
    return replace(result, text=text, shown=shown, chords=tuple(chords))


def _chord_lines(pasted: Pasted) -> None:
    """Lines of chords go to the words below them; without words below they stay rows of chords alone."""
    sure = any(_chords_in(row.text, sure=False) and _is_unmistakable(row.text) for row in pasted.rows)
    rows: list[Row] = []
    waiting: Row | None = None
    for row in _parted_from_tags(pasted, sure):
        chords = _chords_in(row.text, sure)
        if chords:
            if waiting is not None:
                rows.append(waiting)
            waiting = replace(row.emptied, chords=tuple(chords))
            continue
        if waiting is not None:
            if row.is_blank or row.text.strip().startswith("["):
                rows.append(waiting)
            else:
                row = replace(row, chords=(*waiting.chords, *row.chords))
            waiting = None
        rows.append(row)
    pasted.rows = [*rows, *([waiting] if waiting is not None else [])]


def _parted_from_tags(pasted: Pasted, sure: bool) -> Iterator[Row]:
    """The rows with "[Intro] C G Am" as two, and without tablature."""
    for row in pasted.rows:
        if (
            _TABLATURE.fullmatch(row.text)
            and row.text.count("-") >= _TABLATURE_DASHES
            and not is_chord(row.text.strip(" |:"))
        ):
            pasted.aside.append(row.shown.strip())
            yield row.emptied
            continue
        before = _BEFORE_CHORDS.match(row.text)
        if before is not None and _chords_in(row.text[before.end() :], sure):
            name = before["tag"] or before["heading"]
            if read_tag(name) is not None:
                yield row.tagged(name)
                yield row.blanked(0, before.end())
                continue
        yield row


def _chords_in(text: str, sure: bool) -> list[tuple[int, str]]:
    """(column, name) of each chord where a line holds nothing else; a line of bare letters is one only where the text
    has others, or its spaces say so."""
    found: list[tuple[int, str]] = []
    for match in re.finditer(r"[^\s|,]+|\|+:?|,", text):
        token = match.group()
        if is_chord(token):
            found.append((match.start(), _chord_name(token)))
        elif not _BAR_MARK.fullmatch(token):
            return []
    return found if found and (sure or _is_unmistakable(text)) else []


def _is_unmistakable(text: str) -> bool:
    tokens = [token for token in re.findall(r"[^\s|,]+", text) if is_chord(token)]
    return bool(
        "|" in text
        or re.search(r"\S\s{2,}\S", text)
        or any(len(token) > 2 or (len(token) == 2 and token[1] in "#bm♯♭0123456789") for token in tokens)
    )


# Markdown and labels


def _markdown(pasted: Pasted) -> None:
    numbered = _share(_NUMBERED, pasted.rows) > _RULED_SHARE
    rows: list[Row] = []
    for row in pasted.rows:
        row = _linked(row)
        if _URL.search(row.text):
            pasted.aside += _URL.findall(row.shown)
            row = row.without(_URL)
        if _RULE.fullmatch(row.text):
            rows.append(row.emptied)
            continue
        heading = _HEADING_MARK.fullmatch(row.text)
        if heading is not None:
            rows.append(_headed(pasted, row, heading[2]))
            continue
        bold = _WHOLE_BOLD.fullmatch(row.text)
        if bold is not None and not _LABEL.fullmatch(bold[2]):
            words = plain(bold[2].strip("()"))
            if row.text.strip()[0] in "*_~<" and is_direction(words, alone=True) and read_heading(words) is None:
                rows.append(replace(row, text=f"({words})", shown=f"({words})"))
                continue
            if read_heading(bold[2], marked=True):
                rows.append(row.tagged(plain(bold[2])))
                continue
        bullet = _BULLET.match(row.text) or (numbered and _NUMBERED.match(row.text))
        if bullet:
            row = row.blanked(*bullet.span())
        rows.append(_without_emphasis(row))
    pasted.rows = rows


def _linked(row: Row) -> Row:
    for match in reversed(list(_LINK.finditer(row.text))):
        row = row.blanked(match.start(), match.start() + 1).blanked(match.end(1), match.end())
    return row


def _without_emphasis(row: Row) -> Row:
    for match in list(_EMPHASIS.finditer(row.text)):
        row = row.blanked(*match.span(1)).blanked(match.end(2), match.end())
    for match in re.finditer("`", row.shown):
        row = row.blanked(*match.span())
    return row


def _headed(pasted: Pasted, row: Row, text: str) -> Row:
    """What a heading is: a section, the title, or something that is not sung."""
    text = re.sub(r"[*_`]+", "", text).strip()
    bare = text.strip("[]").strip()
    if read_heading(bare, marked=True) or (text.startswith("[") and read_tag(bare)):
        return row.tagged(bare)
    if _LABEL.fullmatch(text) or _LYRICS_LABEL.fullmatch(text):
        return replace(row, text=text.ljust(len(row.text)), shown=text.ljust(len(row.text)))
    if pasted.title is None and bare:
        pasted.title = bare
    elif bare:
        pasted.aside.append(bare)
    return row.emptied


def _labels(pasted: Pasted) -> None:
    rows: list[Row] = []
    for row in pasted.rows:
        bare = re.sub(r"^[\s*_\[]+|[\s*_\]]+$", "", re.sub(r"\*+|__", "", row.text))
        capo = _CAPO.fullmatch(bare)
        label = _LABEL.fullmatch(bare)
        if capo is not None:
            pasted.capo = int(capo[1]) % 12
        elif (_LYRICS_LABEL.fullmatch(bare) and bare.endswith(":")) or bare.lower() == "lyrics":
            pass
        elif label is None or not _take_label(pasted, label[1].lower(), label[2]):
            rows.append(row)
            continue
        rows.append(row.emptied)
    pasted.rows = rows


def _take_label(pasted: Pasted, name: str, value: str) -> bool:
    """Whether a line is "Style: …" and the like, whose value is taken."""
    if name in _TITLES:
        if pasted.title is None:
            pasted.title = value
        elif value != pasted.title:
            pasted.aside.append(value)
        return True
    wanted = _FIGURES.get(name)
    if name in _STYLES and (wanted is None or wanted.fullmatch(value)):
        wording = _STYLES[name]
        last = wording.split()[-1]
        pasted.wishes.append(value if last != "{}" and last in value.lower() else wording.format(value))
        return True
    if name in _NAMED:
        pasted.aside.append(f"{name}: {value}")
        return True
    return False
