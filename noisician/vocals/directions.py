"""What lyrics say of the music: a style line, tags that name no section, what stands in a section's tag.

What concerns the whole piece is read as words of the prompt; what stands in or under a section's tag, by the same
reading, changes who plays there and how strongly.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from noisician.lyrics import Lyrics, Section
from noisician.prompt import Controls, Reason, understand
from noisician.prompt.controls import Feature
from noisician.request import PROMPT_LIMIT_CHARS, Request
from noisician.styles import instruments, table
from noisician.vocals.chords import chord_names, key_of
from noisician.vocals.form import COMPOSED_AS
from noisician.vocals.style import style_table

#: Players that a text's words for singers are taken for.
STAND_INS = frozenset({"voice_oohs", "choir"})
#: What of one section the form can follow where it names a place.
_OF_A_SECTION = ("half_time", "key_change", "silence", "stop_time")
_HEARD_IN_THE_VOICE = frozenset({"choir", "rap", "spoken", "whispered", "sung"})
#: What players do in a section, which says no more than their names.
_COMING = {"enter", "enters", "come", "comes", "kick", "kicks", "join", "joins", "play", "plays", "start", "starts"}
#: One voice sings the whole song.
_OTHER_VOICE = re.compile(r"\b(?:(?:fe)?male|(?:wo)?m[ae]n|boys?|girls?|duet|child(?:ren)?)\b", re.IGNORECASE)
#: How far a section's energy goes to the one its tag asks for.
_OBEYED = 0.7


@dataclass(frozen=True)
class Direction:
    """What one section's tag asks for: who ``plays`` there beside the others, or ``alone``, who ``rests`` (roles,
    families, instruments); its ``energy``, by how much a mood ``lifts`` it, and its length where it has no words.
    ``joins`` are the instruments that the band needs for it."""

    plays: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()
    rests: tuple[str, ...] = ()
    alone: bool = False
    energy: float | None = None
    lift: float = 0.0
    bars: int | None = None
    features: tuple[Feature, ...] = ()
    unknown: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    def of_energy(self, energy: float) -> float:
        """A section's energy as the direction has it, 0.05 … 1."""
        wanted = energy if self.energy is None else energy + _OBEYED * (self.energy - energy)
        return min(1.0, max(0.05, wanted + self.lift))

    def words(self) -> str:
        """What is done, in a few words; empty where nothing is."""
        done = [
            f"{', '.join(self.plays) or 'nobody'} alone" if self.alone else f"with {', '.join(self.plays)}"
            if self.plays else "",
            f"without {', '.join(self.rests)}" if self.rests else "",
            f"energy {self.energy:g}" if self.energy is not None else "",
            f"energy {self.lift:+g}" if self.lift else "",
            f"{self.bars} bars" if self.bars is not None else "",
            *(str(feature) for feature in self.features),
        ]  # fmt: skip
        return ", ".join(part for part in done if part)


def manner_of(section: Section) -> tuple[str, ...]:
    """How a section is sung: what stands in its tag and in the tags under it."""
    return tuple(dict.fromkeys((*section.modifiers, *section.hints)))


def worded(request: Request, lyrics: Lyrics) -> Request:
    """The request with what its lyrics say of the whole piece among the words of its prompt."""
    prompt = ", ".join(part for part in (request.prompt, *lyrics.wishes) if part)
    if not lyrics.wishes or len(prompt) > PROMPT_LIMIT_CHARS:
        return request
    return request.model_copy(update={"prompt": prompt})


def direction_of(section: Section, genres: tuple[str, ...] = ()) -> Direction:
    """What a section's tag and the tags under it ask for; "guitar" is that of the ``genres``."""
    found = [_read(hint, COMPOSED_AS.get(section.kind, section.kind), genres) for hint in manner_of(section)]
    energies = [one.energy for one in found if one.energy is not None]
    return Direction(
        plays=tuple(dict.fromkeys(id_ for one in found for id_ in one.plays)),
        joins=tuple(dict.fromkeys(id_ for one in found for id_ in one.joins)),
        rests=tuple(dict.fromkeys(id_ for one in found for id_ in one.rests)),
        alone=any(one.alone for one in found),
        energy=round(sum(energies) / len(energies), 3) if energies else None,
        lift=sum(one.lift for one in found),
        bars=next((one.bars for one in found if one.bars is not None), None),
        features=tuple(dict.fromkeys(feature for one in found for feature in one.features)),
        unknown=tuple(word for one in found for word in one.unknown),
        unused=tuple(hint for one in found for hint in one.unused),
    )


@lru_cache(maxsize=256)
def _read(hint: str, kind: str, genres: tuple[str, ...]) -> Direction:
    """One hint; ``unknown`` are words without a meaning, ``unused`` is the hint where its meaning cannot be followed in
    one section."""
    meant = understand(Request(prompt=hint[:PROMPT_LIMIT_CHARS], genres=genres))
    singing = style_table()["words"].keys() | _HEARD_IN_THE_VOICE
    moods = sum(weight * table("moods")[id_]["energy"] for id_, weight in meant.moods)
    joins = tuple(id_ for id_ in meant.instruments if id_ not in STAND_INS)
    sings = len(joins) < len(meant.instruments)
    implied = {reason.value for reason in meant.reasons if reason.source == "implied"}
    plays = tuple(instruments()[id_].family if id_ in implied else id_ for id_ in joins)
    features = tuple(
        one.model_copy(update={"where": kind}) if one.kind in _OF_A_SECTION else one for one in meant.features
    )
    direction = Direction(
        plays=plays,
        joins=joins,
        rests=() if meant.closed else tuple(meant.excluded),
        alone=meant.closed,
        energy=meant.energy,
        lift=0.0 if meant.energy is not None else round(moods, 3),
        bars=meant.bars,
        features=features,
        unknown=tuple(
            word for word in meant.not_understood if word.lower() not in singing | (_COMING if joins else set())
        ),
    )
    other_voice = _OTHER_VOICE.search(hint) is not None
    heard = sings or any(word in singing for word in (hint, *hint.replace("-", " ").split()))
    if other_voice:
        return replace(direction, unused=(hint,))
    if direction.words() or heard or direction.unknown:
        return direction
    return Direction(unused=(hint,))


def with_lyrics(controls: Controls, request: Request, lyrics: Lyrics) -> Controls:
    """The controls of a request once its lyrics are read: who joins for a section, the key of written chords, and what
    has to be said. ``controls`` are those of the request's :func:`worded` form."""
    reasons, unknown = list(controls.reasons), list(controls.not_understood)
    notes = list(lyrics.notes)
    joining: list[str] = []
    features = list(controls.features)
    genres = tuple(id_ for id_, _ in controls.genres)
    for section in dict.fromkeys(lyrics.sections):
        direction = direction_of(section, genres)
        name = section.kind if section.number is None else f"{section.kind} {section.number}"
        joining += [id_ for id_ in direction.joins if not _barred(id_, controls)]
        features += direction.features
        unknown += direction.unknown
        notes += [
            f'"{hint}" of the {name} is not followed: no section has that for itself' for hint in direction.unused
        ]
        notes += [
            f"{id_} is left out of the {name}: the options exclude it"
            for id_ in direction.joins
            if _barred(id_, controls)
        ]
        if direction.words():
            reasons.append(
                Reason(
                    field="sections",
                    value=f"{name}: {direction.words()}",
                    words="; ".join(manner_of(section)),
                    source="lexicon",
                )
            )
    if request.voice is not None and not lyrics.lines and not request.vocals:
        notes.append(f"the voice {request.voice} has nothing to sing")
    if lyrics.wishes and worded(request, lyrics) is request:
        notes.append(
            f"not used, for the prompt would be over {PROMPT_LIMIT_CHARS} characters: {'; '.join(lyrics.wishes)}"[:300]
        )
    update = {
        "instruments": (
            *controls.instruments,
            *(id_ for id_ in dict.fromkeys(joining) if id_ not in controls.instruments),
        ),
        "features": tuple(dict.fromkeys(features)),
        "not_understood": tuple(dict.fromkeys(unknown)),
    }
    names = chord_names(lyrics)
    if names:
        update |= _keyed(controls, names, lyrics.capo, reasons, notes)
    return controls.model_copy(update={**update, "reasons": tuple(reasons), "notes": tuple(dict.fromkeys(notes))})


def _keyed(
    controls: Controls, names: Sequence[str], capo: int, reasons: list[Reason], notes: list[str]
) -> dict[str, str]:
    """Key and mode of the chords where nobody named them; adds reasons and notes in place."""
    found = key_of(names, capo, controls.key, controls.mode)
    if found is None:
        notes.append(f"chords that nobody here plays are left out: {', '.join(dict.fromkeys(names))}")
        return {}
    key, mode, strange = found
    if strange:
        notes.append(f"chords that nobody here plays are left out: {', '.join(strange)}")
    shown = " ".join(list(dict.fromkeys(names))[:8])
    for name, value, given in (("key", key, controls.key), ("mode", mode, controls.mode)):
        if given is None:
            reasons.append(Reason(field=name, value=value, words=f"the chords {shown}", source="implied"))
    return {"key": key, "mode": mode}


def _barred(id_: str, controls: Controls) -> bool:
    """Whether somebody was excluded, other than by "solo piano" and the like, which a tag may add to."""
    instrument = instruments()[id_]
    out = set(controls.excluded)
    return not controls.closed and (bool({id_, instrument.family} & out) or set(instrument.roles) <= out)
