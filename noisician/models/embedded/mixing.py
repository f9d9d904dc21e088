"""From dry stems to the track: a mix decided once, and mixed again with its numbers wherever anything changed.

A chunk of the track depends on the numbers, on the kicks around it and on the dry stems within the mix's reach of it:
it has a key, and whoever has a cache mixes only the chunks that an edit reaches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from noisician.cache import NO_CACHE, ArrayCache, NoCache, cached, key_of
from noisician.mel import SAMPLE_RATE_HZ
from noisician.memory import release_unused
from noisician.mix import (
    ALL_CORES,
    ENGINE,
    Finish,
    Mix,
    Mixer,
    StemAudio,
    Threads,
    Timing,
    decide_mix,
    mix_stems,
    new_strip,
    plan_mix,
)
from noisician.mix.deciding import planned
from noisician.mix.grid import CHUNK
from noisician.mix.numbers import Strip
from noisician.mix.plan import SEVERAL_PARTS, MixPlan, kit_pieces
from noisician.mix.reach import reach
from noisician.mix.sources import fill
from noisician.models.embedded.cast import VocalPart
from noisician.models.protocol import Excerpt
from noisician.piece import Piece, Player
from noisician.score.model import VOICE
from noisician.spool import SpooledArrays
from noisician.styles import instruments

#: The last of what rings goes out over this.
FADE_OUT_S, _FADE_SHARE = 0.6, 1 / 20
#: A reference's loudness is taken within these.
LIKE_RANGE_LUFS = (-16.0, -9.0)
#: So much of what an edit changed is mixed first.
EXCERPT_S = 2.0
#: A kick ducks others for less than this, and begins to a little before it is heard.
KICK_S = 0.4


@dataclass(frozen=True)
class Played:
    """What playing a piece gives: the piece with its mix decided, and its sound.

    ``track`` is stereo ``[frames, 2]``; ``stems`` by name, each ``[frames, 2]`` as it sits in the mix before mastering
    and read from the disk when it is asked for, and ``instrumental``, the track without its voices, where stems were to
    be kept.
    """

    piece: Piece
    track: np.ndarray
    stems: Mapping[str, np.ndarray]
    instrumental: np.ndarray | None = None


@dataclass(frozen=True)
class Playing:
    """How a piece is played: ``engine`` decides the mix where the piece has none, ``remaster`` the master anew.

    From ``first_heard_s`` on the track is wanted before the rest of it. ``threads`` do the mixing.
    """

    keep_stems: bool = False
    engine: int = ENGINE
    remaster: bool = False
    cache: ArrayCache = NO_CACHE
    first_heard_s: float | None = None
    threads: Threads = ALL_CORES


def first_mix(
    piece: Piece,
    parts: Sequence[VocalPart],
    keys: Sequence[str],
    names: Sequence[str],
    stems: Iterable[StemAudio],
    playing: Playing,
) -> Played:
    """A mix that is decided while the stems come in, one at a time."""
    plan, timing, keep_stems = _plan_of(piece, parts), Timing.of(piece.score), playing.keep_stems
    split_vocals = keep_stems and bool(parts)
    kept = SpooledArrays()
    if playing.engine == ENGINE:
        mix, next_name = undecided_mix(piece, parts, keys), iter(names)

        def keep(stem: np.ndarray) -> None:
            kept.add(next(next_name), stem)
            release_unused()

        on_stem = keep if keep_stems else None
        mixdown = decide_mix(
            stems, plan, mix, timing, on_stem=on_stem, split_vocals=split_vocals, threads=playing.threads
        )
    else:
        mixdown = mix_stems(
            stems,
            plan,
            seed=piece.seed,
            timing=timing,
            finish=_finish_of(piece),
            keep_stems=keep_stems,
            split_vocals=split_vocals,
            engine=playing.engine,
        )
        for name, stem in zip(names, mixdown.stems or (), strict=False):
            kept.add(name, stem)
    return Played(replace(piece, mix=mixdown.mix), mixdown.stereo, kept, mixdown.instrumental)


def undecided_mix(piece: Piece, parts: Sequence[VocalPart], keys: Sequence[str]) -> Mix:
    """Who stands where in the mix of a piece that was not heard yet; its levels are none."""
    return planned(_plan_of(piece, parts), keys, piece.seed, _finish_of(piece))


def pieces_by_player(piece: Piece) -> dict[str, Mapping[int, float]]:
    """Where the pieces of each player's kit stand, by key: as the mix has it, where there is one."""
    settings = _plan_of(piece, ()).settings if piece.mix is None else piece.mix.settings
    strips = {} if piece.mix is None else {strip.key: strip.place for strip in piece.mix.strips}
    return {
        player.key: dict(strips[player.key].pieces if player.key in strips else kit_pieces(player.instrument, settings))
        for player in piece.plan.players
        if instruments()[player.instrument].excitation == "drum"
    }


def _plan_of(piece: Piece, parts: Sequence[VocalPart]) -> MixPlan:
    plan = piece.plan
    players = [(mixed_role(hands), hands[0].instrument) for hands in plan.performers]
    stems = [*((part.role, VOICE) for part in parts), *players]
    tags = [*(() for _ in parts), *(hands[0].timbre_tags for hands in plan.performers)]
    styles = tuple(plan.genres.items()), tuple(plan.moods.items())
    return plan_mix(stems, *styles, plan.production, timbre_tags=tags, like=plan.sounds_like)


def mixed_role(hands: Sequence[Player]) -> str:
    """The role that a player's place in the mix is chosen for: its own, or that of somebody with several parts."""
    return hands[0].role if len(hands) == 1 else SEVERAL_PARTS


def _finish_of(piece: Piece) -> Finish:
    plan = piece.plan
    fade_out_s = min(FADE_OUT_S, _FADE_SHARE * plan.duration_s) if plan.fade_out_s is None else plan.fade_out_s
    finish = Finish(loop=plan.loop, fade_out_s=fade_out_s, fade_in_s=plan.fade_in_s)
    if plan.sounds_like is None:
        return finish
    low, high = LIKE_RANGE_LUFS
    return replace(finish, loudness_lufs=round(min(max(plan.sounds_like.loudness_lufs, low), high), 1))


def mixed_again(
    piece: Piece, mix: Mix, keys: Sequence[str], names: Sequence[str], stems: Iterable[StemAudio], playing: Playing
) -> Played:
    """The mix with its numbers as they are; whoever is new in it is decided alone."""
    dry: dict[str, np.ndarray] = {}
    strips = {strip.key: strip for strip in mix.strips}
    for key, stem in zip(keys, stems, strict=True):
        dry[key] = stem.samples
        if key not in strips:
            strips[key] = new_strip(mix, key, stem.role, stem.instrument, stem.samples, stem.timbre_tags)
    mix = _mix_of(piece, mix, [strips[key] for key in keys])
    timing = Timing.of(piece.score)
    mixer = Mixer.of(mix, dry, timing, threads=playing.threads)
    if playing.remaster:
        mixer = mixer.remastered()
    stretches = Stretches(mixer, dry, timing, playing)
    instrumental = None
    if playing.keep_stems and any(strip.place.chain is not None for strip in mix.strips):
        instrumental = stretches.track(voices=False)
    kept = SpooledArrays()
    for key, name in zip(keys, names, strict=True) if playing.keep_stems else ():
        kept.add(name, stretches.stem(key))
    return Played(replace(piece, mix=mixer.mix), stretches.track(), kept, instrumental)


def _mix_of(piece: Piece, mix: Mix, strips: Sequence[Strip]) -> Mix:
    """The mix for those who are in the piece now; a loop has no end to fade."""
    loop = piece.plan.loop
    finish = replace(mix.finish, loop=loop, fade_out_s=0.0 if loop else mix.finish.fade_out_s)
    return replace(mix, strips=tuple(strips), finish=finish)


@dataclass(frozen=True)
class Early:
    """What makes an excerpt before the rest is there: ``chunks`` of the track.

    They hear ``needs`` of the dry stems, frames (first, last + 1).
    """

    mix: Mix
    timing: Timing
    keys: Sequence[str]
    sung: Sequence[StemAudio]
    playing: Playing
    chunks: range

    @property
    def needs(self) -> tuple[int, int]:
        first, last = read_by(self.mix, self.timing, self.chunks)
        return max(0, first) * CHUNK, last * CHUNK

    def excerpt(self, players: Iterable[StemAudio]) -> Excerpt:
        """Players' dry stems that may be silent outside ``needs``."""
        dry = {key: stem.samples for key, stem in zip(self.keys, (*self.sung, *players), strict=True)}
        mixer = Mixer.of(self.mix, dry, self.timing, threads=self.playing.threads)
        stretches = Stretches(mixer, dry, self.timing, self.playing)
        start_s = self.chunks.start * CHUNK / SAMPLE_RATE_HZ
        return Excerpt(stretches.stretch(self.chunks), start_s, SAMPLE_RATE_HZ)


def early_excerpt(piece: Piece, keys: Sequence[str], sung: Sequence[StemAudio], playing: Playing) -> Early | None:
    """The first of what is wanted early; None where that cannot be told before the whole is there."""
    mix, start_s = piece.mix, playing.first_heard_s
    if mix is None or start_s is None or playing.remaster or piece.plan.loop or isinstance(playing.cache, NoCache):
        return None
    strips = {strip.key: strip for strip in mix.strips}
    if any(key not in strips for key in keys):
        return None
    count = -(-round(piece.plan.duration_s * SAMPLE_RATE_HZ) // CHUNK)
    first = min(int(start_s * SAMPLE_RATE_HZ) // CHUNK, count - 1)
    last = min(int((start_s + EXCERPT_S) * SAMPLE_RATE_HZ) // CHUNK + 1, count)
    own = _mix_of(piece, mix, [strips[key] for key in keys])
    return Early(own, Timing.of(piece.score), keys, sung, playing, range(first, last))


def read_by(mix: Mix, timing: Timing, chunks: range) -> tuple[int, int]:
    """The chunks (first, last + 1) of the dry stems and of the kicks that chunks of the track hear.

    They may lie outside the piece.
    """
    before_s, after_s = reach(mix, timing)
    # A change is heard ``after_s`` later, so a chunk hears that far back.
    first = chunks.start - int(np.ceil((after_s + KICK_S) * SAMPLE_RATE_HZ / CHUNK))
    return first, chunks.stop + int(np.ceil((before_s + KICK_S) * SAMPLE_RATE_HZ / CHUNK))


class Stretches:
    """A mixer's track and stems, of which the cache may have some already."""

    def __init__(self, mixer: Mixer, dry: Mapping[str, np.ndarray], timing: Timing, playing: Playing) -> None:
        self._mixer, self._dry, self._timing = mixer, dry, timing
        self._cache, self._threads = playing.cache, playing.threads
        self._heard = {key: dry[key] for key in dry if not mixer.mix.strip(key).muted}
        self._digests: dict[tuple[str, int], str] = {}

    def track(self, voices: bool = True) -> np.ndarray:
        """The whole track, or the players alone as they are in it: ``[frames, 2]`` float32."""
        if isinstance(self._cache, NoCache):
            return self._mixer.track() if voices else self._mixer.track_and_instrumental()[1]
        return self.stretch(range(-(-self._mixer.frames // CHUNK)), voices)

    def stretch(self, wanted: range, voices: bool = True) -> np.ndarray:
        """Consecutive chunks of the track, ``[frames, 2]`` float32."""
        self._digest(self._read_by(wanted))
        keys = [key_of("track", voices, *self._around(chunk)) for chunk in wanted]
        found = [self._cache.get(key) for key in keys]
        chunks = {chunk: array for chunk, array in zip(wanted, found, strict=True) if array is not None}
        for first, last in _gaps(found):
            gap = wanted[first:last]
            start, stop = gap.start * CHUNK, min(gap.stop * CHUNK, self._mixer.frames)
            made = self._mixer.span(start, stop, voices=voices)
            for chunk, key in zip(gap, keys[first:last], strict=True):
                # A copy, so that keeping a chunk does not keep all it was made with.
                chunks[chunk] = made[chunk * CHUNK - start : (chunk + 1) * CHUNK - start].copy()
                self._cache.put(key, chunks[chunk])
        return np.concatenate([chunks[chunk] for chunk in wanted])

    def stem(self, key: str) -> np.ndarray:
        """A player as it sits in the mix before mastering, ``[frames, 2]`` float32."""

        def named() -> str:
            mix = self._mixer.mix
            # Whoever gives way to a lead voice depends on it too.
            heard = [key, *(strip.key for strip in mix.strips if strip.place.leads and strip.key in self._heard)]
            whole = range(-(-self._mixer.frames // CHUNK))
            self._digest(whole)
            digests = [[self._digests[name, chunk] for chunk in whole] for name in heard if name in self._heard]
            strips = [mix.strip(name) for name in heard]
            return key_of("stem", key, self._numbers(mix), strips, self._timing, digests)

        return cached(self._cache, named, lambda: self._mixer.stem(key))

    def _numbers(self, mix: Mix) -> object:
        """All numbers of a mix that every stem depends on, its own strip and those of lead voices aside."""
        return [mix.settings, mix.room, mix.voice_room, mix.seed, mix.echo_repeats, mix.finish.loop]

    def _around(self, chunk: int) -> Iterator[object]:
        """All that a chunk depends on."""
        mix, timing = self._mixer.mix, self._timing
        first, last = self._hears.start + chunk, self._hears.stop + chunk
        yield self._everywhere
        yield self._mixer.frames
        yield chunk
        yield timing.tempo_bpm, timing.energies
        yield [kick for kick in timing.kicks_s if mix.finish.loop or self._is_near(kick, first, last)]
        for key in self._heard:
            yield key, [self._digests[key, each] for each in self._read_by(range(chunk, chunk + 1))]

    def _is_near(self, kick_s: float, first: int, last: int) -> bool:
        return first * CHUNK <= kick_s * SAMPLE_RATE_HZ <= last * CHUNK

    @cached_property
    def _hears(self) -> range:
        """The chunks of the dry stems that the first chunk of the track hears."""
        return range(*read_by(self._mixer.mix, self._timing, range(1)))

    def _read_by(self, chunks: range) -> range:
        """The chunks of the dry stems that chunks of the track hear."""
        count = -(-self._mixer.frames // CHUNK)
        if self._mixer.mix.finish.loop:
            return range(count)
        return range(max(0, chunks.start + self._hears.start), min(chunks.stop - 1 + self._hears.stop, count))

    @cached_property
    def _everywhere(self) -> str:
        """The numbers of the mix, which every chunk depends on."""
        return key_of(self._mixer.mix.to_dict())

    def _digest(self, chunks: range) -> None:
        """Looks at these chunks of all who are heard."""
        places = [(key, chunk) for key in self._heard for chunk in chunks]
        fill(self._digests, places, lambda place: key_of(_chunk_of(self._heard[place[0]], place[1])), self._threads)


def _chunk_of(stem: np.ndarray, chunk: int) -> np.ndarray:
    return stem[..., chunk * CHUNK : (chunk + 1) * CHUNK]


def _gaps(chunks: Sequence[np.ndarray | None]) -> list[tuple[int, int]]:
    """The runs of chunks that are missing, (first, last + 1)."""
    gaps: list[tuple[int, int]] = []
    for place, chunk in enumerate(chunks):
        if chunk is None and gaps and gaps[-1][1] == place:
            gaps[-1] = (gaps[-1][0], place + 1)
        elif chunk is None:
            gaps.append((place, place + 1))
    return gaps
