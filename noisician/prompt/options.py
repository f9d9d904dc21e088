"""Explicit options: checked against their limits, resolved to ids, searched for contradictions."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from noisician import styles
from noisician.errors import RequestError
from noisician.prompt.lexicon import Effect, lexicon
from noisician.prompt.numbers import MODE_WORDS, tonic
from noisician.prompt.reading import Finding, negated_effects
from noisician.request import LISTS, OPTIONS, TONICS, Request

#: What the words of an option do: the field of their effects, where it is not called like the option.
_EFFECTS = {"without": "exclude"}
_OPTION_OF = {effect: option for option, effect in _EFFECTS.items()}
#: The options with one plain value, in the order their reasons are told.
_FIGURES = ("tempo_bpm", "mode", "time_signature", "duration_s", "bars")

_KEY = re.compile(rf"([a-g])\s*(#|♯|♭|b|[- ]?sharp|[- ]?flat)?[\s-]*(m|{'|'.join(MODE_WORDS)})?", re.IGNORECASE)


def check_limits(request: Request) -> None:
    """Raise RequestError for the first value of ``request`` outside its limits."""
    for name in OPTIONS:
        check_limit(name, getattr(request, name))


def check_limit(name: str, value: object) -> None:
    """Raise RequestError for a value that is outside the limits of the option ``name``, wherever it was named."""
    option = OPTIONS[name]
    if isinstance(value, str) and option.limit_chars is not None and len(value) > option.limit_chars:
        raise RequestError(
            f"{option.noun} of {len(value)} characters is over the limit of {option.limit_chars} characters: "
            f"{option.remedy}"
        )
    if not isinstance(value, (int, float)) or option.limits is None:
        return
    low, high = option.limits
    if not low <= value <= high:
        unit = f" {option.unit}" if option.unit else ""
        given, lowest, highest = (
            str(number) if isinstance(number, int) else f"{number:g}" for number in (value, low, high)
        )
        raise RequestError(f"{option.noun} {given}{unit} is outside {lowest} to {highest}{unit}: {option.remedy}")


def option_findings(request: Request) -> tuple[Finding, ...]:
    """The options of ``request`` as findings: the same effects as words have, from a surer source.

    Raises RequestError for an unknown word, naming the closest known ones.
    """
    found: list[Finding] = []
    for name in LISTS:
        field = _EFFECTS.get(name, name)
        found += [_finding(f"{OPTIONS[name].flag} {value}", resolve(field, value)) for value in getattr(request, name)]
    if request.key is not None:
        found.append(_finding(f"{OPTIONS['key'].flag} {request.key}", _key_effects(request)))
    for name in _FIGURES:
        value = getattr(request, name)
        if value is not None:
            shown = f"{value:g}" if isinstance(value, (int, float)) else value
            found.append(_finding(f"{OPTIONS[name].flag} {shown}", (Effect(name, value),)))
    if request.loop:
        found.append(_finding(OPTIONS["loop"].flag, (Effect("loop", True),)))
    return tuple(found)


def _finding(words: str, effects: tuple[Effect, ...]) -> Finding:
    return Finding(words, effects, first=-1, last=-1, source="option")


def _key_effects(request: Request) -> tuple[Effect, ...]:
    match = _KEY.fullmatch((request.key or "").strip())
    if match is None:
        raise RequestError(f"key {request.key!r} is not one of {', '.join(TONICS)}: a mode goes into --mode")
    effects = [Effect("key", tonic(match[1], match[2]))]
    if match[3]:
        mode = "minor" if match[3].lower() == "m" else MODE_WORDS[match[3].lower()]
        if request.mode is not None and request.mode != mode:
            raise RequestError(f"key {request.key!r} is {mode} but the mode is {request.mode}: leave one of them out")
        effects.append(Effect("mode", mode))
    return tuple(effects)


def families() -> tuple[str, ...]:
    return tuple(dict.fromkeys(instrument.family for instrument in styles.shipped_instruments().values()))


def resolve(field: str, word: str) -> tuple[Effect, ...]:
    """The effects of one word of an option: an id, a family or role where one fits, or a phrase of the lexicon.

    Raises RequestError naming the closest known ids.
    """
    id_ = re.sub(r"[\s-]+", "_", word.strip().lower())
    if id_ in _ids(field):
        return (Effect("family" if field == "instruments" and id_ in families() else field, id_),)
    entry = lexicon().phrase(word) if word.strip() else None
    if entry is not None:
        if field == "exclude":
            effects = negated_effects(entry, lexicon())
        elif field == "genres":
            named = [str(effect.value) for effect in entry.effects if effect.field in ("genres", "suggests")]
            used = [str(effect.value) for effect in entry.effects if effect.field == "usages"]
            named += [id_ for usage in used for id_ in styles.table("usages")[usage].get("genres", ())]
            effects = tuple(Effect("genres", id_) for id_ in named[:1])
        elif field == "moods":
            named = [str(effect.value) for effect in entry.effects if effect.field == "moods"]
            used = [str(effect.value) for effect in entry.effects if effect.field == "usages"]
            named += [id_ for usage in used for id_ in styles.table("usages")[usage].get("moods", ())]
            effects = tuple(Effect("moods", id_) for id_ in named[:1])
        else:
            effects = entry.effects
        fitting = tuple(e for e in effects if e.field == field or (field, e.field) == ("instruments", "family"))
        if fitting:
            return fitting
    raise RequestError(_unknown(field, word))


def _ids(field: str) -> Iterable[str]:
    if field == "exclude":
        return (*styles.ROLES, *families(), *styles.instruments())
    if field == "instruments":
        return (*styles.instruments(), *families())
    return styles.table(field)


def _unknown(field: str, word: str) -> str:
    """One line with the closest ids, by spelling, of ids and of the phrases that name them."""
    owner = {id_.replace("_", " "): id_ for id_ in _ids(field)}
    for phrase, entry in lexicon().entries.items():
        effects = negated_effects(entry, lexicon()) if field == "exclude" else entry.effects
        named = next((str(e.value) for e in effects if e.field == field), None)
        if named is not None:
            owner.setdefault(phrase, named)
    wanted = word.strip().lower().replace("_", " ")
    close = difflib.get_close_matches(wanted, owner, n=20, cutoff=0.5)
    ids = list(dict.fromkeys(owner[phrase] for phrase in close))[:3]
    hint = f"the closest known are {', '.join(ids)}" if ids else "noisician styles lists those known"
    flag = OPTIONS[_OPTION_OF.get(field, field)].flag
    return f"{flag} {word!r} is not known: {hint}"


def check_contradictions(request: Request, found: Iterable[Finding]) -> None:
    """Raise RequestError if options ask for and against the same sound, or name two different lengths."""
    effects = [(finding.words, effect) for finding in found for effect in finding.effects]
    without = {str(effect.value): words for words, effect in effects if effect.field == "exclude"}
    table = styles.instruments()
    for words, effect in effects:
        wanted = str(effect.value)
        if effect.field == "family" and wanted in without:
            raise RequestError(f"{words} contradicts {without[wanted]}: leave one of them out")
        if effect.field == "instruments":
            barred = {wanted, table[wanted].family} & without.keys()
            if not barred and set(table[wanted].roles) <= without.keys():
                barred = set(table[wanted].roles)
            if barred:
                raise RequestError(f"{words} contradicts {without[min(barred)]}: leave one of them out")
    if set(styles.ROLES) <= without.keys():
        raise RequestError("--without names every role, so nothing is left to play: leave one of them out")
