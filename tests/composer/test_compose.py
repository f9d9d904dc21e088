"""Writing grids with a stand-in network: what is given stays, repeats return, nothing leaves the vocabulary."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from fake_composer import SIZES, FakeNetwork, plan_of

from noisician.composer import Composer, ComposerSettings, Plan, Tune
from noisician.composer.board import VARIATION
from noisician.composer.conditions import MASK_TOKENS
from noisician.composer.holds import forbid_loose_holds
from noisician.composer.regions import STRETCH_BARS
from noisician.errors import Cancelled
from noisician.score.grid import FIRST_ONSET, HOLD, REST, ROLE_STREAMS, STREAMS, Grid, chord_token
from noisician.score.model import METERS

CHORD = STREAMS.index("chord")
QUICK = ComposerSettings(steps=2, settle=False)


def composed(plan: Plan, seed: int = 1, given: Grid | None = None, **hearing) -> Grid:
    return Composer(FakeNetwork()).compose(plan, seed, QUICK, given, **hearing)  # type: ignore[arg-type]


def bar_rows(plan: Plan, first: int, bars: int = 1) -> slice:
    per_bar = METERS[plan.time_signature].steps_per_bar
    return slice(first * per_bar, (first + bars) * per_bar)


@pytest.mark.parametrize("signature", list(METERS))
@pytest.mark.parametrize("form", [(("chorus", 1),), (("verse", 9), ("chorus", 2)), (("intro", 17),)])
def test_a_grid_is_whole_and_inside_the_vocabulary(signature: str, form: tuple[tuple[str, int], ...]) -> None:
    plan = plan_of(form, signature=signature)
    grid = composed(plan)
    assert grid.bars == plan.bars
    assert grid.time_signature == signature
    assert ((grid.tokens >= 0) & (grid.tokens < MASK_TOKENS)).all()
    bars = grid.stream("chord").reshape(-1, grid.meter.steps_per_bar)
    begun = np.repeat(bars[:, grid.meter.pulse_steps[:-1]], grid.meter.pulses, axis=1)
    np.testing.assert_array_equal(bars, begun)  # a chord lasts its beat


def test_the_same_seed_gives_the_same_grid_and_another_another() -> None:
    first, again, other = (composed(plan_of(), seed).tokens for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_what_comes_later_changes_nothing_before() -> None:
    shorter = plan_of((("verse", 8), ("chorus", 4)))
    longer = plan_of((("verse", 8), ("chorus", 4), ("outro", 3)))
    np.testing.assert_array_equal(composed(longer).tokens[: 12 * 16], composed(shorter).tokens)


def test_who_does_not_play_rests() -> None:
    plan = plan_of(silent=((0, "drums"), (1, "lead")))
    grid = composed(plan)
    for section, role in ((0, "drums"), (1, "lead")):
        rows = bar_rows(plan, plan.sections[section].start_bar, plan.sections[section].bars)
        for stream in ROLE_STREAMS[role]:
            assert (grid.stream(stream)[rows] == REST).all()
    assert (grid.stream("lead")[bar_rows(plan, 0, 3)] != REST).any()


def test_nobody_at_all_still_leaves_the_harmony() -> None:
    grid = composed(plan_of(roles=()))
    silent = np.delete(grid.tokens, CHORD, axis=1)
    assert (silent == REST).all()
    assert (grid.stream("chord") != 0).any()


def given_grid(plan: Plan, share: float, seed: int = 0) -> Grid:
    """A grid with a random share of its cells known, chords changing within the beat included."""
    rng = np.random.default_rng(seed)
    grid = Grid.empty(plan.bars, plan.time_signature)
    known = rng.random(grid.tokens.shape) < share
    tokens = np.stack([rng.integers(0, size, len(grid.tokens)) for size in SIZES], axis=1)
    return Grid(np.where(known, tokens, MASK_TOKENS).astype(np.int16), plan.time_signature)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
def test_given_cells_stay_to_the_last_one(share: float) -> None:
    plan = plan_of((("verse", 2), ("chorus", 2), ("verse", 2)), silent=((0, "bass"),))
    given = given_grid(plan, share)
    kept = given.tokens.copy()
    made = composed(plan, given=given).tokens
    known = kept != MASK_TOKENS
    np.testing.assert_array_equal(made[known], kept[known])
    np.testing.assert_array_equal(given.tokens, kept)
    assert (made < MASK_TOKENS).all()


def test_a_given_melody_is_harmonised_around() -> None:
    plan = plan_of()
    given = Grid(np.tile(MASK_TOKENS, (plan.bars * 16, 1)))
    given.stream("lead")[:] = np.arange(plan.bars * 16) % 50
    made = composed(plan, given=given)
    np.testing.assert_array_equal(made.stream("lead"), given.stream("lead"))
    assert (made.stream("bass") != REST).any()


REPEATED = (("verse", 8), ("chorus", 2), ("verse", 8))


def test_a_section_that_returns_is_recognised_and_not_the_same() -> None:
    plan = plan_of(REPEATED)
    grid = composed(plan)
    first, again = grid.tokens[bar_rows(plan, 0, 8)], grid.tokens[bar_rows(plan, 10, 8)]
    same = (first == again).mean(axis=0)
    assert same[CHORD] == 1
    for stream in ("pad", "bass", "chords"):
        assert same[STREAMS.index(stream)] >= 1 - VARIATION[stream] - 0.2
    drums = [STREAMS.index(stream) for stream in ROLE_STREAMS["drums"]]
    assert (first[:-16, drums] == again[:-16, drums]).all()  # only the last bar may hold another fill
    assert (first[-16:, drums] != again[-16:, drums]).any()
    assert (first[:, STREAMS.index("lead")] != again[:, STREAMS.index("lead")]).any()


def test_a_longer_repeat_goes_round_its_original() -> None:
    plan = plan_of((("verse", 2), ("chorus", 1), ("verse", 5)))
    chords = composed(plan).stream("chord").reshape(plan.bars, -1)
    np.testing.assert_array_equal(chords[3:], chords[[0, 1, 0, 1, 0]])


def test_who_joins_in_a_repeat_gets_a_new_part() -> None:
    plan = plan_of(REPEATED, silent=((0, "pad"),))
    pad = composed(plan).stream("pad")
    assert (pad[bar_rows(plan, 0, 8)] == REST).all()
    assert (pad[bar_rows(plan, 10, 8)] != REST).any()


def test_progress_climbs_to_one_even_where_all_is_given() -> None:
    shares: list[float] = []
    plan = plan_of((("verse", STRETCH_BARS + 1), ("chorus", 1)))
    composed(plan, on_step=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert len(shares) >= 3 * 5  # stretches · stages
    shares.clear()
    composed(plan, given=given_grid(plan, 1.0), on_step=shares.append)
    assert shares[-1] == pytest.approx(1)


def test_a_wish_to_stop_takes_effect_within_a_step() -> None:
    network = FakeNetwork()

    def cancel(share: float) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        Composer(network).compose(plan_of(), 0, QUICK, on_step=cancel)  # type: ignore[arg-type]
    assert network.calls == 1


def test_guidance_one_asks_once() -> None:
    calls = {}
    for scale in (1.0, 2.0):
        network = FakeNetwork()
        Composer(network).compose(plan_of((("verse", 1),)), 0, replace(QUICK, guidance_scale=scale))  # type: ignore[arg-type]
        calls[scale] = network.calls
    assert calls[2.0] == 2 * calls[1.0] > 0


@pytest.mark.parametrize("starts_piece", [False, True])
def test_nothing_is_held_after_a_rest_nor_rests_before_a_hold(starts_piece: bool) -> None:
    masked = 99
    tokens = np.array([masked, REST, masked, HOLD, masked, FIRST_ONSET, masked])
    logits = np.zeros((len(tokens), 5), np.float32)
    forbid_loose_holds(logits, tokens, starts_piece)
    barred = {(int(step), int(token)) for step, token in np.argwhere(logits < -1e6)}
    assert barred == {(2, HOLD), (2, REST)} | ({(0, HOLD)} if starts_piece else set())


@pytest.mark.parametrize("loop", [False, True])
def test_a_piece_begins_and_ends_at_home(loop: bool) -> None:
    plan = replace(plan_of(), loop=loop, mode="dorian")
    grid = Composer(FakeNetwork()).compose(plan, 0, replace(QUICK, settle=True))  # type: ignore[arg-type]
    home = chord_token(0, "min")
    assert set(grid.stream("chord")[:16]) == {home}
    if not loop:
        assert set(grid.stream("chord")[-16:]) == {home}
    given = np.tile(MASK_TOKENS, (plan.bars * 16, 1))
    given[:, CHORD] = chord_token(7, "7")
    kept = Composer(FakeNetwork()).compose(plan, 0, replace(QUICK, settle=True), Grid(given))  # type: ignore[arg-type]
    assert set(kept.stream("chord")) == {chord_token(7, "7")}


def a_tune(plan: Plan) -> Tune:
    """A note every third step of the first half, held for one step."""
    steps = np.arange(plan.bars * METERS[plan.time_signature].steps_per_bar)
    sung = steps < len(steps) // 2
    low, high = np.full(len(steps), 60), np.full(len(steps), 72)
    return Tune(sung & (steps % 3 == 0), sung & (steps % 3 == 1), sung, low, high)


def some_pieces() -> dict[str, Grid]:
    """One grid for each way of composing."""
    repeated, waltz = plan_of(REPEATED, silent=((0, "pad"),)), plan_of((("verse", 11),), signature="6/8")
    settled = replace(QUICK, settle=True)
    composer = Composer(FakeNetwork())  # type: ignore[arg-type]
    return {
        "repeats": composer.compose(repeated, 3, settled),
        "long": composer.compose(waltz, 4, QUICK),
        "given": composer.compose(repeated, 5, QUICK, given_grid(repeated, 0.4)),
        "sung": composer.compose(repeated, 6, settled, tune=a_tune(repeated)),
        "guided": composer.compose(plan_of(), 7, replace(QUICK, guidance_scale=2.0)),
    }


#: What :func:`some_pieces` compose; the same recipe has to give the same notes for ever.
COMPOSED = {
    "repeats": "f2b8f689463efbb5",
    "long": "eef14475d75b2d5e",
    "given": "d5600fb23b28e65c",
    "sung": "26d5d9b8fd4f7ede",
    "guided": "7b4a7e8319a09dd7",
}


def test_the_same_seed_composes_the_same_piece_in_every_version() -> None:
    digests = {name: hashlib.sha256(grid.tokens.tobytes()).hexdigest()[:16] for name, grid in some_pieces().items()}
    assert digests == COMPOSED
