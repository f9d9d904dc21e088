"""How notes begin and how they are held, end to end, beside the recordings that their references were made of.

Each row is one key of one instrument: a loud note and a soft one after it, through the shipped references, renderer and
vocoder, and the same two notes by whoever the references show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from noisician.corpus.players import Player, Players
from noisician.corpus.shipped_references import OTHER_KEYS, RECORDED, RECORDED_PIECES, player_names, who_plays
from noisician.diffusion.noise import NoiseField
from noisician.evaluate.attacks import attack_ms, pre_echo_db
from noisician.evaluate.life import harmonic_to_noise_db, level_jitter_db, peak_level_db, vibrato_extent_cents
from noisician.evaluate.report import Figure, Target
from noisician.evaluate.settings import EvaluateSettings
from noisician.evaluate.suites.suite import BenchSuite, Row, baselines
from noisician.mel import FRAME_RATE_HZ, SAMPLE_RATE_HZ
from noisician.renderer import Part, Renderer, RenderSettings, attacks_of
from noisician.renderer.library import shipped_references
from noisician.score.played import NoteEvent
from noisician.styles import Instrument, instruments
from noisician.vocoder import Vocoder

LOUD, SOFT = 115, 45
#: The loud note comes first, into silence; the soft one when it has faded. Seconds of start and end.
LOUD_S, SOFT_S = (0.5, 2.5), (3.7, 5.2)
FRAMES = 496
#: What is held of the loud note, seconds after its start: until it is let go, or while it has not faded.
HELD_S = {"sustained": (0.6, 1.95), "struck": (0.15, 0.95), "plucked": (0.15, 0.95)}
#: Below this part of the loudest a note has faded, dB; what is left of it says nothing of how it is held.
FADED_DB = -45.0
#: Pieces of General MIDI kits: kick, stick, snare, clap, hats, toms, crash, ride.
PIECES = (36, 37, 38, 39, 42, 46, 45, 50, 49, 51)
KEYS_EACH = 2
#: Of the clips asked for, one in so many is a kit.
CLIPS_A_KIT = 4

_BESIDE = (
    "Single notes (velocity 115, then 45) through shipped references, renderer and vocoder, beside the same notes by "
    "the recordings, soundfont or voice that the references were made of"
)
_DISTANCES: Mapping[str, tuple[str, str, float, str]] = {
    "velocity span": ("span_db", "dB", 1.5, "level (loudest 50 ms) of the loud note over that of the soft one"),
    "level jitter": ("jitter_db", "dB", 0.25, "RMS of the held part's level about a smooth line"),
    "harmonic to noise": ("harmonic_to_noise_db", "dB", 6.0, "of the held part, from its periodicity"),
    "vibrato": ("vibrato_cents", "cents", 4.5, "amplitude at the strongest rate of 4 to 8 Hz, of real recordings only"),
}


@dataclass(frozen=True)
class Case:
    """One key of an instrument and who plays it in truth."""

    instrument: Instrument
    pitch: int
    truth: Player


def rows(settings: EvaluateSettings) -> Iterator[tuple[float, Row]]:
    """One row a key: KEYS_EACH of each pitched instrument, PIECES of each kit; silent ones are left out."""
    players = Players(settings.samples_dir, settings.recordings_dir)
    renderer, vocoder = Renderer(), Vocoder()
    pitched, kits = chosen_instruments(settings.clips)
    table = [*pitched, *kits]
    for number, instrument in enumerate(table):
        for case in kit_cases(players, instrument) if instrument in kits else pitched_cases(players, instrument):
            noise = NoiseField(settings.seed, instrument.index * 128 + case.pitch)
            row = measured(case, made(case, noise, renderer, vocoder), played(case))
            if row is not None:
                yield number / len(table), row


def chosen_instruments(clips: int) -> tuple[list[Instrument], list[Instrument]]:
    """``clips`` pitched instruments, those with real recordings first, the others spread; and a fourth as many kits."""
    table = instruments().values()
    pitched = [one for one in table if one.excitation == "harmonic" and one.family != "texture"]
    recorded = [one for one in pitched if one.id in RECORDED]
    others = [one for one in pitched if one.id not in RECORDED]
    kits = [one for one in table if one.excitation == "drum" and one.id not in OTHER_KEYS]
    first = _spread(recorded, clips)
    return first + _spread(others, clips - len(first)), _spread(kits, -(-clips // CLIPS_A_KIT))


def _spread(values: Sequence[Instrument], count: int) -> list[Instrument]:
    count = max(0, min(count, len(values)))
    return [values[number * len(values) // count] for number in range(count)]


def pitched_cases(players: Players, instrument: Instrument) -> list[Case]:
    """Keys at the thirds of the range, each by the last recordings that reach so low (as references are joined)."""
    truths = [players.find(name) for name in player_names(instrument)]
    low, high = instrument.range
    cases = []
    for share in np.arange(1, KEYS_EACH + 1) / (KEYS_EACH + 1):
        wanted = low + share * (high - low)
        truth = who_plays(truths, wanted)
        cases.append(Case(instrument, min(truth.keys, key=lambda key, wanted=wanted: abs(key - wanted)), truth))
    return cases


def kit_cases(players: Players, kit: Instrument) -> list[Case]:
    """PIECES of a kit: what was recorded of it, the rest by its soundfont or voice."""
    pieces = RECORDED_PIECES.get(kit.id, {})
    (whole,) = (players.find(name) for name in player_names(kit))
    recorded = players.of_pieces(kit.id, pieces) if pieces else whole
    there = shipped_references(kit.id).keys
    return [Case(kit, key, recorded if key in pieces else whole) for key in PIECES if key in there]


def notes_of(case: Case) -> tuple[NoteEvent, NoteEvent]:
    return NoteEvent(case.pitch, *LOUD_S, LOUD), NoteEvent(case.pitch, *SOFT_S, SOFT)


def made(case: Case, noise: NoiseField, renderer: Renderer, vocoder: Vocoder) -> np.ndarray:
    """Both notes by the product, mono float32."""
    part = Part(case.instrument, shipped_references(case.instrument.id), notes_of(case), noise)
    (mel,) = renderer.render([part], FRAMES, RenderSettings())
    return vocoder.synthesise(mel, part.notes, case.instrument, noise, hits=attacks_of(part))


def played(case: Case) -> np.ndarray:
    """Both notes by the player, mono float32."""
    return case.truth.play(notes_of(case), FRAMES / FRAME_RATE_HZ, 0)


def measured(case: Case, audio: np.ndarray, truth: np.ndarray) -> Row | None:
    """What is heard of a case and of the truth (``true_…``); None where the player is silent."""
    if not truth[: round(SOFT_S[0] * SAMPLE_RATE_HZ)].any() or not truth[round(SOFT_S[0] * SAMPLE_RATE_HZ) :].any():
        return None
    drum = case.instrument.excitation == "drum"
    about = {
        "instrument": case.instrument.id,
        "pitch": case.pitch,
        "way": "kit" if drum else case.instrument.sustain,
        "recorded": case.instrument.id in RECORDED,
    }
    heard = {**_begun(audio), **(_held(audio, truth, case) if not drum else {})}
    true = {**_begun(truth), **(_held(truth, truth, case) if not drum else {})}
    return about | heard | {f"true_{name}": value for name, value in true.items()}


def _begun(audio: np.ndarray) -> dict[str, float]:
    soft = round(SOFT_S[0] * SAMPLE_RATE_HZ)
    return {
        "pre_echo_db": pre_echo_db(audio, LOUD_S[0]),
        "attack_ms": attack_ms(audio, LOUD_S[0]),
        "span_db": peak_level_db(audio[:soft]) - peak_level_db(audio[soft:]),
    }


def _held(audio: np.ndarray, truth: np.ndarray, case: Case) -> dict[str, float]:
    """How the loud note is held; nothing where in truth it fades."""
    way = case.instrument.sustain
    first, last = (round((LOUD_S[0] + after_s) * SAMPLE_RATE_HZ) for after_s in HELD_S[way])
    if peak_level_db(truth[last - 4410 : last] + 1e-9) < peak_level_db(truth) + FADED_DB:
        return {}
    held = audio[first:last]
    found = {
        "jitter_db": level_jitter_db(held),
        "harmonic_to_noise_db": harmonic_to_noise_db(held, case.pitch),
    }
    return found | ({"vibrato_cents": vibrato_extent_cents(held, case.pitch)} if way == "sustained" else {})


def figures(rows: Sequence[Row]) -> list[Figure]:
    """Medians of how notes begin, then median distances from the truth."""
    kits = [row for row in rows if row["way"] == "kit"]
    fingers = [row for row in rows if row["way"] in ("struck", "plucked")]
    late = [row["attack_ms"] - row["true_attack_ms"] for row in fingers]
    of_kits, of_fingers = f"{_BESIDE}; median over kits and pieces.", f"{_BESIDE}; median of what it takes longer."
    echo, attack = ([row[name] for row in kits] for name in ("pre_echo_db", "attack_ms"))
    true_echo, true_attack = (
        baselines(recordings=_median([row[name] for row in kits])) for name in ("true_pre_echo_db", "true_attack_ms")
    )
    at_most_50, at_most_4 = Target("at most", -50), Target("at most", 4)
    return [
        Figure("pre-echo of kits", _median(echo), "dB", of_kits, at_most_50, len(kits), true_echo),
        Figure("attack of kits", _median(attack), "ms", of_kits, Target("at most", 3.5), len(kits), true_attack),
        Figure("attack of struck and plucked", _median(late), "ms", of_fingers, at_most_4, len(late)),
        *[_distance(rows, name) for name in _DISTANCES],
    ]


def _distance(rows: Sequence[Row], name: str) -> Figure:
    column, unit, limit, what = _DISTANCES[name]
    both = [row for row in rows if column in row and (row["recorded"] or column != "vibrato_cents")]
    apart = _median([abs(row[column] - row[f"true_{column}"]) for row in both])
    signed = _median([row[column] - row[f"true_{column}"] for row in both])
    how = f"{_BESIDE}: {what}; median of the distances, beside it of the signed ones and of both sides."
    beside = baselines(
        signed=signed,
        made=_median([row[column] for row in both]),
        recordings=_median([row[f"true_{column}"] for row in both]),
    )
    return Figure(f"{name}, distance from recordings", apart, unit, how, Target("at most", limit), len(both), beside)


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None


SUITE = BenchSuite("life", rows, figures)
