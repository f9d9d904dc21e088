"""Whether wishes with a place or a time were understood as somebody judged them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from noisician import styles
from noisician.prompt import Controls
from noisician.prompt.controls import EVERYONE, Cue, Feature, Moment, Wish

#: How far seconds may be apart, and as what share of the time.
NEAR_S, NEAR_SHARE = 5.0, 0.05
#: How far bars may be apart.
NEAR_BARS = 1
_SAME = {
    "start": "start", "intro": "start", "beginning": "start", "end": "end", "outro": "end", "middle": "middle",
    "bridge": "middle", "break": "middle", "breakdown": "middle", "solo": "middle", "last chorus": "last chorus",
    "second verse": "second verse", "chorus": "chorus", "verse": "verse", "drop": "drop",
    "final chorus": "last chorus", "first chorus": "chorus", "first verse": "verse", "first drop": "drop",
    "final drop": "last drop", "finale": "end", "opening": "start", "first half": "start", "second half": "middle",
    "interlude": "middle", "coda": "end", "mid": "middle", "pre-chorus": "pre_chorus",
    "prechorus": "pre_chorus", "pre chorus": "pre_chorus",
    "last verse": "last verse", "final verse": "last verse", "hook": "chorus", "refrain": "chorus", "ending": "end",
    "last section": "end", "first section": "start", "climax": "drop", "build-up": "build", "buildup": "build",
    "each chorus": "chorus", "every chorus": "chorus", "choruses": "chorus", "verses": "verse",
}  # fmt: skip
_FEATURES = {
    "quiet": ("quiet",), "loud": ("loud",), "half time": ("half_time", "slowing"), "silence": ("silence",),
    "faster": ("quickening",), "slower": ("slowing", "ritard", "half_time"), "double time": ("quickening",),
    "key change": ("key_change",),
    "fade in": ("fade_in",), "fade out": ("fade_out",), "calm": ("quiet",), "tense": ("loud",), "hit": ("loud", "cut"),
}  # fmt: skip
#: What may be kept as a wish that nothing plays yet, by what somebody called it.
_WISHED = {
    "faster": ("double time",), "sing": ("sing", "harmonies"), "chant": ("shout",), "growl": ("scream",),
    "pizzicato": ("staccato",),
    "calm": ("relaxed", "calm", "chill", "dreamy"), "tense": ("tense", "eerie", "dark"), "sad": ("sad", "melancholic"),
    "happy": ("happy", "playful", "uplifting"), "dark": ("dark", "eerie"), "hopeful": ("hopeful", "uplifting"),
    "triumphant": ("triumphant", "epic"), "scary": ("eerie", "dark", "tense"), "romantic": ("romantic",),
    "dreamy": ("dreamy",),
    "aggressive": ("aggressive",), "epic": ("epic", "triumphant"), "playful": ("playful", "happy"),
    "mysterious": ("mysterious", "eerie"), "energetic": ("energetic",), "peaceful": ("calm", "chill"),
    "shout": ("shout", "scream"), "scream": ("scream", "shout"), "open": ("open", "clean"),
}  # fmt: skip
#: (controls, what somebody called a player) to the players that are meant.
Plays = Callable[[Controls, str], list[str]]


def timed_right(item: Mapping[str, Any], controls: Controls, plays: Plays) -> bool:
    """Whether ``item`` (who, what, and section or at_s) is among what was understood."""
    what, who = item["what"], item["who"]
    if any(_wish_right(one, item, controls, plays) for one in controls.wishes):
        return True
    if what in ("enters", "leaves", "solo"):
        return _plays_right(item, controls, plays)
    if what == "quiet" and who != "everyone" and any(_alone(cue, item, controls, plays) for cue in controls.cues):
        return True
    if what in ("build", "drop"):
        return _section_right(item, controls, what)
    return any(_feature_right(one, item, controls) for one in controls.features)


def _wish_right(one: Wish, item: Mapping[str, Any], controls: Controls, plays: Plays) -> bool:
    """Whether a wish is kept for that place, and for somebody that it fits where somebody was judged."""
    if (
        one.what == item["what"] == "solo"
        and one.moment is not None
        and not one.moment.side
        and item.get("section") is None
    ):
        return _is_who(one.who, item["who"], controls, plays)
    if one.what not in (item["what"], *_WISHED.get(item["what"], ())):
        return False
    named = one.who and item["who"] != "everyone"
    if named and not _is_who(one.who, item["who"], controls, plays):
        return False
    return one.moment is None or _at(one.moment, item)


def _section_right(item: Mapping[str, Any], controls: Controls, kind: str) -> bool:
    if kind == "build" and item.get("at_s") is None:
        return any(one.kind == "rising" for one in controls.features) or any(
            hint.kind == "build" for hint in controls.sections
        )
    if any(hint.kind == kind and _near(hint.at_s, item.get("at_s")) for hint in controls.sections):
        return True
    return any(one.kind == "loud" and one.at is not None and _at(one.at, item) for one in controls.features)


def _feature_right(one: Feature, item: Mapping[str, Any], controls: Controls) -> bool:
    what = item["what"]
    if one.kind in ("rising", "falling") and what in ("quiet", "loud") and item.get("section") in ("start", "end"):
        return (one.kind == "rising") == ((what, item["section"]) in (("quiet", "start"), ("loud", "end")))
    if one.kind not in _FEATURES.get(what, ()):
        return False
    if item.get("semitones") is not None and one.value != item["semitones"]:
        return False
    if one.at is not None:
        return _at(one.at, item)
    if item.get("at_s") is not None or item.get("at_bar") is not None:
        return False
    wanted = _SAME.get(item.get("section", ""))
    if one.kind in ("fade_in", "fade_out"):
        return True
    if wanted in (None, "end") and one.kind in ("key_change", "slowing", "quickening", "ritard"):
        return True  # they come near the end unless told otherwise
    place = _SAME.get(one.where or "", one.where)
    return wanted is None or place == wanted or wanted == f"last {place}"


def _plays_right(item: Mapping[str, Any], controls: Controls, plays: Plays) -> bool:
    what, who = item["what"], item["who"]
    if what == "solo":
        if any(_alone(cue, item, controls, plays) for cue in controls.cues):
            return True
        if any(one.kind == "call_and_response" for one in controls.features) and _ids(controls, who, plays):
            return True
        hints = [hint for hint in controls.sections if hint.kind == "solo"]
        named = _ids(controls, who, plays)
        fits = any(hint.soloist is None or hint.soloist in named for hint in hints) and bool(named)
        return fits and _SAME.get(item.get("section", ""), "middle") == "middle"
    for cue in controls.cues:
        if (
            what == "enters"
            and cue.does in ("enter", "only")
            and _is_who(cue.who, who, controls, plays)
            and _at(cue.moment, item)
        ):
            return True
        if what == "enters" and who == "everyone" and cue.does == "alone":
            return True  # all others come in after it
        if what == "leaves" and _is_who(cue.who, who, controls, plays):
            rests = cue.does == "rest" and item.get("at_s") is None and not cue.moment.side
            if rests or (cue.does in ("leave", "rest") and _at(cue.moment, item)):
                return True
        # who rests in one section is back in the next
        here = cue.does == "rest" or (cue.does == "alone" and _at(cue.moment, item))
        if what == "enters" and here and _is_who(cue.who, who, controls, plays):
            return True
    if what == "enters" and who == "everyone" and _SAME.get(item.get("section", "")) == "start":
        return not any(
            cue.does == "alone" and cue.moment.section == "piece" and cue.moment.nth == 1 for cue in controls.cues
        )
    from_start = what == "enters" and _SAME.get(item.get("section", "")) == "start"
    late = any(cue.does == "enter" and _is_who(cue.who, who, controls, plays) for cue in controls.cues)
    return from_start and bool(_ids(controls, who, plays)) and not late


def _alone(cue: Cue, item: Mapping[str, Any], controls: Controls, plays: Plays) -> bool:
    return cue.does == "alone" and _is_who(cue.who, item["who"], controls, plays) and _at(cue.moment, item)


def _ids(controls: Controls, who: str, plays: Plays) -> set[str]:
    if who == "vocals":
        return {"voices", "voice_oohs", "choir"}
    return set(plays(controls, who))


def _is_who(named_ids: Sequence[str], who: str, controls: Controls, plays: Plays) -> bool:
    if who == "everyone":
        return True
    table = styles.instruments()
    named = _ids(controls, who, plays)
    families = {table[id_].family for id_ in named if id_ in table}
    return bool({*named, *families, who} & set(named_ids)) or EVERYONE in named_ids


def _at(moment: Moment, item: Mapping[str, Any]) -> bool:
    """Whether a moment is the place that was judged; no place judged: anywhere."""
    if item.get("at_s") is not None:
        return _near(moment.at_s, item["at_s"])
    if item.get("at_bar") is not None:
        return moment.bar is not None and abs(moment.bar - item["at_bar"]) <= NEAR_BARS
    if item.get("section") is None:
        return True
    wanted = str(_SAME.get(item["section"], item["section"]))
    side, _, beside = wanted.partition(" ")
    if side in ("before", "after"):
        return moment.side == side and _place_of(moment) == _SAME.get(beside, beside)
    if moment.side is not None:
        return False
    place = _place_of(moment)
    if wanted == "end" and place == "" and (moment.at_s is not None or moment.bar is not None):
        return moment.nth == -1
    return place == wanted


def _place_of(moment: Moment) -> str:
    """What somebody would call the section of a moment; "" for seconds and bars."""
    if moment.section == "piece":
        return {1: "start", -1: "end", 2: "second part"}.get(moment.nth, "")
    ordinal = {-1: "last", 2: "second", 3: "third"}.get(moment.nth)
    if moment.section in ("verse", "chorus", "drop") and ordinal:
        return f"{ordinal} {moment.section}"
    return _SAME.get(moment.section or "", moment.section or "")


def _near(there_s: float | None, wanted_s: float | None) -> bool:
    if wanted_s is None:
        return True
    return there_s is not None and abs(there_s - wanted_s) <= max(NEAR_S, NEAR_SHARE * wanted_s)
