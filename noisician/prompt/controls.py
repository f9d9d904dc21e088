"""What the words were taken to mean. Every value keeps the words that caused it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

#: Who a :class:`Cue` names where all of the band is meant.
EVERYONE = "everyone"
#: What a :class:`Cue` can say somebody does, and how ``explain`` says it.
_DOES = {"enter": "from", "leave": "until", "rest": "not in", "alone": "alone in", "only": "only in"}
FeatureKind = Literal[
    "fade_out", "fade_in", "cut", "key_change", "half_time", "silence", "call_and_response", "stop_time", "rising",
    "falling", "quiet", "loud", "held_chord", "without", "ritard", "slowing", "quickening", "fermata", "double_time",
    "pedal",
]  # fmt: skip
#: What a feature's value counts.
_UNITS = {"fade_out": "bars", "fade_in": "s", "key_change": "semitones", "silence": "beats", "ritard": "bars"}


class Reason(BaseModel):
    """Why one field has one value."""

    model_config = ConfigDict(frozen=True)

    field: str
    value: str
    words: str  # the words of the prompt, or the option, that caused it
    #: "guess": a number without its unit; "substitute": the nearest there is to what was named; "unplayed": understood
    #: and kept, but not played yet; "set_aside": a name; "no_effect": known words that change nothing here, alone or
    #: because others outweigh them.
    source: Literal[
        "option", "lexicon", "meaning", "implied", "default", "substitute", "unplayed", "no_effect", "set_aside",
        "guess",
    ]  # fmt: skip
    confidence: float = 1.0  # cosine similarity for "meaning", else 1


class SectionHint(BaseModel):
    """A wish about form: ``kind`` as in Section.kind; ``wanted`` False for "no intro".

    ``bars`` is how long its first is to be, ``at_s`` when it is to begin, ``soloist`` who leads in it (an instrument).
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    wanted: bool = True
    bars: int | None = None
    at_s: float | None = None
    soloist: str | None = None

    def __str__(self) -> str:
        more = (
            "" if self.wanted else "no",
            self.kind,
            f"of {self.bars} bars" if self.bars is not None else "",
            f"at {self.at_s:g} s" if self.at_s is not None else "",
            f"for {self.soloist}" if self.soloist else "",
        )
        return " ".join(part for part in more if part)


class Moment(BaseModel):
    """Where in a piece: a section (``nth`` of its kind from 1, −1 the last), seconds, or a bar counted from 1.

    ``section`` is a kind, "middle", or "piece": then ``nth`` counts sections of any kind. ``side`` is the section right
    before, or after, that one.
    """

    model_config = ConfigDict(frozen=True)

    section: str | None = None
    nth: int = 1
    at_s: float | None = None
    bar: int | None = None
    side: Literal["before", "after"] | None = None

    def __str__(self) -> str:
        if self.at_s is not None:
            return f"{int(self.at_s // 60)}:{self.at_s % 60:02g}"
        if self.bar is not None:
            return f"bar {self.bar}"
        which = {1: "the first", -1: "the last", 0: "every"}.get(self.nth, f"number {self.nth} of the")
        place = f"{which} {'section' if self.section == 'piece' else self.section}"
        return f"the section {self.side} {place}" if self.side else place


class Cue(BaseModel):
    """When somebody plays: ``who`` are roles, families or instruments, or ``EVERYONE``.

    They rest before the moment ("enter") or from it on ("leave"), in that section ("rest"), everywhere but in sections
    of that kind ("only"), or everybody else rests in it ("alone").
    """

    model_config = ConfigDict(frozen=True)

    who: tuple[str, ...]
    does: Literal["enter", "leave", "rest", "alone", "only"]
    moment: Moment

    def __str__(self) -> str:
        return f"{' '.join(self.who)} {_DOES[self.does]} {self.moment}"


class Feature(BaseModel):
    """Something the form does. ``where`` is a kind of section; None where it is all of the piece, or ``at`` says it.

    ``value``: bars of a fade out, seconds of a fade in, semitones of a key change, beats of a silence, bars of a
    ritard. "without" has the stream of the drum kit that rests in ``where``.
    """

    model_config = ConfigDict(frozen=True)

    kind: FeatureKind
    where: str | None = None
    value: float | None = None
    at: Moment | None = None

    @property
    def is_unplayed(self) -> bool:
        """Whether it is kept in the controls although nothing plays it yet: another tempo for a part of the piece."""
        return self.kind in ("slowing", "quickening") and (self.where is not None or self.at is not None)

    def __str__(self) -> str:
        value = f" {self.value:g} {_UNITS[self.kind]}" if self.value is not None else ""
        place = str(self.at) if self.at is not None else self.where
        return self.kind.replace("_", " ") + value + (f" ({place})" if place else "")


class Wish(BaseModel):
    """Something that is understood and kept, and that nothing plays yet: ``what`` ``who`` is to do where.

    ``who`` are roles, families or instruments; nobody: everyone. "palm muted", "rap", "unresolved chord".
    """

    model_config = ConfigDict(frozen=True)

    what: str
    who: tuple[str, ...] = ()
    moment: Moment | None = None

    def __str__(self) -> str:
        return " ".join(part for part in (*self.who, self.what, f"({self.moment})" if self.moment else "") if part)


class Controls(BaseModel):
    """Music in fields. ``None`` or empty means the composer's planner chooses from the genre."""

    model_config = ConfigDict(frozen=True)

    genres: tuple[tuple[str, float], ...] = ()  # (id, weight), weights sum to 1, heaviest first
    moods: tuple[tuple[str, float], ...] = ()
    instruments: tuple[str, ...] = ()  # one named twice is two players
    textures: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()  # ids of roles, instruments, families or textures to leave out
    closed: bool = False  # nobody joins the instruments named
    players: int | None = None  # how many play, textures and effects aside
    tempo_bpm: float | None = None
    key: str | None = None
    mode: str | None = None
    chords: str | None = None  # a chart, see score/chart.py
    time_signature: str | None = None
    duration_s: float | None = None
    bars: int | None = None
    energy: float | None = None  # 0 calm … 1 fierce
    density: float | None = None  # 0 sparse … 1 busy
    swing: float | None = None  # 0 straight … 1 triplet
    production: tuple[str, ...] = ()  # renderer/mix tags: bright dark driven lofi wide dry wet ...
    sections: tuple[SectionHint, ...] = ()
    form: tuple[str, ...] = ()  # every section in order, where the words tell them all
    cues: tuple[Cue, ...] = ()
    features: tuple[Feature, ...] = ()
    wishes: tuple[Wish, ...] = ()  # understood, and played by nobody yet
    loop: bool = False
    usages: tuple[str, ...] = ()  # what the music is for, as in styles/usages.toml: "boss_fight"
    vocals: bool | None = None  # whether somebody is to sing
    voice: Literal["female", "male", "child", "choir"] | None = None
    lyrics_language: str | None = None  # ISO 639-1 code of the words to be sung
    language: str | None = None  # ISO 639-1 code of what the prompt is written in, None for English
    reasons: tuple[Reason, ...] = ()
    not_understood: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # what else to say of how words and lyrics were read, a clause each
