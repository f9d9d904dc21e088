"""What the matches of wishes ask for, each as a figure with its effects; None where it is no wish after all."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from noisician.prompt.controls import Cue, Feature, Moment, SectionHint, Wish
from noisician.prompt.lexicon import Effect, Entry, lexicon
from noisician.prompt.numbers import Figure, number
from noisician.prompt.wish_words import (
    ADDED,
    BAR_BEATS,
    EARLIER,
    ENDINGS,
    ENSEMBLES,
    FADE_BARS,
    FADE_IN_S,
    GONE,
    KINDS,
    KIT_PIECES,
    NTH,
    QUIET,
    SEVERAL,
    STEPS,
    WHOLE_STEP,
)


@dataclass(frozen=True)
class Named:
    """Who is named: ids for a cue, the effects that make them play, and where in the text their own words begin."""

    ids: tuple[str, ...]
    effects: tuple[Effect, ...]
    start: int


Reader = Callable[["re.Match[str]"], "Figure | None"]


def named_in(match: re.Match[str]) -> Named | None:
    """The players a phrase ends with: "a soft piano and cello" names two and leaves an adjective over."""
    text, at = match["who"], match.start("who")
    words = [(found.group(), found.start()) for found in re.finditer(r"[\w'-]+", text)]
    for first in range(len(words)):
        ids: list[str] = []
        effects: list[Effect] = []
        for part in re.split(r"\s+and\s+", text[words[first][1] :]):
            named = players_of(re.sub(r"^(?:the|a|an|some|all)\s+", "", part))
            if named is None:
                break
            ids += named[0]
            effects += named[1]
        else:
            return Named(tuple(dict.fromkeys(ids)), tuple(effects), at + words[first][1])
    return None


def players_of(phrase: str) -> tuple[list[str], list[Effect]] | None:
    entry = lexicon().phrase(phrase)
    ids = named_ids(entry) if entry is not None else []
    if entry is None or not ids:
        return None
    return ids, [e for e in entry.effects if e.field in ("instruments", "family", "vocals", "voice")]


def named_ids(entry: Entry) -> list[str]:
    """The roles, families and instruments that a cue about a phrase is about; none where it names no player."""
    played = [str(e.value) for e in entry.effects if e.field in ("instruments", "family")]
    if not played:
        return []
    return [str(e.value) for e in entry.negated or () if e.field == "exclude"] or played


def moment_of(match: re.Match[str]) -> Moment:
    groups = match.groupdict()
    if groups.get("bar"):
        return Moment(bar=int(groups["bar"]))
    if groups.get("half"):
        return Moment(section="middle")
    if groups.get("end"):
        return Moment(section="piece", nth=-1)
    if groups.get("barred"):
        return Moment(bar=int(number(groups["n"])) + 1)
    seconds = seconds_of(match)
    if seconds is not None:
        return Moment(at_s=seconds)
    kind = KINDS[groups["kind"].lower().replace("-", " ")]
    ends = groups["kind"].lower() in ENDINGS
    nth = NTH[groups["nth"].lower()] if groups.get("nth") else -1 if ends else 1
    start = match.start("nth") if groups.get("nth") else match.start("kind")
    beside = _BESIDE.search(match.string[:start]) if kind != "piece" else None
    side = beside["side"].lower() if beside is not None else None
    return Moment.model_validate({"section": kind, "nth": nth, "side": side})


#: "after the chorus" is the section that follows it.
_BESIDE = re.compile(r"(?<!until\s)\b(?P<side>after|before)\s+(?:the\s+|each\s+|every\s+)?$", re.IGNORECASE)


def seconds_of(match: re.Match[str]) -> float | None:
    groups = match.groupdict()
    if groups.get("m"):
        return 60.0 * int(groups["m"]) + int(groups["s"])
    if groups.get("one"):
        return 60.0
    if groups.get("n") and not groups.get("barred"):
        return number(groups["n"]) * (60 if groups.get("min") else 1)
    return None


#: Words of a "who" that are none: "sax solo", "everything but the vocals".
_NO_PLAYER = re.compile(r"\bsolos?$|\b(?:every(?:thing|one|body)|all) (?:but|except)\b", re.IGNORECASE)


def cue_of(does: str, *, plays: bool = True, at: Moment | None = None) -> Reader:
    """Reads ``who`` and when: ``plays`` where being named means being wanted."""

    def read(match: re.Match[str]) -> Figure | None:
        who = named_in(match)
        if who is None or _NO_PLAYER.search(match["who"]):
            return None
        moment = at or moment_of(match)
        if does == "only" and moment.section not in (None, "piece") and not match.groupdict().get("nth"):
            moment = moment.model_copy(update={"nth": 0})
        kind = "leave" if does == "rest" and moment.section is None else does
        kind = "enter" if does == "only" and moment.section in (None, "piece") else kind
        cue = Cue.model_validate({"who": who.ids, "does": kind, "moment": moment})
        wanted = who.effects if plays else ()
        hint = ()
        if moment.section not in (None, "piece", "middle"):
            hint = (Effect("sections", SectionHint(kind=str(moment.section))),)
        skips = ((match.start("who"), who.start),) if who.start > match.start("who") else ()
        return Figure(match.start(), match.end(), (Effect("cues", cue), *wanted, *hint), skips)

    return read


def several(match: re.Match[str]) -> Figure | None:
    """ "two violins": as many of one instrument."""
    named = players_of(match["who"][:-1]) or players_of(match["who"])
    if named is None or not named[1] or match["who"][-1].lower() != "s":
        return None
    several = tuple(effect for effect in named[1][:1] for _ in range(SEVERAL[match["count"].lower()]))
    closing = (Effect("only", "listed"),) if not ADDED.search(match.string[: match.start()]) else ()
    return Figure(match.start(), match.end(), (*several, *closing))


def back(match: re.Match[str]) -> Figure | None:
    """ "and come back at 1:16": whoever left before."""
    gone = list(GONE.finditer(match.string[: match.start()]))
    who = named_in(gone[-1]) if gone else None
    if who is None:
        return None
    cue = Cue.model_validate({"who": who.ids, "does": "enter", "moment": moment_of(match)})
    return Figure(match.start(), match.end(), (Effect("cues", cue),))


def solo_at(match: re.Match[str]) -> Figure | None:
    who = named_in(match)
    if who is None or not who.effects:
        return None
    hint = SectionHint(kind="solo", at_s=seconds_of(match))
    skips = ((match.start("who"), who.start),) if who.start > match.start("who") else ()
    return Figure(match.start(), match.end(), (*who.effects, Effect("sections", hint)), skips)


def opening_bars(match: re.Match[str]) -> Figure | None:
    """ "starts with just bass and drums for 8 bars"."""
    who = named_in(match)
    if who is None:
        return None
    cue = Cue(who=who.ids, does="alone", moment=Moment(section="intro"))
    hint = Effect("sections", SectionHint(kind="intro", bars=int(number(match["n"]))))
    return Figure(match.start(), match.end(), (Effect("cues", cue), *who.effects, hint))


def ends_at(match: re.Match[str]) -> Figure | None:
    """ "stop at 1:30": how long it is."""
    seconds = seconds_of(match)
    return None if seconds is None else Figure(match.start(), match.end(), (Effect("duration_s", seconds),))


def faster_from(match: re.Match[str]) -> Figure:
    tempo = Effect("tempo_bpm", number(match["n"]))
    return Figure(match.start(), match.end(), (tempo, Effect("features", Feature(kind="quickening"))))


def fade_in(match: re.Match[str]) -> Figure:
    return featured(match, Feature(kind="fade_in", value=seconds_of(match) or FADE_IN_S))


def silence_before(match: re.Match[str]) -> Figure:
    beats = BAR_BEATS if match["size"].lower() == "bar" else 1.0
    kind = match["kind"].lower()
    feature = Feature(kind="silence", where=kind, value=beats)
    return Figure(match.start(), match.end(), (Effect("features", feature), Effect("sections", SectionHint(kind=kind))))


def loud_end(match: re.Match[str]) -> Figure:
    return featured(match, Feature(kind="loud", at=Moment(section="piece", nth=-1)))


def alike(match: re.Match[str]) -> Figure | None:
    """ "trombone quartet": as many of one instrument, and nobody else. An ensemble with a name of its own is none."""
    before = match.string[: match.start()].rstrip()
    if lexicon().phrase(match.group()) is not None or before.endswith((" and", " with", ",")):
        return None
    named = players_of(match["who"].removesuffix("s")) or players_of(match["who"])
    begins = not before or before.endswith((".", ";", ":", "!", "?")) or re.search(r"\b(?:an?|the)$", before)
    fields = ("instruments", "family") if begins else ("instruments",)  # "upright bass duo" is no duo of basses
    played = [effect for effect in named[1] if effect.field in fields] if named else []
    if len(played) != 1:
        return None
    return Figure(match.start(), match.end(), (*played * ENSEMBLES[match["size"].lower()], Effect("only", True)))


def consort(match: re.Match[str]) -> Figure | None:
    """ "recorder consort of four"."""
    named = players_of(match["who"])
    played = [effect for effect in named[1] if effect.field == "instruments"] if named else []
    if len(played) != 1:
        return None
    return Figure(match.start(), match.end(), (*played * SEVERAL[match["count"].lower()], Effect("only", True)))


def left_out(match: re.Match[str]) -> Figure | None:
    """ "drums: none", "take the drums away": the one who is named, or the sound, is not wanted."""
    entry = lexicon().phrase(match["who"])
    if entry is None:
        return None
    out = entry.negated if entry.negated is not None else tuple(Effect("exclude", id_) for id_ in named_ids(entry))
    return Figure(match.start(), match.end(), out) if out else None


def waves(match: re.Match[str]) -> Figure:
    """ "quiet loud quiet": the levels of the start, the middle and the end."""
    places = (Moment(section="piece"), Moment(section="middle"), Moment(section="piece", nth=-1))
    kinds = ["quiet" if re.fullmatch(QUIET, match[name], re.IGNORECASE) else "loud" for name in ("a", "b", "c")]
    return featured(
        match, *(Feature.model_validate({"kind": kind, "at": at}) for kind, at in zip(kinds, places, strict=True))
    )


def other_key(match: re.Match[str]) -> Figure:
    """ "begins in d minor, ends in d major": where it begins is read by itself."""
    return featured(match, Feature(kind="key_change", value=0.0, at=Moment(section="piece", nth=-1)))


def other_metre(match: re.Match[str]) -> Figure:
    """ "goes to 3/4 for the bridge": another metre somewhere, which nobody plays."""
    wish = Wish(what=f"{match['metre']} time", moment=moment_of(match))
    return Figure(match.start(), match.end(), (Effect("wishes", wish),))


def unresolved(match: re.Match[str]) -> Figure:
    wish = Wish(what="unresolved chord", moment=Moment(section="piece", nth=-1))
    return Figure(match.start(), match.end(), (Effect("wishes", wish),))


def layered(match: re.Match[str]) -> Figure:
    """ "add one instrument every 8 bars"."""
    return featured(match, Feature(kind="rising"))


def rest_of_band(match: re.Match[str]) -> Figure | None:
    who = named_in(match)
    return None if who is None else Figure(match.start(), match.end(), (*who.effects, Effect("only", True)))


def level_somewhere(match: re.Match[str]) -> Figure:
    """How loud it is somewhere: in all sections of a kind, in one, or from a time on."""
    groups = match.groupdict()
    kind = "quiet" if groups.get("quiet") else "loud"
    timed = any(groups.get(name) for name in ("m", "one", "n", "bar"))
    exact = timed or groups.get("nth") or KINDS.get((groups.get("kind") or "").lower()) in ("piece", "middle")
    if exact:
        return featured(match, Feature.model_validate({"kind": kind, "at": moment_of(match)}))
    where = KINDS[groups["kind"].lower().replace("-", " ")]
    feature = Feature.model_validate({"kind": kind, "where": where})
    return Figure(
        match.start(), match.end(), (Effect("features", feature), Effect("sections", SectionHint(kind=where)))
    )


def featured(match: re.Match[str], *features: Feature) -> Figure:
    return Figure(match.start(), match.end(), tuple(Effect("features", feature) for feature in features))


def louder_from_then(match: re.Match[str]) -> Figure | None:
    """ "after that everything doubles": from the last time that was named before."""
    earlier = list(EARLIER.finditer(match.string[: match.start()]))
    if not earlier:
        return featured(match, Feature(kind="rising"))
    return featured(match, Feature(kind="loud", at=moment_of(earlier[-1])))


def swell(match: re.Match[str]) -> Figure | None:
    who = named_in(match)
    if who is None:
        return None
    loud = Effect("features", Feature(kind="loud", at=moment_of(match)))
    skips = ((match.start("who"), who.start),) if who.start > match.start("who") else ()
    return Figure(match.start(), match.end(), (*who.effects, loud), skips)


def two_halves(match: re.Match[str]) -> Figure:
    """ "one minute of calm, then one minute of chaos"."""
    first = duration_s(match["n1"], match["unit1"])
    second = duration_s(match["n2"], match["unit2"])
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


def duration_s(count: str, unit: str) -> float:
    return number(count) * (60.0 if unit.lower().startswith("min") else 1.0)


def built_up(match: re.Match[str]) -> Figure:
    """ "build tension for 40 seconds, then jump scare, then nothing"."""
    effects = [Effect("features", Feature(kind="rising")), Effect("sections", SectionHint(kind="build"))]
    if match["tension"]:
        effects.append(Effect("moods", "tense"))
    if match["hit"]:
        effects.append(Effect("features", Feature(kind="loud", at=moment_of(match))))
        if "scare" in match["hit"].lower():
            effects.append(Effect("usages", "horror"))
        if "drop" in match["hit"].lower():
            effects.append(Effect("sections", SectionHint(kind="drop")))
    if match["nothing"]:
        effects.append(Effect("features", Feature(kind="cut")))
    return Figure(match.start(), match.end(), tuple(effects))


def stops(match: re.Match[str]) -> Figure:
    return featured(match, Feature(kind="silence", value=BAR_BEATS, at=moment_of(match)))


def without_piece(match: re.Match[str]) -> Figure:
    stream = KIT_PIECES[" ".join(match["piece"].lower().split())]
    return featured(match, Feature(kind="without", where=stream))


def all_except(match: re.Match[str]) -> Figure | None:
    """ "no synths except for a pad in the intro"."""
    out, who = players_of(match["out"]), named_in(match)
    if out is None or who is None:
        return None
    cue = Cue.model_validate({"who": who.ids, "does": "only", "moment": moment_of(match)})
    excluded = tuple(Effect("exclude", id_) for id_ in out[0])
    hint = Effect("sections", SectionHint(kind=KINDS[match["kind"].lower()]))
    return Figure(match.start(), match.end(), (*excluded, *who.effects, Effect("cues", cue), hint))


def but_for(match: re.Match[str]) -> Figure | None:
    """ "no drums except maybe a shaker": all of them but that one."""
    out, who = players_of(match["out"]), named_in(match)
    if out is None or who is None:
        return None
    return Figure(match.start(), match.end(), (*(Effect("exclude", id_) for id_ in out[0]), *who.effects))


def voices_alone(match: re.Match[str]) -> Figure:
    kind = KINDS[match["kind"].lower()]
    moment = Moment(section=kind)
    cue = Cue(who=("voices",), does="alone", moment=moment)
    sung = (Effect("vocals", True), Effect("family", "voices"))
    return Figure(match.start(), match.end(), (Effect("cues", cue), *sung, Effect("sections", SectionHint(kind=kind))))


def beat_drops(match: re.Match[str]) -> Figure:
    cue = Cue(who=("drums", "percussion"), does="enter", moment=Moment(section="verse"))
    return Figure(match.start(), match.end(), (Effect("cues", cue), Effect("family", "drums")))


def idle(match: re.Match[str]) -> Figure:
    """What a wish beside it has said already."""
    return Figure(match.start(), match.end(), (Effect("neutral", True),))


def straight_into(match: re.Match[str]) -> Figure:
    """ "intro, then straight into the chorus": what comes first, and no verse before it."""
    kind = match["kind"].lower()
    first = match.groupdict().get("first")
    between = "verse" if kind != "verse" else "chorus"
    form = [*(["intro"] if first else []), kind, between, kind]
    bars = int(number(match["n"])) if match.groupdict().get("n") else None
    hints = [SectionHint(kind="intro", bars=bars)] if first else []
    effects = [Effect("form", " ".join(form)), *(Effect("sections", hint) for hint in [*hints, SectionHint(kind=kind)])]
    return Figure(match.start(), match.end(), tuple(effects))


def intro_alone(match: re.Match[str]) -> Figure | None:
    who = named_in(match)
    if who is None:
        return None
    kind = KINDS[match["kind"].lower().replace("-", " ")]
    bars = int(number(match["n"])) if match["n"] else None
    cue = Cue(who=who.ids, does="alone", moment=Moment(section=kind))
    hint = Effect("sections", SectionHint(kind=kind, bars=bars))
    return Figure(match.start(), match.end(), (Effect("cues", cue), *who.effects, hint))


def section_hint(match: re.Match[str]) -> Figure:
    groups = match.groupdict()
    bars = int(number(groups["n"])) if groups.get("barred") else None
    kind = KINDS[groups["kind"].lower().replace("-", " ")]
    hint = SectionHint(kind=kind, bars=bars, at_s=seconds_of(match))
    return Figure(match.start(), match.end(), (Effect("sections", hint),))


def solo_of(match: re.Match[str]) -> Figure | None:
    who = named_in(match)
    if who is None or not who.effects:
        return None
    return Figure(match.start(), match.end(), (*who.effects, Effect("sections", SectionHint(kind="solo"))))


def one_feature(kind: str, value: float | None = None) -> Reader:
    def read(match: re.Match[str]) -> Figure:
        groups = match.groupdict()
        where = groups.get("kind")
        feature = Feature.model_validate(
            {"kind": kind, "where": KINDS[where.lower().replace("-", " ")] if where else None, "value": value}
        )
        effects = [Effect("features", feature)]
        if feature.where is not None:
            effects.append(Effect("sections", SectionHint(kind=feature.where)))
        return Figure(match.start(), match.end(), tuple(effects))

    return read


def feature_at(kind: str) -> Reader:
    """A feature in one section."""

    def read(match: re.Match[str]) -> Figure:
        return featured(match, Feature.model_validate({"kind": kind, "at": moment_of(match)}))

    return read


def pedal(match: re.Match[str]) -> Figure:
    """A bass that stays on the tonic, in one kind of sections or throughout."""
    kind = match.groupdict().get("kind")
    where = KINDS[kind.lower().replace("-", " ")] if kind else None
    return featured(match, Feature(kind="pedal", where=where))


def fade_out(match: re.Match[str]) -> Figure:
    bars = number(match["n"]) if match.groupdict().get("barred") else FADE_BARS
    return Figure(match.start(), match.end(), (Effect("features", Feature(kind="fade_out", value=bars)),))


def key_change(match: re.Match[str]) -> Figure:
    groups = match.groupdict()
    step = groups.get("step")
    size = float(STEPS[step.lower().replace("-", " ")]) if step else WHOLE_STEP
    size = number(groups["semitones"]) if groups.get("semitones") else size
    value = -size if (groups.get("way") or "").lower() == "down" else size
    kind = KINDS[groups["kind"].lower()] if groups.get("kind") else None
    timed = any(groups.get(name) for name in ("m", "one", "bar", "barred", "end")) or seconds_of_place(match)
    if timed:
        return featured(match, Feature(kind="key_change", value=value, at=moment_of(match)))
    feature = Feature(kind="key_change", where=kind or "chorus", value=value)
    hints = (Effect("sections", SectionHint(kind=kind)),) if kind not in (None, "piece") else ()
    return Figure(match.start(), match.end(), (Effect("features", feature), *hints))


def seconds_of_place(match: re.Match[str]) -> bool:
    """Whether the number of a change of key is a time: "at 90 seconds", not "by 3 semitones"."""
    groups = match.groupdict()
    return bool(groups.get("n")) and not groups.get("semitones")


def less(match: re.Match[str]) -> Figure | None:
    """ "less drums": nobody plays less of one player, so it is not understood; it is no wish for drums either."""
    who = named_in(match)
    return unmet(match) if who is not None and who.start == match.start("who") else None


def unmet(match: re.Match[str]) -> Figure:
    return Figure(match.start(), match.end(), (Effect("unmet", match.group()),))
