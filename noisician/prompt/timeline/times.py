"""When: moments, stretches and sections as people write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from noisician.prompt.controls import Moment
from noisician.prompt.numbers import NUMBER_WORDS, number
from noisician.prompt.wish_words import KINDS, NTH

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


_NUMBER = r"(?:\d{1,3}|" + "|".join(sorted((w.replace("-", "[- ]") for w in NUMBER_WORDS), key=len, reverse=True)) + ")"
_UNIT = r"(?:seconds?|secs?|s|minutes?|mins?|bars?|measures?|beats?)"
_ONE = r"(?P<n>)(?P<unit>minute|bar|beat|measure|second)\b"
_LENGTH = rf"(?P<n>{_NUMBER}|an?|half an?)[- ]?(?P<unit>{_UNIT})\b"
#: The same in the other half of a pattern.
_OTHER_ONE, _OTHER_LENGTH = (one.replace("<n>", "<n_>").replace("<unit>", "<unit_>") for one in (_ONE, _LENGTH))
_CLOCK = (
    r"(?:(?P<m>\d{1,2}):(?P<s>[0-5]\d)(?: mark| minutes?)?|(?:bar|measure) (?P<bar>\d{1,3})"
    rf"|(?P<n>{_NUMBER}|an?)[- ]?(?P<unit>{_UNIT})\b(?: mark| in\b)?|minute (?P<minute>{_NUMBER}))"
)
_KIND_WORDS: Mapping[str, str] = {
    **{word: kind for word, kind in KINDS.items() if kind != "solo"},
    "interlude": "break", "instrumental": "break", "coda": "outro", "tag": "outro", "hooks": "chorus",
    "solo section": "solo", "introduction": "intro", "refrains": "chorus", "couplet": "verse", "buildup": "build",
    "outros": "outro", "half": "half", "part": "part", "section": "part", "phase": "part", "act": "part",
    "movement": "part", "pre-chorus": "pre_chorus", "opening section": "intro", "shout chorus": "chorus",
}  # fmt: skip
_KIND = "|".join(re.escape(w).replace(r"\ ", "[- ]") for w in sorted(_KIND_WORDS, key=len, reverse=True))
_NTHS: Mapping[str, int] = {**NTH, "third": 3, "fourth": 4, "opening": 1, "closing": -1, "only": 0, "all": 0, "both": 0}
_NTH = "|".join(sorted(_NTHS, key=len, reverse=True))
_SECTION = (
    rf"(?:the |an? |each |its |every )?(?:(?P<nth>{_NTH}) )?(?P<kind>{_KIND})(?: (?P<no>[1-4]|one|two|three|four))?\b"
)
#: What so long a stretch can be: "thirty seconds tense".
_LEVELS = (
    "tense|calm|quiet|loud|relief|relaxed|soft|silence|chaos|intense|dark|slow|fast|nothing|peace|tension"
    "|suspense|build"
)
_IN = r"(?:in|during|for|at|on|over|under|into|from|through|throughout|across|when|once|as soon as|leading into|behind)"
_OPENS = (
    r"(?:starts?|starting|begins?|beginning|opens|open(?= (?:with|on|off|up with))|opening|kicks? off|started"
    r"|commences?)"
)
_CLOSES = r"(?:ends?|ending|finish(?:es)?|finishing|closes|close(?= (?:with|on|out))|closing|concludes?|ended)"


def _units(n: str, unit: str) -> tuple[float, str]:
    value = 0.5 if n.lower().startswith("half") else 1.0 if n.lower() in ("", "a", "an") else number(n)
    kind = unit.lower()[:1]
    return (value * 60, "s") if kind == "m" and not unit.lower().startswith("mea") else (
        value, {"s": "s", "b": "beat" if unit.lower().startswith("beat") else "bar"}.get(kind, "bar")
    )  # fmt: skip


def _clock(m: re.Match[str], prefix: str = "") -> Moment:
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
        return (
            {1: START, -1: END, 2: Moment(section="middle")}.get(nth)
            if kind == "half"
            else Moment(section="piece", nth=nth)
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


def length(how: str) -> _Reader:
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
    return Time("range", _clock(m, "a_"), end=_clock(m, "b_"))


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
_TIMES: tuple[tuple[str, _Reader], ...] = (
    (r"(?<![\d:])(?P<a_m>\d{1,2}):(?P<a_s>[0-5]\d) ?(?:-|"
        r"–|to|until|till) ?(?P<b_m>\d{1,2}):(?P<b_s>[0-5]\d)(?![\d:])", _range),
    (r"\b(?:bars?|measures?) (?P<a_bar>\d{1,3}) ?(?:-|–|to|through|until) ?(?P<b_bar>\d{1,3})\b", _bars),
    (rf"\b(?:from|between) {_prefixed('a_')} (?:to|until|till|-|–|and|through) {_prefixed('b_')}", _range),
    (rf"\bafter (?:the )?first (?:{_LENGTH}|{_OTHER_ONE})", _after_first),
    (rf"\b(?:(?:for|in|during|over) )?(?:the )?(?:first|opening|initial) {_LENGTH}", length("first")),
    (rf"\b(?:(?:for|in|during|over|within) )?(?:the )?(?:last|final|closing) {_LENGTH}", length("last")),
    (rf"\b(?:(?:for|in|during|over) )?the first {_ONE}", length("first")),
    (rf"\b(?:until|till) the (?:last|final) (?:{_LENGTH}|{_OTHER_ONE})", _until_last),
    (rf"\b(?:(?:for|in|during|over|within) )?the (?:last|final) {_ONE}", length("last")),
    (rf"\b(?:another )?{_LENGTH} (?:later|after that|afterwards|further on)\b", length("later")),
    (rf"\bafter another (?:(?P<n>{_NUMBER}))(?: (?P<unit>bars?|seconds?|secs?|minutes?|beats?)\b)?",
     lambda m: Time("later", None, *_units(m["n"], m["unit"] or "bars"))),
    (r"\b(?:until|till|up to|up until)(?: about| around)? (?:the )?(?:end|very "
        r"end|finish)\b", _fixed(Time("until", END))),
    (r"\b(?:before (?:that|this|then)|until then|till then|up (?:to|until) (?:then|"
        r"that|this)(?: point)?)\b", _fixed(Time("at", START))),
    (rf"\b(?:until|till|up to|up until)(?: about| around)? (?:the )?{_CLOCK}", lambda m: Time("until", _clock(m))),
    (r"\b(?:until|till|up to|up until|(?<=nothing[ ])before) (?:after )?(?=.)" + _SECTION, _of_section("until")),
    (r"\b(?:after that|from there(?: on)?|from then on(?:wards?)?|from that point(?: "
        r"on)?|afterwards?|next|subsequently|followed by|thereafter)\b",
     _fixed(Time("later"))),
    (rf"\bafter (?:about |around |roughly )?{_LENGTH}", 
     lambda m: Time("after", _moment_of_length(m), *_units(m["n"], m["unit"]))),
    (rf"\b(?:around|about|roughly) (?:the )?{_CLOCK}(?<!mark)(?! mark)", lambda m: Time("with", _clock(m))),
    (r"\b(?:after|past|since|before|in|on) (?:about |around "
        r"|roughly )?(?P<n>)(?P<unit>)(?P<minute>)(?:(?P<m>\d{1,2}):(?P<s>[0-5]\d)(?: "
        r"mark)?|(?:bar|measure) (?P<bar>\d{1,3}))",
     lambda m: Time("until" if m.group().lower().startswith("before") else "at", _clock(m))),
    (r"\b(?:at|from|by|@|on|around|about|starting at|starting from|beginning "
        rf"at)(?: (?:around|about|exactly|roughly|the))* {_CLOCK}(?: on(?:wards?)?\b)?",
     lambda m: Time("at", _clock(m))),
    (rf"(?<![\w-]){_LENGTH} in\b(?! the| total| length| a)", lambda m: Time("at", _moment_of_length(m))),
    (r"\((?P<m>\d{1,2}):(?P<s>[0-5]\d)\)", lambda m: Time("at", _moment_mmss(m))),
    (rf"(?:(?<=^)|(?<=[.,;\n][ ])|(?<=\bthen[ ])|(?<=\band[ ])){_LENGTH} (?:of "
        rf")?(?={_LEVELS})(?=.*\b(?:then|followed|before)\b)|"
            rf"(?<=\bthen[ ]){_OTHER_LENGTH} "
        rf"(?:of )?(?={_LEVELS})", _span),
    (rf"\b(?:of|lasting) {_LENGTH}(?! of)|(?<=tro[ ]){_OTHER_LENGTH} "
        r"of(?= just| only)", _span),
    (rf"\bfor (?:about |around |like |exactly )?{_LENGTH}(?! (?:piece|track|song))", length("for")),
    (r"\b(?:from )?half[- ]?way(?: through| in)?(?: the (?:song|piece|track))?\b|"
        r"\bmid[- ]?way(?: through)?\b|\b(?:in|at|from|around|for|through) the (?:very "
        r")?(?:middle|centre|center)(?: (?:of the (?:song|piece|track)|part))?\b"
     r"|\b(?:in|for|from|during) (?:the )?second half(?: of the (?:song|piece|"
         r"track))?\b", _fixed(Time("at", Moment(section="middle")))),
    (r"\b(?:at|from|in|right from|right at|since) the (?:very )?(?:start|beginning|"
        r"outset|first (?:beat|bar|note|second)|get[- ]go|top|word go)\b|\bat first\b|"
        r"\binitially\b|\bto (?:begin|start)(?: (?:with|off))?\b|\b(?:in|for|during) "
        r"(?:the )?first half\b",
     _fixed(Time("at", START))),
    (r"\b(?:at|in|by|towards?|near|for|before|into|on|to) the (?:very )?(?:end|"
        r"ending|finish|close|finale)(?: of the (?:song|piece|track))?\b|\bat last\b|"
        r"\bin the end\b|\bfinally\b|\blast of all\b|\bto (?:finish|close|end)(?: "
        r"(?:with|off|on))?\b",
     _fixed(Time("at", END))),
    (r"\bbetween (?:the |each )?(?:choruses|verses)\b|\binterlude\b(?: between "
        r"(?:the )?(?:choruses|verses))?", _fixed(Time("at", Moment(section="break")))),
    (rf"\b(?:right |just )?(?:before|ahead of|leading up to|going into) {_SECTION}", _of_section(side="before")),
    (rf"\b(?:right |just )?after (?:that ){_SECTION}", _of_section("after that")),
    (rf"\b(?:right |just )?after {_SECTION}", _of_section(side="after")),
    (rf"\[{_SECTION}[^\]]*\]", _of_section(header=True)),
    (rf"(?:(?<=^)|(?<=[.,;\n][ ])|(?<=[\n(]))(?:the )?{_SECTION}\s*(?:\((?P<n>\d{{1,3}}) "
        r"?(?P<unit>bars?)\)\s*)?(?::|=|-(?= ))", _of_section(header=True)),
    (r"\b(?P<letter>[AB])(?:[- ](?:section|part))\b", 
     lambda m: Time("subject", Moment(section="piece", nth="AB".index(m["letter"].upper()) + 1))),
    (rf"\b{_IN} {_SECTION}(?: (?:hits|comes in|comes|starts|drops|arrives|begins|kicks in|on))?\b", _of_section()),
    (r"\b(?:when|once|as soon as) (?:the )?(?:beat|bass) drops\b", _fixed(Time("at", Moment(section="drop")))),
    (r"\b(?:when|once|as soon as|after) (?:the )?(?!it\b|we\b|he\b|she\b|they\b|"
        r"i\b)[a-z]+(?: [a-z]+)? (?:starts?|begins?|enters?|comes? in|kicks? in|"
        r"is in|are in|joins?|stops?|has started|have started)\b", _fixed(Time("later"))),
    (rf"\b(?:with|as|by) {_SECTION}(?: (?:hits|comes in|comes|starts|drops|arrives|"
        r"begins|kicks in|on))?\b", _of_section("with")),
    (rf"(?:(?<=^)|(?<=[.,;\n][ ])|(?<=\bthen[ ])|(?<=\band[ ])){_LENGTH} of (?=[a-z "
        r"]+\b(?:alone|only|solo)\b|(?:just|only|solo)\b|.*\b(?:then|followed|before)\b)", length("for")),
    (rf"(?<=with[ ]){_LENGTH} of (?=solo|just|only|nothing)", length("for")),
    (rf"\b{_OPENS}(?: (?:off|out|up))?(?: (?:with|on|as|in|from|really|very|just|"
        r"only(?= with)))*(?= )", _fixed(Time("opens", START))),
    (rf"\b{_CLOSES}(?: (?:off|out|up))?(?: (?:with|on|as|in|really|very))*(?= )", _fixed(Time("closes", END))),
    (r"\bthe (?:last|final) (?:thing|sound|note|chord)(?: that)?(?: (?:we|you|"
        r"i|they))?(?: (?:hear|heard|want))? (?:is|should be|must be|will be)\b", _fixed(Time("closes", END))),
    (r"\bthe first (?:thing|sound|note|chord)(?: that)?(?: (?:we|you|i|they))?(?: "
        r"(?:hear|heard|want))? (?:is|should be|must be|will be)\b", _fixed(Time("opens", START))),
    (r"\bfinal (?:note|chord) is\b", _fixed(Time("closes", END))),
    (rf"\b(?P<nth>{_NTH}) (?P<kind>{_KIND})(?: (?P<no>[1-4]))?\b", _of_section()),
    (rf"\b(?P<nth>)?(?P<kind>{_KIND}) (?P<no>[1-4]|one|two|three|four)\b(?! (?:bars?|"
        r"seconds?|part|voices?))", _of_section()),
    (r"(?:(?<=^)|(?<=[.,;\n][ ])|(?<=\band[ ])|(?<=\bthen[ ])|(?<=\bbut[ ])|(?<=\n))(?!drops? "
        r"(?:the|all|out|in|to|a)\b|(?:builds?|build[- ]?up|breaks?|start|end|begin|"
        rf"open)\b)(?:the |its )?(?P<nth>)?(?P<kind>{_KIND})(?P<no>)?\b(?! (?:section|"
        r"drums?))", _of_section("subject")),
    (rf"(?<=[a-z][ ])the (?:(?P<nth>{_NTH}) )?(?P<kind>verses?|chorus(?:es)?|outro|"
        r"intro|bridge|breakdown|hook)(?P<no>)?\b", _of_section("described")),
    (r"(?<=[a-z][ ])(?P<nth>)?(?P<kind>verses?|chorus(?:es)?|outro|intro|bridge|"
        r"breakdown|middle section|ending|opening)(?P<no>)?\b", _of_section("described")),
)  # fmt: skip


def _moment_of_length(m: re.Match[str]) -> Moment:
    amount, unit = _units(m["n"], m["unit"])
    return Moment(bar=int(amount) + 1) if unit == "bar" else Moment(at_s=amount)


def _moment_mmss(m: re.Match[str]) -> Moment:
    return Moment(at_s=60.0 * int(m["m"]) + int(m["s"]))


@cache
def _times() -> tuple[tuple[re.Pattern[str], _Reader], ...]:
    return tuple((re.compile(one.replace(" ", r"\s+"), re.IGNORECASE), reader) for one, reader in _TIMES)


#: "0:30 bass, 1:00 drums".
_BARE = re.compile(
    r"(?:(?<=^)|(?<=[,;\n.] ))(?P<n>)(?P<unit>)(?P<minute>)(?:(?P<m>\d{1,2}):(?P<s>[0-5]\d)|"
    r"(?:bar|measure) (?P<bar>\d{1,3}))(?=:? [a-z])",
    re.IGNORECASE,
)
#: "4 bars piano, 4 bars piano and bass": several such follow each other.
_STRETCH = re.compile(
    rf"(?:(?<=^)|(?<=[,;.\n] )|(?<=\bthen )){_LENGTH}(?: of)? (?!later|intro|"
    r"outro|verse|chorus|drop|break|bridge|build|solo|loop|long|in\b|each|blues)(?=[a-z])".replace("] )", "][ ])"),
    re.IGNORECASE,
)
#: "piano first, later the flute".
_ADVERB = re.compile(r"\b(?:(?P<first>first(?= *(?:,|$|\band\b|\bthen\b)))|later(?: on)?|eventually)\b", re.IGNORECASE)


def times_of(text: str) -> Iterator[tuple[int, int, Time]]:
    """(start, end, time) of everything in ``text`` that says when, the surest first; what overlaps is the caller's."""
    for pattern, reader in _times():
        for match in pattern.finditer(text):
            time = reader(match)
            if time is not None:
                yield match.start(), match.end(), time
    bare, stretches = list(_BARE.finditer(text)), list(_STRETCH.finditer(text))
    for match in bare if len(bare) > 1 else ():
        yield match.start(), match.end(), Time("at", _clock(match))
    for match in stretches if len(stretches) > 1 else ():
        yield match.start(), match.end(), Time("for", None, *_units(match["n"], match["unit"]))


def adverbs_of(text: str) -> Iterator[tuple[int, int, Time]]:
    """ "piano first, later the flute": words that say when if nothing better does."""
    for match in _ADVERB.finditer(text):
        yield match.start(), match.end(), Time("at", START) if match["first"] else Time("later")
