"""Wishes with a place or a time: who comes in when, how long a section is, how the piece ends.

Each is a pattern over the cleaned text. Whoever is named in it has to be known to the lexicon; a wish about something
else is none, and its words are read one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from noisician.prompt.controls import Cue, Feature, Moment, SectionHint
from noisician.prompt.lexicon import Effect, lexicon
from noisician.prompt.numbers import NUMBER_PATTERN, Figure, number

_KINDS = {
    "intro": "intro", "introduction": "intro", "verse": "verse", "pre chorus": "pre_chorus", "prechorus": "pre_chorus",
    "chorus": "chorus", "choruses": "chorus", "refrain": "chorus", "hook": "chorus", "bridge": "bridge",
    "build": "build", "build up": "build", "buildup": "build", "drop": "drop", "beat drop": "drop", "bass drop": "drop",
    "break": "break", "breakdown": "break", "solo": "solo", "outro": "outro", "coda": "outro",
    "ending": "piece", "end": "piece", "finale": "piece", "final": "piece", "beginning": "piece", "begin": "piece",
    "start": "piece", "opening": "piece", "verses": "verse", "breakdowns": "break", "drops": "drop",
    "bridges": "bridge", "intros": "intro", "middle": "middle", "middle section": "middle", "middle eight": "bridge",
    "middle part": "middle",
}  # fmt: skip
_ENDINGS = ("end", "ending", "finale", "final")
_NTH = {
    "first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "last": -1, "final": -1, "every": 0, "each": 0,
}  # fmt: skip
_STEPS = {
    "half step": 1, "semitone": 1, "half tone": 1, "whole step": 2, "whole tone": 2, "tone": 2, "step": 2,
    "minor third": 3, "major third": 4, "fourth": 5,
}  # fmt: skip
_SEVERAL = {"two": 2, "2": 2, "three": 3, "3": 3, "four": 4, "4": 4}
#: What people call the streams of a drum kit, singular.
KIT_PIECES = {
    "kick": "kick", "bass drum": "kick", "snare": "snare", "clap": "snare", "rim": "snare", "hat": "hat",
    "hihat": "hat", "hi-hat": "hat", "hi hat": "hat", "cymbal": "cymbal", "crash": "cymbal", "ride": "cymbal",
    "tom": "tom", "perc": "perc", "percussion": "perc", "shaker": "perc", "cowbell": "perc", "tambourine": "perc",
}  # fmt: skip
_ADDED = re.compile(r"\b(?:with|featuring|plus|including|and)\b", re.IGNORECASE)
_UNWANTED = re.compile(r"\b(?:no|not|without|never|don't)\s+(?:an?\s+)?$", re.IGNORECASE)
_AT_THE_END = (
    r"(?:(?:in|over|for|during) the last (?:\w+ )?bars"
    r"|(?:at|towards?|near|until|to|in|into) the (?:very )?(?:end|final bars|last bars|outro|ending))"
)
_LATE = rf"(?: {_AT_THE_END})?"
_SLOWER = r"(?:slow(?:s|ing)? down|(?:gets?|getting) (?:slower and )?slower)"
_ENSEMBLES = {"duet": 2, "duo": 2, "trio": 3, "quartet": 4, "quintet": 5}
WHOLE_STEP = 2.0
BAR_BEATS = 4.0
FADE_BARS = 4.0
FADE_IN_S = 3.0


def _any(words: dict[str, int] | dict[str, str]) -> str:
    return "|".join(re.escape(word).replace(r"\ ", r"[-\s]") for word in sorted(words, key=len, reverse=True))


# In the pieces below a space stands for any white space.
_TIME = (
    r"(?:(?:the|around|about|exactly|roughly) ){0,2}(?:(?P<m>\d{1,2}):(?P<s>[0-5]\d)|bar (?P<bar>\d{1,3})|"
    r"(?P<one>(?:an? )?minute)\b"
    rf"|{NUMBER_PATTERN}[-\s]?(?:(?P<min>min(?:ute)?s?)|(?P<barred>bars?)|s(?:ec(?:ond)?s?)?)\b)(?:[-\s](?:mark|in)\b)?"
)
_SECTION = rf"(?:the )?(?:(?P<nth>{_any(_NTH)}) )?(?P<kind>{_any(_KINDS)})\b"
_WHEN = rf"(?:{_TIME}|{_SECTION})"
_PART = r"(?P<kind>intro|verse|chorus|bridge|build|build[-\s]up|drop|break|breakdown|solo|outro)"
_BARS = rf"{NUMBER_PATTERN}[-\s]?(?P<barred>bars?)\b"
_WHO = r"(?P<who>[^\W\d_][\w'-]*(?: (?:and )?[\w'-]+){0,4}?)"
_OPENS = r"(?:starts?|starting|begins?|beginning|opens?|opening)"
_ENDS = r"(?:ends?|ending|finish(?:es)?|finishing|closes|closing)"
_COMES = r"(?:comes?|coming|enters?|entering|joins?|joining|starts?|starting|begins?|kicks?|kicking|drops?)"
_LEAVES = r"(?:drops? out|dropping out|falls? away|cuts? out|leaves?|stops?|stopping|rests?)"
_ALONE = r"(?:only|just|nothing but|solely)"
_LOUD = (
    r"(?:loud|big|huge|massive|intense|full|powerful|epic|strong|wild|heavy|explosive|energetic|fierce|chaotic|hard)"
)
_QUIET = (
    r"(?:quiet|soft|calm|gentle|small|mellow|hushed|intimate|sparse|subtle|delicate|slow|serious|"
    r"stripped[-\s](?:down|back))(?:ly)?"
)
_VERY = r"(?:(?:really|very|super|so|quite|more|all|completely|totally) )?"
_LEVEL = rf"{_VERY}(?:(?P<quiet>{_QUIET})|(?P<loud>{_LOUD}))"
_GOES_ON = r"(?=\s*(?:$|[,.;:!?]|(?:and )?(?:then|before|until|builds?)\b))"
_STEP = (
    rf"(?: (?P<way>up|down))?(?: (?:by )?(?:an? )?(?:(?P<step>{_any(_STEPS)})|(?P<semitones>\d{{1,2}}|"
    rf"{'|'.join(_SEVERAL)}|one) (?:semitones?|half steps?)))?"
)
_IN_THE_LAST = (
    r"(?: (?:for|in|into|at|on|before|during) (?:the )?(?:(?:last|final) )?(?P<kind>chorus|drop|verse|refrain|"
    r"bridge|outro)"
    rf"| (?:at|after) {_TIME}| (?:near|towards?|at|before) the (?P<end>end))?"
)
_BACK = r"(?:,? (?:and )?(?:then )?(?:everyone |everything |the band )?(?:back in|comes? back(?: in)?|resumes?))?"
_HIT = r"(?:jump scare|hit|big hit|explosion|bang|scream|impact|crash|drop)"
_OTHERS = (
    r"(?:(?:the )?(?:whole|full|entire|rest of the) (?:band|orchestra|ensemble|group)|everyone|everybody|"
    r"everything|all)(?: else)?"
)


@dataclass(frozen=True)
class _Named:
    """Who is named: ids for a cue, the effects that make them play, and where in the text their own words begin."""

    ids: tuple[str, ...]
    effects: tuple[Effect, ...]
    start: int


def wishes(cleaned: str) -> Iterator[Figure]:
    """Every wish in the cleaned text; an earlier pattern keeps its characters from the later ones."""
    taken = [False] * len(cleaned)
    for pattern, read in _patterns():
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
    played = [e for e in entry.effects if e.field in ("instruments", "family", "vocals", "voice")]
    if not any(e.field in ("instruments", "family") for e in played):
        return None
    ids = out or [str(e.value) for e in played if e.field in ("instruments", "family")]
    return (ids, played) if ids else None


def _moment(match: re.Match[str]) -> Moment:
    groups = match.groupdict()
    if groups.get("bar"):
        return Moment(bar=int(groups["bar"]))
    if groups.get("end"):
        return Moment(section="piece", nth=-1)
    if groups.get("barred"):
        return Moment(bar=int(number(groups["n"])) + 1)
    seconds = _seconds(match)
    if seconds is not None:
        return Moment(at_s=seconds)
    kind = _KINDS[groups["kind"].lower().replace("-", " ")]
    ends = groups["kind"].lower() in _ENDINGS
    nth = _NTH[groups["nth"].lower()] if groups.get("nth") else -1 if ends else 1
    return Moment(section=kind, nth=nth)


def _seconds(match: re.Match[str]) -> float | None:
    groups = match.groupdict()
    if groups.get("m"):
        return 60.0 * int(groups["m"]) + int(groups["s"])
    if groups.get("one"):
        return 60.0
    if groups.get("n") and not groups.get("barred"):
        return number(groups["n"]) * (60 if groups.get("min") else 1)
    return None


_Reader = Callable[["re.Match[str]"], "Figure | None"]


def _cue(does: str, *, plays: bool = True, at: Moment | None = None) -> _Reader:
    """Reads ``who`` and when: ``plays`` where being named means being wanted."""

    def read(match: re.Match[str]) -> Figure | None:
        who = _who(match)
        if who is None or match["who"].lower().endswith((" solo", " solos")):
            return None
        moment = at or _moment(match)
        if does == "only" and moment.section not in (None, "piece") and not match.groupdict().get("nth"):
            moment = moment.model_copy(update={"nth": 0})
        kind = "leave" if does == "rest" and moment.section is None else does
        kind = "enter" if does == "only" and moment.section in (None, "piece") else kind
        cue = Cue.model_validate({"who": who.ids, "does": kind, "moment": moment})
        wanted = who.effects if plays else ()
        hint = ()
        if moment.section not in (None, "piece", "middle"):
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


def _back(match: re.Match[str]) -> Figure | None:
    """ "and come back at 1:16": whoever left before."""
    gone = list(_GONE.finditer(match.string[: match.start()]))
    who = _who(gone[-1]) if gone else None
    if who is None:
        return None
    cue = Cue.model_validate({"who": who.ids, "does": "enter", "moment": _moment(match)})
    return Figure(match.start(), match.end(), (Effect("cues", cue),))


def _solo_at(match: re.Match[str]) -> Figure | None:
    who = _who(match)
    if who is None or not who.effects:
        return None
    hint = SectionHint(kind="solo", at_s=_seconds(match))
    skip = (match.start("who"), who.start) if who.start > match.start("who") else None
    return Figure(match.start(), match.end(), (*who.effects, Effect("sections", hint)), skip)


def _opening_bars(match: re.Match[str]) -> Figure | None:
    """ "starts with just bass and drums for 8 bars"."""
    who = _who(match)
    if who is None:
        return None
    cue = Cue(who=who.ids, does="alone", moment=Moment(section="intro"))
    hint = Effect("sections", SectionHint(kind="intro", bars=int(number(match["n"]))))
    return Figure(match.start(), match.end(), (Effect("cues", cue), *who.effects, hint))


def _ends_at(match: re.Match[str]) -> Figure | None:
    """ "stop at 1:30": how long it is."""
    seconds = _seconds(match)
    return None if seconds is None else Figure(match.start(), match.end(), (Effect("duration_s", seconds),))


def _faster_from(match: re.Match[str]) -> Figure:
    tempo = Effect("tempo_bpm", number(match["n"]))
    return Figure(match.start(), match.end(), (tempo, Effect("features", Feature(kind="quickening"))))


def _fade_in(match: re.Match[str]) -> Figure:
    return _featured(match, Feature(kind="fade_in", value=_seconds(match) or FADE_IN_S))


def _silence_before(match: re.Match[str]) -> Figure:
    beats = BAR_BEATS if match["size"].lower() == "bar" else 1.0
    kind = match["kind"].lower()
    feature = Feature(kind="silence", where=kind, value=beats)
    return Figure(match.start(), match.end(), (Effect("features", feature), Effect("sections", SectionHint(kind=kind))))


def _alike(match: re.Match[str]) -> Figure | None:
    """ "trombone quartet": as many of one instrument, and nobody else. An ensemble with a name of its own is none."""
    if lexicon().phrase(match.group()) is not None:
        return None
    named = _players(match["who"])
    played = [effect for effect in named[1] if effect.field == "instruments"] if named else []
    if len(played) != 1:
        return None
    return Figure(match.start(), match.end(), (*played * _ENSEMBLES[match["size"].lower()], Effect("only", True)))


def _rest_of_band(match: re.Match[str]) -> Figure | None:
    who = _who(match)
    return None if who is None else Figure(match.start(), match.end(), (*who.effects, Effect("only", True)))


def _level(match: re.Match[str]) -> Figure:
    """How loud it is somewhere: in all sections of a kind, in one, or from a time on."""
    groups = match.groupdict()
    kind = "quiet" if groups.get("quiet") else "loud"
    timed = any(groups.get(name) for name in ("m", "one", "n", "bar"))
    exact = timed or groups.get("nth") or _KINDS.get((groups.get("kind") or "").lower()) in ("piece", "middle")
    if exact:
        return _featured(match, Feature.model_validate({"kind": kind, "at": _moment(match)}))
    where = _KINDS[groups["kind"].lower().replace("-", " ")]
    feature = Feature.model_validate({"kind": kind, "where": where})
    return Figure(
        match.start(), match.end(), (Effect("features", feature), Effect("sections", SectionHint(kind=where)))
    )


def _featured(match: re.Match[str], *features: Feature) -> Figure:
    return Figure(match.start(), match.end(), tuple(Effect("features", feature) for feature in features))


def _louder_from_then(match: re.Match[str]) -> Figure | None:
    """ "after that everything doubles": from the last time that was named before."""
    earlier = list(_EARLIER.finditer(match.string[: match.start()]))
    if not earlier:
        return _featured(match, Feature(kind="rising"))
    return _featured(match, Feature(kind="loud", at=_moment(earlier[-1])))


def _swell(match: re.Match[str]) -> Figure | None:
    who = _who(match)
    if who is None:
        return None
    loud = Effect("features", Feature(kind="loud", at=_moment(match)))
    skip = (match.start("who"), who.start) if who.start > match.start("who") else None
    return Figure(match.start(), match.end(), (*who.effects, loud), skip)


def _two_halves(match: re.Match[str]) -> Figure:
    """ "one minute of calm, then one minute of chaos"."""
    first = _duration_s(match["n1"], match["unit1"])
    second = _duration_s(match["n2"], match["unit2"])
    first_level, second_level = ("quiet" if match[name] else "loud" for name in ("quiet1", "quiet2"))
    return Figure(
        match.start(),
        match.end(),
        (
            Effect("duration_s", first + second),
            Effect("features", Feature.model_validate({"kind": first_level, "at": Moment(section="piece")})),
            Effect("features", Feature.model_validate({"kind": second_level, "at": Moment(at_s=first)})),
        ),
    )


def _duration_s(count: str, unit: str) -> float:
    return number(count) * (60.0 if unit.lower().startswith("min") else 1.0)


def _built_up(match: re.Match[str]) -> Figure:
    """ "build tension for 40 seconds, then jump scare, then nothing"."""
    effects = [Effect("features", Feature(kind="rising")), Effect("sections", SectionHint(kind="build"))]
    if match["tension"]:
        effects.append(Effect("moods", "tense"))
    if match["hit"]:
        effects.append(Effect("features", Feature(kind="loud", at=_moment(match))))
        if "scare" in match["hit"].lower():
            effects.append(Effect("usages", "horror"))
        if "drop" in match["hit"].lower():
            effects.append(Effect("sections", SectionHint(kind="drop")))
    if match["nothing"]:
        effects.append(Effect("features", Feature(kind="cut")))
    return Figure(match.start(), match.end(), tuple(effects))


def _stops(match: re.Match[str]) -> Figure:
    return _featured(match, Feature(kind="silence", value=BAR_BEATS, at=_moment(match)))


def _without_piece(match: re.Match[str]) -> Figure:
    stream = KIT_PIECES[match["piece"].lower()]
    return _featured(match, Feature(kind="without", where=stream))


def _except(match: re.Match[str]) -> Figure | None:
    """ "no synths except for a pad in the intro"."""
    out, who = _players(match["out"]), _who(match)
    if out is None or who is None:
        return None
    cue = Cue.model_validate({"who": who.ids, "does": "only", "moment": _moment(match)})
    excluded = tuple(Effect("exclude", id_) for id_ in out[0])
    hint = Effect("sections", SectionHint(kind=_KINDS[match["kind"].lower()]))
    return Figure(match.start(), match.end(), (*excluded, *who.effects, Effect("cues", cue), hint))


def _voices_alone(match: re.Match[str]) -> Figure:
    kind = _KINDS[match["kind"].lower()]
    moment = Moment(section=kind)
    cue = Cue(who=("voices",), does="alone", moment=moment)
    sung = (Effect("vocals", True), Effect("family", "voices"))
    return Figure(match.start(), match.end(), (Effect("cues", cue), *sung, Effect("sections", SectionHint(kind=kind))))


def _beat_drops(match: re.Match[str]) -> Figure:
    cue = Cue(who=("drums", "percussion"), does="enter", moment=Moment(section="verse"))
    return Figure(match.start(), match.end(), (Effect("cues", cue), Effect("family", "drums")))


def _idle(match: re.Match[str]) -> Figure:
    """What a wish beside it has said already."""
    return Figure(match.start(), match.end(), (Effect("neutral", True),))


def _straight_into(match: re.Match[str]) -> Figure:
    """ "intro, then straight into the chorus": what comes first, and no verse before it."""
    kind = match["kind"].lower()
    first = match.groupdict().get("first")
    between = "verse" if kind != "verse" else "chorus"
    form = [*(["intro"] if first else []), kind, between, kind]
    bars = int(number(match["n"])) if match.groupdict().get("n") else None
    hints = [SectionHint(kind="intro", bars=bars)] if first else []
    effects = [Effect("form", " ".join(form)), *(Effect("sections", hint) for hint in [*hints, SectionHint(kind=kind)])]
    return Figure(match.start(), match.end(), tuple(effects))


def _intro_alone(match: re.Match[str]) -> Figure | None:
    who = _who(match)
    if who is None:
        return None
    kind = _KINDS[match["kind"].lower().replace("-", " ")]
    bars = int(number(match["n"])) if match["n"] else None
    cue = Cue(who=who.ids, does="alone", moment=Moment(section=kind))
    hint = Effect("sections", SectionHint(kind=kind, bars=bars))
    return Figure(match.start(), match.end(), (Effect("cues", cue), *who.effects, hint))


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


def _feature_at(kind: str) -> _Reader:
    """A feature in one section."""

    def read(match: re.Match[str]) -> Figure:
        return _featured(match, Feature.model_validate({"kind": kind, "at": _moment(match)}))

    return read


def _fade_out(match: re.Match[str]) -> Figure:
    bars = number(match["n"]) if match.groupdict().get("barred") else FADE_BARS
    return Figure(match.start(), match.end(), (Effect("features", Feature(kind="fade_out", value=bars)),))


def _key_change(match: re.Match[str]) -> Figure:
    groups = match.groupdict()
    step = groups.get("step")
    size = float(_STEPS[step.lower().replace("-", " ")]) if step else WHOLE_STEP
    size = number(groups["semitones"]) if groups.get("semitones") else size
    value = -size if (groups.get("way") or "").lower() == "down" else size
    kind = _KINDS[groups["kind"].lower()] if groups.get("kind") else None
    timed = any(groups.get(name) for name in ("m", "one", "bar", "barred", "end")) or _seconds_of_place(match)
    if timed:
        return _featured(match, Feature(kind="key_change", value=value, at=_moment(match)))
    feature = Feature(kind="key_change", where=kind or "chorus", value=value)
    hints = (Effect("sections", SectionHint(kind=kind)),) if kind not in (None, "piece") else ()
    return Figure(match.start(), match.end(), (Effect("features", feature), *hints))


def _seconds_of_place(match: re.Match[str]) -> bool:
    """Whether the number of a change of key is a time: "at 90 seconds", not "by 3 semitones"."""
    groups = match.groupdict()
    return bool(groups.get("n")) and not groups.get("semitones")


def _less(match: re.Match[str]) -> Figure | None:
    """ "less drums": nobody plays less of one player, so it is not understood; it is no wish for drums either."""
    return None if _who(match) is None else _unmet(match)


def _unmet(match: re.Match[str]) -> Figure:
    return Figure(match.start(), match.end(), (Effect("unmet", match.group()),))


def _pattern(*pieces: str) -> re.Pattern[str]:
    return re.compile("".join(pieces).replace(" ", r"\s+"), re.IGNORECASE)


#: Who left, to whom "and come back" leads.
_GONE = _pattern(rf"\b{_WHO} (?:{_LEAVES}|cuts?|stops?)(?: (?:in|for|during|at|after) {_WHEN})?")
#: Times as they are named, to which "after that" leads back.
_EARLIER = _pattern(r"\b(?:at|after) ", _TIME)
_AT_FIRST, _AT_LAST = Moment(section="piece"), Moment(section="piece", nth=-1)
_PIECES = "|".join(sorted(map(re.escape, KIT_PIECES.keys() - {"percussion", "perc"}), key=len, reverse=True))
_UNIT = r"(?:min(?:ute)?s?|sec(?:ond)?s?)"
_COUNT = r"(?:\d{1,3}|one|two|three|four|five|ten|fifteen|twenty|thirty|forty|sixty)"
_QUIET_NOUN, _LOUD_NOUN = (
    r"(?:calm|quiet|peace|stillness|silence|softness|piano)",
    (r"(?:chaos|noise|energy|mayhem|power|action|madness|fury|intensity|storm|drums)"),
)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], _Reader], ...]:
    """The patterns, each with what reads it; made when the first prompt needs them."""
    return tuple(
        (_pattern(*pieces) if isinstance(pieces, tuple) else _pattern(pieces), read) for pieces, read in _WISHES
    )


_WISHES: tuple[tuple[str | tuple[str, ...], _Reader], ...] = (
    ((rf"\b(?:everything|everyone|all|the band|all else)(?: else)? (?:drops? out|stops?|cuts? out|falls? away|rests?) "
              rf"(?:except|but)(?: for)? {_WHO} (?:at|in|for|on|after|during) {_WHEN}"), _cue("alone")),
    ((rf"\b(?:and |then |they |it |,)+ ?(?:comes?|kicks?|drops?) back(?: in)? (?:at|for|in|on|after|with) {_WHEN}"),
     _back),
    ((rf"\b(?:bring(?:s|ing)?|fade|fading) {_WHO} in (?:at|for|on|after|from) {_WHEN}"), _cue("enter")),
    ((rf"\b(?:cut(?:s|ting)?|mut(?:e|es|ing)|remov(?:e|es|ing)|los(?:e|es|ing)|pull(?:s|ing)?|kill(?:s|ing)?)(?: out)? "
              rf"{_WHO} (?:for|in|during|at|after|from) {_WHEN}"), _cue("rest")),
    ((rf"\b{_WHO} solos? (?:after|before|in|at|during|over|on) {_WHEN}"), _solo_at),
    ((rf"\b(?:start(?:s|ing)?|begin(?:s|ning)?|open(?:s|ing)?)(?: off)? with (?:{_ALONE} )?{_WHO} "
              rf"for (?:the first )?{_BARS}"), _opening_bars),
    ((r"\b(?:ends?|ending|stops?|finish(?:es)?|cuts?) (?:abruptly|suddenly|dead|cold|without warning)"
              r"(?: (?:after|on|with|in) (?:the )?(?:last|final)? ?(?:chorus|verse|drop|bar|beat|note|chord|hit))?"),
     _feature("cut")),
    ((rf"\b(?:tempo|speed|it|bpm) (?:rises|goes|increases|ramps|climbs|builds)(?: up)? from {NUMBER_PATTERN} "
              r"(?:bpm )?to \d{2,3}(?: bpm)?"), _faster_from),
    ((rf"\bfad(?:e|es|ing)[-\s]?in (?:over|for|during) {_TIME}"), _fade_in),
    ((rf"\bhalf[-\s]?time (?=second|first|third|last|final|2nd|3rd){_SECTION}"), _feature_at("half_time")),
    ((r"\b(?:an? )?(?P<size>bar|beat|moment|second) of silence (?:right |just )?before (?:the |each |every )?"
              r"(?:last |final |first |second )?(?P<kind>drop|chorus|verse|bridge)\b"), _silence_before),
    ((rf"\b(?:no|without) {_WHO} (?:until|till|before) (?:after )?{_WHEN}"), _cue("enter")),
    ((rf"\b(?:no|without) {_WHO} (?:in|for|during) (?:the )?first {_TIME}",
              rf"(?:,? (?:and )?then (?:the )?\w+ {_COMES}(?: in)?\b)?"), _cue("enter")),
    ((rf"\b(?P<n1>{_COUNT}) (?P<unit1>{_UNIT}) of (?:(?P<quiet1>{_QUIET_NOUN})|{_LOUD_NOUN}),? (?:and )?then ",
              rf"(?P<n2>{_COUNT}) (?P<unit2>{_UNIT}) of (?:(?P<quiet2>{_QUIET_NOUN})|{_LOUD_NOUN})\b"), _two_halves),
    ((rf"\bbuild(?:s|ing)?(?: up)?(?P<tension> tension| suspense)? for {_TIME}",
              rf"(?:,? (?:and )?then (?:an? )?(?P<hit>{_HIT}))?(?:,? (?:and )?then (?P<nothing>nothing|silence))"
              rf"?"), _built_up),
    ((rf"\b(?:no|without) (?P<out>[a-z]+(?: [a-z]+)?) except(?: for)? {_WHO} in {_SECTION}"), _except),
    ((r"\b(?:no|without)(?: any)? (?P<piece>", _PIECES,
              r")(?:e?s)?\b(?! (?:until|till|before|in|for|during|from|drum|drums|roll))(?: at all)?"), _without_piece),
    ((r"\ba ?cap+ella (?P<kind>intro|introduction|opening|start|bridge|break|outro|verse)\b"), _voices_alone),
    ((r"\b(?:and )?then (?:the )?beat (?:drops|kicks in|comes in|starts|enters)\b"), _beat_drops),
    ((rf"\b{_PART}(?: of {NUMBER_PATTERN} bars?)?,? (?:with )?(?:just|only|solo) {_WHO}{_GOES_ON}"), _intro_alone),
    ((rf"\b(?:and )?(?:then )?{_OTHERS} (?:kicks?|comes?|joins?|enters?|drops?)(?: in| back| back in)?\b(?! (?:at|"
              rf"after|from|on|in) )"), _idle),
    ((rf"\b(?:the )?last (?:{_TIME})(?: is| are|:|,)? {_ALONE} {_WHO}{_GOES_ON}"),
     _cue("alone", at=_AT_LAST)),
    ((rf"\b(?:{_ALONE} )?{_WHO} (?:for|in) (?:the )?last {_TIME}"), _cue("alone", at=_AT_LAST)),
    ((rf"\b(?:then )?{_ALONE} {_WHO} (?:to|till|until|at|for|in) the (?:end|ending|finale|outro)\b"),
     _cue("alone", at=_AT_LAST)),
    ((rf"\b(?:until )?{_ALONE} {_WHO} (?:remains?|is left|are left|stays?)\b"), _cue("alone", at=_AT_LAST)),
    ((rf"\b{_WHO} (?:only )?(?:for|in|during) the first {_TIME}(?: only)?\b"), _cue("leave")),
    ((rf"\b{_WHO} only (?:in|for|during|on|at) {_SECTION}"), _cue("only")),
    ((rf"\b(?:bring(?:s|ing)?(?: in)?|add(?:s|ing)?|introduc(?:e|es|ing)|layer(?:s|ing)?(?: in)?) {_WHO} (?:for|"
              rf"in|at|from|on|after|into) {_WHEN}"), _cue("enter")),
    ((rf"\blet {_WHO} (?:take the (?:melody|lead|tune)|lead|shine|play|come in|sing|enter) (?:for|in|at|from|on|"
              rf"after) {_WHEN}"), _cue("enter")),
    ((rf"\b{_WHO} that (?:only )?{_COMES}(?: in)?(?: (?:during|in) [\w ]{{3,20}}?)? (?:at|after|from) {_TIME}"),
     _cue("enter")),
    ((rf"\bby the end(?:,)? (?:there (?:should be|is|are)|we have|it has|comes?|with) {_WHO}(?=\s*(?:$|[,.;:!?]))"),
     _cue("enter", at=_AT_LAST)),
    ((r"\b(?:after that|then|from there|from then on)(?:,)? (?:everything|it|all|the energy) ",
              r"(?:doubles(?: in intensity)?|explodes|intensifies|erupts|goes wild|gets (?:louder|bigger|wilder|"
              r"more intense))\b"), _louder_from_then),
    ((rf"\b{_WHO} (?:swells?|soars?|surges?|explodes?|erupts?|gets? loud(?:er)?) (?:at|in|on|for|after) {_WHEN}"),
     _swell),
    ((rf"\b(?:everything|everyone|music|it all|it|the band|all) (?:stops?|pauses?|goes silent|drops? out|cuts? "
              rf"out) (?:at|after|around) {_TIME}",
              rf"(?: for (?:\w+ )?(?:seconds?|beats?|bars?|a moment|a beat|a second))?{_BACK}"), _stops),
    ((rf"\b(?:an? )?(?:pause|silence|(?:moment|second|beat|bar) of silence|break) (?:at|around) {_TIME}{_BACK}"),
     _stops),
    ((rf"\b(?:the )?(?:begin|beginning|start|intro|opening)(?: is)? {_VERY}{_QUIET},? (?:and|but|then)(?: the)? ",
              rf"(?:final|finale|end|ending|outro)(?: is)? {_VERY}{_LOUD}\b"), _feature("rising")),
    ((rf"\bat {_TIME},? (?:so )?(?:it |we |the music |everything )?(?:should )?(?:go(?:es)?|gets?|becomes?|turns?)"
              rf" {_LEVEL}(?: there)?\b"), _level),
    ((rf"\b(?:go(?:es)?|gets?|becomes?|turns?|drops? to|is|be) {_LEVEL} (?:at|after|from|in|for|on|during) "
              rf"{_WHEN}"), _level),
    ((rf"\bwhen {_SECTION} (?:hits|comes(?: in)?|starts|drops|arrives),? (?:it|everything|the band) (?:gets|goes|"
              rf"becomes|is) {_LEVEL}\b"), _level),
    ((rf"(?<!\w){_SECTION} (?:is|are|gets?|goes|go|should be|stays?|very|really) {_LEVEL}\b(?: and (?:serious|"
              rf"slow|quiet|loud|wild))?"), _level),
    ((rf"(?<!\w){_LEVEL} (?P<kind>verses|choruses|verse|chorus|breakdowns|bridge|outro)\b"), _level),
    ((rf"(?<!\w){_VERY}(?:(?P<quiet>quiet|soft|calm|gentle|hushed|subtle)|(?P<loud>loud|huge|massive|powerful)) "
              r"(?P<kind>start|beginning|opening|intro|ending|end|finale)\b"), _level),
    ((r"\benergy (?:goes|going|drops?|falls?|fades?|decreases?|winds) ?(?:down|away|off)?(?: over time| slowly| "
              r"gradually)?\b"), _feature("falling")),
    ((r"\benergy (?:rises?|builds?|grows?|increases?|climbs?|goes up)(?: up)?(?: over time| slowly| gradually| "
              r"throughout)?\b"), _feature("rising")),
    ((r"\b(?:an? )?double[-\s]time (?:in|for|during|on) ", _SECTION), _feature_at("quickening")),
    ((r"\b(?:an? )?(?:slow|rubato|free)(?: free| and free)? (?P<kind>opening|introduction)\b"), _feature_at("slowing")),
    ((rf"\b(?:{_ENDS}|closes?|closing|final|last)(?: (?:with|on|in))?(?: (?:an?|one))?(?: (?:long|last|final|"
              rf"single|big))* (?:held|sustained|ringing|long) ",
              r"(?:chord|note)s?\b|\blet (?:the |it )?(?:last |final )?(?:chord|note|it)? ?(?:ring(?: out)?|fade "
              r"out naturally)\b|\brings? out\b|\blast chord (?:held|rings?(?: out)?)\b"),
     _feature("held_chord")),
    ((r"\b(?:(?:two|three|four|\d) )?(?:big )?(?:hits?|stabs?|accents?|bangs?)(?: at the end)?,? (?:and )?then "
              r"(?:silence|nothing)\b"), _feature("cut")),
    ((r"\blike (?:somebody|someone) pull(?:ed|s) the plug\b"), _feature("cut")),
    ((rf"\b(?:the )?rest (?:is|are|of the band is|of the band:?) {_WHO}(?=\s*(?:$|[,.;:!?]))"), _rest_of_band),
    ((r"(?<!and\s)(?<!\w)(?P<who>[a-z]+(?: sax)?) (?P<size>duet|duo|trio|quartet|quintet)\b"), _alike),
    ((rf"\b(?:no|without) {_WHO} (?:in|for|during) {_SECTION}"), _cue("rest", plays=False)),
    ((rf"\b{_WHO} {_LEAVES} (?:in|for|during|at|after) {_WHEN}"), _cue("rest")),
    ((rf"\b{_WHO} {_COMES}(?: in)? (?:at around|at about|at|from|in|on|with|after|around|about|for|by|during) "
              rf"{_WHEN}"), _cue("enter")),
    ((rf"\b{_WHO} (?:only )?(?:from|after) {_WHEN}(?: on(?:wards?)?\b)?"), _cue("enter")),
    ((rf"\b{_OPENS}(?: off)?(?: with)? {_ALONE} (?:on )?{_WHO}{_GOES_ON}"), _cue("alone", at=_AT_FIRST)),
    ((r"(?:(?<=quiet\s)|(?<=quietly\s)|(?<=soft\s)|(?<=softly\s)|(?<=calm\s)|(?<=slow\s))(?:with|on) ",
              rf"(?:an? )?(?:(?:lone|solo|single|solitary) )?{_WHO}{_GOES_ON}"), _cue("alone", at=_AT_FIRST)),
    ((rf"\b{_OPENS} (?:with|on) {_WHO}(?: (?:alone|only|solo))?{_GOES_ON}"), _cue("alone", at=_AT_FIRST)),
    ((rf"\b{_WHO} (?:(?:only|solo|alone) )?intro\b"), _cue("alone", at=Moment(section="intro"))),
    ((rf"\b{_WHO} (?:(?:only|solo|alone) )?(?:start|opening|beginning)\b"), _cue("alone", at=_AT_FIRST)),
    ((rf"\b{_ENDS} (?:with|on) (?:{_ALONE} )?{_WHO}(?: (?:alone|only|solo))?(?=\s*(?:$|[,.;:!?]))"),
     _cue("alone", at=_AT_LAST)),
    ((rf"\b{_ALONE} {_WHO} (?:in|for|during) {_SECTION}"), _cue("alone")),
    ((rf"\b(?P<count>{'|'.join(_SEVERAL)}) (?P<who>[a-z]+(?: [a-z]+)?s)\b"), _several),
    ((rf"\b(?P<count>{'|'.join(_SEVERAL)}) (?P<who>[a-z]+s)\b"), _several),
    ((rf"\bsolo (?:for|by|on) (?:the |an? )?{_WHO}(?: in the middle)?(?=\s*(?:$|[,.;:!?]))"), _solo),
    ((rf"\b(?P<first>intro)(?: of {NUMBER_PATTERN}[-\s]bars?)?,? (?:and )?(?:then )?(?:goes |going )?(?:straight|"
              rf"right|directly) ",
              r"(?:in)?to (?:the |a )?(?P<kind>chorus|drop|verse)\b"), _straight_into),
    ((r"\b(?:starts? )?(?:straight|right|directly|immediately) with (?:the |a )?(?P<kind>chorus|drop|verse)\b"),
     _straight_into),
    ((rf"\b{_PART}s? (?:of|that lasts|lasting|for) {_BARS}"), _hint),
    ((rf"(?<!\w){_BARS} {_PART}\b"), _hint),
    ((rf"\b(?:ends?|ending|stops?|finish(?:es)?)(?: exactly| right)? (?:at|after) {_TIME}(?: exactly| sharp)?"),
     _ends_at),
    ((rf"\b(?P<kind>(?:beat |bass )?drop|build[-\s]up|build|intro|verse|outro|chorus|breakdown|break|bridge|solo)"
              rf"(?: comes| starts| hits)? (?:at|after) {_TIME}"), _hint),
    ((rf"\b(?:{_ENDS} (?:with|in|on) (?:an? )?)?(?:(?:slow|long|gentle|gradual) )?",
              r"fad(?:e|es|ing)(?:[-\s]?out)?(?! in\b|\w|[-\s]in\b)(?: (?:at|towards?) the end)?",
              rf"(?: (?:over|for|during|in) (?:the )?(?:last )?{_BARS})?"), _fade_out),
    ((r"\bfad(?:e|es|ing)[-\s]?in\b(?: (?:at|from) the (?:start|beginning))?"), _feature("fade_in", FADE_IN_S)),
    ((r"\b(?:(?:at least )?(?:an?|one|two|several) )?(?:key changes?|changes? of key|modulat(?:es?|ing|ions?)|"
              r"transpos(?:es?|ing)",
              rf"|(?:goes|moves|shifts)(?= (?:up|down) (?:by )?(?:an? )?(?:{_any(_STEPS)})))",
              rf"{_STEP}{_IN_THE_LAST}"), _key_change),
    ((rf"\b(?P<way>up|down) (?:by )?(?:an? )?(?P<step>{_any(_STEPS)}) (?:for|in|at|on|into) (?:the )?(?:(?:last|"
              rf"final) )?(?P<kind>chorus|drop|verse|bridge|outro)\b"), _key_change),
    ((r"\b(?:last|final) (?P<kind>chorus|drop) (?:goes |is )?(?P<way>up)",
              rf"(?: (?:by )?(?:an? )?(?P<step>{_any(_STEPS)}))?\b"), _key_change),
    ((rf"\bhalf[-\s]?time {_PART}\b"), _feature("half_time")),
    ((rf"\b{_PART} (?:in|at|goes) half[-\s]?time\b"), _feature("half_time")),
    ((rf"\bhalf[-\s]?time (?:in|for|during) the {_PART}\b"), _feature("half_time")),
    ((r"\b(?:an? )?(?:full )?bar of silence before the (?P<kind>drop|chorus)\b"), _feature("silence", 4.0)),
    ((r"\b(?:an? )?(?:(?:beat|moment|second|short moment) of silence|silence|pause|silent beat)",
              r" (?:right |just )?before the (?P<kind>drop|chorus)\b"), _feature("silence", 1.0)),
    ((rf"\b(?:goes )?(?:from )?{_QUIET} to {_LOUD}\b|\b(?:gets|getting|grows|growing) (?:louder and )?louder\b",
              rf"|\b{_OPENS} {_QUIET}(?=\s+with|,|\s+and|\s+then|\s*$)(?:,? (?:and )?(?:then )?{_ENDS} {_LOUD}\b)?"),
     _feature("rising")),
    ((rf"\b(?:goes )?(?:from )?{_LOUD} to {_QUIET}\b|\b(?:gets|getting) (?:quieter and )?quieter\b",
              r"|\bwinds down\b"), _feature("falling")),
    ((rf"\b(?:less|fewer|quieter|softer) {_WHO}(?=\s*(?:$|[,.;:!?]))"), _less),
    ((r"\b(?:ritardando|ritard|rallentando|rit\.)", rf"(?!\w){_LATE}"), _feature("ritard")),
    ((rf"\b(?:it )?{_SLOWER} {_AT_THE_END}"), _feature("ritard")),
    ((rf"\b(?:it )?{_SLOWER}\b"), _feature("slowing")),
    ((rf"\bfermatas?\b{_LATE}"), _feature("fermata")),
    ((rf"\b(?:(?:it )?(?:speed(?:s|ing)? up|(?:gets?|getting) (?:faster and )?faster)|accelerando|accelerates?)"
              rf"\b{_LATE}"),
     _feature("quickening")),
    ((r"\b(?:tempo|metre|meter) changes?\b(?: (?:at|towards?|near|until|to) the end)?"), _unmet),
)  # fmt: skip
