"""Tests of a checklist about form and cast: which sections, what comes back, what grows, who plays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from noisician.composer.plan import Plan
from noisician.evaluate import musicianship
from noisician.evaluate.checklists.rhythm import by_bar, struck_by
from noisician.score.grid import REST, ROLE_STREAMS, STREAMS, Grid
from noisician.styles import instruments

RECOGNISABLE = 0.5


def bars_of(plan: Plan, grid: Grid, kinds: Sequence[str]) -> list[int]:
    """The bars of sections of these kinds."""
    return [
        bar
        for section in plan.sections
        if section.kind in kinds
        for bar in range(section.start_bar, min(section.start_bar + section.bars, grid.bars))
    ]


def part_of(plan: Plan, grid: Grid, kinds: Sequence[str]) -> Grid:
    """Those bars one after the other."""
    rows = grid.tokens.reshape(grid.bars, grid.meter.steps_per_bar, -1)[bars_of(plan, grid, kinds)]
    return Grid(rows.reshape(-1, len(STREAMS)), grid.time_signature)


def heard_cast(plan: Plan, grid: Grid) -> list[tuple[str, str]]:
    """(role, instrument) of the plan's players who play something; textures and effects always do."""

    def plays(role: str) -> bool:
        streams = ROLE_STREAMS.get(role)
        return streams is None or any((np.asarray(grid.stream(name)) != REST).any() for name in streams)

    return [(role, id_) for role, id_ in plan.instrumentation if plays(role)]


def _matching(
    plan: Plan, grid: Grid, families: Sequence[str], wanted: Sequence[str], roles: Sequence[str]
) -> list[tuple[str, str]]:
    known = instruments()
    return [
        (role, id_)
        for role, id_ in heard_cast(plan, grid)
        if (not roles or role in roles)
        and ((not families and not wanted) or id_ in wanted or known[id_].family in families)
    ]


# --- facts ------------------------------------------------------------------------------------------------------


def cast(
    plan: Plan, grid: Grid, *, families: Sequence[str] = (), instruments: Sequence[str] = (), roles: Sequence[str] = ()
) -> bool:
    """One of these families or instruments plays (in one of these roles)."""
    return bool(_matching(plan, grid, families, instruments, roles))


def no_cast(
    plan: Plan, grid: Grid, *, families: Sequence[str] = (), instruments: Sequence[str] = (), roles: Sequence[str] = ()
) -> bool:
    """None of these families or instruments plays (in one of these roles)."""
    return not _matching(plan, grid, families, instruments, roles)


def production(plan: Plan, grid: Grid, *, tags: Sequence[str]) -> bool:
    """The whole mix, or one player, is treated so."""
    treated = {tag for player in plan.timbre_tags.values() for tag in player}
    return bool((treated | set(plan.production)) & set(tags))


def sections(plan: Plan, grid: Grid, *, kinds: Sequence[str]) -> bool:
    """There is a section of one of these kinds."""
    return any(section.kind in kinds for section in plan.sections)


def returns(plan: Plan, grid: Grid) -> bool:
    """A section comes back after another, recognisably."""
    return any(share >= RECOGNISABLE for share in musicianship.returning_sections(grid, plan.sections))


def drops_out(plan: Plan, grid: Grid, *, what: Sequence[str], bars: int) -> bool:
    """Who plays somewhere is silent for so many bars in a row."""
    silent = by_bar(grid, struck_by(grid, what)).max(axis=1) == 0
    if silent.all():
        return False
    return any(silent[at : at + bars].all() for at in range(grid.bars - bars + 1))


# --- measures ---------------------------------------------------------------------------------------------------


def players(plan: Plan, grid: Grid) -> int:
    """Instruments and kits that play, textures and effects apart."""
    return len({id_ for role, id_ in heard_cast(plan, grid) if role in ROLE_STREAMS})


def cast_share(
    plan: Plan, grid: Grid, *, families: Sequence[str] = (), instruments: Sequence[str] = (), roles: Sequence[str] = ()
) -> float | None:
    """Share of the pitched players who are of these families or instruments."""
    pitched = [(role, id_) for role, id_ in heard_cast(plan, grid) if role in ROLE_STREAMS and role != "drums"]
    matching = _matching(plan, grid, families, instruments, roles)
    return sum(player in matching for player in pitched) / len(pitched) if pitched else None


def energy(plan: Plan, grid: Grid) -> float | None:
    """The sections' energy, 0 calm … 1 fierce, on average over the bars."""
    if not plan.sections:
        return None
    weights = [section.bars for section in plan.sections]
    return float(np.average([section.energy for section in plan.sections], weights=weights))


def fuller(plan: Plan, grid: Grid, *, kinds: Sequence[str], than: Sequence[str]) -> float | None:
    """Strokes a bar of all players in these kinds of sections, over those in others. The last bar, in which players
    hold or have stopped, belongs to neither.
    """
    strokes = by_bar(grid, struck_by(grid, ("all",))).sum(axis=1)
    own, others = (
        strokes[[bar for bar in bars_of(plan, grid, wanted) if bar < grid.bars - 1]] for wanted in (kinds, than)
    )
    return float(own.mean() / others.mean()) if len(own) and len(others) and others.any() else None


def section_lengths(plan: Plan, grid: Grid, *, multiple: int) -> float | None:
    """Share of the sections that are a multiple of so many bars long."""
    lengths = [section.bars for section in plan.sections]
    return float(np.mean([length % multiple == 0 for length in lengths])) if lengths else None


def answered(plan: Plan, grid: Grid, *, line: str, silent: str) -> float | None:
    """Share of a line's notes that begin while another line is silent: call and response."""
    begun = struck_by(grid, (line,)) > 0
    return float(np.mean(np.asarray(grid.stream(silent))[begun] == REST)) if begun.any() else None


FACTS = (cast, no_cast, production, sections, returns, drops_out)
MEASURES = (players, cast_share, energy, fuller, section_lengths, answered)
