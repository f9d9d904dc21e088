"""The form of lyrics without tags: stanzas that come again are the chorus, the others verses."""

from __future__ import annotations

from collections.abc import Sequence

from noisician.lyrics.model import Line, Section

#: Two stanzas are the same when this share of their lines is.
SAME_SHARE = 0.7


def infer_sections(stanzas: Sequence[tuple[Line, ...]]) -> tuple[Section, ...]:
    """One section for each stanza; of several that repeat, the one sung most often is the chorus."""
    groups: list[list[int]] = []
    for place, stanza in enumerate(stanzas):
        group = next((group for group in groups if _same(stanzas[group[0]], stanza)), None)
        if group is None:
            groups.append([place])
        else:
            group.append(place)
    refrains = [group for group in groups if len(group) > 1]
    chorus = frozenset(max(refrains, key=len) if refrains else ())
    sections = []
    verses = 0
    for place, stanza in enumerate(stanzas):
        if place in chorus:
            sections.append(Section("chorus", None, (), stanza, inferred=True))
        else:
            verses += 1
            sections.append(Section("verse", verses, (), stanza, inferred=True))
    return tuple(sections)


def _same(one: tuple[Line, ...], other: tuple[Line, ...]) -> bool:
    left, right = ([tuple(word.spoken for word in line.words) for line in stanza] for stanza in (one, other))
    shared = sum(a == b for a, b in zip(left, right, strict=False))
    return shared >= SAME_SHARE * max(len(left), len(right))
