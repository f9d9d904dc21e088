"""Which findings a "no", "without" or "not" reaches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from noisician.prompt.lexicon import SOUND_FIELDS, Lexicon, Match
from noisician.prompt.text import Token

LIST_WORDS = frozenset(
    (
        "or",
        "nor",
        "and",
        "any",
        "a",
        "an",
        "the",
        "even",
        "no",
        "of",
        "using",
        "use",
        "having",
        "kind",
        "kinds",
        "sort",
        "type",
    )
)


@dataclass(frozen=True)
class Cue:
    """A negating phrase in tokens ``first`` … ``last − 1``."""

    first: int
    last: int
    of_adjectives: bool  # "not dark piano" wants a piano that is not dark; "no dark piano" wants none


def is_noun(match: Match) -> bool:
    return any(effect.field in SOUND_FIELDS for effect in match.entry.effects + (match.entry.negated or ()))


def _list_goes_on(tokens: Sequence[Token], at: int) -> bool:
    """Whether the comma before ``at`` parts items of "no x, y or z": short items up to one with "or"."""
    clause, count = tokens[at].clause, 0
    for token in tokens[at:]:
        if token.clause != clause:
            clause, count = token.clause, 0
        if token.text in ("or", "nor"):
            return True
        count += 1
        if count > 3:
            return False
    return False


def apply_negations(
    tokens: Sequence[Token], matches: Sequence[Match], cues: Sequence[Cue], lexicon: Lexicon
) -> tuple[list[Match], dict[int, int], dict[int, Cue]]:
    """Matches with the negated ones marked; the places of those that only described a negated noun, with its place;
    and which cue negates the match at a place."""
    starts = {match.first: place for place, match in enumerate(matches)}
    marked = list(matches)
    absorbed: dict[int, int] = {}
    by: dict[int, Cue] = {}
    for cue in cues:
        reached, modifiers = _reach(tokens, matches, cue, starts, lexicon)
        for place in reached:
            marked[place] = replace(marked[place], negated=not matches[place].negated)
            by[place] = cue
        absorbed |= modifiers
    return marked, absorbed, by


def _reach(
    tokens: Sequence[Token], matches: Sequence[Match], cue: Cue, starts: Mapping[int, int], lexicon: Lexicon
) -> tuple[list[int], dict[int, int]]:
    reached: list[int] = []
    absorbed: dict[int, int] = {}
    group: list[int] = []  # adjectives waiting for their noun
    linked = True  # nothing but list words since the cue or the last item
    unknown = 0
    at = cue.last
    while at < len(tokens):
        token = tokens[at]
        if token.clause != tokens[at - 1].clause and (group or not _list_goes_on(tokens, at)):
            break
        linked = linked or token.clause != tokens[at - 1].clause
        if at not in starts:
            if token.text in lexicon.brakes or (reached and token.text not in LIST_WORDS):
                break
            linked = linked or token.text in LIST_WORDS
            unknown += token.text not in lexicon.function_words
            if unknown > 1:  # "without a doubt the best piano"
                break
            at += 1
            continue
        place = starts[at]
        noun = is_noun(matches[place])
        if reached and (not linked or noun != is_noun(matches[reached[-1]])):
            break
        if noun and group and cue.of_adjectives:
            break
        if noun:
            reached.append(place)
            absorbed |= dict.fromkeys(group, place)
            group = []
            linked = False
        elif group and cue.of_adjectives and not linked:
            break
        else:
            group.append(place)
            linked = not cue.of_adjectives
        at = matches[place].last
    return reached or group, absorbed
