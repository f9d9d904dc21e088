"""From findings to :class:`~noisician.prompt.controls.Controls`: options win, every value keeps its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from noisician import styles
from noisician.errors import RequestError
from noisician.prompt.controls import Controls, Cue, Feature, Reason, SectionHint, Wish
from noisician.prompt.lexicon import SCALARS, Effect, lexicon
from noisician.prompt.options import (
    check_contradictions,
    check_limit,
    check_limits,
    families,
    option_findings,
)
from noisician.prompt.reading import Finding, Reading, read
from noisician.request import BEATS_PER_BAR, TEMPO_RANGE_BPM, Request

DEFAULT_TEMPI_BPM = (60.0, 100.0, 160.0)
"""Slowest, middle and fastest where "slow" or "fast" stands without a genre."""

_FIGURES = ("tempo_bpm", "key", "mode", "time_signature", "duration_s", "bars")
SUNG_LANGUAGES = ("en",)
"""Languages whose words can be sung; a wish for another is kept and told."""

OPPOSED = (("bright", "dark"), ("wide", "narrow"), ("dry", "wet"))


class Named(NamedTuple):
    """One effect and the finding it comes from."""

    effect: Effect
    finding: Finding

    @property
    def id(self) -> str:
        return str(self.effect.value)


class ExplainRow(NamedTuple):
    """One line of the table that ``noisician explain`` prints."""

    field: str
    value: str
    words: str
    why: str


def understand(request: Request) -> Controls:
    """What ``request`` asks for, in fields; its options win over its prompt's words.

    Raises RequestError for values outside their limits, unknown option words and contradicting options. No
    prompt and no option at all gives empty controls: the planner chooses everything.
    """
    return _meaning(request, _checked_options(request), read(request.prompt))


def understood(prompt: str) -> Controls:
    """What words alone say, also where a figure is beyond what can be made."""
    return _meaning(Request(prompt=prompt), (), read(prompt), limited=False)


def read_figures(request: Request) -> Controls:
    """The exact figures of ``request``, for models that read its words themselves.

    Options are checked as :func:`understand` does. Of the words only tempo, key, mode, metre and length count, and only
    where they are named outright; what else is in them is the model's own affair. A length out of range is an error.
    """
    options = _checked_options(request)
    controls = _meaning(request, options, Reading((), (), ()))
    try:
        controls = _meaning(request, options, read(request.prompt))
    except RequestError as refused:
        if str(refused).startswith("length"):
            raise
    meant = {reason.field for reason in controls.reasons if reason.source in ("option", "lexicon")}
    values = {name: getattr(controls, name) for name in _FIGURES if name in meant}
    reasons = tuple(reason for reason in controls.reasons if reason.field in values)
    return Controls(**values, loop=request.loop, reasons=reasons)


def _checked_options(request: Request) -> tuple[Finding, ...]:
    """What the options say. Raises RequestError."""
    check_limits(request)
    options = option_findings(request)
    check_contradictions(request, options)
    return options


def _meaning(request: Request, options: Sequence[Finding], reading: Reading, *, limited: bool = True) -> Controls:
    """What options and words mean together. Raises RequestError for figures that cannot be, where they are limited."""
    draft = _Draft(options, reading)
    draft.purposes()
    draft.styles()
    draft.sounds()
    draft.voices()
    draft.scalars()
    draft.figures()
    if limited:
        draft.check_figures(request)
    draft.form()
    draft.set_aside()
    return draft.controls(reading.not_understood)


class _Draft:
    """The controls while they are being put together, with the reason beside each value."""

    def __init__(self, options: Sequence[Finding], reading: Reading) -> None:
        self.options = options
        self.words = reading.findings
        self.tokens = reading.tokens
        self.values: dict[str, Any] = {}
        self.reasons: dict[Reason, None] = {}  # in their order, none twice
        self.solos: list[Finding] = []  # "… solo" as a part of the form
        self.language = reading.language
        self.table = styles.instruments()
        self.lost: list[str] = []

    def named(self, *fields: str) -> list[Named]:
        """Effects of ``fields`` in the order spoken; the options' alone where an option names any."""
        for findings in (self.options, self.words):
            found = [Named(e, f) for f in findings for e in f.effects if e.field in fields]
            if found:
                return found
        return []

    def explain(
        self, field: str, value: object, finding: Finding, *, implied: bool = False, source: str | None = None
    ) -> None:
        """Adds the reason for a value. ``source`` is told where it is neither the finding's nor "implied"."""
        source = source or ("implied" if implied and finding.source != "option" else finding.source)
        shown = f"{value:g}" if isinstance(value, float) else str(value)
        reason = Reason.model_validate(
            {"field": field, "value": shown, "words": finding.words, "source": source, "confidence": finding.confidence}
        )
        self.reasons[reason] = None

    def purposes(self) -> None:
        """What the music is for."""
        found = self.named("usages")
        self.values["usages"] = tuple(dict.fromkeys(named.id for named in found))
        for named in found:
            self.explain("usages", named.id, named.finding)

    def _of_usages(self, field: str) -> list[Named]:
        """What the uses of the music bring of a field, where the words say nothing of it."""
        found: list[Named] = []
        for named in self.named("usages"):
            brought = styles.table("usages")[named.id].get(field)
            if isinstance(brought, dict):
                found += [Named(Effect(field, id_, float(weight)), named.finding) for id_, weight in brought.items()]
            elif isinstance(brought, list):
                found += [Named(Effect(field, id_), named.finding) for id_ in brought]
            elif brought is not None:
                found.append(Named(Effect(field, float(brought)), named.finding))
        return found

    def styles(self) -> None:
        """Genres and moods with weights that sum to 1; what a use brings is surer than a meaning."""
        for field in ("genres", "moods"):
            found = self.named(field)
            unwanted = self.named(f"not_{field}")
            out = {named.id for named in unwanted}
            said = [named for named in found if named.finding.source != "meaning"]
            if not said and field == "genres":
                said = self.named("suggests")
            said = [named for named in said if named.id not in out]
            implied = self.named("implies") if field == "moods" else []
            brought = [*self._of_usages(field), *(named for named in implied if named.id not in out)]
            used = {id(named) for named in brought}
            self._weigh(field, said or brought or found, unwanted, used)

    def _weigh(self, field: str, found: Iterable[Named], unwanted: Sequence[Named], used: set[int]) -> None:
        out = {named.id for named in unwanted}
        weights: dict[str, float] = {}
        for named in found:
            if named.id not in out:
                weights[named.id] = max(weights.get(named.id, 0.0), named.effect.weight)
                self.explain(
                    field, named.id, named.finding, implied=named.effect.field == "suggests" or id(named) in used
                )
        for named in unwanted:
            self.explain(field, f"not {named.id}", named.finding)
        total = sum(weights.values())
        ranked = sorted(weights.items(), key=lambda item: -item[1])
        self.values[field] = tuple((id_, weight / total) for id_, weight in ranked if total)

    def sounds(self) -> None:
        """Instruments, textures and what to leave out."""
        table = self.table
        excluded = self._excluded()
        chosen: list[str] = []
        standing_in = {(id(n.finding), n.id) for n in self.named("instruments", "family") if n.effect.stands_in}
        for finding, sounds in _by_finding(self.named("instruments", "family")):
            for (field, wanted), count in sounds.items():
                generic = field == "family"
                if generic and count == 1 and any(table[id_].family == wanted for id_ in chosen):
                    continue
                ids = self._of_family(wanted, excluded)[:count] if generic else [wanted] * count
                ids = [id_ for id_ in ids if not self._barred(id_, excluded)]
                for id_, wanted_count in Counter(ids).items():
                    chosen += [id_] * (wanted_count - chosen.count(id_))
                    shown = f"{wanted_count} {id_}" if wanted_count > 1 else id_
                    substitute = "substitute" if (id(finding), wanted) in standing_in else None
                    self.explain(self._sound_field(id_), shown, finding, implied=generic, source=substitute)
        self._count(chosen)
        alone = self._alone(chosen)
        self.values["closed"] = alone is not None
        if alone is not None:
            self.explain("closed", True, alone)
            for id_ in _all_but(chosen, self.table):
                if id_ not in excluded:
                    excluded[id_] = alone
        for id_, finding in excluded.items():
            self.explain("excluded", id_, finding, implied=finding is alone)
        self.values["instruments"] = tuple(id_ for id_ in chosen if self._sound_field(id_) == "instruments")
        self.values["textures"] = tuple(id_ for id_ in chosen if self._sound_field(id_) == "textures")
        self.values["excluded"] = tuple(excluded)

    def _sound_field(self, id_: str) -> str:
        return "textures" if self.table[id_].family == "texture" else "instruments"

    def _count(self, chosen: Sequence[str]) -> None:
        """How many play, where an ensemble says it and names fewer."""
        played = sum(self._sound_field(id_) == "instruments" for id_ in chosen)
        for named in self.named("players")[:1]:
            count = int(float(named.id))
            if played < count:
                self.values["players"] = count
                self.explain("players", count, named.finding)

    def _excluded(self) -> dict[str, Finding]:
        """What to leave out. An instrument named beside its excluded family stays: the rest of it goes."""
        table = self.table
        named = self.named("instruments")
        # A band brings players that nobody named: "jazz trio, no drums" has none.
        wanted = {n.id for n in named if sum(e.field == "instruments" for e in n.finding.effects) == 1}
        from_options = {str(e.value): f for f in self.options for e in f.effects if e.field == "exclude"}
        from_words = {str(e.value): f for f in self.words for e in f.effects if e.field == "exclude"}
        if any(n.finding.source == "option" for n in named):
            from_words = {id_: f for id_, f in from_words.items() if id_ not in wanted}
        if any(n.effect.value is True for n in self.named("vocals")):
            from_words = {id_: f for id_, f in from_words.items() if id_ not in ("voices", "choir_wash")}
        if not self.named("genres") and not named:
            from_words = {n.id: n.finding for n in self._of_usages("without")} | from_words
        excluded: dict[str, Finding] = {}
        for id_, finding in (from_words | from_options).items():
            kept = {w for w in wanted if table[w].family == id_}
            if kept and id_ not in from_options:
                others = [other for other, entry in table.items() if entry.family == id_ and other not in kept]
                excluded |= dict.fromkeys(others, finding)
            else:
                excluded[id_] = finding
        return excluded

    def _barred(self, id_: str, excluded: Iterable[str]) -> bool:
        instrument = self.table[id_]
        return bool({id_, instrument.family} & set(excluded)) or set(instrument.roles) <= set(excluded)

    def _of_family(self, family: str, excluded: Iterable[str]) -> list[str]:
        """The instruments of ``family``: the genre's own, likeliest first, then the family's default, then all."""
        table = self.table
        shares: dict[str, float] = {}
        for genre, weight in self.values["genres"]:
            for seat in styles.table("genres")[genre]["roles"].values():
                for id_, share in seat["instruments"].items():
                    shares[id_] = shares.get(id_, 0.0) + weight * seat["presence"] * share
        ranked = sorted(shares, key=lambda id_: -shares[id_])
        default = lexicon().family_defaults[family]
        fitting = dict.fromkeys(id_ for id_ in (*ranked, default, *table) if table[id_].family == family)
        return [id_ for id_ in fitting if not self._barred(id_, excluded)]

    def _alone(self, chosen: Sequence[str]) -> Finding | None:
        """The words that say the chosen instruments play alone. "jazz with a sax solo" says so of nobody."""
        played = [id_ for id_ in chosen if self._sound_field(id_) == "instruments"]
        sole = len(played) == 1 and not self.values["genres"]
        for named in self.named("only"):
            finding = named.finding
            if named.effect.value == "listed":
                if not self.values["genres"]:
                    return finding
            elif named.effect.value == "ensemble":
                if played and "players" not in self.values:
                    return finding
            elif named.effect.value == "just" and self.named("cues"):
                continue  # it says who plays somewhere, not who plays at all
            elif not played:
                self.lost.append(finding.words)
            elif (
                named.effect.value != "before" or sole or (len(played) == 1 and self._stands_before_instrument(finding))
            ):
                return finding
            else:
                self.solos.append(finding)
        return None

    def _stands_before_instrument(self, finding: Finding) -> bool:
        """Whether ``finding``, or the words right after it, name an instrument."""
        return any(
            effect.field in ("instruments", "family") and other.first in (finding.first, finding.last)
            for other in self.words
            if self.tokens[other.first].clause == self.tokens[finding.first].clause
            if not other.negated
            for effect in other.effects
        )

    def scalars(self) -> None:
        """Energy, density and swing: the mean of what was said. Tempo words: a place in the genre's range."""
        for field in SCALARS:
            found = self.named(field) or (self._of_usages(field) if field != "swing" else [])
            if not found:
                continue
            mean = round(sum(float(named.effect.value) for named in found) / len(found), 3)  # pyright: ignore[reportArgumentType]
            if field == "tempo":
                if self.named("tempo_bpm"):
                    self._agreeing(found)
                    continue
                near = self.named("tempo_near")
                field, mean = "tempo_bpm", float(near[0].id) if near else self._tempo_at(mean)
            self.values[field] = mean
            for named in found:
                self.explain(field, mean, named.finding, implied=field == "tempo_bpm")
        tags: list[str] = []
        for named in self.named("production") or self._of_usages("production"):
            opposite = next((a if named.id == b else b for a, b in OPPOSED if named.id in (a, b)), None)
            if opposite not in tags:
                tags.append(named.id)
                self.explain("production", named.id, named.finding)
        self.values["production"] = tuple(dict.fromkeys(tags))

    def _agreeing(self, found: Sequence[Named]) -> None:
        """Words such as "fast" beside an exact tempo: that counts, and they are told of."""
        for named in found:
            self.explain("tempo_bpm", self.named("tempo_bpm")[0].effect.value, named.finding, source="no_effect")

    def _tempo_at(self, place: float) -> float:
        """The tempo at ``place`` (0 … 1) of the genres' lowest, typical and highest."""
        genres = self.values["genres"]
        tempi = [
            sum(weight * styles.table("genres")[id_]["tempo_bpm"][i] for id_, weight in genres)
            if genres
            else DEFAULT_TEMPI_BPM[i]
            for i in range(3)
        ]
        low, typical, high = tempi
        bpm = low + (typical - low) * 2 * place if place < 0.5 else typical + (high - typical) * (2 * place - 1)
        return float(min(max(round(bpm), TEMPO_RANGE_BPM[0]), TEMPO_RANGE_BPM[1]))

    def figures(self) -> None:
        """Exact tempo, key, mode, metre and length; the first that is named counts."""
        for field in ("tempo_bpm", "key", "mode", "time_signature"):
            self._first(field)
        self._length()

    def check_figures(self, request: Request) -> None:
        """Raises RequestError for figures out of range; length and bars of the options give the tempo."""
        for field in ("tempo_bpm", "duration_s", "bars"):
            check_limit(field, self.values.get(field))
        duration, bars = self.values.get("duration_s"), self.values.get("bars")
        if request.duration_s is None or request.bars is None or duration is None or bars is None:
            return
        beats = bars * BEATS_PER_BAR[self._meter()]
        implied_bpm = beats * 60 / duration
        if request.tempo_bpm is not None:
            if abs(implied_bpm / request.tempo_bpm - 1) > 0.01:
                raise RequestError(
                    f"{bars} bars at {request.tempo_bpm:g} BPM last {beats * 60 / request.tempo_bpm:.1f} s, "
                    f"not {duration:g} s: leave one of tempo, bars and length out"
                )
            return
        check_limit("tempo_bpm", implied_bpm)
        self.values["tempo_bpm"] = implied_bpm
        self.reasons = {reason: None for reason in self.reasons if reason.field != "tempo_bpm"}
        for named in self.named("bars"):
            self.explain("tempo_bpm", implied_bpm, named.finding)

    def _meter(self) -> str:
        """The metre in force: named, else the first genre's likeliest, else common time."""
        if self.values.get("time_signature"):
            return self.values["time_signature"]
        for genre, _ in self.values["genres"][:1]:
            weights = styles.table("genres")[genre]["time_signatures"]
            return max(weights, key=weights.__getitem__)
        return "4/4"

    def _first(self, field: str) -> None:
        found = self.named(field)
        if found:
            self.values[field] = found[0].effect.value
            for named in found:
                if named.effect.value == found[0].effect.value:
                    source = "substitute" if named.effect.stands_in else "guess" if named.effect.guessed else None
                    self.explain(field, named.effect.value, named.finding, source=source)
                else:
                    self.lost.append(named.finding.words)

    def _length(self) -> None:
        """Seconds or bars. Of several in the prompt bars count, which no tempo can break, else the longest; the rest is
        lost."""
        found = self.named("bars", "duration_s")
        from_options = bool(found) and found[0].finding.source == "option"
        longest = max(found, key=lambda named: float(named.effect.value), default=None)  # pyright: ignore[reportArgumentType]
        kept = next((n for n in found if n.effect.field == "bars"), longest)
        for named in found:
            value = int(float(named.effect.value)) if named.effect.field == "bars" else float(named.effect.value)  # pyright: ignore[reportArgumentType]
            if from_options or named is kept:
                self.values[named.effect.field] = value
                self.explain(named.effect.field, value, named.finding)
            else:
                self.lost.append(named.finding.words)

    def form(self) -> None:
        unwanted = {named.id: named.finding for named in self.named("not_sections")}
        hints: dict[str, SectionHint] = {}
        for named in self.named("sections"):
            hint = _hint_of(named.effect)
            if hint.kind in unwanted:
                continue
            hint = self._with_soloist(hint, named.finding)
            hints[hint.kind] = _merged(hints.get(hint.kind, hint), hint)
            self.explain("sections", hint, named.finding)
        for finding in self.solos:
            hints["solo"] = self._with_soloist(SectionHint(kind="solo"), finding)
            self.explain("sections", hints["solo"], finding)
        for kind, finding in unwanted.items():
            hints[kind] = SectionHint(kind=kind, wanted=False)
            self.explain("sections", hints[kind], finding)
        self.values["sections"] = tuple(hints.values())
        for field in ("cues", "features", "wishes"):
            found = self.named(field)
            self.values[field] = tuple(dict.fromkeys(_feature_of(named.effect) for named in found))
            for named in found:
                feature = _feature_of(named.effect)
                unplayed = isinstance(feature, Wish) or (isinstance(feature, Feature) and feature.is_unplayed)
                self.explain(field, feature, named.finding, source="unplayed" if unplayed else None)
        for field in ("form", "chords"):
            for named in self.named(field)[:1]:
                self.values[field] = named.id if field == "chords" else tuple(named.id.split(" "))
                self.explain(field, named.id, named.finding)
        self.values["loop"] = bool(self.named("loop"))
        for named in self.named("loop"):
            self.explain("loop", True, named.finding)
        self.lost += [named.finding.words for named in self.named("unmet")]

    def voices(self) -> None:
        """Whether somebody sings, who, and in which language. Where the words want both, nothing is decided."""
        found = self.named("vocals") or self.named("wordless")
        wanted = {bool(named.effect.value) for named in found}
        self.values["vocals"] = wanted.pop() if len(wanted) == 1 else None
        for named in found:
            shown = self.values["vocals"] if self.values["vocals"] is not None else "unclear: wanted and unwanted"
            self.explain("vocals", shown, named.finding)
        for named in self.named("vocals", "wordless"):
            if named not in found:
                self.explain("vocals", self.values["vocals"], named.finding, source="no_effect")
        who = sorted(self.named("voice"), key=lambda named: named.id == "choir")
        for named in who[:1]:
            self.values["voice"] = named.id
            self.explain("voice", named.id, named.finding)
        for named in self.named("lyrics_language")[:1]:
            self.values["lyrics_language"] = named.id
            sung = None if named.id in SUNG_LANGUAGES else "unplayed"
            self.explain("lyrics_language", named.id, named.finding, source=sung)

    def set_aside(self) -> None:
        """Names of artists and works are told, and what describes them is taken instead."""
        for named in self.named("artist"):
            self.lost.append(named.id)
            self.explain("artist", "a name", named.finding, source="set_aside")

    def _idle(self, lost: Sequence[str]) -> list[Reason]:
        """A reason for every finding that has come to nothing, so that no word vanishes."""
        told = {reason.words for reason in self.reasons} | set(lost)
        idle = dict.fromkeys(finding.words for finding in self.words if finding.words not in told)
        return [Reason(field="understood", value="", words=words, source="no_effect") for words in idle if words]

    def _with_soloist(self, hint: SectionHint, finding: Finding) -> SectionHint:
        """A solo belongs to the instrument its words name, or the one right before them."""
        if hint.kind != "solo":
            return hint
        own = [other for other in self.words if other is finding] + [
            other for other in self.words if other.last == finding.first
        ]
        wanted = [e for other in own for e in other.effects if e.field in ("instruments", "family")]
        players = self.values["instruments"]
        table = self.table
        fits = (id_ for e in wanted for id_ in players if str(e.value) in (id_, table[id_].family))
        return hint.model_copy(update={"soloist": next(fits, None)})

    def controls(self, not_understood: Sequence[str]) -> Controls:
        lost = tuple(dict.fromkeys([*not_understood, *self.lost]))
        reasons = (*self.reasons, *self._idle(lost))
        return Controls(**self.values, language=self.language, reasons=reasons, not_understood=lost)


def _by_finding(named: Iterable[Named]) -> list[tuple[Finding, Counter[tuple[str, str]]]]:
    """The sounds each finding names, and how many players of each."""
    found: list[tuple[Finding, Counter[tuple[str, str]]]] = []
    for one in named:
        if not found or found[-1][0] is not one.finding:
            found.append((one.finding, Counter()))
        found[-1][1][one.effect.field, one.id] += 1
    return found


def _hint_of(effect: Effect) -> SectionHint:
    return effect.value if isinstance(effect.value, SectionHint) else SectionHint(kind=str(effect.value))


def _merged(known: SectionHint, new: SectionHint) -> SectionHint:
    """Both of what was said about one kind of section; what was said first counts."""
    return SectionHint.model_validate(new.model_dump(exclude_none=True) | known.model_dump(exclude_none=True))


def _feature_of(effect: Effect) -> Cue | Feature | Wish:
    if isinstance(effect.value, (Cue, Feature, Wish)):
        return effect.value
    if effect.field == "wishes":
        return Wish(what=str(effect.value))
    return Feature.model_validate({"kind": effect.value})


def _all_but(chosen: Sequence[str], table: Mapping[str, styles.Instrument]) -> list[str]:
    """Roles, families and instruments to leave out so that only ``chosen`` play.

    One voice keeps one role, the tune first; an instrument with chords keeps tune and chords.
    """
    kept: set[str] = set()
    for id_ in chosen:
        roles = sorted(table[id_].roles, key=lambda role: role != "lead")
        if table[id_].polyphonic and "chords" in roles:
            kept |= {"lead", "chords"} & set(roles)
        else:
            kept.add(next((role for role in roles if role not in kept), roles[0]))
    played = {table[id_].family for id_ in chosen}
    others = [id_ for id_ in table if table[id_].family in played and id_ not in chosen]
    return [
        *(role for role in styles.ROLES if role not in kept),
        *(family for family in families() if family not in played and family not in styles.ROLES),
        *others,
    ]


def explain_rows(controls: Controls) -> list[ExplainRow]:
    """The reasons as table rows, field by field in the order of ``Controls``, what was not understood, and notes."""
    order = [*Controls.model_fields, *(reason.field for reason in controls.reasons)]
    rows = [
        ExplainRow(reason.field, reason.value, reason.words, _why(reason))
        for reason in sorted(controls.reasons, key=lambda reason: order.index(reason.field))
    ]
    return [
        *rows,
        *(ExplainRow("not understood", "", word, "no meaning close enough") for word in controls.not_understood),
        *(ExplainRow("note", note, "", "") for note in controls.notes),
    ]


_WHY = {
    "option": "option", "lexicon": "known word", "implied": "implied", "default": "default",
    "substitute": "the nearest there is", "unplayed": "understood, not yet played",
    "guess": "a guess: no unit was named",
    "no_effect": "known, changes nothing here", "set_aside": "names are set aside; the style is taken, not the artist",
}  # fmt: skip


def _why(reason: Reason) -> str:
    if reason.source == "meaning":
        return f"nearest meaning ({reason.confidence:.2f})"
    return _WHY[reason.source]
