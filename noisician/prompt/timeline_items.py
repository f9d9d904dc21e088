"""What a clause of a wish is put together of: when, who, and what is done (``timeline.toml`` has the words)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from noisician.prompt.controls import EVERYONE, Moment
from noisician.prompt.lexicon import Effect, lexicon
from noisician.prompt.numbers import NUMBER_WORDS, number
from noisician.prompt.text import Token, tokenize
from noisician.prompt.wish_readers import named_ids
from noisician.prompt.wish_words import KINDS, NTH

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

START, END = Moment(section="piece"), Moment(section="piece", nth=-1)


@dataclass(frozen=True)
class Time:
    """When: ``how`` a moment is meant, and for how long.

    "at" a moment; "first" and "last": a stretch of ``amount`` units at the start, or the end; "later": so much after
    what came before (0: next); "for": how long; "until" a moment; "range": from a moment until ``end``.
    """

    how: str
    moment: Moment | None = None
    amount: float = 0.0
    unit: str = ""  # "s", "bar" or "beat"
    end: Moment | None = None
    header: bool = False  # it holds until the next one: "[Chorus]", "verse:"


@dataclass(frozen=True)
class Item:
    """Characters ``start`` … ``end − 1`` and what they are: a time, a deed, a "no", or who: ids, or "same"."""

    start: int
    end: int
    time: Time | None = None
    deed: str | None = None
    who: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    no: bool = False
    covered: bool = False  # nobody else reads who it is
    said: str = ""  # the words of a deed


_NUMBER = r"(?:\d{1,3}|" + "|".join(sorted((w.replace("-", "[- ]") for w in NUMBER_WORDS), key=len, reverse=True)) + ")"
_UNIT = r"(?:seconds?|secs?|s|minutes?|mins?|bars?|measures?|beats?)"
_ONE = r"(?P<n>)(?P<unit>minute|bar|beat|measure|second)\b"
_LENGTH = rf"(?P<n>{_NUMBER}|an?|half an?)[- ]?(?P<unit>{_UNIT})\b"
_CLOCK = (
    r"(?:(?P<m>\d{1,2}):(?P<s>[0-5]\d)(?: mark| minutes?)?|(?:bar|measure) (?P<bar>\d{1,3})"
    rf"|(?P<n>{_NUMBER}|an?)[- ]?(?P<unit>{_UNIT})\b(?: mark| in\b)?|minute (?P<minute>{_NUMBER}))"
)
_KIND_WORDS: Mapping[str, str] = {
    **{word: kind for word, kind in KINDS.items() if kind != "solo"}, "interlude": "break", "instrumental": "break", "coda": "outro", "tag": "outro", "hooks": "chorus",
    "solo section": "solo", "introduction": "intro", "refrains": "chorus", "couplet": "verse", "buildup": "build",
    "outros": "outro", "half": "half", "part": "part", "section": "part", "phase": "part", "act": "part",
    "movement": "part", "pre-chorus": "pre_chorus", "opening section": "intro", "shout chorus": "chorus",
}  # fmt: skip
_KIND = "|".join(re.escape(w).replace(r"\ ", "[- ]") for w in sorted(_KIND_WORDS, key=len, reverse=True))
_NTHS: Mapping[str, int] = {**NTH, "third": 3, "fourth": 4, "opening": 1, "closing": -1, "only": 0, "all": 0, "both": 0}
_NTH = "|".join(sorted(_NTHS, key=len, reverse=True))
_SECTION = rf"(?:the |an? |each |its |every )?(?:(?P<nth>{_NTH}) )?(?P<kind>{_KIND})(?: (?P<no>[1-4]|one|two|three|four))?\b"
#: What so long a stretch can be: "thirty seconds tense".
_LEVELS = "tense|calm|quiet|loud|relief|relaxed|soft|silence|chaos|intense|dark|slow|fast|nothing|peace|tension|suspense|build"
_IN = (
    r"(?:in|during|for|at|on|over|under|into|from|through|throughout|across|when|once|as soon as|leading into|behind)"
)
_OPENS = r"(?:starts?|starting|begins?|beginning|opens|open(?= (?:with|on|off|up with))|opening|kicks? off|started|commences?)"
_CLOSES = r"(?:ends?|ending|finish(?:es)?|finishing|closes|close(?= (?:with|on|out))|closing|concludes?|ended)"


def _units(n: str, unit: str) -> tuple[float, str]:
    value = 0.5 if n.lower().startswith("half") else 1.0 if n.lower() in ("", "a", "an") else number(n)
    kind = unit.lower()[:1]
    return (value * 60, "s") if kind == "m" and not unit.lower().startswith("mea") else (
        value, {"s": "s", "b": "beat" if unit.lower().startswith("beat") else "bar"}.get(kind, "bar")
    )  # fmt: skip


def _moment(m: re.Match[str], prefix: str = "") -> Moment:
    """Of a clock."""
    groups = {name.removeprefix(prefix): said for name, said in m.groupdict().items() if name.startswith(prefix)}
    if groups.get("bar"):
        return Moment(bar=int(groups["bar"]))
    if groups.get("minute"):
        return Moment(at_s=60 * number(groups["minute"]))
    if groups.get("m"):
        return Moment(at_s=60.0 * int(groups["m"]) + int(groups["s"]))
    amount, unit = _units(groups["n"], groups["unit"])
    return Moment(bar=int(amount) + 1) if unit == "bar" else Moment(at_s=amount)


def _section(m: re.Match[str]) -> Moment | None:
    kind = _KIND_WORDS[re.sub(r"[-\s]+", " ", m["kind"].lower())] if m["kind"].lower() != "pre-chorus" else "pre_chorus"
    nth = _NTHS[m["nth"].lower()] if m["nth"] else None
    if m["no"]:
        nth = int(number(m["no"]))
    if kind in ("part", "half"):
        if nth is None:
            return None
        return {1: START, -1: END, 2: Moment(section="middle")}.get(nth) if kind == "half" else Moment(
            section="piece", nth=nth
        )
    if kind == "middle":
        return Moment(section="middle")
    ends = m["kind"].lower() in ("end", "ending", "finale", "final")
    plural = m["kind"].lower().endswith(("verses", "choruses", "drops", "breakdowns", "bridges"))
    return Moment(section=kind, nth=nth if nth is not None else -1 if ends else 0 if plural else 1)


def _of_section(how: str = "at", *, side: str | None = None, header: bool = False) -> _Reader:
    def read(m: re.Match[str]) -> Time | None:
        moment = _section(m)
        if moment is None:
            return None
        amount = float(m["n"]) if m.groupdict().get("n") and header else 0.0
        moment = moment.model_copy(update={"side": side}) if side else moment
        return Time(how, moment, amount, "bar" if amount else "", header=header)

    return read


def _length(how: str) -> _Reader:
    def read(m: re.Match[str]) -> Time:
        amount, unit = _units(m["n"], m["unit"])
        return Time(how, amount=amount, unit=unit)

    return read


def _after_first(m: re.Match[str]) -> Time:
    amount, unit = _units(m["n"] or m["n_"] or "", m["unit"] or m["unit_"])
    return Time("after", Moment(bar=int(amount) + 1) if unit == "bar" else Moment(at_s=amount), amount, unit)


def _until_last(m: re.Match[str]) -> Time:
    amount, unit = _units(m["n"] or m["n_"] or "", m["unit"] or m["unit_"])
    return Time("last", amount=amount, unit=unit)


def _span(m: re.Match[str]) -> Time:
    amount, unit = _units(m["n"] or m["n_"], m["unit"] or m["unit_"])
    return Time("for", amount=amount, unit=unit)


def _range(m: re.Match[str]) -> Time:
    return Time("range", _moment(m, "a_"), end=_moment(m, "b_"))


def _fixed(time: Time) -> _Reader:
    return lambda m: time


def _bars(m: re.Match[str]) -> Time:
    """ "bars 1 to 8": until the ninth begins."""
    first = int(m["a_bar"])
    start = START if first == 1 else Moment(bar=first)
    return Time("range", start, end=Moment(bar=int(m["b_bar"]) + 1))


def _prefixed(prefix: str) -> str:
    return re.sub(r"\(\?P<(\w+)>", rf"(?P<{prefix}\1>", _CLOCK)


_Reader = Callable[["re.Match[str]"], "Time | None"]
_AFTER_START = r"(?=\s*(?:,|$|[a-z]))"
_BE = r"(?=\s*(?::|,|is\b|are\b|should\b|must\b|has\b|have\b|with\b|in\b|goes?\b|gets?\b|becomes?\b|only\b|just\b|no\b|without\b|will\b|be\b|can\b|stays?\b|very\b|\w))"
_TIMES: tuple[tuple[str, _Reader], ...] = (
    (r"(?<![\d:])(?P<a_m>\d{1,2}):(?P<a_s>[0-5]\d) ?(?:-|–|to|until|till) ?(?P<b_m>\d{1,2}):(?P<b_s>[0-5]\d)(?![\d:])", _range),
    (r"\b(?:bars?|measures?) (?P<a_bar>\d{1,3}) ?(?:-|–|to|through|until) ?(?P<b_bar>\d{1,3})\b", _bars),
    (rf"\b(?:from|between) {_prefixed('a_')} (?:to|until|till|-|–|and|through) {_prefixed('b_')}", _range),
    (rf"\bafter (?:the )?first (?:{_LENGTH}|{_ONE.replace('<n>', '<n_>').replace('<unit>', '<unit_>')})", _after_first),
    (rf"\b(?:(?:for|in|during|over) )?(?:the )?(?:first|opening|initial) {_LENGTH}", _length("first")),
    (rf"\b(?:(?:for|in|during|over|within) )?(?:the )?(?:last|final|closing) {_LENGTH}", _length("last")),
    (rf"\b(?:(?:for|in|during|over) )?the first {_ONE}", _length("first")),
    (rf"\b(?:until|till) the (?:last|final) (?:{_LENGTH}|{_ONE.replace('<n>', '<n_>').replace('<unit>', '<unit_>')})", _until_last),
    (rf"\b(?:(?:for|in|during|over|within) )?the (?:last|final) {_ONE}", _length("last")),
    (rf"\b(?:another )?{_LENGTH} (?:later|after that|afterwards|further on)\b", _length("later")),
    (rf"\bafter another (?:(?P<n>{_NUMBER}))(?: (?P<unit>bars?|seconds?|secs?|minutes?|beats?)\b)?",
     lambda m: Time("later", amount=_units(m["n"], m["unit"] or "bars")[0], unit=_units(m["n"], m["unit"] or "bars")[1])),
    (rf"\b(?:until|till|up to|up until)(?: about| around)? (?:the )?(?:end|very end|finish)\b", _fixed(Time("until", END))),
    (r"\b(?:before (?:that|this|then)|until then|till then|up (?:to|until) (?:then|that|this)(?: point)?)\b", _fixed(Time("at", START))),
    (rf"\b(?:until|till|up to|up until)(?: about| around)? (?:the )?{_CLOCK}", lambda m: Time("until", _moment(m))),
    (r"\b(?:until|till|up to|up until|(?<=nothing[ ])before) (?:after )?(?=.)" + _SECTION, _of_section("until")),
    (r"\b(?:after that|from there(?: on)?|from then on(?:wards?)?|from that point(?: on)?|afterwards?|next|subsequently|followed by|thereafter)\b",
     _fixed(Time("later"))),
    (rf"\bafter (?:about |around |roughly )?{_LENGTH}", lambda m: Time("after", _moment_of_length(m), *_units(m["n"], m["unit"]))),
    (rf"\b(?:around|about|roughly) (?:the )?{_CLOCK}(?<!mark)(?! mark)", lambda m: Time("with", _moment(m))),
    (rf"\b(?:after|past|since|before|in|on) (?:about |around |roughly )?(?P<n>)(?P<unit>)(?P<minute>)(?:(?P<m>\d{{1,2}}):(?P<s>[0-5]\d)(?: mark)?|(?:bar|measure) (?P<bar>\d{{1,3}}))",
     lambda m: Time("until" if m.group().lower().startswith("before") else "at", _moment(m))),
    (rf"\b(?:at|from|by|@|on|around|about|starting at|starting from|beginning at)(?: (?:around|about|exactly|roughly|the))* {_CLOCK}(?: on(?:wards?)?\b)?",
     lambda m: Time("at", _moment(m))),
    (rf"(?<![\w-]){_LENGTH} in\b(?! the| total| length| a)", lambda m: Time("at", _moment_of_length(m))),
    (r"\((?P<m>\d{1,2}):(?P<s>[0-5]\d)\)", lambda m: Time("at", _moment_mmss(m))),
    (rf"(?:(?<=^)|(?<=[.,;\n][ ])|(?<=\bthen[ ])|(?<=\band[ ])){_LENGTH} (?:of )?(?={_LEVELS})(?=.*\b(?:then|followed|before)\b)|(?<=\bthen[ ]){_LENGTH.replace('<n>', '<n_>').replace('<unit>', '<unit_>')} (?:of )?(?={_LEVELS})", _span),
    (rf"\b(?:of|lasting) {_LENGTH}(?! of)|(?<=tro[ ]){_LENGTH.replace('<n>', '<n_>').replace('<unit>', '<unit_>')} of(?= just| only)", _span),
    (rf"\bfor (?:about |around |like |exactly )?{_LENGTH}(?! (?:piece|track|song))", _length("for")),
    (r"\b(?:from )?half[- ]?way(?: through| in)?(?: the (?:song|piece|track))?\b|\bmid[- ]?way(?: through)?\b|\b(?:in|at|from|around|for|through) the (?:very )?(?:middle|centre|center)(?: (?:of the (?:song|piece|track)|part))?\b"
     r"|\b(?:in|for|from|during) (?:the )?second half(?: of the (?:song|piece|track))?\b", _fixed(Time("at", Moment(section="middle")))),
    (r"\b(?:at|from|in|right from|right at|since) the (?:very )?(?:start|beginning|outset|first (?:beat|bar|note|second)|get[- ]go|top|word go)\b|\bat first\b|\binitially\b|\bto (?:begin|start)(?: (?:with|off))?\b|\b(?:in|for|during) (?:the )?first half\b",
     _fixed(Time("at", START))),
    (r"\b(?:at|in|by|towards?|near|for|before|into|on|to) the (?:very )?(?:end|ending|finish|close|finale)(?: of the (?:song|piece|track))?\b|\bat last\b|\bin the end\b|\bfinally\b|\blast of all\b|\bto (?:finish|close|end)(?: (?:with|off|on))?\b",
     _fixed(Time("at", END))),
    (r"\bbetween (?:the |each )?(?:choruses|verses)\b|\binterlude\b(?: between (?:the )?(?:choruses|verses))?", _fixed(Time("at", Moment(section="break")))),
    (rf"\b(?:right |just )?(?:before|ahead of|leading up to|going into) {_SECTION}", _of_section(side="before")),
    (rf"\b(?:right |just )?after (?:that ){_SECTION}", _of_section("after that")),
    (rf"\b(?:right |just )?after {_SECTION}", _of_section(side="after")),
    (rf"\[{_SECTION}[^\]]*\]", _of_section(header=True)),
    (rf"(?:(?<=^)|(?<=[.,;\n][ ])|(?<=[\n(]))(?:the )?{_SECTION}\s*(?:\((?P<n>\d{{1,3}}) ?(?P<unit>bars?)\)\s*)?(?::|=|-(?= ))", _of_section(header=True)),
    (r"\b(?P<letter>[AB])(?:[- ](?:section|part))\b", lambda m: Time("subject", Moment(section="piece", nth=1 if m["letter"].upper() == "A" else 2))),
    (rf"\b{_IN} {_SECTION}(?: (?:hits|comes in|comes|starts|drops|arrives|begins|kicks in|on))?\b", _of_section()),
    (r"\b(?:when|once|as soon as) (?:the )?(?:beat|bass) drops\b", _fixed(Time("at", Moment(section="drop")))),
    (r"\b(?:when|once|as soon as|after) (?:the )?(?!it\b|we\b|he\b|she\b|they\b|i\b)[a-z]+(?: [a-z]+)? (?:starts?|begins?|enters?|comes? in|kicks? in|is in|are in|joins?|stops?|has started|have started)\b", _fixed(Time("later"))),
    (rf"\b(?:with|as|by) {_SECTION}(?: (?:hits|comes in|comes|starts|drops|arrives|begins|kicks in|on))?\b", _of_section("with")),
    (rf"(?:(?<=^)|(?<=[.,;\n][ ])|(?<=\bthen[ ])|(?<=\band[ ])){_LENGTH} of (?=[a-z ]+\b(?:alone|only|solo)\b|(?:just|only|solo)\b|.*\b(?:then|followed|before)\b)", _length("for")),
    (rf"(?<=with[ ]){_LENGTH} of (?=solo|just|only|nothing)", _length("for")),
    (rf"\b{_OPENS}(?: (?:off|out|up))?(?: (?:with|on|as|in|from|really|very|just|only(?= with)))*(?= )", _fixed(Time("opens", START))),
    (rf"\b{_CLOSES}(?: (?:off|out|up))?(?: (?:with|on|as|in|really|very))*(?= )", _fixed(Time("closes", END))),
    (r"\bthe (?:last|final) (?:thing|sound|note|chord)(?: that)?(?: (?:we|you|i|they))?(?: (?:hear|heard|want))? (?:is|should be|must be|will be)\b", _fixed(Time("closes", END))),
    (r"\bthe first (?:thing|sound|note|chord)(?: that)?(?: (?:we|you|i|they))?(?: (?:hear|heard|want))? (?:is|should be|must be|will be)\b", _fixed(Time("opens", START))),
    (r"\bfinal (?:note|chord) is\b", _fixed(Time("closes", END))),
    (rf"\b(?P<nth>{_NTH}) (?P<kind>{_KIND})(?: (?P<no>[1-4]))?\b", _of_section()),
    (rf"\b(?P<nth>)?(?P<kind>{_KIND}) (?P<no>[1-4]|one|two|three|four)\b(?! (?:bars?|seconds?|part|voices?))", _of_section()),
    (rf"(?:(?<=^)|(?<=[.,;\n][ ])|(?<=\band[ ])|(?<=\bthen[ ])|(?<=\bbut[ ])|(?<=\n))(?!drops? (?:the|all|out|in|to|a)\b|(?:builds?|build[- ]?up|breaks?|start|end|begin|open)\b)(?:the |its )?(?P<nth>)?(?P<kind>{_KIND})(?P<no>)?\b(?! (?:section|drums?))", _of_section("subject")),
    (rf"(?<=[a-z][ ])the (?:(?P<nth>{_NTH}) )?(?P<kind>verses?|chorus(?:es)?|outro|intro|bridge|breakdown|hook)(?P<no>)?\b", _of_section("described")),
    (rf"(?<=[a-z][ ])(?P<nth>)?(?P<kind>verses?|chorus(?:es)?|outro|intro|bridge|breakdown|middle section|ending|opening)(?P<no>)?\b", _of_section("described")),
)  # fmt: skip


def _moment_of_length(m: re.Match[str]) -> Moment:
    amount, unit = _units(m["n"], m["unit"])
    return Moment(bar=int(amount) + 1) if unit == "bar" else Moment(at_s=amount)


def _moment_mmss(m: re.Match[str]) -> Moment:
    return Moment(at_s=60.0 * int(m["m"]) + int(m["s"]))


@cache
def _times() -> tuple[tuple[re.Pattern[str], _Reader], ...]:
    return tuple((re.compile(one.replace(" ", r"\s+"), re.IGNORECASE), reader) for one, reader in _TIMES)


@cache
def words() -> Mapping[str, Any]:
    """``timeline.toml``: deeds and who by their phrases, and the words that may stand between."""
    told = tomllib.loads(files("noisician.prompt").joinpath("timeline.toml").read_text(encoding="utf-8"))
    deeds: dict[str, str] = {}
    for deed, phrases in told["deeds"].items():
        for phrase in _split(phrases):
            deeds.setdefault(phrase, deed)
    who = {phrase: name for name, phrases in told["who"].items() for phrase in _split(phrases)}
    return {"deeds": deeds, "who": who, "glue": frozenset(_split(told["glue"]["words"]))}


def _split(phrases: str) -> list[str]:
    return [" ".join(phrase.split()) for phrase in phrases.split(",") if phrase.strip()]


@cache
def _phrases() -> re.Pattern[str]:
    """Any deed or any of "everybody" and its like, the longest first."""
    all_ = sorted({*words()["deeds"], *words()["who"]}, key=len, reverse=True)
    return re.compile(rf"(?<![\w'-])(?:{'|'.join(re.escape(one).replace(chr(92) + ' ', chr(92) + 's+') for one in all_)})(?![\w'])", re.IGNORECASE)


#: What ends a player's name here: it is a deed.
_SOLO = ("solo", "solos", "alone", "only", "soli")
_NO = re.compile(r"\b(?:no|without|not|never|don't|minus)\b", re.IGNORECASE)


def items_of(text: str) -> list[Item]:
    """Everything in ``text`` that says when, who or what, in its order; nothing overlaps."""
    taken = [False] * (len(text) + 1)
    found: list[Item] = []

    def add(item: Item) -> None:
        if not any(taken[item.start : item.end]):
            taken[item.start : item.end] = [True] * (item.end - item.start)
            found.append(item)

    for pattern, reader in _times():
        for match in pattern.finditer(text):
            if any(taken[match.start() : match.end()]):
                continue
            time = reader(match)
            if time is not None:
                add(Item(match.start(), match.end(), time=time))
    bare = list(_BARE.finditer(text))
    for match in bare if len(bare) > 1 else ():
        add(Item(match.start(), match.end(), time=Time("at", _moment(match))))
    stretches = list(_STRETCH.finditer(text))
    for match in stretches if len(stretches) > 1 else ():
        add(Item(match.start(), match.end(), time=_length("for")(match)))
    deeds = [Item(match.start(), match.end(), deed=_pace(match)) for match in _TO_TEMPO.finditer(text)]
    deeds += [_deed(match) for match in _phrases().finditer(text)]
    for item in deeds:
        if " " in text[item.start : item.end]:  # "grand pause" is no piano
            add(item)
    for item in _players(text):
        add(item)
    for item in deeds:
        add(item)
    for item in _feelings(text):
        add(item)
    for match in _ADVERB.finditer(text):
        add(Item(match.start(), match.end(), time=Time("at", START) if match["first"] else Time("later")))
    for match in _NO.finditer(text):
        add(Item(match.start(), match.end(), no=True))
    return sorted(found, key=lambda item: item.start)


#: "0:30 bass, 1:00 drums".
_BARE = re.compile(
    r"(?:(?<=^)|(?<=[,;\n.] ))(?P<n>)(?P<unit>)(?P<minute>)(?:(?P<m>\d{1,2}):(?P<s>[0-5]\d)|(?:bar|measure) (?P<bar>\d{1,3}))(?=:? [a-z])",
    re.IGNORECASE,
)
#: "4 bars piano, 4 bars piano and bass": several such follow each other.
_STRETCH = re.compile(
    rf"(?:(?<=^)|(?<=[,;.\n] )|(?<=\bthen )){_LENGTH}(?: of)? (?!later|intro|outro|verse|chorus|drop|break|bridge|build|solo|loop|long|in\b|each|blues)(?=[a-z])".replace("] )", "][ ])"),
    re.IGNORECASE,
)
#: "tempo jumps to 140".
_TO_TEMPO = re.compile(
    r"\b(?:tempo|bpm|speed|pace|it)(?: then)? (?P<how>jumps?|rises?|goes|go|drops?|changes?|switch(?:es)?|slows?|speeds?|ramps?|climbs?|falls?|increases?|decreases?|moves?)"
    r"(?: (?P<way>up|down))? (?:from \d{2,3} )?to \d{2,3}(?: ?bpm)?\b",
    re.IGNORECASE,
)


def _pace(match: re.Match[str]) -> str:
    down = (match["way"] or "").lower() == "down" or match["how"].lower().startswith(("drop", "slow", "fall", "decrea"))
    return "slower" if down else "faster"


def _deed(match: re.Match[str]) -> Item:
    """A deed, or everybody and their like."""
    phrase = " ".join(match.group().lower().split())
    who = words()["who"].get(phrase)
    if who is not None:
        if who == "drums":
            beat = (Effect("family", "drums"),)
            return Item(match.start(), match.end(), who=("drums", "percussion"), effects=beat, covered=True)
        return Item(match.start(), match.end(), who=(EVERYONE if who == "everyone" else "same",))
    return Item(match.start(), match.end(), deed=words()["deeds"][phrase], said=phrase)


def _players(text: str) -> Iterator[Item]:
    """Players by the lexicon's longest phrases; what is a deed as well ("solo", "rap") is none here."""
    tokens = tokenize(text, lexicon().spelling)
    place = 0
    while place < len(tokens):
        named = _player_at(tokens, place, text)
        if named is None:
            place += 1
            continue
        item, place = named
        yield item


#: "piano first, later the flute".
_ADVERB = re.compile(r"\b(?:(?P<first>first(?= *(?:,|$|\band\b|\bthen\b)))|later(?: on)?|eventually)\b", re.IGNORECASE)


def _feelings(text: str) -> Iterator[Item]:
    """Words of a mood and of nothing else, and of genres."""
    tokens = tokenize(text, lexicon().spelling)
    for place in range(len(tokens)):
        match = lexicon().at(tokens[: place + 1], place)
        moods = [str(e.value) for e in match.entry.effects if e.field == "moods"] if match is not None else []
        if match is not None and moods and all(e.field in ("moods", "energy", "production") for e in match.entry.effects):
            yield Item(tokens[place].start, tokens[place].end, deed="feel", effects=match.entry.effects, said=moods[0])
        genres = [str(e.value) for e in match.entry.effects if e.field == "genres"] if match is not None else []
        if match is not None and genres:
            yield Item(tokens[place].start, tokens[place].end, deed="style", effects=match.entry.effects, said=genres[0])


def _player_at(tokens: tuple[Token, ...], place: int, text: str) -> tuple[Item, int] | None:
    if tokens[place].text in words()["deeds"] or tokens[place].text in words()["who"]:
        return None
    last = next((at for at in range(place, len(tokens)) if tokens[at].text in _SOLO), len(tokens))
    match = lexicon().at(tokens[:last], place)
    if match is None:
        return None
    ids = named_ids(match.entry)
    if not ids:
        return None
    first, last = tokens[match.first], tokens[match.last - 1]
    return Item(first.start, last.end, who=tuple(dict.fromkeys(ids)), effects=match.entry.effects), match.last
