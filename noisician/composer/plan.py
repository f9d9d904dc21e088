"""From controls to a plan: every "choose for me" is decided here, from the genre's data and the seed."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Literal

import numpy as np

from noisician.composer.conditions import Style
from noisician.composer.form import FORM_FROM_S, Fixed, choose_players, plan_sections, rounds, sections_of, strains
from noisician.composer.hands import ONE_PLAYER, performers_of
from noisician.composer.idiom import Idiom, choose_idiom
from noisician.composer.pace import even_s, played_s
from noisician.composer.shape import (
    Mark,
    Rest,
    Stage,
    answering,
    answers,
    arched,
    cast_by_cues,
    filled,
    levelled,
    marks_of,
)
from noisician.diffusion.noise import generator
from noisician.errors import RequestError
from noisician.prompt.controls import Controls, Cue, Feature, SectionHint
from noisician.request import DURATION_RANGE_S, TEMPO_RANGE_BPM, TONICS
from noisician.score.chart import Chart, chart_key, read_chart
from noisician.score.grid import MONOPHONIC, ROLE_STREAMS
from noisician.score.length import TAIL_S, bars_for, last_chord
from noisician.score.model import METERS, Meter, Section
from noisician.styles import ROLES, TIMBRE_TAGS, instruments, table

DEFAULT_DURATION_S = 30.0
#: How long a section is that the genre's form does not have.
SECTION_BARS = 8
#: What comes after the latest time that was named, where no length was.
AFTER_LAST_TIME_S = 20.0
#: Roles are filled in this order, so that wanted instruments find the role they fit best.
_FILL_ORDER = ("drums", "bass", "chords", "lead", "pad", "arp", "counter")
_FEWEST_PLAYERS = 5
_HARMONY = ("chords", "arp", "pad")
#: Who has a hand for the bass, and how low an instrument has to reach for that (MIDI pitch).
_TWO_HANDED, LOWEST_OF_A_BASS = ("keys", "organ", "guitar", "strings", "mallets"), 45
#: Where somebody goes whose own roles are taken: the nearest part first. Basses and kits double each other instead.
_NEAREST = {
    "lead": ("counter", "arp", "chords", "pad"),
    "counter": ("lead", "arp", "pad", "chords"),
    "chords": ("pad", "arp", "counter", "lead"),
    "pad": ("chords", "counter", "arp", "lead"),
    "arp": ("chords", "counter", "lead", "pad"),
}


#: Sections before which something stands where somebody waits for them.
_NOT_FIRST = ("verse", "chorus", "drop")
Ending = Literal["written", "cut", "fade"]


@dataclass(frozen=True)
class Plan:
    """A piece before its first note.

    ``instrumentation`` pairs roles with instrument ids, textures and effects last; ``players`` names the roles that
    play in each section; ``timbre_tags`` are renderer tags by role; ``duration_s`` is the whole track, tail
    included; ``idiom`` is what its genre has ready, ``chart`` the chords that were asked for. ``velocity_shift`` is how
    much harder (or softer) the mood makes everybody play. ``cues`` and ``features`` are wishes about places; ``rests``
    (within sections in which a
    role plays) and ``marks`` what they come to in this form. ``performers`` name those whose hands several (role,
    instrument) are.
    """

    tempo_bpm: float
    key: str
    mode: str
    time_signature: str
    bars: int
    duration_s: float
    sections: tuple[Section, ...]
    players: tuple[tuple[str, ...], ...]
    instrumentation: tuple[tuple[str, str], ...]
    timbre_tags: Mapping[str, tuple[str, ...]]
    style: Style
    production: tuple[str, ...]
    velocity_shift: int
    swing: float
    swing_unit: Literal["eighth", "sixteenth"]
    loop: bool
    idiom: Idiom | None = None
    chart: Chart | None = None
    cues: tuple[Cue, ...] = ()
    features: tuple[Feature, ...] = ()
    rests: tuple[Rest, ...] = ()
    marks: tuple[Mark, ...] = ()
    performers: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def heads(self) -> int:
        """How many play, each with all hands."""
        return len({self.performers.get(part, place) for place, part in enumerate(self.instrumentation)})

    @property
    def bar_s(self) -> float:
        return METERS[self.time_signature].beats_per_bar * 60 / self.tempo_bpm

    @property
    def ending(self) -> Ending:
        """How it ends: as written, or cut off, or faded out."""
        return _ending(self.features)

    @property
    def last_chord(self) -> tuple[int, int]:
        """(first, end) of a written ending's chord in steps of the last bar."""
        meter = METERS[self.time_signature]
        length_s = even_s(self.duration_s, self.features, meter, self.tempo_bpm)
        return last_chord(length_s, self.bars, meter, self.tempo_bpm, self.feature("held_chord") is not None)

    def feature(self, kind: str) -> Feature | None:
        return next((one for one in self.features if one.kind == kind), None)


def make_plan(controls: Controls, seed: int) -> Plan:
    """Decides what the controls leave open. The same controls and seed give the same plan; other words, another one.

    Raises RequestError when everything that could play was excluded.
    """
    rng = generator(seed, 0x91A, *_words_key(controls))
    genres = dict(controls.genres) or {_choose_genre(controls, rng): 1.0}
    moods = dict(controls.moods)
    genre, mood = _Blend(table("genres"), genres), _Blend(table("moods"), moods)
    # Everything is drawn, whether it is asked for or not: an option changes itself and nothing else.
    drawn = genre.choose(rng, "time_signatures"), _choose_mode(genre, mood, rng), str(rng.choice(TONICS))
    signature = controls.time_signature or drawn[0]
    fitting = chords_key(controls) or (None, None)
    mode, key = controls.mode or fitting[1] or drawn[1], controls.key or fitting[0] or drawn[2]
    energy = controls.energy
    if energy is None:
        energy = float(np.clip(genre.mean("energy") + mood.mean("energy", 0.0), 0.05, 1.0))
    density = controls.density
    if density is None:
        density = float(np.clip(0.5 + mood.mean("density", 0.0), 0.0, 1.0))
    tempo_bpm, bars, duration_s = _choose_length(controls, genre, mood, METERS[signature], rng)
    instrumentation = _choose_instrumentation(controls, genre, rng)
    roles = list(dict.fromkeys(role for role, _ in instrumentation if role in ROLE_STREAMS))
    form = [(kind, int(length)) for kind, length in genre.heaviest["form"]]
    if controls.form:
        lengths = dict(form)
        form = [(kind, lengths.get(kind, SECTION_BARS)) for kind in controls.form]
    wanted = {hint.kind: hint.wanted for hint in controls.sections}
    if any(cue.does == "enter" and cue.moment.section in _NOT_FIRST for cue in controls.cues):
        wanted.setdefault("intro", True)  # who waits for the chorus does not play before it
    kept = {kind: True for kind in genre.heaviest.get("keeps", ())} | wanted
    if duration_s < FORM_FROM_S and not (wanted or controls.cues or controls.features):
        form = [("chorus" if energy > 0.4 else "verse", bars)]
    bar_s = METERS[signature].beats_per_bar * 60 / tempo_bpm
    if "round_bars" in genre.heaviest and not wanted:
        sections = sections_of(rounds(bars, genre.heaviest["round_bars"]), energy)
    elif "strain_bars" in genre.heaviest and not wanted:
        own = strains(form, bars, genre.heaviest["strain_bars"], energy)
        sections = plan_sections(form, bars, energy) if own is None else own
    else:
        sections = plan_sections(form, bars, energy, kept, _fixed(controls.sections, bar_s))
    sections = arched(sections, controls.features)
    sections = levelled(Stage(sections, instrumentation, bar_s), controls.features)
    players = filled(sections, controls.features, _cast(sections, roles, energy, genre.heaviest), roles)
    players = _with_soloists(sections, players, controls.sections, instrumentation)
    production = _production(controls, genre, mood)
    swing = genre.mean("swing") if controls.swing is None else controls.swing
    plan = Plan(
        tempo_bpm=tempo_bpm,
        key=key,
        mode=mode,
        time_signature=signature,
        bars=bars,
        duration_s=duration_s,
        sections=sections,
        players=players,
        instrumentation=instrumentation,
        timbre_tags=_timbre_tags(instrumentation, production, controls.production),
        style=Style(genres, moods, mode, signature, density),
        production=production,
        velocity_shift=round(mood.mean("velocity", 0.0)),
        swing=swing,
        swing_unit="eighth" if genre.heaviest.get("swing_unit", 16) == 8 else "sixteenth",
        loop=controls.loop,
        chart=read_chart(controls.chords, mode) if controls.chords else None,
        idiom=choose_idiom(genre.heaviest, mode, signature, seed, *_words_key(controls)),
        cues=controls.cues,
        features=controls.features,
        performers=performers_of(instrumentation, controls.closed, controls.instruments),
    )
    return _shaped(plan)


def chords_key(controls: Controls) -> tuple[str, str] | None:
    """The key and mode in which the chords that were asked for are at home, as far as neither is named."""
    if not controls.chords:
        return None
    return chart_key(read_chart(controls.chords, controls.mode or "major").symbols, controls.key, controls.mode)


def _words_key(controls: Controls) -> tuple[int, ...]:
    """A number for the words of the prompt: two prompts of one seed are two pieces. Options change only themselves."""
    said = {reason.words for reason in controls.reasons if reason.source != "option"} | set(controls.not_understood)
    return (zlib.crc32("\n".join(sorted(said)).encode()),) if said else ()


def _shaped(plan: Plan) -> Plan:
    """The plan with its cues and features at their places in its form."""
    if not plan.cues and not plan.features:
        return plan
    stage = Stage(plan.sections, plan.instrumentation, plan.bar_s)
    players, rests = cast_by_cues(stage, plan.cues, answering(plan.players, plan.features))
    rests = (*rests, *answers(plan.sections, plan.features, players))
    return replace(plan, players=players, rests=rests, marks=marks_of(stage, plan.features))


def _fixed(hints: Sequence[SectionHint], bar_s: float) -> Fixed:
    """What is said of sections' lengths and places, in bars."""
    return Fixed(
        bars={hint.kind: hint.bars for hint in hints if hint.bars is not None},
        start_bar={hint.kind: round(hint.at_s / bar_s) for hint in hints if hint.at_s is not None},
    )


def _with_soloists(
    sections: Sequence[Section],
    players: tuple[tuple[str, ...], ...],
    hints: Sequence[SectionHint],
    instrumentation: Sequence[tuple[str, str]],
) -> tuple[tuple[str, ...], ...]:
    """In a solo whoever it belongs to plays, and no other tune."""
    soloist = next((hint.soloist for hint in hints if hint.soloist), None)
    own = [role for role, id_ in instrumentation if id_ == soloist and role in MONOPHONIC and role != "bass"]
    if not own:
        return players
    silent = {"lead", "counter"} - {own[0]}
    return tuple(
        tuple(role for role in (*playing, *(own[:1] if own[0] not in playing else ())) if role not in silent)
        if section.kind == "solo"
        else playing
        for section, playing in zip(sections, players, strict=True)
    )


def _ending(features: Sequence[Feature]) -> Ending:
    kinds = {feature.kind for feature in features}
    return "cut" if "cut" in kinds else "fade" if "fade_out" in kinds else "written"


def with_sections(plan: Plan, sections: Sequence[Section], duration_s: float) -> Plan:
    """The plan with another form; who plays where is decided anew from the sections' energies."""
    bars = sum(section.bars for section in sections)
    energy = float(np.average([section.energy for section in sections], weights=[one.bars for one in sections]))
    roles = list(dict.fromkeys(role for role, _ in plan.instrumentation if role in ROLE_STREAMS))
    heaviest = max(plan.style.genres, key=lambda id_: plan.style.genres[id_], default="")
    players = filled(sections, plan.features, _cast(sections, roles, energy, table("genres").get(heaviest, {})), roles)
    sections = levelled(Stage(arched(sections, plan.features), plan.instrumentation, plan.bar_s), plan.features)
    return _shaped(replace(plan, sections=sections, bars=bars, duration_s=duration_s, players=players))


def _cast(
    sections: Sequence[Section], roles: Sequence[str], energy: float, genre: Mapping
) -> tuple[tuple[str, ...], ...]:
    """Who plays in each section; a genre may say who opens its pieces."""
    players = choose_players(sections, roles, energy) if roles else tuple(() for _ in sections)
    opening = tuple(role for role in roles if role in genre.get("opened_by", ()))
    if not opening or len(sections) < 2 or sections[0].kind != "intro":
        return players
    return (opening, *players[1:])


class _Blend:
    """Several weighted entries of a style table read as one."""

    def __init__(self, entries: Mapping[str, Mapping], weights: Mapping[str, float]) -> None:
        self.parts = [(entries[id_], weight) for id_, weight in weights.items()]
        self.heaviest: Mapping = max(self.parts, key=lambda part: part[1])[0] if self.parts else {}

    def mean(self, field: str, default: float = 0.5) -> float:
        total = sum(weight for _, weight in self.parts)
        return sum(entry[field] * weight for entry, weight in self.parts) / total if total else default

    def weights(self, field: str) -> dict[str, float]:
        """A table of weights, added over the parts."""
        added: dict[str, float] = {}
        for entry, weight in self.parts:
            for name, value in entry.get(field, {}).items():
                added[name] = added.get(name, 0.0) + weight * value
        return added

    def choose(self, rng: np.random.Generator, field: str) -> str:
        return draw(rng, self.weights(field))

    def role(self, role: str) -> tuple[float, dict[str, float]]:
        """(presence, instrument weights) of a role."""
        presence, chosen = 0.0, {}
        for entry, weight in self.parts:
            part = entry["roles"].get(role)
            if part:
                presence += weight * part["presence"]
                for id_, value in part["instruments"].items():
                    chosen[id_] = chosen.get(id_, 0.0) + weight * value
        return presence, chosen


def draw(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    """One name, with probability in proportion to its weight."""
    names = list(weights)
    shares = np.array([weights[name] for name in names], np.float64)
    return names[int(rng.choice(len(names), p=shares / shares.sum()))]


def _choose_genre(controls: Controls, rng: np.random.Generator) -> str:
    """Without a named genre: one whose players and energy suit what else was said."""
    fit: dict[str, float] = {}
    moods = _Blend(table("moods"), dict(controls.moods))
    wanted_energy = controls.energy
    if wanted_energy is None and controls.moods:
        wanted_energy = 0.5 + moods.mean("energy", 0.0)
    for id_, entry in table("genres").items():
        roles = entry["roles"].values()
        likes = sum(
            part["presence"] * part["instruments"].get(wanted, 0.0) for part in roles for wanted in controls.instruments
        )
        fit[id_] = 0.02 + 4 * likes if controls.instruments else 1.0
        fit[id_] *= 1 + 2 * sum(entry.get("textures", {}).get(texture, 0.0) for texture in controls.textures)
        if wanted_energy is not None:
            fit[id_] *= float(np.exp(-((entry["energy"] - wanted_energy) ** 2) / 0.03))
        if controls.time_signature and controls.time_signature not in entry["time_signatures"]:
            fit[id_] *= 0.1
        if controls.tempo_bpm:
            low, _, high = entry["tempo_bpm"]
            fit[id_] *= 1.0 if low <= controls.tempo_bpm <= high else 0.1
    return draw(rng, fit)


def _choose_mode(genre: _Blend, mood: _Blend, rng: np.random.Generator) -> str:
    weights = genre.weights("modes")
    for entry, weight in mood.parts:
        for mode in weights:
            weights[mode] *= entry.get("modes", {}).get(mode, 1.0) ** weight
    return draw(rng, weights)


def _choose_length(
    controls: Controls, genre: _Blend, mood: _Blend, meter: Meter, rng: np.random.Generator
) -> tuple[float, int, float]:
    """(tempo_bpm, bars, duration_s). A tempo left open is the genre's and the words', whatever the length."""
    low, typical, high = (
        sum(entry["tempo_bpm"][place] * weight for entry, weight in genre.parts) for place in range(3)
    )
    drawn_bpm = rng.triangular(low, typical, high) if high > low else typical
    drawn_bpm = float(np.clip(round(drawn_bpm * mood.mean("tempo_factor", 1.0)), *TEMPO_RANGE_BPM))
    tempo = drawn_bpm if controls.tempo_bpm is None else controls.tempo_bpm
    ending = _ending(controls.features)
    bar_s = meter.beats_per_bar * 60 / tempo
    if controls.bars is not None:
        lasting_s = played_s(controls.bars * bar_s, controls.features, meter, tempo)
        if lasting_s > DURATION_RANGE_S[1]:
            raise RequestError(
                f"{controls.bars} bars at {tempo:g} BPM last {lasting_s:.0f} s, over the limit of "
                f"{DURATION_RANGE_S[1]:.0f} s; ask for fewer bars or a faster tempo"
            )
        return tempo, controls.bars, lasting_s + (TAIL_S if ending == "written" and not controls.loop else 0.0)
    wanted_s = controls.duration_s or _reaching(controls)
    if controls.loop:
        bars = max(1, round(wanted_s / bar_s))
        return tempo, bars, bars * bar_s
    if ending == "written":
        held = any(feature.kind == "held_chord" for feature in controls.features)
        return tempo, bars_for(even_s(wanted_s, controls.features, meter, tempo), meter, tempo, held), wanted_s
    return tempo, max(1, ceil(even_s(wanted_s, controls.features, meter, tempo) / bar_s - 1e-6)), wanted_s


def _reaching(controls: Controls) -> float:
    """A length in which everything that has a time has its place."""
    moments = [cue.moment for cue in controls.cues] + [one.at for one in controls.features if one.at is not None]
    times_s = [one.at_s for one in (*moments, *controls.sections) if one.at_s is not None]
    if not times_s:
        return DEFAULT_DURATION_S
    return min(max(DEFAULT_DURATION_S, max(times_s) + AFTER_LAST_TIME_S), DURATION_RANGE_S[1])


def _is_out(id_: str, role: str, excluded: Sequence[str]) -> bool:
    return bool({id_, role, instruments()[id_].family} & set(excluded))


def _choose_instrumentation(controls: Controls, genre: _Blend, rng: np.random.Generator) -> tuple[tuple[str, str], ...]:
    players = closed_cast(controls.instruments) if controls.closed else _open_cast(controls, genre, rng)
    players = sorted(dict.fromkeys(players), key=lambda player: ROLES.index(player[0]))
    instrumentation = players + _atmosphere(controls, genre, rng)
    if not instrumentation:
        raise RequestError(
            f"nobody is left to play: without {', '.join(controls.excluded)} no role of this style has an instrument; "
            "name some with --instruments"
        )
    return tuple(instrumentation)


def _open_cast(controls: Controls, genre: _Blend, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Those who were asked for, and the genre's own players in the roles that are left."""
    assigned, doubles = _assign_wanted(controls.instruments, controls.excluded)
    open_roles = []
    for role in _FILL_ORDER:
        presence, choices = genre.role(role)
        choices = {id_: weight for id_, weight in choices.items() if not _is_out(id_, role, controls.excluded)}
        if role in assigned or not choices or role in controls.excluded:
            continue
        open_roles.append((presence, role, draw(rng, choices), rng.random() < presence))
    by_presence = sorted(open_roles, key=lambda role: -role[0])
    if controls.players is not None:
        for _, role, id_, _ in by_presence[: max(0, controls.players - len(assigned) - len(doubles))]:
            assigned[role] = id_
        return [*assigned.items(), *doubles]
    if any(feature.kind == "call_and_response" for feature in controls.features):
        assigned |= {role: id_ for _, role, id_, _ in open_roles if role in ("lead", "counter")}
    for _, role, id_, drawn in open_roles:
        if drawn:
            assigned[role] = id_
    for _, role, id_, drawn in by_presence:
        if not drawn and len(assigned) < _FEWEST_PLAYERS and id_ not in assigned.values():
            assigned[role] = id_
    return [*assigned.items(), *doubles]


def closed_cast(wanted: Sequence[str]) -> list[tuple[str, str]]:
    """(role, instrument) of those named and nobody else: somebody has the tune, and free hands take what is missing.

    One who plays several notes at once may have several roles; it stays one instrument.
    """
    table_ = instruments()
    assigned, doubles = _assign_wanted(wanted, ())
    able = [id_ for id_ in dict.fromkeys(wanted) if table_[id_].polyphonic and table_[id_].excitation == "harmonic"]
    if "lead" not in assigned:
        voice = next((role for role in ("counter", "bass", "arp") if "lead" in _own_roles(assigned.get(role))), None)
        # Of two who could, the one who has no chords to play.
        ranked = sorted(able, key=lambda id_: ("lead" not in table_[id_].roles, assigned.get("chords") == id_))
        singer = next(iter(ranked), None)
        if voice is not None and not table_[assigned[voice]].polyphonic:
            assigned["lead"] = assigned.pop(voice)
        elif singer is not None:
            assigned["lead"] = singer
    if not {"chords", "pad", "arp"} & set(assigned):
        hands = next((id_ for id_ in able if set(_HARMONY) & set(table_[id_].roles)), None)
        if hands is not None:
            assigned[next(role for role in _HARMONY if role in table_[hands].roles)] = hands
    if "bass" not in assigned:
        left = next((id_ for id_ in able if table_[id_].range[0] <= LOWEST_OF_A_BASS), None)
        if left is not None and table_[left].family in _TWO_HANDED:
            assigned["bass"] = left
    pairs = [id_ for id_ in able if wanted.count(id_) > 1 and table_[id_].family in ONE_PLAYER]
    if pairs and "arp" not in assigned:  # the first of two has two hands as well
        assigned["arp"] = pairs[0]
    inner = _inner_voices(assigned, doubles)
    return [*assigned.items(), *inner]


def _inner_voices(assigned: dict[str, str], doubles: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those who would double a line, each with a voice of the chords instead where nobody plays those whole; in
    place, the lowest of two has the bass. Basses that were asked for twice play in unison.
    """
    table_ = instruments()
    divided = "chords" not in assigned and ("pad" not in assigned or not table_[assigned["pad"]].polyphonic)
    out = []
    for role, id_ in doubles:
        if not divided or table_[id_].polyphonic or table_[id_].family in ("bass", "drums") or role not in MONOPHONIC:
            out.append((role, id_))
            continue
        if role == "bass" and table_[id_].range[0] < table_[assigned["bass"]].range[0]:
            assigned["bass"], id_ = id_, assigned["bass"]
        out.append(("pad", id_))
    return out


def _own_roles(id_: str | None) -> tuple[str, ...]:
    return () if id_ is None else instruments()[id_].roles


def _assign_wanted(wanted: Sequence[str], excluded: Sequence[str]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Roles for everybody who was asked for, and (role, instrument) of those who double a taken role in unison.

    Roles are shared out so that as many as possible play one of their own (augmenting paths: Kuhn 1955). Who is left
    takes the nearest free pitched role; where none is free, or for a second bass or kit, there is unison.
    """
    table_ = instruments()
    assigned: dict[str, str] = {}

    def own(id_: str) -> list[str]:
        return [role for role in table_[id_].roles if role in _FILL_ORDER and role not in excluded]

    def assign(id_: str, tried: set[str]) -> bool:
        free = next((role for role in own(id_) if role not in assigned), None)
        if free is not None:
            assigned[free] = id_
            return True
        for role in own(id_):
            if role not in tried:
                tried.add(role)
                if assign(assigned[role], tried):
                    assigned[role] = id_
                    return True
        return False

    present = [id_ for id_ in wanted if own(id_) and not {id_, table_[id_].family} & set(excluded)]
    standing = [id_ for id_ in present if not assign(id_, set())]
    doubles = []
    for id_ in standing:
        near = [role for role in _NEAREST.get(own(id_)[0], ()) if table_[id_].polyphonic or role in MONOPHONIC]
        role = next((role for role in near if role not in assigned and role not in excluded), None)
        if role is None:
            doubles.append((own(id_)[0], id_))
        else:
            assigned[role] = id_
    return assigned, doubles


def _atmosphere(controls: Controls, genre: _Blend, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Textures that were asked for, else perhaps one of the genre's; effects at its rate."""
    beds = [id_ for id_ in controls.textures if "texture" in instruments()[id_].roles]
    effects = [id_ for id_ in controls.textures if "fx" in instruments()[id_].roles]
    if "texture" not in controls.excluded and not beds:
        likely = {id_: weight for id_, weight in genre.weights("textures").items()}
        drawn = [id_ for id_ in likely if rng.random() < 0.6 * likely[id_]]
        beds = drawn[:1]
    if "fx" not in controls.excluded:
        effects += [id_ for id_, weight in genre.weights("fx").items() if rng.random() < weight and id_ not in effects]
    kept = [("texture", id_) for id_ in beds if not _is_out(id_, "texture", controls.excluded)]
    return kept + [("fx", id_) for id_ in effects if not _is_out(id_, "fx", controls.excluded)]


def _production(controls: Controls, genre: _Blend, mood: _Blend) -> tuple[str, ...]:
    """Words of the prompt first; the style's own tags unless they contradict them."""
    opposites = {"bright": "dark", "dark": "bright", "wet": "dry", "dry": "wet", "wide": "narrow", "narrow": "wide"}
    tags = list(controls.production)
    for tag in (*genre.heaviest.get("production", ()), *mood.heaviest.get("production", ())):
        if tag not in tags and opposites.get(tag) not in tags:
            tags.append(tag)
    return tuple(tags)


def _timbre_tags(
    instrumentation: Sequence[tuple[str, str]], production: Sequence[str], asked: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Which of the production tags the players themselves take up; the mix does the rest.

    A style that is bright or dark is so by its mix: a whole band through a low-pass has no highs left. Where the words
    ask for it the melodic players are so too; cymbals never are.
    """
    tags = [tag for tag in TIMBRE_TAGS if tag in production and (tag in asked or tag not in ("bright", "dark"))]
    if "lofi" in tags:
        tags = ["lofi"]
    melodic = ("chords", "lead", "pad", "arp", "counter")
    suits = {"driven": ("bass", "chords", "lead"), "lofi": (*melodic, "drums")}
    return {
        role: tuple(tag for tag in tags[:1] if role in suits.get(tag, melodic))
        for role, _ in instrumentation
        if role not in ("texture", "fx")
    }
