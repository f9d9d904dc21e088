"""Wishes with a place or a time: who comes in when, how long a section is, how the piece ends.

Each is a pattern over the cleaned text. Whoever is named in it has to be known to the lexicon; a wish about something
else is none, and its words are read one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from noisician.prompt.controls import Cue, Feature, Moment, SectionHint
from noisician.prompt.lexicon import Effect, lexicon
from noisician.prompt.numbers import NUMBER_PATTERN, Figure, number

_KINDS = {
    "intro": "intro", "introduction": "intro", "verse": "verse", "pre chorus": "pre_chorus", "prechorus": "pre_chorus",
    "chorus": "chorus", "choruses": "chorus", "refrain": "chorus", "hook": "chorus", "bridge": "bridge",
    "build": "build", "build up": "build", "buildup": "build", "drop": "drop", "beat drop": "drop", "bass drop": "drop",
    "break": "break", "breakdown": "break", "solo": "solo", "outro": "outro", "coda": "outro",
    "ending": "piece", "end": "piece", "beginning": "piece", "start": "piece", "opening": "piece",
}  # fmt: skip
_NTH = {
    "first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "last": -1, "final": -1, "every": 0, "each": 0,
}  # fmt: skip
_STEPS = {
    "half step": 1, "semitone": 1, "half tone": 1, "whole step": 2, "whole tone": 2, "tone": 2, "step": 2,
    "minor third": 3, "major third": 4, "fourth": 5,
}  # fmt: skip
_SEVERAL = {"two": 2, "2": 2, "three": 3, "3": 3, "four": 4, "4": 4}
_ADDED = re.compile(r"\b(?:with|featuring|plus|including|and)\b", re.IGNORECASE)
_UNWANTED = re.compile(r"\b(?:no|not|without|never|don't)\s+(?:an?\s+)?$", re.IGNORECASE)
WHOLE_STEP = 2.0
FADE_BARS = 4.0


def _any(words: dict[str, int] | dict[str, str]) -> str:
    return "|".join(re.escape(word).replace(r"\ ", r"[-\s]") for word in sorted(words, key=len, reverse=True))


# In the pieces below a space stands for any white space.
_TIME = (
    r"(?:(?P<m>\d{1,2}):(?P<s>[0-5]\d)|bar (?P<bar>\d{1,3})"
    rf"|{NUMBER_PATTERN}[-\s]?(?:(?P<min>min(?:ute)?s?)|(?P<barred>bars?)|s(?:ec(?:ond)?s?)?)\b)"
)
_SECTION = rf"(?:the )?(?:(?P<nth>{_any(_NTH)}) )?(?P<kind>{_any(_KINDS)})\b"
_WHEN = rf"(?:{_TIME}|{_SECTION})"
_PART = r"(?P<kind>intro|verse|chorus|bridge|build|build[-\s]up|drop|break|breakdown|solo|outro)"
_BARS = rf"{NUMBER_PATTERN}[-\s]?(?P<barred>bars?)\b"
_WHO = r"(?P<who>[a-z][\w'-]*(?: (?:and )?[\w'-]+){0,4}?)"
_OPENS = r"(?:starts?|starting|begins?|beginning|opens?|opening)"
_ENDS = r"(?:ends?|ending|finish(?:es)?|finishing|closes|closing)"
_COMES = r"(?:comes?|coming|enters?|entering|joins?|joining|starts?|starting|begins?|kicks?|kicking|drops?)"
_LEAVES = r"(?:drops? out|dropping out|falls? away|cuts? out|leaves?|stops?|stopping|rests?)"
_ALONE = r"(?:only|just|nothing but|solely)"
_LOUD = r"(?:loud|big|huge|massive|intense|full|powerful|epic)"
_QUIET = r"(?:quiet|soft|calm|gentle|small)(?:ly)?"
_NAME = r"(?-i:[A-Z][\w.'&]*(?: [A-Z][\w.'&]*)*)"
_GOES_ON = r"(?=\s*(?:$|[,.;:!?]|(?:and )?(?:then|before|until|builds?)\b))"
_STEP = rf"(?: (?P<way>up|down))?(?: (?:by )?(?:an? )?(?:(?P<step>{_any(_STEPS)})|{NUMBER_PATTERN} semitones?))?"
_IN_THE_LAST = r"(?: (?:for|in|into|at|on|before) (?:the )?(?:last|final) (?P<kind>chorus|drop|verse|refrain))?"


@dataclass(frozen=True)
class _Named:
    """Who is named: ids for a cue, the effects that make them play, and where in the text their own words begin."""

    ids: tuple[str, ...]
    effects: tuple[Effect, ...]
    start: int


def wishes(cleaned: str) -> Iterator[Figure]:
    """Every wish in the cleaned text; an earlier pattern keeps its characters from the later ones."""
    taken = [False] * len(cleaned)
    for pattern, read in _PATTERNS:
        for match in pattern.finditer(cleaned):
            if any(taken[match.start() : match.end()]):
                continue
            figure = None if _UNWANTED.search(cleaned[: match.start()]) else read(match)
            if figure is not None:
                taken[match.start() : match.end()] = [True] * (match.end() - match.start())
                yield figure


def _who(match: re.Match[str]) -> _Named | None:
    """The players a phrase ends with: "a soft piano and cello" names two and leaves an adjective over."""
    text, at = match["who"], match.start("who")
    words = [(found.group(), found.start()) for found in re.finditer(r"[\w'-]+", text)]
    for first in range(len(words)):
        ids: list[str] = []
        effects: list[Effect] = []
        for part in re.split(r"\s+and\s+", text[words[first][1] :]):
            named = _players(re.sub(r"^(?:the|a|an|some|all)\s+", "", part))
            if named is None:
                break
            ids += named[0]
            effects += named[1]
        else:
            return _Named(tuple(dict.fromkeys(ids)), tuple(effects), at + words[first][1])
    return None


def _players(phrase: str) -> tuple[list[str], list[Effect]] | None:
    entry = lexicon().phrase(phrase)
    if entry is None:
        return None
    out = [str(e.value) for e in entry.negated or () if e.field == "exclude"]
    played = [e for e in entry.effects if e.field in ("instruments", "family")]
    ids = out or [str(e.value) for e in played]
    return (ids, played) if ids else None


def _moment(match: re.Match[str]) -> Moment:
    groups = match.groupdict()
    if groups.get("bar"):
        return Moment(bar=int(groups["bar"]))
    if groups.get("barred"):
        return Moment(bar=int(number(groups["n"])) + 1)
    seconds = _seconds(match)
    if seconds is not None:
        return Moment(at_s=seconds)
    kind = _KINDS[groups["kind"].lower().replace("-", " ")]
    ends = groups["kind"].lower() in ("end", "ending")
    nth = _NTH[groups["nth"].lower()] if groups.get("nth") else -1 if ends else 1
    return Moment(section=kind, nth=nth)


def _seconds(match: re.Match[str]) -> float | None:
    groups = match.groupdict()
    if groups.get("m"):
        return 60.0 * int(groups["m"]) + int(groups["s"])
    if groups.get("n") and not groups.get("barred"):
        return number(groups["n"]) * (60 if groups.get("min") else 1)
    return None


_Reader = Callable[["re.Match[str]"], "Figure | None"]


def _cue(does: str, *, plays: bool = True, at: Moment | None = None) -> _Reader:
    """Reads ``who`` and when: ``plays`` where being named means being wanted."""

    def read(match: re.Match[str]) -> Figure | None:
        who = _who(match)
        if who is None:
            return None
        moment = at or _moment(match)
        kind = "leave" if does == "rest" and moment.section is None else does
        cue = Cue.model_validate({"who": who.ids, "does": kind, "moment": moment})
        wanted = who.effects if plays else ()
        hint = ()
        if moment.section not in (None, "piece"):
            hint = (Effect("sections", SectionHint(kind=str(moment.section))),)
        skip = (match.start("who"), who.start) if who.start > match.start("who") else None
        return Figure(match.start(), match.end(), (Effect("cues", cue), *wanted, *hint), skip)

    return read


def _several(match: re.Match[str]) -> Figure | None:
    """ "two violins": as many of one instrument."""
    named = _players(match["who"])
    if named is None or not named[1] or match["who"][-1].lower() != "s":
        return None
    several = tuple(effect for effect in named[1][:1] for _ in range(_SEVERAL[match["count"].lower()]))
    closing = (Effect("only", "listed"),) if not _ADDED.search(match.string[: match.start()]) else ()
    return Figure(match.start(), match.end(), (*several, *closing))


def _hint(match: re.Match[str]) -> Figure:
    groups = match.groupdict()
    bars = int(number(groups["n"])) if groups.get("barred") else None
    kind = _KINDS[groups["kind"].lower().replace("-", " ")]
    hint = SectionHint(kind=kind, bars=bars, at_s=_seconds(match))
    return Figure(match.start(), match.end(), (Effect("sections", hint),))


def _solo(match: re.Match[str]) -> Figure | None:
    who = _who(match)
    if who is None or not who.effects:
        return None
    return Figure(match.start(), match.end(), (*who.effects, Effect("sections", SectionHint(kind="solo"))))


def _feature(kind: str, value: float | None = None) -> _Reader:
    def read(match: re.Match[str]) -> Figure:
        groups = match.groupdict()
        where = groups.get("kind")
        feature = Feature.model_validate(
            {"kind": kind, "where": _KINDS[where.lower().replace("-", " ")] if where else None, "value": value}
        )
        effects = [Effect("features", feature)]
        if feature.where is not None:
            effects.append(Effect("sections", SectionHint(kind=feature.where)))
        return Figure(match.start(), match.end(), tuple(effects))

    return read


def _fade_out(match: re.Match[str]) -> Figure:
    bars = number(match["n"]) if match.groupdict().get("barred") else FADE_BARS
    return Figure(match.start(), match.end(), (Effect("features", Feature(kind="fade_out", value=bars)),))


def _key_change(match: re.Match[str]) -> Figure:
    groups = match.groupdict()
    step = groups.get("step")
    size = float(_STEPS[step.lower().replace("-", " ")]) if step else WHOLE_STEP
    size = number(groups["n"]) if groups.get("n") else size
    value = -size if (groups.get("way") or "").lower() == "down" else size
    kind = _KINDS[groups["kind"].lower()] if groups.get("kind") else None
    feature = Feature(kind="key_change", where=kind or "chorus", value=value)
    hints = (Effect("sections", SectionHint(kind=kind)),) if kind not in (None, "piece") else ()
    return Figure(match.start(), match.end(), (Effect("features", feature), *hints))


def _less(match: re.Match[str]) -> Figure | None:
    """ "less drums": nobody plays less of one player, so it is not understood; it is no wish for drums either."""
    return None if _who(match) is None else _unmet(match)


def _unmet(match: re.Match[str]) -> Figure:
    return Figure(match.start(), match.end(), (Effect("unmet", match.group()),))


def _name(match: re.Match[str]) -> Figure | None:
    """Somebody's name, in capitals: it is set aside, and said so. A genre in capitals is none."""
    at = match.start("name")
    words = match["name"].split()
    if lexicon().phrase(" ".join(words)) is not None:
        return None
    return Figure(at, match.end("name"), (Effect("unmet", match["name"]),))


def _pattern(*pieces: str) -> re.Pattern[str]:
    return re.compile("".join(pieces).replace(" ", r"\s+"), re.IGNORECASE)


_AT_FIRST, _AT_LAST = Moment(section="piece"), Moment(section="piece", nth=-1)
_PATTERNS: tuple[tuple[re.Pattern[str], _Reader], ...] = (
    (_pattern(rf"\b(?:no|without) {_WHO} (?:until|till|before) (?:after )?{_WHEN}"), _cue("enter")),
    (_pattern(rf"\b(?:no|without) {_WHO} (?:in|for|during) (?:the )?first {_TIME}",
              rf"(?:,? (?:and )?then (?:the )?\w+ {_COMES}(?: in)?\b)?"), _cue("enter")),
    (_pattern(rf"\b(?:no|without) {_WHO} (?:in|for|during) {_SECTION}"), _cue("rest", plays=False)),
    (_pattern(rf"\b{_WHO} {_LEAVES} (?:in|for|during|at|after) {_WHEN}"), _cue("rest")),
    (_pattern(rf"\b{_WHO} {_COMES}(?: in)? (?:at|from|in|on|with|after) {_WHEN}"), _cue("enter")),
    (_pattern(rf"\b{_WHO} (?:only )?(?:from|after) {_WHEN}(?: on(?:wards?)?\b)?"), _cue("enter")),
    (_pattern(rf"\b{_OPENS}(?: off)?(?: with)? {_ALONE} (?:on )?{_WHO}{_GOES_ON}"), _cue("alone", at=_AT_FIRST)),
    (_pattern(r"(?:(?<=quiet\s)|(?<=quietly\s)|(?<=soft\s)|(?<=softly\s)|(?<=calm\s)|(?<=slow\s))(?:with|on) ",
              rf"(?:an? )?(?:(?:lone|solo|single|solitary) )?{_WHO}{_GOES_ON}"), _cue("alone", at=_AT_FIRST)),
    (_pattern(rf"\b{_OPENS} (?:with|on) {_WHO}(?: (?:alone|only|solo))?{_GOES_ON}"), _cue("alone", at=_AT_FIRST)),
    (_pattern(rf"\b{_WHO} (?:(?:only|solo|alone) )?intro\b"), _cue("alone", at=Moment(section="intro"))),
    (_pattern(rf"\b{_WHO} (?:(?:only|solo|alone) )?(?:start|opening|beginning)\b"), _cue("alone", at=_AT_FIRST)),
    (_pattern(rf"\b{_ENDS} (?:with|on) (?:{_ALONE} )?{_WHO}(?: (?:alone|only|solo))?(?=\s*(?:$|[,.;:!?]))"),
     _cue("alone", at=_AT_LAST)),
    (_pattern(rf"\b{_ALONE} {_WHO} (?:in|for|during) {_SECTION}"), _cue("alone")),
    (_pattern(rf"\b(?P<count>{'|'.join(_SEVERAL)}) (?P<who>[a-z]+(?: [a-z]+)?s)\b"), _several),
    (_pattern(rf"\b(?P<count>{'|'.join(_SEVERAL)}) (?P<who>[a-z]+s)\b"), _several),
    (_pattern(rf"\bsolo (?:for|by|on) (?:the |an? )?{_WHO}(?: in the middle)?(?=\s*(?:$|[,.;:!?]))"), _solo),
    (_pattern(rf"\b{_PART}s? (?:of|that lasts|lasting|for) {_BARS}"), _hint),
    (_pattern(rf"(?<!\w){_BARS} {_PART}\b"), _hint),
    (_pattern(rf"\b(?P<kind>(?:beat |bass )?drop|chorus|breakdown|break|bridge|solo) (?:at|after) {_TIME}"), _hint),
    (_pattern(rf"\b(?:{_ENDS} (?:with|in|on) (?:an? )?)?(?:(?:slow|long|gentle|gradual) )?",
              r"fad(?:e|es|ing)(?:[-\s]?out)?(?! in\b|\w|[-\s]in\b)(?: (?:at|towards?) the end)?",
              rf"(?: (?:over|for|during|in) (?:the )?(?:last )?{_BARS})?"), _fade_out),
    (_pattern(r"\bfad(?:e|es|ing)[-\s]?in\b(?: (?:at|from) the (?:start|beginning))?"), _feature("fade_in", 3.0)),
    (_pattern(r"\b(?:an? )?(?:key change|change of key|modulat(?:es?|ing|ion)|transpos(?:es?|ing)",
              rf"|(?:goes|moves|shifts)(?= (?:up|down) (?:by )?(?:an? )?(?:{_any(_STEPS)})))",
              rf"{_STEP}{_IN_THE_LAST}"), _key_change),
    (_pattern(r"\b(?:last|final) (?P<kind>chorus|drop) (?:goes |is )?(?P<way>up)",
              rf"(?: (?:by )?(?:an? )?(?P<step>{_any(_STEPS)}))?\b"), _key_change),
    (_pattern(rf"\bhalf[-\s]?time {_PART}\b"), _feature("half_time")),
    (_pattern(rf"\b{_PART} (?:in|at|goes) half[-\s]?time\b"), _feature("half_time")),
    (_pattern(rf"\bhalf[-\s]?time (?:in|for|during) the {_PART}\b"), _feature("half_time")),
    (_pattern(r"\b(?:an? )?(?:full )?bar of silence before the (?P<kind>drop|chorus)\b"), _feature("silence", 4.0)),
    (_pattern(r"\b(?:an? )?(?:(?:beat|moment|second|short moment) of silence|silence|pause|silent beat)",
              r" (?:right |just )?before the (?P<kind>drop|chorus)\b"), _feature("silence", 1.0)),
    (_pattern(rf"\b(?:goes )?(?:from )?{_QUIET} to {_LOUD}\b|\b(?:gets|getting|grows|growing) (?:louder and )?louder\b",
              rf"|\b{_OPENS} {_QUIET}(?=\s+with|,|\s+and|\s+then|\s*$)(?:,? (?:and )?(?:then )?{_ENDS} {_LOUD}\b)?"),
     _feature("rising")),
    (_pattern(rf"\b(?:goes )?(?:from )?{_LOUD} to {_QUIET}\b|\b(?:gets|getting) (?:quieter and )?quieter\b",
              r"|\bwinds down\b"), _feature("falling")),
    (_pattern(rf"\b(?:less|fewer|quieter|softer) {_WHO}(?=\s*(?:$|[,.;:!?]))"), _less),
    (_pattern(r"\b(?:style of|sounds? like|sounding like|similar to|reminiscent of|inspired by|à la) ",
              rf"(?P<name>{_NAME})"), _name),
    (_pattern(rf"(?P<name>{_NAME})(?:[-\s]style|[-\s]esque)\b"), _name),
    (_pattern(r"\b(?:slow(?:s|ing)? down|speed(?:s|ing)? up|(?:gets?|getting) (?:faster|slower)|ritardando|ritard",
              r"|rallentando|accelerando|accelerates|(?:tempo|metre|meter) changes?|fermatas?)\b",
              r"(?: (?:at|towards?|near|until|to) the end)?"), _unmet),
)  # fmt: skip
