"""What each deed comes to: cues, features of the form, and wishes that nothing plays yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from noisician.prompt.controls import EVERYONE, Cue, Feature, Moment, SectionHint, Wish
from noisician.prompt.lexicon import Effect
from noisician.prompt.timeline.clauses import Clause
from noisician.prompt.timeline.places import Place, State, after
from noisician.prompt.timeline.times import END, START
from noisician.prompt.wish_words import BAR_BEATS, FADE_IN_S, STEPS, WHOLE_STEP

_FEATURES = {
    "quiet": "quiet", "loud": "loud", "faster": "quickening", "slower": "slowing", "half time": "half_time",
    "build": "rising", "thin": "falling", "fade in": "fade_in",
}  # fmt: skip
_CUES = {"enter": "enter", "back": "enter", "leave": "leave", "alone": "alone"}
#: What only guitars do, where nobody is named.
_OF_GUITARS = ("palm muted", "distorted", "clean", "open")
#: Deeds of a voice.
VOICED = ("rap", "sing", "scream", "shout", "whisper", "spoken", "harmonies")
#: "Alone" in these words lets the others go one by one.
_THINNING = ("thin", "dwindl", "strip", "pare", "narrow")


@dataclass(frozen=True)
class Event:
    """One deed: ``who`` are ids, or EVERYONE; ``players`` those of them that are somebody."""

    deed: str
    who: tuple[str, ...]
    place: Place
    clause: Clause
    state: State

    @property
    def players(self) -> tuple[str, ...]:
        return tuple(one for one in self.who if one != EVERYONE)

    @property
    def moment(self) -> Moment:
        return self.place.moment


def happens(event: Event) -> Iterator[Effect]:
    """The effects of a deed."""
    reader = _READERS.get(event.deed)
    if reader is not None:
        yield from reader(event)
    elif event.deed in _FEATURES:
        yield from _feature(event)
    else:
        yield from _technique(event)


def cue(does: str, who: Sequence[str], moment: Moment) -> Effect:
    return Effect("cues", Cue.model_validate({"who": tuple(who), "does": does, "moment": moment}))


def _featured(kind: str, **told: object) -> Effect:
    return Effect("features", Feature.model_validate({"kind": kind, **told}))


def _feature(event: Event) -> Iterator[Effect]:
    """How loud or fast it is there; who swells where somebody else was alone comes in, too."""
    if event.deed == "slower" and event.moment == END:
        yield _featured("ritard")
        return
    half = event.deed == "half time" and event.moment.section not in (None, "piece", "middle") and event.moment.nth == 1
    place = {"where": event.moment.section} if half and event.moment.side is None else {"at": event.moment}
    yield _featured(_FEATURES[event.deed], **place)
    others = event.players and event.state.alone and not set(event.players) & set(event.state.alone)
    if others and event.deed == "loud" and event.moment.side is None:
        yield cue("enter", event.players, event.moment)


def _arc(event: Event) -> Iterator[Effect]:
    """Rising, falling and fading in have no place of their own."""
    value = FADE_IN_S if event.deed == "fade in" else None
    yield _featured(_FEATURES[event.deed], value=value)
    if event.deed == "build" and event.moment.at_s is not None:
        yield Effect("sections", SectionHint(kind="build", at_s=event.moment.at_s))
    if event.deed == "thin" and event.players:
        yield cue("alone", event.players, END)


def _silence(event: Event) -> Iterator[Effect]:
    place, moment = event.place, event.moment
    if moment == START:
        yield _featured("quiet", at=START)
    elif moment == END or (event.clause.by == "then" and not place.exact):
        yield _featured("cut")
    else:
        beats = {"beat": 1.0, "bar": BAR_BEATS, "s": 2.0}.get(place.unit, BAR_BEATS) * (place.amount or 1.0)
        where = {"where": moment.section} if moment.side == "before" else {"at": moment}
        yield _featured("silence", value=beats, **where)
        if moment.side is None and (end := after(place)) is not None:
            yield _featured("loud", at=end)


def _key_change(event: Event) -> Iterator[Effect]:
    """A key change in a kind of section, or at a moment."""
    said = " ".join(item.said for item in event.clause.items)
    size = next((float(STEPS[step]) for step in sorted(STEPS, key=len, reverse=True) if step in said), WHOLE_STEP)
    named = event.moment.section not in (None, "piece", "middle")
    yield _featured("key_change", value=size, **({"where": event.moment.section} if named else {"at": event.moment}))


def _solo(event: Event) -> Iterator[Effect]:
    if event.players:
        yield from (e for item in event.clause.who() for e in item.effects if e.field in ("instruments", "family"))
        yield Effect("sections", SectionHint(kind="solo", at_s=event.moment.at_s))
        if event.moment.at_s is None:
            yield Effect("wishes", Wish(what="solo", who=event.players, moment=event.moment))


def _drop(event: Event) -> Iterator[Effect]:
    yield Effect("sections", SectionHint(kind="drop", at_s=event.moment.at_s))


def _style(event: Event) -> Iterator[Effect]:
    said = next(item.said for item in event.clause.items if item.deed == "style")
    yield Effect("wishes", Wish(what=f"in the style of {said}", moment=event.moment))


def _feel(event: Event) -> Iterator[Effect]:
    for mood in event.clause.feelings()[:2]:
        yield Effect("wishes", Wish(what=mood, who=event.players, moment=event.moment))


def _instrumental(event: Event) -> Iterator[Effect]:
    """ "instrumental until 1:00": somebody sings then."""
    end = event.place.until or after(event.place)
    if end is not None and end != END:
        yield from (Effect("vocals", True), Effect("family", "voices"), cue("enter", ("voices", "choir_wash"), end))


def _swap(event: Event) -> Iterator[Effect]:
    yield cue("leave", event.players[:1], event.moment)
    if event.players[1:]:
        yield cue("enter", event.players[1:], event.moment)


def _hold(event: Event) -> Iterator[Effect]:
    if event.players:
        yield cue("enter", event.players, event.place.until or event.moment)


def _technique(event: Event) -> Iterator[Effect]:
    """How somebody plays or sings there: kept, and not played yet."""
    players = event.players
    if event.deed == "tense":
        yield Effect("implies", "tense")
    if not players and event.deed in _OF_GUITARS:
        players = ("guitar",)
        yield Effect("family", "guitar")
    voiced = event.deed in VOICED
    yield Effect("wishes", Wish(what=event.deed, who=players or (("voices",) if voiced else ()), moment=event.moment))
    if voiced:
        yield from (Effect("vocals", True), Effect("family", "voices"))
    if event.deed == "whisper":
        yield _featured("quiet", at=event.moment)
    if event.deed == "hit" and event.moment == END:
        yield from (_featured("loud", at=END), _featured("cut"))


def _leaves(event: Event) -> Iterator[Effect]:
    """Who leaves; in a section they only rest, and for so long they come back."""
    who = event.who or _before(event)
    if not who:
        if event.place.exact and event.moment.at_s is not None:
            yield from _drop(event)  # "drop at 1:00"
        return
    event.state.left = who
    moment = event.moment
    rests = moment.section not in (None, "middle") and moment != END and moment.side != "after"
    yield cue("rest" if rests else "leave", who, moment)
    end = event.place.until or after(event.place)
    if end is not None and end != END:
        yield cue("enter", who, end)


def enters(event: Event) -> Iterator[Effect]:
    """Who comes in. All do after somebody who was alone at the start: that needs no cue."""
    if EVERYONE in event.who and event.state.alone and not event.place.exact:
        yield Effect("neutral", True)
    elif event.who:
        yield cue("enter", event.who, event.moment)


def _returns(event: Event) -> Iterator[Effect]:
    """Who left before; somebody else is who stays: "then back to organ"."""
    before = [id_ for one in event.state.who for id_ in one.who]
    if not event.who:
        who, event.state.left = event.state.left or (EVERYONE,), ()
        yield cue("enter", who, event.moment)
        return
    if before and not set(event.who) & set(before):
        yield cue("leave", before, event.moment)
    yield cue("enter", event.who, event.moment)


def alone(event: Event) -> Iterator[Effect]:
    """Who plays alone, and when the others come back."""
    who = event.who or _before(event)
    if any(item.said.startswith(_THINNING) for item in event.clause.items):
        yield _featured("falling")
    if not who:
        return
    yield cue("alone", who, event.moment)
    event.state.alone = who
    end = event.place.until or after(event.place)
    if end is not None and event.moment.section is None:
        yield cue("enter", (EVERYONE,), end)
    if event.moment == START and event.place.unit == "bar":
        yield Effect("sections", SectionHint(kind="intro", bars=int(event.place.amount)))


def _only(event: Event) -> Iterator[Effect]:
    """ "only in the chorus", "only from 0:30"."""
    if event.who:
        named = event.moment.section not in (None, "piece", "middle")
        moment = event.moment.model_copy(update={"nth": 0}) if named else event.moment
        yield cue("only" if named else "enter", event.who, moment)


def _before(event: Event) -> tuple[str, ...]:
    """Whoever was named before, where the clause says when."""
    told = event.place.amount or event.place.exact
    return tuple(id_ for one in event.state.who for id_ in one.who) if told else ()


_READERS: Mapping[str, Callable[[Event], Iterator[Effect]]] = {
    "enter": enters, "leave": _leaves, "back": _returns, "alone": alone, "only": _only, "solo": _solo,
    "silence": _silence, "build": _arc, "thin": _arc, "fade in": _arc, "key change": _key_change, "drop": _drop,
    "style": _style, "feel": _feel, "instrumental": _instrumental, "swap": _swap, "hold": _hold,
}  # fmt: skip
