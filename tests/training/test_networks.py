"""The networks and what they learn from, at toy size: known answers, independence, a batch learnt by heart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from noisician import mel  # noqa: E402
from noisician.composer.conditions import MASK_TOKENS, STYLE_FEATURES  # noqa: E402
from noisician.corpus.clips import Shard  # noqa: E402
from noisician.corpus.songs import SongPack  # noqa: E402
from noisician.errors import CorpusError  # noqa: E402
from noisician.renderer.conditions import FEATURES  # noqa: E402
from noisician.renderer.traits import TRAITS  # noqa: E402
from noisician.score.grid import STREAMS, VOCABULARY  # noqa: E402
from noisician.score.model import LEARNT_METERS, METERS  # noqa: E402
from noisician.score.played import NoteEvent  # noqa: E402
from noisician.styles import instruments  # noqa: E402
from noisician.training import train_composer, train_vocoder  # noqa: E402
from noisician.training.composer import ComposerConfig, ComposerNet  # noqa: E402
from noisician.training.loop import RunSettings  # noqa: E402
from noisician.training.renderer import RendererConfig, RendererNet  # noqa: E402
from noisician.training.transformer import Backbone, RMSNorm, rope_table, rotate, time_features  # noqa: E402
from noisician.training.vocoder import (  # noqa: E402
    SpectralLoss,
    VocoderConfig,
    VocoderNet,
    combine,
    istft,
    stft,
)
from noisician.vocoder import Vocoder  # noqa: E402
from noisician.vocoder.excitation import excitation  # noqa: E402

torch.set_num_threads(1)

CPU = torch.device("cpu")
RENDERER = RendererConfig(width=64, blocks=1, bottleneck=16, window_tokens=8)
COMPOSER = ComposerConfig(width=64, blocks=1)
VOCODER = VocoderConfig(width=24, blocks=1, expansion=2)
CHORD = STREAMS.index("chord")
SIZES = [VOCABULARY[stream] for stream in STREAMS]


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


# --- the transformer ----------------------------------------------------------------------------------------


def test_rms_norm_gives_unit_power() -> None:
    x = 7 * torch.randn(4, 64)
    torch.testing.assert_close(RMSNorm()(x).pow(2).mean(-1), torch.ones(4), atol=1e-4, rtol=0)


def test_rotation_keeps_lengths_and_sees_only_distances() -> None:
    query, key = torch.randn(2, 64)
    turned = [rotate(vector.expand(1, 1, 20, 64), rope_table(20))[0, 0] for vector in (query, key)]
    torch.testing.assert_close(turned[0].norm(dim=-1), query.norm().expand(20))
    products = turned[0] @ turned[1].T
    for distance in (0, 1, 5):
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), atol=1e-4, rtol=1e-4)


def test_a_backbone_takes_shorter_windows_and_knows_order() -> None:
    net = Backbone(64, 1, 16)
    x, condition = torch.randn(1, 10, 64), torch.randn(1, 64)
    made = net(x, condition)
    assert made.shape == x.shape
    assert not torch.allclose(net(x.flip(1), condition).flip(1), made, atol=1e-4)
    assert not torch.allclose(net(x, condition + 1), made, atol=1e-4)


def test_time_features_tell_times_apart() -> None:
    features = time_features(torch.linspace(0, 1, 21))
    assert features.shape == (21, 128)
    torch.testing.assert_close(features[0], torch.cat([torch.zeros(64), torch.ones(64)]))
    assert torch.cdist(features, features).fill_diagonal_(9).min() > 0.1


# --- nothing leaks past "no conditions" -----------------------------------------------------------------------


def renderer_inputs(batch: int = 2) -> dict[str, Tensor]:
    frames = RENDERER.frames_per_token * RENDERER.window_tokens
    return {
        "mel_t": torch.randn(batch, frames, mel.MEL_BANDS),
        "t": torch.rand(batch),
        "sketch": torch.randn(batch, frames, mel.MEL_BANDS),
        "roll": torch.rand(batch, frames, FEATURES),
        "traits": torch.zeros(batch, len(TRAITS)),
    }


def unzeroed(net: RendererNet) -> RendererNet:
    nn.init.normal_(net.out.weight, std=0.1)
    return net.eval()


@pytest.mark.parametrize("name", ["sketch", "roll", "traits"])
def test_a_renderer_hears_all_that_it_is_told(name: str) -> None:
    net, inputs = unzeroed(RendererNet(RENDERER)), renderer_inputs()
    changed = inputs | {name: inputs[name] + 1}
    assert not torch.allclose(net(**inputs), net(**changed), atol=1e-3)


def test_a_renderer_keeps_its_items_apart() -> None:
    net, inputs = unzeroed(RendererNet(RENDERER)), renderer_inputs(3)
    together = net(**inputs)
    alone = net(**{name: value[1:2] for name, value in inputs.items()})
    torch.testing.assert_close(alone, together[1:2], atol=1e-5, rtol=1e-4)


def test_a_composer_told_no_style_hears_none() -> None:
    net = ComposerNet(COMPOSER).eval()
    steps = 32
    tokens = torch.from_numpy(MASK_TOKENS.astype(np.int64)).repeat(2, steps, 1)
    places = torch.arange(steps).remainder(16).repeat(2, 1)
    features, style = torch.rand(2, steps, net.feature.in_features), torch.rand(2, STYLE_FEATURES)

    def logits(style: Tensor, known: float) -> Tensor:
        return net(tokens, places, torch.ones_like(places), features, style, torch.full((2,), known))

    assert logits(style, 1.0).shape == (2, steps, sum(SIZES))
    assert torch.allclose(logits(style, 0.0), logits(style + 1, 0.0), atol=1e-5)
    assert not torch.allclose(logits(style, 1.0), logits(style + 1, 1.0), atol=1e-4)


# --- the vocoder in torch and in numpy ------------------------------------------------------------------------


def test_both_stfts_agree() -> None:
    samples = np.random.default_rng(0).standard_normal(20 * mel.HOP).astype(np.float32)
    np.testing.assert_allclose(stft(torch.from_numpy(samples)[None])[0].numpy(), mel.stft(samples), atol=1e-3)
    spectra = stft(torch.from_numpy(samples)[None])
    np.testing.assert_allclose(istft(spectra)[0].numpy()[:-2048], samples[:-2048], atol=1e-4)


def test_a_new_vocoder_turns_no_phase() -> None:
    gain, cosine, sine, noise = VocoderNet(VOCODER)(torch.randn(1, 9, mel.MEL_BANDS), torch.randn(1, 9, mel.BINS))
    torch.testing.assert_close(cosine, torch.ones_like(cosine))
    torch.testing.assert_close(sine, torch.zeros_like(sine))
    assert gain.shape == noise.shape == (1, 9, mel.BINS)


@torch.no_grad()
def test_what_is_trained_is_what_is_run() -> None:
    net = VocoderNet(VOCODER).eval()
    nn.init.normal_(net.rotation.weight, std=0.1)
    rng = np.random.default_rng(1)
    excited, noisy = (mel.stft(rng.standard_normal(30 * mel.HOP).astype(np.float32)) for _ in range(2))
    log_mel = rng.uniform(-6, 0, (30, mel.MEL_BANDS)).astype(np.float32)
    asked: list[np.ndarray] = []

    def network(log_mel: np.ndarray, log_excitation: np.ndarray) -> list[np.ndarray]:
        asked.append(log_excitation)
        return [part.numpy() for part in net(torch.from_numpy(log_mel), torch.from_numpy(log_excitation))]

    run = Vocoder(network)._filter(log_mel, excited, noisy, pitched=False)  # type: ignore[arg-type]
    trained = combine(
        net(torch.from_numpy(log_mel)[None], torch.from_numpy(asked[0])),
        torch.from_numpy(excited)[None],
        torch.from_numpy(noisy)[None],
    )[0]
    np.testing.assert_allclose(run, trained.numpy(), rtol=1e-3, atol=1e-4)


def test_spectral_loss_is_nought_for_the_same_and_grows_with_the_difference() -> None:
    loss = SpectralLoss()
    real = 0.1 * torch.randn(1, 8192)
    same, near, far = (float(loss(made, real)[0]) for made in (real, 1.05 * real, torch.zeros_like(real)))
    assert same == 0
    assert 0 < near < far
    log_mel_l1 = float(loss(np.e * real, real)[1])
    assert log_mel_l1 == pytest.approx(1, abs=0.05)  # louder by one neper everywhere


# --- what is drawn --------------------------------------------------------------------------------------------

CLIP_SAMPLES = 80 * mel.HOP
CLIP_NOTES = np.array([[60, 0.1, 0.4, 90], [64, 0.3, 0.8, 70], [67, 0.0, 0.2, 100]], np.float32)


def shard() -> Shard:
    """Two clips: a flute with two notes, a piano with one."""
    rng = np.random.default_rng(0)
    audio = (3000 * rng.standard_normal((2, CLIP_SAMPLES))).astype(np.int16)
    mels = np.stack([mel.log_mel(clip / 32768) for clip in audio]).astype(np.float16)
    players = np.array([instruments()["flute"].index, instruments()["grand_piano"].index], np.int16)
    tags = np.array([[False] * 4, [True, False, False, False]])
    return Shard(audio, mels, players, tags, CLIP_NOTES, np.array([0, 2, 3], np.int32))


def test_a_crop_holds_a_clips_samples_and_their_excitation() -> None:
    clips = shard()
    crops = next(train_vocoder.draw_crops([clips], 3, CLIP_SAMPLES, seed=1))
    table = instruments()
    for row in range(3):
        audio = crops.audio[row].numpy()
        likeness = [np.corrcoef(audio, clip)[0, 1] for clip in clips.audio]
        clip = int(np.abs(likeness).argmax())
        assert abs(likeness[clip]) == pytest.approx(1, abs=1e-4)
        assert -6 <= 20 * np.log10(audio.std() / (clips.audio[clip] / 32767).std()) <= 4
        player = table["flute"] if clip == 0 else table["grand_piano"]
        notes = [NoteEvent(int(p), float(s), float(e), int(v)) for p, s, e, v in clips.notes_of(clip)]
        np.testing.assert_array_equal(crops.excitation[row].numpy(), excitation(notes, player, CLIP_SAMPLES))


def test_draws_are_their_seeds() -> None:
    def first(seed: int) -> Tensor:
        return next(train_vocoder.draw_crops([shard()], 2, 40, seed)).audio

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))


@pytest.mark.parametrize("signature", LEARNT_METERS)
def test_masks_hide_chords_by_the_beat_and_ask_every_question(signature: str) -> None:
    meter = METERS[signature]
    rng = np.random.default_rng(0)
    steps = 16 * meter.steps_per_bar
    drawn = [train_composer.draw_mask(rng, steps, meter.steps_per_bar, meter.steps_per_beat) for _ in range(200)]
    for masked in drawn:
        beats = masked[:, CHORD].reshape(-1, meter.steps_per_beat)
        assert (beats == beats[:, :1]).all()
    hidden = np.array([masked.mean() for masked in drawn])
    assert hidden.min() < 0.1
    assert hidden.max() > 0.9
    whole_streams = np.array([[masked[:, stream].all() for stream in range(len(STREAMS))] for masked in drawn])
    assert 0.1 < whole_streams.mean() < 0.6
    assert any(not masked.reshape(16, -1).any(axis=1).all() and masked.any() for masked in drawn)


def song_pack(songs: int = 2, bars: int = 17) -> SongPack:
    rng = np.random.default_rng(0)
    steps = bars * 16 * songs
    return SongPack(
        tokens=np.stack([rng.integers(0, size, steps) for size in SIZES], axis=1).astype(np.int16),
        place=np.tile(np.arange(16), bars * songs).astype(np.uint8),
        kind=np.repeat(np.arange(songs), bars * 16).astype(np.uint8),
        features=rng.random((steps, 3 + 7)).astype(np.float16),
        style=rng.random((songs, STYLE_FEATURES)).astype(np.float16),
        signature=np.zeros(songs, np.uint8),
        offset=np.arange(songs + 1) * bars * 16,
    )


def test_excerpts_are_whole_bars_of_one_song() -> None:
    pack = song_pack()
    drawn = next(train_composer.draw_excerpts([(pack, 1.0)], 6, seed=0))
    assert drawn.tokens.shape == drawn.masked.shape == (6, 256, len(STREAMS))
    for row in range(6):
        song = int(drawn.kind[row, 0])
        assert (drawn.kind[row] == song).all()
        assert drawn.place[row, 0] == 0
        np.testing.assert_array_equal(drawn.style[row].numpy(), pack.style[song].astype(np.float32))
        start = song * 17 * 16
        whole = pack.tokens[start : start + 17 * 16]
        assert any((whole[first : first + 256] == drawn.tokens[row].numpy()).all() for first in (0, 16))


# --- losses ---------------------------------------------------------------------------------------------------


def excerpts(batch: int = 2) -> train_composer.Excerpts:
    return next(train_composer.draw_excerpts([(song_pack(), 1.0)], batch, seed=2))


def test_knowing_nothing_costs_the_logarithm_of_the_vocabulary() -> None:
    drawn = excerpts()
    drawn.masked[:] = True
    ignorant = lambda tokens, *rest: torch.zeros(*tokens.shape[:2], sum(SIZES))  # noqa: E731
    losses = train_composer.masked_loss(ignorant, drawn, CPU)  # type: ignore[arg-type]
    assert float(losses["loss"]) == pytest.approx(np.log(SIZES).mean(), rel=1e-3)
    assert float(losses["nats_kick"]) == pytest.approx(np.log(VOCABULARY["kick"]), rel=1e-3)


def test_what_is_shown_is_not_asked_and_what_is_hidden_is_not_shown() -> None:
    drawn = excerpts()
    shown: list[Tensor] = []

    def sure(tokens: Tensor, *rest: Tensor) -> Tensor:
        """Right about every hidden cell, wrong about every shown one."""
        shown.append(tokens)
        answer = torch.where(drawn.masked, drawn.tokens, (drawn.tokens + 1) % torch.tensor(SIZES))
        parts = [nn.functional.one_hot(answer[:, :, place], size) for place, size in enumerate(SIZES)]
        return 50.0 * torch.cat(parts, dim=-1)

    assert float(train_composer.masked_loss(sure, drawn, CPU)["loss"]) == pytest.approx(0, abs=1e-4)  # type: ignore[arg-type]
    hidden = shown[0] == torch.from_numpy(MASK_TOKENS.astype(np.int64))
    assert torch.equal(hidden, drawn.masked)


def learn(net: nn.Module, loss_of: Callable[[], Tensor], steps: int, rate: float) -> tuple[float, float]:
    """Loss at the beginning and at the end (means of three) of learning one batch by heart."""
    optimizer = torch.optim.Adam(net.parameters(), rate)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return sum(losses[:3]), sum(losses[-3:])


def test_a_composer_learns_a_batch_by_heart() -> None:
    net = ComposerNet(COMPOSER)
    drawn = excerpts(1)
    before, after = learn(net, lambda: train_composer.masked_loss(net, drawn, CPU)["loss"], 25, 1e-2)
    assert after < 0.6 * before


def test_a_vocoder_learns_a_batch_by_heart() -> None:
    net, loss = VocoderNet(VOCODER), SpectralLoss()
    crop = next(train_vocoder.draw_crops([shard()], 1, 24 * mel.HOP, seed=0))
    filters = torch.from_numpy(mel.mel_filters().T.copy())
    log_mel = torch.log(stft(crop.audio).abs() @ filters + mel.LOG_FLOOR)
    noise = 0.1 * torch.randn_like(crop.audio)

    def loss_of() -> Tensor:
        return loss(train_vocoder.synthesise(net, log_mel, crop.excitation, noise), crop.audio)[0]

    before, after = learn(net, loss_of, 12, 3e-3)
    assert after < 0.8 * before


# --- whole trainings ------------------------------------------------------------------------------------------

MOMENT = RunSettings(minutes=1e-6, learning_rate=1e-3)


def test_trainings_without_material_say_what_to_do(tmp_path: Path) -> None:
    nowhere, run = tmp_path / "nothing", tmp_path / "run"
    for train, training in (
        (train_vocoder.train, train_vocoder.VocoderTraining(nowhere, run)),
        (train_composer.train, train_composer.ComposerTraining(nowhere, run)),
    ):
        with pytest.raises(CorpusError, match="make them first"):
            train(training)  # type: ignore[arg-type]
