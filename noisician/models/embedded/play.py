"""From a piece to its sound: every player rendered and vocoded, every singer sung, all of it mixed.

piece ─ render ─▶ mels ─ synthesise ─▶ stems ─ mix_stems ─▶ track
song ─ cast, sing ─▶ sung stems ┘

A pure function of the piece and of the weights. ``cache`` spares what was made before and changes no bit of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from itertools import chain
from typing import Protocol

import numpy as np

from noisician.cache import ArrayCache
from noisician.composer import Composer
from noisician.diffusion.noise import NoiseField, NoiseSpan
from noisician.mel import FRAME_RATE_HZ, HOP, SAMPLE_RATE_HZ
from noisician.memory import release_unused
from noisician.mix import StemAudio, Threads
from noisician.models.embedded.cast import Casting, VocalPart, cast
from noisician.models.embedded.cost import CostEstimate
from noisician.models.embedded.mixing import (
    Early,
    Played,
    Playing,
    early_excerpt,
    first_mix,
    mixed_again,
    mixed_role,
    pieces_by_player,
    undecided_mix,
)
from noisician.models.protocol import Stages
from noisician.piece import Piece, Player, stem_names
from noisician.piece.model import DrawSpan
from noisician.renderer import Part, Preview, Renderer, attacks_of
from noisician.renderer.kit import REACH_FRAMES as SIDE_REACH_FRAMES
from noisician.renderer.library import references_of
from noisician.score import Score, Track
from noisician.score.hands import one_track
from noisician.score.model import VOICE
from noisician.score.played import NoteEvent, played_notes
from noisician.styles import instruments
from noisician.vocals.singer import Singer
from noisician.vocoder import Vocoder

#: What remains of the stages when the score is there already.
PLAYING_ALONE = {"playing": 1.0}
#: A loop is played this far beyond its end; what still rings there is folded back to its start.
LOOP_TAIL_S = 2.5


class Networks:
    """The trained parts, each given or loaded when it is first needed."""

    def __init__(
        self,
        composer: Composer | None = None,
        renderer: Renderer | None = None,
        vocoder: Vocoder | None = None,
        singer: Singer | None = None,
    ) -> None:
        self._given = {"composer": composer, "renderer": renderer, "vocoder": vocoder, "singer": singer}

    @cached_property
    def composer(self) -> Composer:
        return self._given["composer"] or Composer()

    @cached_property
    def renderer(self) -> Renderer:
        return self._given["renderer"] or Renderer()

    @cached_property
    def vocoder(self) -> Vocoder:
        return self._given["vocoder"] or Vocoder()

    @cached_property
    def singer(self) -> Singer:
        return self._given["singer"] or Singer()


class PlayerStems(Protocol):
    """Makes each player's dry samples ``[samples]`` or mono and side, in the order of the piece's performers."""

    def __call__(
        self, piece: Piece, networks: Networks, stages: Stages, preview: Preview, cache: ArrayCache
    ) -> Iterator[StemAudio]: ...


def play(
    piece: Piece, networks: Networks, stages: Stages, playing: Playing, player_stems: PlayerStems | None = None
) -> Played:
    """The sound of a piece. Raises Cancelled."""
    parts = cast_of(piece)
    samples = round(piece.plan.duration_s * SAMPLE_RATE_HZ)
    preview = Preview(frames_of(samples), frames_of(played_samples(piece)) - frames_of(samples))
    stages = stages.within("playing", cost_of(piece, parts, playing.keep_stems).playing(), preview.log_mel)
    stages, on_step = stages.with_steps()
    playing = replace(playing, threads=Threads(on_step=on_step))
    sung = list(_sung_stems(parts, samples, networks, stages, preview, playing.cache)) if parts else []
    keys = keys_of(piece, parts)
    make = player_stems or rendered_stems
    if make is rendered_stems:
        make = partial(rendered_stems, early=early_excerpt(piece, keys, sung, playing))
    stems = chain(sung, make(piece, networks, stages, preview, playing.cache))
    names = (*(part.name for part in parts), *dict.fromkeys(stem_names(piece.plan.players)))
    if piece.mix is None:
        played = first_mix(piece, parts, keys, names, stems, playing)
    else:
        played = mixed_again(piece, piece.mix, keys, names, stems, playing)
    stages.reporter("mixing")(1.0)
    return played


def keys_of(piece: Piece, parts: Sequence[VocalPart]) -> tuple[str, ...]:
    """What the strips of a piece's mix are called, in order."""
    return (*(part.name for part in parts), *(hands[0].key for hands in piece.plan.performers))


def with_undecided_mix(piece: Piece) -> Piece:
    """The piece with a mix whose levels are none, for those who only look at what edits would do."""
    parts = cast_of(piece)
    return replace(piece, mix=undecided_mix(piece, parts, keys_of(piece, parts)))


def cast_of(piece: Piece) -> tuple[VocalPart, ...]:
    """Who sings what."""
    if piece.song is None:
        return ()
    styles = tuple(piece.plan.genres.items()), tuple(piece.plan.moods.items())
    return cast(piece.song, Casting(piece.score, *styles, piece.seed, piece.singing))


def _sung_stems(
    parts: Sequence[VocalPart],
    samples: int,
    networks: Networks,
    stages: Stages,
    preview: Preview,
    cache: ArrayCache,
) -> Iterator[StemAudio]:
    """Each singer's samples, one singer after another."""
    report = stages.reporter("singing")
    total, done = sum(len(part.phrases) for part in parts), 0
    for part in parts:
        share = len(part.phrases) / total
        audio = networks.singer.sing(
            part.phrases,
            samples,
            lambda own, before=done / total, share=share: report(before + share * own),
            on_phrase=preview.add_phrase,
            cache=cache,
        )
        done += len(part.phrases)
        yield StemAudio(part.role, VOICE, audio)


def rendered_stems(
    piece: Piece, networks: Networks, stages: Stages, preview: Preview, cache: ArrayCache, early: Early | None = None
) -> Iterator[StemAudio]:
    """Each player's samples, made one after another so that only one waits in memory at a time; ``early`` makes an
    excerpt of them before, of the stretch it asks for."""
    performers = piece.plan.performers
    parts = [part_of(piece, hands) for hands in performers]
    pieces = pieces_by_player(piece)
    length, samples = played_samples(piece), round(piece.plan.duration_s * SAMPLE_RATE_HZ)
    mels = networks.renderer.render(
        parts, frames_of(length), piece.render, stages.reporter("rendering"), preview, cache
    )
    preview.settle(mels)
    report = stages.reporter("vocoding")

    def vocoded(number: int, on_piece: Callable[[float], None], span: tuple[int, int] | None = None) -> StemAudio:
        part, hands = parts[number], performers[number]
        sounding = part.notes, part.instrument, part.noise
        audio = networks.vocoder.synthesise(mels[number], *sounding, on_piece, cache, span, attacks_of(part))
        if pans := pieces.get(hands[0].key):
            audio = np.stack([audio, networks.renderer.side(part, audio, pans, cache=cache)])
        own = fold(audio[..., :length], samples)
        return StemAudio(mixed_role(hands), hands[0].instrument, own, hands[0].timbre_tags)

    if early is not None:
        start, stop = early.needs
        span = start // HOP - SIDE_REACH_FRAMES, frames_of(stop) + SIDE_REACH_FRAMES
        report(0.0, early.excerpt([vocoded(number, lambda share: report(0.0), span) for number in range(len(parts))]))
    for number in range(len(parts)):
        release_unused()
        stem = vocoded(number, lambda share, number=number: report((number + share) / len(parts)))
        mels[number] = np.empty(0)
        release_unused()
        yield stem
    stages.reporter("mixing")
    release_unused()


def part_of(piece: Piece, hands: Sequence[Player]) -> Part:
    """What the renderer is told about a player, who may have several hands: all of them play one instrument."""
    tracks = [Track(one.role, one.instrument, piece.notes.get(one.id, ())) for one in hands]
    notes = lasting(piece.score, one_track(tracks), piece)
    instrument = instruments()[hands[0].instrument]
    return Part(instrument, references_of(instrument), notes, noise_of(piece, hands))


def noise_of(piece: Piece, hands: Sequence[Player]) -> NoiseField:
    """A player's noise: the piece's first draw, and where bars of any hand were drawn anew, that draw's own."""
    stream = hands[0].stream

    def frame_of(bar: int) -> int:
        return round(piece.plan.bar_start_s(bar) * FRAME_RATE_HZ)

    redrawn = tuple(
        NoiseSpan(
            frame_of(span.start_bar),
            frame_of(span.start_bar + span.bars),
            zlib.crc32(f"{stream}/draw {number}".encode()),
        )
        for span, number in _draws_of(piece, hands)
    )
    return NoiseField(piece.seed, stream, redrawn)


def _draws_of(piece: Piece, hands: Sequence[Player]) -> list[tuple[DrawSpan, str]]:
    """The stretches that were drawn anew, each with its draw's name; that of several hands is made of theirs."""
    if len(hands) == 1:
        return [(span, str(span.number)) for span in piece.draws.get(hands[0].id, ()) if span.number]
    numbers = np.zeros((len(hands), piece.plan.bars), int)
    for own, hand in zip(numbers, hands, strict=True):
        for span in piece.draws.get(hand.id, ()):
            own[span.start_bar : span.start_bar + span.bars] = span.number
    drawn = [(DrawSpan(bar, 1, 1), "+".join(map(str, own))) for bar, own in enumerate(numbers.T.tolist()) if any(own)]
    joined: list[tuple[DrawSpan, str]] = []
    for span, name in drawn:
        before, same = joined[-1] if joined else (span, "")
        if same == name and before.start_bar + before.bars == span.start_bar:
            joined[-1] = replace(before, bars=before.bars + 1), name
        else:
            joined.append((span, name))
    return joined


def lasting(score: Score, track: Track, piece: Piece) -> tuple[NoteEvent, ...]:
    """A track's notes in seconds; a texture that lasts to the last bar stays for the tail, where the fade takes it."""
    notes = played_notes(score, track)
    if track.role != "texture" or piece.plan.loop:
        return notes
    end_s = score.duration_s - 1e-6
    return tuple(
        replace(note, end_s=max(note.end_s, piece.plan.duration_s)) if note.end_s >= end_s else note for note in notes
    )


def played_samples(piece: Piece) -> int:
    """How many samples are played: a loop goes on beyond its end."""
    samples = round(piece.plan.duration_s * SAMPLE_RATE_HZ)
    return samples + round(LOOP_TAIL_S * SAMPLE_RATE_HZ) if piece.plan.loop else samples


def frames_of(samples: int) -> int:
    """Mel frames that cover all samples."""
    return -(-samples // HOP)


def cost_of(piece: Piece, parts: Sequence[VocalPart], keep_stems: bool) -> CostEstimate:
    """The work of playing a piece whose singers are cast."""
    sung_s = sum(part.sung_s for part in parts)
    duration_s = played_samples(piece) / SAMPLE_RATE_HZ
    return CostEstimate(len(piece.plan.performers), duration_s, piece.render, sung_s, keep_stems)


def fold(audio: np.ndarray, samples: int) -> np.ndarray:
    """``[…, samples]``: what goes beyond the end comes back at the start, as in a loop."""
    folded = audio[..., :samples].copy()
    tail = audio[..., samples:]
    while tail.shape[-1]:
        folded[..., : tail.shape[-1]] += tail[..., :samples]
        tail = tail[..., samples:]
    return folded
