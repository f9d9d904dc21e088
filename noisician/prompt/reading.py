"""From text to findings: every word is found in the lexicon, read as a figure, understood by its meaning,
ignored as a function word, or listed as not understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

from noisician.prompt.lexicon import SCALARS, SOUND_FIELDS, Effect, Entry, Lexicon, Match, lexicon, with_degree
from noisician.prompt.meaning import THRESHOLDS, Nearest, nearest
from noisician.prompt.names import names
from noisician.prompt.negation import Cue, apply_negations
from noisician.prompt.numbers import figures
from noisician.prompt.placed import placed_wishes
from noisician.prompt.slips import slips
from noisician.prompt.subjects import felt, subjects
from noisician.prompt.text import Token, clean, tokenize
from noisician.prompt.translation import is_small, translation
from noisician.prompt.wording import Wording, as_written, replaced

_NOT = ("not", "never", "isn't", "isnt", "aren't", "doesn't", "doesnt", "don't", "dont", "non", "anything but")
ONLY_WORDS = ("just", "only", "solely")
ARTICLES = ("a", "an", "the", "some", "one")
ADDING_WORDS = ("with", "featuring", "features", "feature", "plus", "including", "includes", "has", "having", "add")
WORK_REACH = 3
"""How many words a work may stand before its "for": "music, sad and slow, for piano"."""

_CLOSING = ("please", "no", "and")
"""What may follow "synths only" in the same breath."""

WORKS = (
    "piece", "pieces", "work", "music", "sonata", "suite", "study", "etude", "prelude", "nocturne", "composition",
    "duet", "duo", "trio", "quartet", "quintet", "arranged", "written", "song",
)  # fmt: skip
"""What is written "for" somebody: those play it, and nobody else."""

SUGGESTION_MARGIN = 0.15
"""A meaning must be this much clearer to outweigh a genre that an era or a place suggests."""


@dataclass(frozen=True)
class Finding:
    """Words of the prompt and what they ask for. ``first`` is the place of the first word."""

    words: str
    effects: tuple[Effect, ...]
    first: int
    last: int
    source: Literal["option", "lexicon", "meaning"]
    confidence: float = 1.0
    negated: bool = False


@dataclass(frozen=True)
class Reading:
    """``tokens`` of the prompt, the findings in their order, and the words nobody understood."""

    tokens: tuple[Token, ...]
    findings: tuple[Finding, ...]
    not_understood: tuple[str, ...]
    language: str | None = None


@dataclass
class _Scan:
    """What one pass over the tokens found; places are token indices."""

    matches: list[Match]
    cues: list[Cue]
    degrees: dict[int, tuple[float, int]]  # of the match that starts there, and where the words for it begin
    covered: set[int]
    figures: list[Finding]
    idle: list[tuple[int, int]]  # words that are known and do nothing


def read(prompt: str) -> Reading:
    """Read ``prompt``; no text makes this fail."""
    words = lexicon()
    wording = worded(clean(prompt))
    tokens = _tokens(wording, words)
    found = _scan(wording, tokens, words)
    found.matches = [_compound(tokens, match, found.covered, words) for match in found.matches]
    found.matches = [_played_loop(tokens, match, found.matches) for match in found.matches]
    matches, absorbed, by = apply_negations(tokens, _guests(tokens, found.matches), found.cues, words)
    findings = list(found.figures)
    shares = {one.last: float(e.value) / 50 for one in found.figures for e in one.effects if e.field == "share"}  # pyright: ignore[reportArgumentType]
    for place, match in enumerate(matches):
        if place in absorbed:
            continue
        degree, first = found.degrees.get(match.first, (1.0, match.first))
        degree *= shares.get(match.first, 1.0)
        effects = negated_effects(match.entry, words) if match.negated else match.entry.effects
        typed = wording.typed(tokens[first].start, tokens[match.last - 1].end)
        describing = [matches[other] for other, noun in absorbed.items() if noun == place]
        if place in by:
            cue = by[place]
            begin = min([first, *(found.degrees.get(other.first, (1.0, other.first))[1] for other in describing)])
            typed = " ".join(
                part
                for part in (
                    wording.typed(tokens[cue.first].start, tokens[cue.last - 1].end),
                    wording.typed(tokens[begin].start, tokens[match.last - 1].end),
                )
                if part
            )
        findings.append(
            Finding(
                words=typed,
                effects=tuple(with_degree(effect, degree) for effect in effects),
                first=match.first,
                last=match.last,
                source="lexicon",
                confidence=match.confidence,
                negated=match.negated,
            )
        )
    told_of = _told_of(wording, tokens, found)
    findings = [_as_subject(finding, told_of) for finding in findings]
    findings += [
        Finding(wording.typed(tokens[first].start, tokens[last - 1].end), (), first, last, "lexicon")
        for first, last in _idle(found, by)
    ]
    closing = _only(tokens, matches, found) or _listed(wording, tokens, matches)
    findings += closing
    told = words.function_words - (words.small_words - set(ONLY_WORDS))
    findings += [
        Finding(token.raw, (), place, place + 1, "lexicon")
        for place, token in enumerate(tokens)
        if place not in found.covered and token.text in words.function_words
        if token.text in told
        or (wording.language is not None and not is_small(token.raw, wording.language))
        or "(read for" in token.raw  # a slip: both words are told
    ]
    unknown = [
        place
        for place, token in enumerate(tokens)
        if place not in found.covered and token.text not in words.function_words
    ]
    meant, lost = _by_meaning(tokens, unknown, found, findings)
    findings = sorted([*findings, *meant], key=lambda finding: finding.first)
    stories = [wording.typed(tokens[first].start, tokens[last - 1].end) for first, last in told_of]
    apart = [tokens[place].raw for place in lost if not any(first <= place < last for first, last in told_of)]
    return Reading(tokens, tuple(findings), tuple(dict.fromkeys([*apart, *stories])), wording.language)


def _told_of(wording: Wording, tokens: Sequence[Token], scan: _Scan) -> list[tuple[int, int]]:
    """From and to which token a subject goes that is more than a feeling; a figure in it is music."""
    found: list[tuple[int, int]] = []
    figures = {place for one in scan.figures for place in range(one.first, one.last)}
    for subject in subjects(wording.text):
        places = [at for at, token in enumerate(tokens) if subject.start <= token.start and token.end <= subject.end]
        taken = {at for first, last in found for at in range(first, last)}
        if not places or figures & set(places) or taken & set(places):
            continue
        felt_only = all(at in scan.covered or tokens[at].text in lexicon().function_words for at in places) and all(
            effect.field in ("moods", "implies", "energy", "neutral")
            for match in scan.matches
            if places[0] <= match.first < places[-1] + 1
            for effect in match.entry.effects
        )
        if not felt_only:
            found.append((places[0], places[-1] + 1))
    return found


def _as_subject(finding: Finding, told_of: Sequence[tuple[int, int]]) -> Finding:
    """A finding within a subject only makes feel something."""
    within = any(first <= finding.first and finding.last <= last for first, last in told_of)
    return replace(finding, effects=felt(finding.effects)) if within else finding


def worded(cleaned: str) -> Wording:
    """The prompt in English words without slips."""
    translated = translation(cleaned)
    if translated is not None:
        return translated
    found = slips(cleaned)
    return replaced(as_written(cleaned), found) if found else as_written(cleaned)


def _tokens(wording: Wording, words: Lexicon) -> tuple[Token, ...]:
    """The tokens of the wording, ``raw`` as it was typed."""
    tokens = tokenize(wording.text, words.spelling)
    if wording.text == wording.written:
        return tokens
    return tuple(replace(token, raw=wording.typed(token.start, token.end) or token.raw) for token in tokens)


def _idle(found: _Scan, by: Mapping[int, Cue]) -> list[tuple[int, int]]:
    """Stretches of tokens that are known and do nothing, negations that reach nobody among them."""
    used = {cue.first for cue in by.values()}
    return found.idle + [(cue.first, cue.last) for cue in found.cues if cue.first not in used]


def _compound(tokens: Sequence[Token], match: Match, covered: set[int], words: Lexicon) -> Match:
    """ "metal roof", "minor inconvenience": a word with a meaning of its own right before a noun that nobody knows is
    likely no music. Its genre is only a suggestion then, and it is no mode."""
    after = match.last
    if match.last - match.first > 1 or tokens[match.first].text not in words.ambiguous or after == len(tokens):
        return match
    noun = tokens[after]
    if noun.clause != tokens[match.first].clause or after in covered or noun.text in words.function_words:
        return match
    if not noun.text.isalpha() or noun.hyphened:
        return match
    kept = tuple(
        replace(e, field="suggests") if e.field == "genres" else e
        for e in match.entry.effects
        if e.field not in ("mode", "sections")
    )
    return replace(match, entry=replace(match.entry, effects=kept))


def _played_loop(tokens: Sequence[Token], match: Match, matches: Sequence[Match]) -> Match:
    """The loop in "boom bap, dusty piano loop, vinyl" is the piano's, not the piece's; "jazzy piano loop" is all there
    is."""
    if tokens[match.first].text not in ("loop", "looped") or tokens[-1].clause == tokens[0].clause:
        return match
    player = next((one for one in matches if one.last == match.first), None)
    if player is None or not any(e.field in ("instruments", "family") for e in player.entry.effects):
        return match
    return replace(match, entry=Entry(tuple(e for e in match.entry.effects if e.field != "loop")))


def _guests(tokens: Sequence[Token], matches: Sequence[Match]) -> list[Match]:
    """An ensemble that is added "with" a genre that somebody else named closes nothing: it is a guest."""
    genres = [place for place, match in enumerate(matches) if any(e.field == "genres" for e in match.entry.effects)]
    out: list[Match] = []
    for place, match in enumerate(matches):
        before = match.first - 1
        while before >= 0 and tokens[before].text in ARTICLES:
            before -= 1
        added = before >= 0 and tokens[before].text in ADDING_WORDS and any(other != place for other in genres)
        if added and any(e.field == "only" and e.value is True for e in match.entry.effects):
            kept = tuple(e for e in match.entry.effects if e.field != "only")
            match = replace(match, entry=replace(match.entry, effects=kept))
        out.append(match)
    return out


def _only(tokens: Sequence[Token], matches: Sequence[Match], scan: _Scan) -> list[Finding]:
    """ "just piano", "only a harp", "piano only", "waltz for harp": the words that leave all others out."""
    played = [
        match
        for match in matches
        if not match.negated and any(e.field in ("instruments", "family") for e in match.entry.effects)
    ]
    before = {match.first for match in played} | {
        figure.first for figure in scan.figures if any(e.field == "instruments" for e in figure.effects)
    }
    after = {match.last for match in played}
    works = {match.last for match in matches if any(e.field == "genres" for e in match.entry.effects)}
    found: list[Finding] = []
    for place, token in enumerate(tokens):
        if token.text not in (*ONLY_WORDS, "for") or (place in scan.covered and token.text != "for"):
            continue
        following = place + 1
        while following < len(tokens) and tokens[following].text in ARTICLES:
            following += 1
        ends_clause = place + 1 == len(tokens) or tokens[place + 1].clause != token.clause
        says_only = token.text in ONLY_WORDS and (
            following in before or (place in after and (ends_clause or tokens[place + 1].text in _CLOSING))
        )
        near = range(max(place - WORK_REACH, 0), place)
        work = any(tokens[at].clause == token.clause and (tokens[at].text in WORKS or at + 1 in works) for at in near)
        if says_only or (token.text == "for" and following in before and work):
            value = "just" if token.text in ONLY_WORDS else True
            found.append(Finding(token.raw, (Effect("only", value),), place, place + 1, "lexicon"))
    return found


def _listed(wording: Wording, tokens: Sequence[Token], matches: Sequence[Match]) -> list[Finding]:
    """ "piano and cello" and not another word: those two."""
    players = sum(any(e.field in ("instruments", "family") for e in match.entry.effects) for match in matches)
    covered = {place for match in matches for place in range(match.first, match.last)}
    others = [token.text for place, token in enumerate(tokens) if place not in covered]
    if players < 2 or players < len(matches) or not others or set(others) - {"and", *ARTICLES} or "and" not in others:
        return []
    if any(match.negated for match in matches):
        return []
    return [Finding(wording.typed(0, len(wording.text)), (Effect("only", "listed"),), 0, len(tokens), "lexicon")]


def negated_effects(entry: Entry, words: Lexicon) -> tuple[Effect, ...]:
    """What an entry does after a negation; fields ``not_genres`` … name what must not be used."""
    if entry.negated is not None:
        return entry.negated
    named = any(effect.field == "genres" for effect in entry.effects)
    own = (effect for effect in entry.effects if not (named and effect.field in SOUND_FIELDS))
    return tuple(turned for effect in own for turned in _negated(effect, words))


def _negated(effect: Effect, words: Lexicon) -> tuple[Effect, ...]:
    if effect.field in ("instruments", "family"):
        return (Effect("exclude", effect.value),)
    if effect.field in SCALARS:
        # "not too fast" is a little under the middle, not slow.
        return (replace(effect, value=0.5 - 0.3 * (float(effect.value) - 0.5)),)  # pyright: ignore[reportArgumentType]
    if effect.field == "production":
        opposite = words.opposites.get(str(effect.value))
        return () if opposite is None else (replace(effect, value=opposite),)
    if effect.field in ("genres", "moods", "sections"):
        return (Effect(f"not_{effect.field}", effect.value),)
    return ()


def _scan(wording: Wording, tokens: Sequence[Token], words: Lexicon) -> _Scan:
    scan = _Scan([], [], {}, set(), [], [])
    cleaned = wording.text
    for figure in chain(names(cleaned), placed_wishes(cleaned), figures(cleaned)):
        places = [
            place
            for place, token in enumerate(tokens)
            if token.start < figure.end and token.end > figure.start
            if not any(first <= token.start < last for first, last in figure.skips)
        ]
        if places and scan.covered.isdisjoint(places):
            scan.covered.update(places)
            # A figure may begin or end within a word; the word is told whole.
            first, last = tokens[places[0]], tokens[places[-1]]
            typed = wording.typed(min(figure.start, first.start), max(figure.end, last.end))
            scan.figures.append(Finding(typed, figure.effects, places[0], places[-1] + 1, "lexicon"))
    place, degree = 0, _NO_DEGREE
    while place < len(tokens):
        place, degree = _step(tokens, place, degree, words, scan)
    if degree[1] is not None:
        scan.idle.append((degree[1], len(tokens)))
    return scan


_Degree = tuple[float, int | None]
"""How strongly the next word counts, and where the words that say so begin."""
_NO_DEGREE: _Degree = (1.0, None)


def _step(tokens: Sequence[Token], place: int, degree: _Degree, words: Lexicon, scan: _Scan) -> tuple[int, _Degree]:
    """Take in the longest phrase at ``place``; return where to go on and the degree in force there."""
    if place in scan.covered:
        if degree[1] is not None:
            scan.idle.append((degree[1], place))
        return place + 1, _NO_DEGREE
    free = place
    while free < len(tokens) and free not in scan.covered:
        free += 1
    window = tokens[:free]
    match = words.at(window, place)
    best = match.last if match else place
    for last in range(place + words.longest(window, place), max(best, place), -1):
        key = " ".join(token.text for token in tokens[place:last])
        length = last - place
        if key in words.harmless:
            scan.covered.update(range(place, last))
            scan.idle.append((place if degree[1] is None else degree[1], last))
            return last, _NO_DEGREE
        if key in words.cues and length >= best - place:
            scan.covered.update(range(place, last))
            scan.cues.append(Cue(place, last, key in _NOT))
            if degree[1] is not None:
                scan.idle.append((degree[1], place))
            return last, _NO_DEGREE
        if key in words.degrees and length > best - place:
            scan.covered.update(range(place, last))
            if degree[1] is not None:
                scan.idle.append((degree[1], place))
            return last, (words.degrees[key], place)
    if match is None:
        if degree[1] is not None and tokens[place].text in words.function_words:
            return place + 1, degree
        if degree[1] is not None:
            scan.idle.append((degree[1], place))
        return place + 1, _NO_DEGREE
    last = match.last
    # "vocal-free", "guitar free"
    if last < len(tokens) and tokens[last].hyphened and tokens[last].text in words.suffixes:
        last, match = last + 1, replace(match, last=last + 1, negated=True)
    scan.covered.update(range(place, last))
    scan.degrees[place] = (degree[0], place if degree[1] is None else degree[1])
    scan.matches.append(match)
    ensemble = _ensemble_within(window, match, words)
    if ensemble is not None:
        scan.covered.update(range(ensemble.first, ensemble.last))
        scan.matches.append(ensemble)
        last = ensemble.last
    return last, _NO_DEGREE


def _ensemble_within(window: Sequence[Token], match: Match, words: Lexicon) -> Match | None:
    """An ensemble that begins inside another phrase and reaches beyond it: "late night jazz" and "jazz trio"."""
    for place in range(match.first + 1, match.last):
        inner = words.at(window, place)
        if inner and inner.last > match.last and any(e.field in ("only", "players") for e in inner.entry.effects):
            return inner
    return None


def _by_meaning(
    tokens: Sequence[Token], unknown: Sequence[int], scan: _Scan, findings: Sequence[Finding]
) -> tuple[list[Finding], list[int]]:
    """Findings for the unknown words clause by clause, and the places of those that stay unknown."""
    meant: list[Finding] = []
    lost: list[int] = []
    cued = {tokens[cue.last - 1].clause for cue in scan.cues}
    named: dict[str, set[str]] = {}
    for effect in (effect for finding in findings for effect in finding.effects):
        named.setdefault(effect.field.removeprefix("not_"), set()).add(str(effect.value))
    called = _names(tokens, unknown)
    for clause in dict.fromkeys(tokens[place].clause for place in unknown):
        places = [place for place in unknown if tokens[place].clause == clause]
        if clause in cued:  # "no politicians": an unknown unwanted thing must not become a wanted style
            lost += places
            continue
        words = [tokens[place].text for place in places if place not in called]
        context = [tokens[place].text for place in sorted(scan.covered) if tokens[place].clause == clause]
        carried: set[str] = set()
        for field in ("genres", "moods"):
            found = nearest(field, words, context)
            if found is None or not _adds(found, named):
                continue
            carried |= set(found.words)
            spoken = [
                tokens[place].raw for place in places if tokens[place].text in found.words and place not in called
            ]
            meant.append(
                Finding(
                    words=" ".join(spoken),
                    effects=(Effect(field, found.id, round(found.likeness, 3)),),
                    first=places[0],
                    last=places[-1] + 1,
                    source="meaning",
                    confidence=round(found.likeness, 3),
                )
            )
        lost += [place for place in places if place in called or tokens[place].text not in carried]
    return meant, lost


def _adds(found: Nearest, named: Mapping[str, set[str]]) -> bool:
    """Known words are surer: beside them a meaning counts only if it agrees, or is clearer than a suggestion."""
    if found.field in named:
        return found.id in named[found.field]
    suggested = found.field == "genres" and "suggests" in named
    return not suggested or found.likeness >= THRESHOLDS[found.field] + SUGGESTION_MARGIN


def _names(tokens: Sequence[Token], unknown: Sequence[int]) -> set[int]:
    """Unknown capitalised words side by side: a person, a band or a work, whose words mean something else."""
    if not any(token.raw.islower() for token in tokens):
        return set()
    capitals = {place for place in unknown if tokens[place].raw[:1].isupper()}
    return {place for place in capitals if {place - 1, place + 1} & capitals}
