"""Prompts that somebody judged, and whether what is understood of them agrees.

A judged prompt is a line of JSON: the prompt, fields with their right values, and words that have to stand in "not
understood". A field that is missing is open. ``X`` is the right value (of a list: every one of them), ``X_any`` a list
of which one is enough. The rest of the conventions:

* numbers: ``tempo_bpm`` and ``length_s`` [low, high] are ranges; ``length_s`` may be a tenth off;
* ``at_bar`` in ``timed`` counts bars from 1; what is kept although nothing plays it yet counts as understood;
* ``excluded`` holds for the whole piece, ``timed`` has who comes, goes or changes at a place;
* where players are named without ``only``, nobody else may have been cleared from the band.

What people write and what noisician has are held against each other by the tables of ``judged.toml``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from noisician import styles
from noisician.errors import FileError, RequestError
from noisician.evaluate.places import timed_right
from noisician.prompt import Controls
from noisician.prompt.reading import worded
from noisician.prompt.text import clean, fold
from noisician.prompt.understanding import understood

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

SHIPPED = Path(str(files("noisician.evaluate").joinpath("judged_prompts.jsonl")))
#: A genre is what a prompt is read as where it has at least this share of the blend.
MAIN_GENRE_SHARE = 0.4
#: How far a length may be off, and a tempo.
LENGTH_TOLERANCE, TEMPO_TOLERANCE_BPM = 0.1, 0.51
#: Below and above these a piece's energy is low, or high.
LOW_ENERGY, HIGH_ENERGY = 0.42, 0.6
#: A tempo this near to the usual is a medium one.
MEDIUM_TEMPO_SHARE = 0.12
_ENDINGS = {
    "fade": ("fade_out",), "sudden": ("cut",), "held chord": ("held_chord", "fermata"), "ritard": ("ritard",),
    "ring out": ("held_chord",), "slow down": ("ritard",), "big": ("loud",), "loud": ("loud",),
    "quiet": ("quiet", "falling"),
    "silence": ("cut", "silence"),
}  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """One prompt and what is right: ``fields`` by name, and what has to stand in "not understood"."""

    prompt: str
    fields: Mapping[str, Any]
    not_understood: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Verdict:
    """One judged field: what was wanted, what was understood, and whether they agree."""

    field: str
    wanted: Any
    understood: str
    right: bool


def judged_prompts(path: Path = SHIPPED) -> tuple[Judged, ...]:
    """The judged prompts of a file, a line each. Raises FileError naming the line at fault."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from error
    found: list[Judged] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
            found.append(
                Judged(told["prompt"], told["fields"], tuple(told.get("not_understood", ())), told.get("note", ""))
            )
        except (ValueError, KeyError, TypeError) as error:
            raise FileError(f"{path}, line {number} is no judged prompt: {error}") from error
    return tuple(found)


@cache
def _table(name: str) -> Mapping[str, Any]:
    text = files("noisician.evaluate").joinpath("judged.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)[name]


def heard(prompt: str) -> Controls | str:
    """What is understood of a prompt, also where no such track can be made, or the line that refuses it."""
    try:
        return understood(prompt)
    except RequestError as refused:
        return str(refused)


def judge(case: Judged, controls: Controls | str) -> list[Verdict]:
    """A verdict on each field of ``case``; of a prompt that was refused only what the refusal names can be right."""
    if isinstance(controls, str):
        return [
            Verdict(name, wanted, controls, name == "length_s" and f"length {wanted:g} s" in controls)
            for name, wanted in case.fields.items()
        ]
    verdicts: list[Verdict] = []
    for name, wanted in case.fields.items():
        field = name.removesuffix("_any")
        check = _RIGHT.get(field)  # what nobody checks is not right
        right = check is not None and check(controls, wanted, name != field)
        verdicts.append(Verdict(name, wanted, _shown(controls, field), right))
    if case.not_understood:
        verdicts.append(
            Verdict(
                "not_understood",
                list(case.not_understood),
                ", ".join(controls.not_understood),
                all(_listed(phrase, controls) for phrase in case.not_understood) or "may be set aside" in case.note,
            )
        )
    if {"instruments", "instruments_any"} & case.fields.keys() and "only" not in case.fields:
        open_ = not controls.closed or "only=true is defensible" in case.note or "only is defensible" in case.note
        verdicts.append(Verdict("band stays", True, f"closed={controls.closed}", open_))
    return verdicts


def vanished(prompt: str, controls: Controls | str) -> list[str]:
    """Content words of a prompt that end neither in a reason nor in "not understood"."""
    if isinstance(controls, str):
        return []
    words = set(_words(fold(clean(" ".join([*(one.words for one in controls.reasons), *controls.not_understood])))))
    left: list[str] = []
    for word in _words(fold(clean(prompt))):
        if _unspaced(word):
            rest = word
            for part in sorted(words, key=len, reverse=True):
                rest = rest.replace(part, " ")
            left += [part for part in rest.split() if not set(part) <= _PARTICLES]
        elif word not in words and word not in _stop_words():
            left.append(word)
    return left


_GLUED = "\u3041-\u309f\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3ー々"
_WORD = re.compile(rf"[{_GLUED}]+|[^\W\d_{_GLUED}]+|\d+")


def _words(text: str) -> list[str]:
    text = text.replace("&", " and ")
    return _WORD.findall(text)


def _unspaced(word: str) -> bool:
    """Whether it is written in a script that parts no words, or glues endings to them."""
    return any("\u3040" <= letter <= "\u30ff" or "\u4e00" <= letter <= "\u9fff" or "\uac00" <= letter <= "\ud7a3"
               for letter in word)  # fmt: skip


#: Endings and particles of Japanese, Chinese and Korean, letter by letter.
_PARTICLES = frozenset(
    "のとではがをにへもやかなだすきいしたてくるっれんうさせよりまばらえ的了和与在是个一首曲请를을와과의에는은이가로으한할때고도서게"
)


@cache
def _stop_words() -> frozenset[str]:
    """Words without content of their own, and politeness."""
    return frozenset(fold(" ".join(_table("stop_words").values())).split())


def _listed(phrase: str, controls: Controls) -> bool:
    """Whether the words of a phrase stand in "not understood", small words aside."""
    lost = set(_words(fold(" ".join(controls.not_understood))))
    content = [word for word in _words(fold(phrase)) if word not in _stop_words()]
    if not content:
        return phrase in "".join(controls.not_understood) or phrase.strip("?") == ""
    return all(word in lost for word in content)


def _all_or_any(met: Callable[[Any], bool], wanted: Any, any_: bool) -> bool:
    values = wanted if isinstance(wanted, list) else [wanted]
    return any(map(met, values)) if any_ else all(map(met, values))


def _words_of(controls: Controls, *fields: str) -> str:
    """The words that were taken for ``fields``, of another language their English too."""
    said = [reason.words for reason in controls.reasons if reason.field in fields]
    said += [worded(clean(words)).text for words in said] if controls.language is not None else []
    return " ".join(fold(words).replace("-", " ") for words in said)


def _said_as(controls: Controls, name: str, *fields: str) -> bool:
    """Whether all words of ``name`` were taken for one of ``fields``."""
    said = set(_words(_words_of(controls, *fields)))
    stems = said | {word.removesuffix("s") for word in said}
    return all(word in stems or word.removesuffix("s") in stems for word in _words(fold(name)))


def _genre(controls: Controls, wanted: Any, any_: bool) -> bool:
    main = [id_ for id_, weight in controls.genres if weight >= MAIN_GENRE_SHARE] or [
        id_ for id_, _ in controls.genres[:1]
    ]

    def met(name: str) -> bool:
        ids = _table("genres").get(name)
        return bool(set(ids) & set(main)) if ids else bool(main) and _said_as(controls, name, "genres")

    return _all_or_any(met, wanted, any_)


def _moods(controls: Controls, wanted: Any, any_: bool) -> bool:
    there = {id_ for id_, _ in controls.moods}

    def met(name: str) -> bool:
        if set(_table("mood_production").get(name, ())) & set(controls.production):
            return True
        ids = _table("moods").get(name)
        return bool(set(ids) & there) if ids else _said_as(controls, name, "moods")

    return _all_or_any(met, wanted, any_)


def plays(controls: Controls, name: str) -> list[str]:
    """The players of ``controls`` that are a ``name`` to somebody who listens."""
    table = styles.instruments()
    there = [*controls.instruments, *controls.textures]
    wanted = _table("instruments").get(name)
    if wanted:
        return [id_ for id_ in there if {id_, table[id_].family} & set(wanted)]
    stand_ins = set(_table("substitutes").get(name, ()))
    told = {reason.value for reason in controls.reasons if reason.source == "substitute"}
    if stand_ins & told:
        return [id_ for id_ in there if id_ in stand_ins & told]
    named = {
        reason.value.split(" ")[-1]
        for reason in controls.reasons
        if reason.field in ("instruments", "textures") and set(_words(fold(name))) <= _singular(reason.words)
    }
    return [id_ for id_ in there if id_ in named]


def _singular(text: str) -> set[str]:
    words = set(_words(fold(text).replace("-", " ")))
    return words | {word.removesuffix("s") for word in words}


def _instruments(controls: Controls, wanted: Any, any_: bool) -> bool:
    return _all_or_any(lambda name: bool(plays(controls, name)), wanted, any_)


def _excluded(controls: Controls, wanted: Any, any_: bool) -> bool:
    out = {*controls.excluded, *(one.where for one in controls.features if one.kind == "without")}
    table = styles.instruments()

    def met(name: str) -> bool:
        ids = _table("excluded").get(name)
        if ids is None:
            return _said_as(controls, name, "excluded", "features")
        return all(id_ in out or (id_ in table and table[id_].family in out) or all_but_named(id_) for id_ in ids)

    def all_but_named(family: str) -> bool:
        members = [id_ for id_, one in table.items() if one.family == family]
        return bool(members) and all(id_ in out or id_ in controls.instruments for id_ in members)

    return _all_or_any(met, wanted, any_)


def _count(controls: Controls, wanted: Any, any_: bool) -> bool:
    return all(len(plays(controls, name)) == number for name, number in wanted.items())


def _production(controls: Controls, wanted: Any, any_: bool) -> bool:
    there = {*controls.production, *controls.textures, *controls.instruments, *(id_ for id_, _ in controls.genres)}

    def met(name: str) -> bool:
        tags = set(_table("production").get(name, ()))
        wished = {one.what for one in controls.wishes}
        return bool(tags & there) or name in wished or _said_as(controls, name, "production")

    return _all_or_any(met, wanted, any_)


def _usage(controls: Controls, wanted: Any, any_: bool) -> bool:
    def met(name: str) -> bool:
        return bool(set(_table("usages").get(name, (name.replace(" ", "_"),))) & set(controls.usages))

    return _all_or_any(met, wanted, any_)


def _tempo(controls: Controls, wanted: Any, any_: bool) -> bool:
    bpm = controls.tempo_bpm
    if bpm is None:
        return False
    values: list[float] = wanted if isinstance(wanted, list) else [wanted]
    if len(values) == 2 and not any_:
        return values[0] <= bpm <= values[1]
    return any(abs(bpm - value) <= TEMPO_TOLERANCE_BPM for value in values)


def _tempo_feel(controls: Controls, wanted: Any, any_: bool) -> bool:
    """Slower, or faster, than such music usually is; or named so beside an exact tempo."""
    if controls.tempo_bpm is None:
        return False
    exact = any(reason.field == "tempo_bpm" and reason.source == "lexicon" for reason in controls.reasons)
    genres = styles.table("genres")
    typical = sum(weight * genres[id_]["tempo_bpm"][1] for id_, weight in controls.genres) or 100.0
    share = controls.tempo_bpm / typical

    def met(name: str) -> bool:
        near = abs(share - 1) < MEDIUM_TEMPO_SHARE
        return exact or {"slow": share < 1, "fast": share >= 1}.get(name, near)

    return _all_or_any(met, wanted, any_)


def _key(controls: Controls, wanted: Any, any_: bool) -> bool:
    """A key named without a mode is met by the tonic alone: the mode is left to the style."""

    def met(name: str) -> bool:
        tonic, _, mode = name.partition(" ")
        sharps = {"db": "c#", "d#": "eb", "gb": "f#", "g#": "ab", "a#": "bb"}
        same = (controls.key or "").lower() == sharps.get(tonic, tonic)
        modes = {"hijaz": ("phrygian",), "phrygian dominant": ("phrygian",), "major": ("major", None)}
        return same and controls.mode in modes.get(mode, (mode,))

    return _all_or_any(met, wanted, any_)


def _metre(controls: Controls, wanted: Any, any_: bool) -> bool:
    """The metre, or another that is said to be the nearest to it."""

    def met(name: str) -> bool:
        said = [reason for reason in controls.reasons if reason.field == "time_signature"]
        return controls.time_signature == name or any(
            reason.source == "substitute"
            and (name in _METRE_WORDS.get(reason.words.lower(), reason.words) or _beats_told(reason.words, name))
            for reason in said
        )

    return _all_or_any(met, wanted, any_)


def _beats_told(words: str, name: str) -> bool:
    """ "5 beats per bar" is 5/4."""
    return bool(re.search(r"\bbeats?\b", words)) and name.split("/")[0] in re.findall(r"\d+", words)


_METRE_WORDS = {
    "cut time": "2/2",
    "alla breve": "2/2",
    "seven eight": "7/8",
    "five four": "5/4",
    "twelve eight": "12/8",
    "seven four": "7/4",
}


def _energy(controls: Controls, wanted: Any, any_: bool) -> bool:
    kinds = {one.kind for one in controls.features}

    def met(name: str) -> bool:
        if name in ("rising", "falling"):
            return name in kinds or _leads(controls, name)
        if controls.energy is None:
            return False
        low, high = controls.energy <= LOW_ENERGY, controls.energy >= HIGH_ENERGY
        return {"low": low, "high": high}.get(name, not low and not high)

    return _all_or_any(met, wanted, any_)


def _leads(controls: Controls, way: str) -> bool:
    """Whether the form rises or falls: it builds up, gets faster, or is loud where it was quiet before."""
    kinds = {one.kind for one in controls.features}
    if way == "rising" and (
        "quickening" in kinds or any(one.kind == "build" and one.wanted for one in controls.sections)
    ):
        return True
    moved = [cue for cue in controls.cues if cue.does == ("enter" if way == "rising" else "leave")]
    if len({str(cue.moment) for cue in moved}) > 1:  # one after the other
        return True
    first, last = ("quiet", "loud") if way == "rising" else ("loud", "quiet")
    return {first, last} <= kinds and all(
        one.kind != last or one.at is None or (one.at.section, one.at.nth) != ("piece", 1) for one in controls.features
    )


def _vocals(controls: Controls, wanted: Any, any_: bool) -> bool:
    """Whether somebody sings; who hums or sings "ooh" does."""
    table = styles.instruments()
    hums = any(table[id_].family == "voices" for id_ in controls.instruments if id_ in table)
    return _all_or_any(lambda value: controls.vocals == value or (value is True and hums), wanted, any_)


def _length(controls: Controls, wanted: Any, any_: bool) -> bool:
    there = controls.duration_s
    if there is not None and isinstance(wanted, list) and len(wanted) == 2 and not any_:
        return wanted[0] * (1 - LENGTH_TOLERANCE) <= there <= wanted[1]
    return there is not None and _all_or_any(lambda seconds: abs(there / seconds - 1) <= LENGTH_TOLERANCE, wanted, any_)


def _ending(controls: Controls, wanted: Any, any_: bool) -> bool:
    kinds = {one.kind for one in controls.features}
    wished = {one.what for one in controls.wishes}
    return _all_or_any(lambda name: bool(set(_ENDINGS.get(name, ())) & kinds) or name in wished, wanted, any_)


def _is(field: str) -> Callable[[Controls, Any, bool], bool]:
    """Whether one field has just the value, or one of several."""
    return lambda controls, wanted, any_: _all_or_any(lambda value: getattr(controls, field) == value, wanted, any_)


def _form(controls: Controls, wanted: Sequence[Mapping[str, Any]], any_: bool) -> bool:
    """Several kinds are the form in this order (letters: where the same returns); one kind is a wish for it."""
    kinds = [str(part["kind"]) for part in wanted]
    if len(kinds) > 1:
        return _pattern(kinds) == _pattern(controls.form)
    hints = {hint.kind: hint for hint in controls.sections if hint.wanted}
    hint = hints.get(kinds[0])
    return hint is not None and wanted[0].get("bars") in (None, hint.bars)


def _pattern(kinds: Sequence[str]) -> list[int]:
    order = list(dict.fromkeys(kinds))
    return [order.index(kind) for kind in kinds]


def _speaks(field: str) -> Callable[[Controls, Any, bool], bool]:
    """Whether a field has the code of a language that is called by its English name."""
    codes = _table("languages")
    return lambda controls, wanted, any_: _all_or_any(
        lambda name: getattr(controls, field) == codes.get(name, name), wanted, any_
    )


_RIGHT: Mapping[str, Callable[[Controls, Any, bool], bool]] = {
    "genre": _genre,
    "moods": _moods,
    "instruments": _instruments,
    "excluded": _excluded,
    "count": _count,
    "production": _production,
    "usage": _usage,
    "tempo_bpm": _tempo,
    "tempo_feel": _tempo_feel,
    "key": _key,
    "metre": _metre,
    "energy": _energy,
    "length_s": _length,
    "bars": _is("bars"),
    "loop": _is("loop"),
    "only": _is("closed"),
    "vocals": _vocals,
    "voice": _is("voice"),
    "ending": _ending,
    "form": _form,
    "language": _speaks("language"),
    "lyrics_language": _speaks("lyrics_language"),
    "artist": lambda controls, wanted, any_: any(reason.field == "artist" for reason in controls.reasons),
    "timed": lambda controls, wanted, any_: all(timed_right(item, controls, plays) for item in wanted),
}

#: What of the controls is shown beside a judged field; the field itself where it is called the same.
_SHOWN = {
    "genre": ("genres",), "usage": ("usages",), "tempo_feel": ("tempo_bpm",), "metre": ("time_signature",),
    "length_s": ("duration_s",), "only": ("closed",), "count": ("instruments",), "key": ("key", "mode"),
    "ending": ("features",), "timed": ("cues", "features", "sections"), "form": ("form", "sections"),
    "artist": ("not_understood",), "excluded": ("excluded", "features"), "energy": ("energy", "features"),
    "instruments": ("instruments", "textures"),
}  # fmt: skip


def _shown(controls: Controls, field: str) -> str:
    values = [getattr(controls, name, "no such field") for name in _SHOWN.get(field, (field,))]
    return " ".join(", ".join(map(str, v)) if isinstance(v, tuple) else str(v) for v in values)


def tally(verdicts: Iterable[Verdict]) -> dict[str, tuple[int, int]]:
    """Per field (``X_any`` counts as ``X``): how many are right, of how many."""
    counts: dict[str, tuple[int, int]] = {}
    for one in verdicts:
        field = one.field.removesuffix("_any")
        right, total = counts.get(field, (0, 0))
        counts[field] = (right + one.right, total + 1)
    return counts
