"""Rewriting parts of a grid: what is given stays, what is kept is kept, and the same numbers give the same cells."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import pairwise, product

import numpy as np
import pytest
from fake_composer import SIZES, FakeNetwork, HearingNetwork, plan_of
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.composer import Composer, ComposerSettings, Plan
from noisician.composer.attempts import ATTEMPTS, Attempt, is_heard
from noisician.composer.conditions import GRID_ROLES, MASK_TOKENS
from noisician.composer.holds import mend_holds, sounding
from noisician.composer.infill import infill
from noisician.composer.keeping import Keep, draw_chain, link
from noisician.composer.regions import CONTEXT_BARS, HARMONY, STRETCH_BARS, open_cells, regions, stretches, vary_cells
from noisician.composer.wishes import Wishes
from noisician.composer.writing import stages_of
from noisician.errors import Cancelled, RequestError
from noisician.prompt import Controls
from noisician.score.grid import (
    DRUMS,
    FIRST_ONSET,
    HOLD,
    LEVELS,
    MONOPHONIC,
    REST,
    STREAMS,
    Grid,
    pitch_of,
    pitch_token,
)

BARS = 20
ROLES = (*GRID_ROLES, HARMONY)
QUICK = ComposerSettings(steps=2)
DRUM_PLACES = [STREAMS.index(stream) for stream in DRUMS]


def a_plan(signature: str = "4/4") -> Plan:
    return plan_of((("intro", 2), ("verse", 8), ("chorus", BARS - 10)), signature=signature)


@cache
def a_piece(signature: str = "4/4") -> Grid:
    return Composer(HearingNetwork()).compose(a_plan(signature), 1, QUICK)  # type: ignore[arg-type]


def rewritten(cells: np.ndarray, draws=1, grid: Grid | None = None, plan: Plan | None = None, **how) -> Grid:
    composer = Composer(HearingNetwork())  # type: ignore[arg-type]
    return infill(composer, plan or a_plan(), grid or a_piece(), cells, draws, settings=QUICK, **how)


cell_regions = st.builds(
    lambda roles, first, bars, strength, draw: vary_cells(
        a_plan(), roles, range(first, min(BARS, first + bars)), strength, draw
    ),
    st.lists(st.sampled_from(ROLES), min_size=1, max_size=3, unique=True),
    st.integers(0, BARS - 1),
    st.integers(1, 12),
    st.sampled_from([0.3, 0.7, 1.0]),
    st.integers(0, 99),
)
keeps = st.sampled_from(["nothing", "rhythm", "contour"])


@settings(deadline=None, max_examples=12)
@given(cells=cell_regions, keep=keeps, draw=st.integers(0, 2**32))
def test_what_is_given_stays_and_what_is_open_is_written_the_same_way_again(
    cells: np.ndarray, keep: Keep, draw: int
) -> None:
    before = a_piece().tokens.copy()
    made, again = (rewritten(cells, draw, keep=keep).tokens for _ in range(2))
    np.testing.assert_array_equal(made, again)
    np.testing.assert_array_equal(made[~cells], before[~cells])
    np.testing.assert_array_equal(a_piece().tokens, before)
    assert ((made >= 0) & (made < MASK_TOKENS)).all()


@settings(deadline=None, max_examples=8)
@given(cells=cell_regions, draw=st.integers(0, 99))
def test_nothing_is_held_after_nothing(cells: np.ndarray, draw: int) -> None:
    made = rewritten(cells, draw).tokens
    for stream in (*MONOPHONIC, "chords", "pad"):
        place = STREAMS.index(stream)
        line, was = made[:, place], a_piece().tokens[:, place]
        loose = (line == HOLD) & ~sounding(line)
        assert not (loose & cells[:, place]).any()
        assert not (loose & ~((was == HOLD) & ~sounding(was))).any()  # nor is a note outside left without its beginning


def test_regions_far_apart_are_the_same_together_and_one_after_the_other() -> None:
    here, there = open_cells(a_plan(), ["bass", "drums"], range(1, 3)), open_cells(a_plan(), ["bass"], range(9, 20))
    together = rewritten(here | there, 3)
    first = rewritten(there, 3, rewritten(here, 3))
    second = rewritten(here, 3, rewritten(there, 3))
    np.testing.assert_array_equal(together.tokens, first.tokens)
    np.testing.assert_array_equal(together.tokens, second.tokens)
    old = Grid(np.where(here | there, together.tokens, a_piece().tokens))  # nothing would be new in either region
    both, one = rewritten(here | there, 3, old).tokens, rewritten(there, 3, old).tokens
    np.testing.assert_array_equal(both[there], one[there])


def test_regions_that_hear_each_other_are_written_together() -> None:
    bars = np.zeros(40, bool)
    bars[[0, 1, 5, 10, *range(17, 30)]] = True
    assert list(regions(bars)) == [(0, 6), (10, 11), (17, 30)]
    assert list(stretches(bars)) == [(0, 6), (10, 11), (17, 25), (25, 30)]


def test_each_role_follows_a_number_of_its_own() -> None:
    cells = open_cells(a_plan(), ["bass", "counter"], range(4, 8))
    one, other = (rewritten(cells, {"bass": 1, "counter": number}) for number in (1, 2))
    np.testing.assert_array_equal(one.stream("bass"), other.stream("bass"))  # written before the counter-melody
    assert (one.stream("counter") != other.stream("counter")).any()
    np.testing.assert_array_equal(one.tokens, rewritten(cells, 1).tokens)
    with pytest.raises(ValueError, match="no draw for counter"):
        rewritten(cells, {"bass": 1})


def test_four_bars_on_both_sides_are_heard() -> None:
    cells = open_cells(a_plan(), ["bass"], range(8, 11))
    made = rewritten(cells).tokens
    for bar, heard in ((3, False), (4, True), (14, True), (15, False)):
        other = Grid(a_piece().tokens.copy())
        lead = other.stream("lead")[bar * 16 : bar * 16 + 16]
        lead[:] = np.where(lead == 50, 53, 50)
        changed = rewritten(cells, grid=other).tokens[cells] != made[cells]
        assert changed.any() == heard, bar
    assert CONTEXT_BARS == 4
    assert STRETCH_BARS == 8


@settings(deadline=None, max_examples=8)
@given(cells=cell_regions, draw=st.integers(0, 99))
def test_the_rhythm_stays_to_the_step(cells: np.ndarray, draw: int) -> None:
    before, made = a_piece().tokens, rewritten(cells, draw, keep="rhythm").tokens
    for place, stream in enumerate(STREAMS):
        if stream in DRUMS or stream == HARMONY:
            continue
        onsets = before[:, place] >= FIRST_ONSET
        np.testing.assert_array_equal(made[~onsets, place], before[~onsets, place])
        assert ((made[onsets, place] - before[onsets, place]) % LEVELS == 0).all()
        assert (made[onsets, place] >= FIRST_ONSET).all()
    np.testing.assert_array_equal((made[:, DRUM_PLACES] > 0).any(axis=1), (before[:, DRUM_PLACES] > 0).any(axis=1))
    chord, was = made[:, 0], before[:, 0]
    inside = cells[1:, 0] & cells[:-1, 0]
    assert not ((chord[1:] != chord[:-1]) & (was[1:] == was[:-1]))[inside].any()


def directions(line: np.ndarray) -> list[int]:
    return np.sign(np.diff([pitch_of(int(token))[0] for token in line[line >= FIRST_ONSET]])).tolist()


@settings(deadline=None, max_examples=8)
@given(cells=cell_regions, draw=st.integers(0, 99))
def test_a_kept_contour_goes_where_it_went(cells: np.ndarray, draw: int) -> None:
    made = rewritten(cells, draw, keep="contour")
    for stream in MONOPHONIC:
        assert directions(made.stream(stream)) == directions(a_piece().stream(stream)), stream


def test_a_kept_contour_has_new_notes() -> None:
    cells = open_cells(a_plan(), ["lead"], range(4, 8))
    tokens = a_piece().tokens.copy()
    line = np.full(len(tokens), HOLD)
    line[::4] = [pitch_token(60 + step, 1) for step in (0, 4, 8, 12, 9, 5, 2, 7) * (len(line) // 32)]
    tokens[:, STREAMS.index("lead")] = line
    made = rewritten(cells, grid=Grid(tokens), keep="contour").stream("lead")
    assert directions(made) == directions(line)
    assert (made != line)[cells.any(axis=1)].mean() > 0.1


def test_a_chain_is_drawn_as_often_as_it_is_likely() -> None:
    rng = np.random.default_rng(0)
    unary, links = rng.normal(size=(3, 3)), list(rng.normal(size=(2, 3, 3)))
    links[1][0, :2] = -np.inf
    weights = {
        (a, b, c): np.exp(unary[0, a] + unary[1, b] + unary[2, c] + links[0][a, b] + links[1][b, c])
        for a, b, c in product(range(3), repeat=3)
    }
    drawn = Counter(tuple(draw_chain(unary, links, rng).tolist()) for _ in range(6000))
    total = sum(weights.values())
    for states, weight in weights.items():
        assert drawn[states] / 6000 == pytest.approx(weight / total, abs=0.025)
    assert not any(drawn[a, 0, c] for a in range(3) for c in range(2))


def test_a_link_keeps_the_direction_within_an_octave_or_the_old_interval() -> None:
    for semitones, reached in ((0, [0]), (2, range(1, 13)), (-3, range(-12, 0)), (19, range(1, 20))):
        allowed = np.flatnonzero(np.isfinite(link(semitones)[40])) - 40
        assert allowed.tolist() == list(reached)
    assert link(2)[40, 45] == 0 > link(2)[40, 46] > link(2)[40, 47]
    assert link(7)[40, 47] == 0


def test_how_much_varies_is_nested() -> None:
    plan = a_plan("6/8")
    drawn = [vary_cells(plan, GRID_ROLES, range(BARS), strength, 5) for strength in (0, 0.1, 0.3, 0.5, 0.9, 1)]
    for fewer, more in pairwise(drawn):
        assert (fewer <= more).all()
    assert not drawn[0].any()
    assert drawn[-1][:, 1:].all()
    shares = [cells[:, 1:].mean() for cells in drawn]
    np.testing.assert_allclose(shares, [0, 0.1, 0.3, 0.5, 0.9, 1], atol=0.08)
    beats = drawn[2].reshape(-1, 6, len(STREAMS))
    assert (beats == beats[:, :1]).all()
    part = vary_cells(plan, ["bass"], range(3, 6), 0.5, 5)  # what is open is the same in a smaller region
    np.testing.assert_array_equal(part[36:72, 4], drawn[3][36:72, 4])


def test_nobody_varies_where_the_plan_lets_them_rest() -> None:
    plan = plan_of((("verse", 2), ("chorus", 2)), silent=((0, "lead"),))
    assert open_cells(plan, ["lead"], range(4)).sum() == 64
    assert open_cells(plan, ["lead"], range(4), playing=True).sum() == 32
    assert vary_cells(plan, ["lead"], range(4), 1.0, 0).sum() == 32


def test_forbidden_streams_rest_and_the_others_play() -> None:
    cells = open_cells(a_plan(), ["drums"], range(4, 8))
    made = rewritten(cells, wishes=Wishes(forbidden=frozenset({"cymbal", "hat"})))
    for stream, silent in (("cymbal", True), ("hat", True), ("kick", False)):
        assert (made.stream(stream)[64:128] == REST).all() == silent
    assert (rewritten(cells).stream("cymbal")[64:128] != REST).any()


def test_wishes_come_from_words_that_were_understood() -> None:
    controls = Controls(
        genres=(("jazz", 1.0),), moods=(("calm", 1.0),), density=0.2, energy=0.9, excluded=("drums", "brass", "lead")
    )
    wishes = Wishes.of(controls)
    assert wishes == Wishes({"jazz": 1.0}, {"calm": 1.0}, 0.9, 0.2, frozenset({*DRUMS, "lead"}))
    style = wishes.style(a_plan().style)
    assert (style.genres, style.moods, style.density) == ({"jazz": 1.0}, {"calm": 1.0}, 0.2)
    assert Wishes.of(Controls()).style(a_plan().style) == a_plan().style


def test_less_energy_is_softer() -> None:
    cells = open_cells(a_plan(), ["counter", "drums"], range(4, 8))
    levels = {}
    for energy in (None, 0.0, 1.0):
        made = rewritten(cells, 2, wishes=Wishes(energy=energy))
        line, kick = made.stream("counter")[64:128], made.stream("kick")[64:128]
        levels[energy] = ((line[line >= FIRST_ONSET] - FIRST_ONSET) % LEVELS).mean(), kick[kick > 0].mean()
    for soft, plain, loud in zip(levels[0.0], levels[None], levels[1.0], strict=True):
        assert soft < plain < loud  # the tokens of the kick are in the order of their velocities


def test_more_density_is_more_notes() -> None:
    cells = open_cells(a_plan(), ["counter"], range(4, 8))
    sparse, dense = (
        (rewritten(cells, 2, wishes=Wishes(density=density)).stream("counter") >= FIRST_ONSET)[64:128].sum()
        for density in (0.0, 1.0)
    )
    assert 0 < sparse < (a_piece().stream("counter") >= FIRST_ONSET)[64:128].sum() < dense


class ShyNetwork(FakeNetwork):
    """Surer of rests than of anything, by so many times."""

    def __init__(self, odds: float) -> None:
        super().__init__()
        self.odds = odds

    def __call__(self, **inputs: np.ndarray) -> list[np.ndarray]:
        logits = np.zeros((*inputs["tokens"].shape[:2], sum(SIZES)), np.float32)
        starts = np.cumsum([0, *SIZES[:-1]])
        logits[..., starts[1:]] = np.log(self.odds)
        self.calls += 1
        return [logits]


def test_who_comes_back_silent_is_asked_again() -> None:
    cells = open_cells(a_plan(), ["lead"], [1])
    mute = ShyNetwork(1e9)
    composer = Composer(mute)  # type: ignore[arg-type]
    made = infill(composer, a_plan(), a_piece(), cells, 1, settings=replace(QUICK, top_p=0.9))
    assert (made.stream("lead")[16:32] == REST).all()
    once = sum(stage.steps for stage in stages_of(cells, QUICK))
    assert mute.calls == ATTEMPTS * once
    shy = ShyNetwork(len(cells) * 20)
    counts = set()
    for draw in range(6):
        shy.calls = 0
        tried = infill(Composer(shy), a_plan(), a_piece(), cells, draw, settings=replace(QUICK, top_p=1.0))  # type: ignore[arg-type]
        assert (tried.stream("lead")[16:32] != REST).any()
        counts.add(shy.calls // once)
    assert max(counts) > 1


def lines(**tokens: list[int]) -> np.ndarray:
    """Eight steps, rests but for the ``tokens`` of some streams."""
    grid = np.zeros((8, len(STREAMS)), np.int64)
    for stream, line in tokens.items():
        grid[: len(line), STREAMS.index(stream)] = line
    return grid


def test_an_attempt_is_repeated_for_a_reason() -> None:
    note, other = pitch_token(60, 1), pitch_token(62, 1)
    cells = np.zeros((8, len(STREAMS)), bool)
    cells[2:6, STREAMS.index("lead")] = True
    old, first = lines(lead=[0, 0, note, HOLD, note, HOLD]), Attempt()

    def after(new: np.ndarray, density: float = 0.0, whole_bars: bool = True, attempt: Attempt = first):
        return attempt.next(old, new, cells, density, whole_bars)

    new = lines(lead=[0, 0, other, other, 0, 0])
    assert after(new) is None
    more, fewer = Attempt(1, 2.0, True), Attempt(1, -2.0, True)
    assert after(lines(lead=[note, 0, 0, 0, 0, 0, note])) == more  # silent in the region
    assert is_heard(lines(lead=[note, HOLD, HOLD]), cells)  # the end of a note from before
    assert (after(new, 0.3), after(new, -0.3)) == (more, fewer)  # as many notes as before
    assert after(lines(lead=[0, 0, other, other, other]), 0.3) is None
    assert after(lines(lead=[0, 0, other]), -0.3) is None
    assert after(old) == Attempt(1, 0.0, True)
    assert after(old, whole_bars=False) is None
    assert after(old, attempt=Attempt(1, 0.0, True)) is None  # the music around asks for it
    assert after(lines(), attempt=Attempt(ATTEMPTS - 1)) is None


def test_a_hold_after_the_region_keeps_its_note() -> None:
    lead = STREAMS.index("lead")
    old = np.zeros((8, len(STREAMS)), np.int64)
    old[:, lead] = [pitch_token(60, 1), *[HOLD] * 7]
    cells = np.zeros_like(old, bool)
    cells[2:5, lead] = True
    for written, mended in (
        ([REST, HOLD, HOLD], [REST, pitch_token(60, 1), HOLD]),
        ([HOLD, HOLD, HOLD], [HOLD, HOLD, HOLD]),
        ([pitch_token(72, 0), HOLD, HOLD], [pitch_token(72, 0), HOLD, HOLD]),
        ([REST, REST, REST], [REST, REST, REST]),
    ):
        tokens = old.copy()
        tokens[2:5, lead] = written
        mend_holds(tokens, old, cells)
        assert tokens[2:5, lead].tolist() == mended
        np.testing.assert_array_equal(tokens[~cells], old[~cells])


def test_what_nobody_has_written_yet_is_left_so() -> None:
    tokens = a_piece().tokens.copy()
    tokens[15 * 16 :] = MASK_TOKENS
    cells = open_cells(a_plan(), ROLES, range(12, 17))
    made = rewritten(cells, grid=Grid(tokens)).tokens
    assert (made[: 17 * 16] < MASK_TOKENS).all()
    assert (made[17 * 16 :] == MASK_TOKENS).all()
    with pytest.raises(RequestError, match="rhythm of bars that nobody has written"):
        rewritten(cells, grid=Grid(tokens), keep="rhythm")


def test_an_open_role_plays_even_where_the_plan_lets_it_rest() -> None:
    plan = plan_of((("verse", 2), ("chorus", 2)), silent=((0, "pad"),))
    piece = Composer(HearingNetwork()).compose(plan, 1, QUICK)  # type: ignore[arg-type]
    assert (piece.stream("pad")[:32] == REST).all()
    made = rewritten(open_cells(plan, ["pad"], [0, 1]), grid=piece, plan=plan)
    assert sounding(made.stream("pad"))[:32].any()


def test_progress_climbs_and_a_wish_to_stop_is_heard() -> None:
    shares: list[float] = []
    rewritten(open_cells(a_plan(), ["bass", "lead"], range(0, 12)), on_step=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    shares.clear()
    nothing = np.zeros_like(a_piece().tokens, bool)
    np.testing.assert_array_equal(rewritten(nothing, on_step=shares.append).tokens, a_piece().tokens)
    assert shares == [1.0]

    def cancel(share: float) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        rewritten(open_cells(a_plan(), ["bass"], [3]), on_step=cancel)


def test_what_cannot_be_is_refused_in_one_line() -> None:
    plan = a_plan()
    for call, message in (
        (lambda: Wishes(forbidden=frozenset({"cymbals"})), "nothing called 'cymbals' can be left out; there are lead"),
        (lambda: open_cells(plan, ["texture"], [0]), "role 'texture' is not in the composer's grid"),
        (lambda: open_cells(plan, ["bass"], [BARS]), "bar 21 is outside the piece, which has 20 bars"),
        (lambda: vary_cells(plan, ["bass"], [0], 1.5, 0), "strength 1.5 is outside 0 … 1"),
        (lambda: rewritten(np.zeros((16, 13), bool), grid=Grid.empty(1)), "a grid of 1 bars in 4/4 under a plan of 20"),
    ):
        with pytest.raises(RequestError, match=message) as refused:
            call()
        assert "\n" not in str(refused.value)


# --- loops ------------------------------------------------------------------------------------------------------------


class Listening(HearingNetwork):
    """Keeps the drums' hits of all that it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[np.ndarray] = []

    def __call__(self, **inputs: np.ndarray) -> list[np.ndarray]:
        self.shown.append(inputs["tokens"][0, :, STREAMS.index("hat")])
        return super().__call__(**inputs)


@pytest.mark.parametrize(("loop", "bars_seen"), [(True, [16, 17, 18, 19, 0, 1, 2, 3, 4]), (False, [0, 1, 2, 3, 4])])
@pytest.mark.parametrize("keep", ["nothing", "contour"])
def test_in_a_loop_the_first_bar_is_heard_after_the_last(loop: bool, bars_seen: list[int], keep: Keep) -> None:
    plan, grid, network = replace(a_plan(), loop=loop), a_piece(), Listening()
    cells = open_cells(plan, ["lead"], [0])
    made = infill(Composer(network), plan, grid, cells, 1, keep=keep, settings=QUICK)  # type: ignore[arg-type]
    hats = grid.stream("hat").reshape(BARS, -1)
    assert network.shown
    for shown in network.shown:
        np.testing.assert_array_equal(shown.reshape(len(bars_seen), -1), hats[bars_seen])
    np.testing.assert_array_equal(made.tokens[~cells], grid.tokens[~cells])
    assert made.stream("lead")[0] != HOLD


@settings(deadline=None, max_examples=12)
@given(first=st.integers(0, 7), bars=st.integers(1, 8), length=st.integers(8, 12))
def test_no_bar_of_a_loop_is_heard_twice(first: int, bars: int, length: int) -> None:
    plan, network = replace(plan_of((("verse", length),)), loop=True), Listening()
    grid = Composer(HearingNetwork()).compose(plan, 1, QUICK)  # type: ignore[arg-type]
    last = min(length, first + bars)
    cells = open_cells(plan, ["lead", "bass"], range(first, last))
    made = infill(Composer(network), plan, grid, cells, 1, settings=QUICK)  # type: ignore[arg-type]
    expected = min(length, last - first + 2 * CONTEXT_BARS)
    assert {len(shown) for shown in network.shown} == {expected * grid.meter.steps_per_bar}
    np.testing.assert_array_equal(made.tokens[~cells], grid.tokens[~cells])
    assert not (made.tokens == MASK_TOKENS).any()
