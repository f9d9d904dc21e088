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
from noisician.mix import ENGINE, Finish, Mix, Mixer, StemAudio, Timing, mix_stems, new_strip, plan_mix
from noisician.mix.grid import CHUNK
from noisician.mix.reach import reach
from noisician.models.embedded.cast import VocalPart
from noisician.parallel import Steps, map_in_order
from noisician.piece import Piece
from noisician.score.model import VOICE

#: The last of what rings goes out over this.
FADE_OUT_S = 1.0
#: A kick ducks others for less than this, and begins to a little before it is heard.
KICK_S = 0.4


@dataclass(frozen=True)
class Played:
    """What playing a piece gives: the piece with its mix decided, and its sound.

    ``track`` is stereo ``[frames, 2]``; ``stems`` by name, each ``[frames, 2]`` as it sits in the mix before mastering,
    and ``instrumental``, the track without its voices, where stems were to be kept.
    """

    piece: Piece
    track: np.ndarray
    stems: Mapping[str, np.ndarray]
    instrumental: np.ndarray | None = None


@dataclass(frozen=True)
class Playing:
    """How a piece is played: ``engine`` decides the mix where the piece has none, ``remaster`` the master anew."""

    keep_stems: bool = False
    engine: int = ENGINE
    remaster: bool = False
    cache: ArrayCache = NO_CACHE


def first_mix(
    piece: Piece,
    parts: Sequence[VocalPart],
    keys: Sequence[str],
    names: Sequence[str],
    stems: Iterable[StemAudio],
    playing: Playing,
) -> Played:
    """A mix that is decided while the stems come in, one at a time."""
    plan = piece.plan
    mixdown = mix_stems(
        stems,
        plan_mix(
            [*((part.role, VOICE) for part in parts), *((player.role, player.instrument) for player in plan.players)],
            tuple(plan.genres.items()),
            tuple(plan.moods.items()),
            plan.production,
        ),
        seed=piece.seed,
        timing=Timing.of(piece.score),
        finish=Finish(loop=plan.loop, fade_out_s=min(FADE_OUT_S, plan.duration_s / 8)),
        keep_stems=playing.keep_stems,
        split_vocals=playing.keep_stems and bool(parts),
        engine=playing.engine,
        keys=keys,
    )
    kept = dict(zip(names, mixdown.stems or (), strict=False))
    return Played(replace(piece, mix=mixdown.mix), mixdown.stereo, kept, mixdown.instrumental)


def mixed_again(
    piece: Piece, mix: Mix, keys: Sequence[str], names: Sequence[str], stems: Iterable[StemAudio], playing: Playing
) -> Played:
    """The mix with its numbers as they are; whoever is new in it is decided alone."""
    dry: dict[str, np.ndarray] = {}
    strips = {strip.key: strip for strip in mix.strips}
    for key, stem in zip(keys, stems, strict=True):
        dry[key] = stem.samples
        if key not in strips:
            strips[key] = new_strip(mix, key, stem.role, stem.instrument, stem.samples)
    loop = piece.plan.loop
    finish = replace(mix.finish, loop=loop, fade_out_s=0.0 if loop else mix.finish.fade_out_s)
    mix = replace(mix, strips=tuple(strips[key] for key in keys), finish=finish)
    timing = Timing.of(piece.score)
    mixer = Mixer.of(mix, dry, timing)
    if playing.remaster:
        mixer = mixer.remastered()
    stretches = Stretches(mixer, dry, timing, playing.cache)
    instrumental = None
    if playing.keep_stems and any(strip.place.chain is not None for strip in mix.strips):
        instrumental = stretches.track(voices=False)
    kept = {name: stretches.stem(key) for key, name in zip(keys, names, strict=True)} if playing.keep_stems else {}
    return Played(replace(piece, mix=mixer.mix), stretches.track(), kept, instrumental)


class Stretches:
    """A mixer's track and stems, of which the cache may have some already."""

    def __init__(self, mixer: Mixer, dry: Mapping[str, np.ndarray], timing: Timing, cache: ArrayCache) -> None:
        self._mixer, self._dry, self._timing, self._cache = mixer, dry, timing, cache
        self._heard = {key: dry[key] for key in dry if not mixer.mix.strip(key).muted}

    def track(self, voices: bool = True) -> np.ndarray:
        """The whole track, or the players alone as they are in it: ``[frames, 2]`` float32."""
        mixer, count = self._mixer, -(-self._mixer.frames // CHUNK)
        if isinstance(self._cache, NoCache):
            return mixer.track() if voices else mixer.track_and_instrumental()[1]
        keys = [key_of("track", voices, *self._around(chunk)) for chunk in range(count)]
        found = [self._cache.get(key) for key in keys]
        chunks = {chunk: array for chunk, array in enumerate(found) if array is not None}
        for first, last in _gaps(found):
            start, stop = first * CHUNK, min(last * CHUNK, mixer.frames)
            made = mixer.span(start, stop, voices=voices)
            for chunk in range(first, last):
                # A copy, so that keeping a chunk does not keep all it was made with.
                chunks[chunk] = made[chunk * CHUNK - start : (chunk + 1) * CHUNK - start].copy()
                self._cache.put(keys[chunk], chunks[chunk])
        return np.concatenate([chunks[chunk] for chunk in range(count)])

    def stem(self, key: str) -> np.ndarray:
        """A player as it sits in the mix before mastering, ``[frames, 2]`` float32."""

        def named() -> str:
            mix = self._mixer.mix
            # Whoever gives way to a lead voice depends on it too.
            heard = [key, *(strip.key for strip in mix.strips if strip.place.leads and strip.key in self._heard)]
            digests = [self._digests[name] for name in heard if name in self._heard]
            return key_of("stem", key, self._numbers(mix), self._timing, digests)

        return cached(self._cache, named, lambda: self._mixer.stem(key))

    def _numbers(self, mix: Mix) -> object:
        """All numbers of a mix that its stems depend on."""
        return [mix.settings, mix.room, mix.voice_room, mix.seed, mix.echo_repeats, mix.finish.loop, mix.strips]

    def _around(self, chunk: int) -> Iterator[object]:
        """All that a chunk depends on."""
        mix, timing = self._mixer.mix, self._timing
        before_s, after_s = self._reach
        # A change is heard ``after_s`` later, so a chunk hears that far back.
        first = -1 if mix.finish.loop else chunk - int(np.ceil(after_s * SAMPLE_RATE_HZ / CHUNK))
        last = -1 if mix.finish.loop else chunk + 1 + int(np.ceil(before_s * SAMPLE_RATE_HZ / CHUNK))
        yield self._everywhere
        yield self._mixer.frames
        yield chunk
        yield timing.tempo_bpm, timing.energies
        yield [kick for kick in timing.kicks_s if mix.finish.loop or self._is_near(kick, first, last)]
        for key in self._heard:
            digests = self._digests[key]
            yield key, digests if mix.finish.loop else digests[max(0, first) : last]

    def _is_near(self, kick_s: float, first: int, last: int) -> bool:
        return first * CHUNK <= kick_s * SAMPLE_RATE_HZ <= last * CHUNK

    @cached_property
    def _reach(self) -> tuple[float, float]:
        """How far a change is heard before and after it, in seconds; a kick's ducking included."""
        before_s, after_s = reach(self._mixer.mix, self._timing)
        return before_s + KICK_S, after_s + KICK_S

    @cached_property
    def _everywhere(self) -> str:
        """The numbers of the mix, which every chunk depends on."""
        return key_of(self._mixer.mix.to_dict())

    @cached_property
    def _digests(self) -> dict[str, list[str]]:
        """A digest of each chunk of each dry stem that is heard."""
        steps = Steps(len(self._heard), lambda share: None)
        digests = map_in_order(_digests_of, list(self._heard.values()), steps)
        return dict(zip(self._heard, digests, strict=True))


def _digests_of(stem: np.ndarray) -> list[str]:
    return [key_of(stem[at : at + CHUNK]) for at in range(0, len(stem), CHUNK)]


def _gaps(chunks: Sequence[np.ndarray | None]) -> list[tuple[int, int]]:
    """The runs of chunks that are missing, (first, last + 1)."""
    gaps: list[tuple[int, int]] = []
    for place, chunk in enumerate(chunks):
        if chunk is None and gaps and gaps[-1][1] == place:
            gaps[-1] = (gaps[-1][0], place + 1)
        elif chunk is None:
            gaps.append((place, place + 1))
    return gaps
