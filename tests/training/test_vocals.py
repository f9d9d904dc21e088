"""The singing network, what it learns from and how it is run, at toy size."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from noisician.corpus.vocals.text import is_held_out  # noqa: E402
from noisician.diffusion.noise import noise_rows  # noqa: E402
from noisician.errors import CorpusError  # noqa: E402
from noisician.training import train_vocals as tv  # noqa: E402
from noisician.training.export import export  # noqa: E402
from noisician.training.loop import RunSettings, load_checkpoint, save_checkpoint  # noqa: E402
from noisician.training.vocals import GatedBlock, VocalsConfig, VocalsNet  # noqa: E402
from noisician.vocals.acoustic import OVERLAP_FRAMES, STREAM, WINDOW_FRAMES, Acoustic, phone_ids  # noqa: E402
from noisician.vocals.features import clip_features  # noqa: E402
from noisician.vocals.frames import CHANNELS, ENVELOPE_BANDS, FEATURES, SPEAKERS, Frames  # noqa: E402
from noisician.vocals.phones import PHONES  # noqa: E402
from noisician.weights import Network  # noqa: E402

torch.set_num_threads(1)

CPU = torch.device("cpu")
TINY = VocalsConfig(width=32, encoder_blocks=2, flow_blocks=2, speaker_width=8, phone_width=8)
ONE_VOICE = np.eye(len(SPEAKERS), dtype=np.float32)[1]


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def controls(frames: int, seed: int = 0) -> Frames:
    rng = np.random.default_rng(seed)
    phones = rng.integers(0, len(PHONES), -(-frames // 10)).repeat(10)[:frames].astype(np.int16)
    numbers = {
        name: rng.random(frames).astype(np.float32) for name in ("position", "note_position", "effort", "breath")
    }
    nothing = {
        name: np.zeros(frames, np.float32) for name in ("log_duration", "slur", "stress", "vibrato", "energy_db")
    }
    return Frames(
        phone=phones,
        previous=np.roll(phones, 10),
        following=np.roll(phones, -10),
        f0_hz=(200 + 50 * rng.random(frames)).astype(np.float32),
        voiced=(phones % 4 > 0).astype(np.float32),
        **numbers,
        **nothing,
    )


def phrase(frames: int = 120, seed: int = 0, speaker: int = 0, text: str = "la") -> tv.Phrase:
    """Features that follow from the phone and the speaker alone, so that they can be learnt."""
    told = controls(frames, seed)
    features = -40 + 10 * np.sin(told.phone[:, None] + np.arange(FEATURES) / 10) + 3 * speaker
    return tv.Phrase(features.astype(np.float16), told, speaker, 0.1 * speaker, text)


def texts(held_out: bool, count: int) -> list[str]:
    return [text for text in map(str, range(200)) if is_held_out(text) is held_out][:count]


def write_shard(path: Path, phrases: list[tv.Phrase]) -> None:
    told = {
        part.name: np.concatenate([getattr(phrase.frames, part.name) for phrase in phrases]) for part in fields(Frames)
    }
    np.savez_compressed(
        path,
        features=np.concatenate([phrase.features for phrase in phrases]),
        offset=np.cumsum([0, *[len(phrase.frames) for phrase in phrases]]),
        speaker=np.array([phrase.speaker for phrase in phrases]),
        warp=np.array([phrase.warp for phrase in phrases], np.float32),
        text=np.array([phrase.text for phrase in phrases]),
        **told,
    )


def moved(net: VocalsNet) -> VocalsNet:
    """Layers that start at nought would hide mistakes."""
    torch.nn.init.normal_(net.velocity.weight, std=0.2)
    torch.nn.init.normal_(net.anyone, std=0.5)
    net.feature_mean.copy_(-40 + torch.randn(FEATURES))
    net.feature_std.copy_(5 + torch.rand(FEATURES))
    return net.eval()


# --- the network ----------------------------------------------------------------------------------------------


def test_a_gated_block_is_a_dilated_convolution() -> None:
    block = GatedBlock(8, 3, conditioned=False)
    x = torch.randn(2, 20, 8)
    kernel = block.taps.weight.reshape(16, 3, 8).permute(0, 2, 1)
    normal = block.norm(x).transpose(1, 2)
    mixed = torch.nn.functional.conv1d(normal, kernel, block.taps.bias, padding=3, dilation=3).transpose(1, 2)
    expected = x + block.out(mixed[..., :8] * torch.sigmoid(mixed[..., 8:]))
    torch.testing.assert_close(block(x), expected, atol=1e-5, rtol=1e-4)


def test_a_net_told_of_nobody_hears_no_speaker_and_no_style() -> None:
    net = moved(VocalsNet(TINY))
    windows = tv.window_batch([phrase(), phrase(seed=1)], [0, 0], 60)
    ids, told, mixture, warp = windows.told(CPU)
    for name, hidden in [("effort", True), ("breath", True), ("pitch", False)]:
        changed = told.clone()
        changed[..., CHANNELS.index(name)] += 1
        known, unknown = torch.ones(2), torch.zeros(2)
        assert not torch.equal(
            net.encode(ids, told, mixture, warp, known), net.encode(ids, changed, mixture, warp, known)
        )
        same = torch.equal(
            net.encode(ids, told, mixture, warp, unknown), net.encode(ids, changed, mixture, warp, unknown)
        )
        assert same is hidden
    other = net.encode(ids, told, mixture.flip(1), warp + 0.1, torch.zeros(2))
    torch.testing.assert_close(other, net.encode(ids, told, mixture, warp, torch.zeros(2)))


@torch.no_grad()
def test_features_are_mean_plus_spread_times_residual() -> None:
    net = moved(VocalsNet(TINY))
    windows = tv.window_batch([phrase()], [0], 60)
    mean, residual, features = net(*windows.told(CPU), torch.ones(1), torch.randn(1, 60, FEATURES), torch.ones(1))
    torch.testing.assert_close(features, mean + residual * net.spread * net.feature_std, atol=1e-3, rtol=1e-4)
    assert mean.mean() == pytest.approx(-40, abs=8)


@torch.no_grad()
def test_a_net_keeps_its_phrases_apart() -> None:
    net = moved(VocalsNet(TINY))
    windows = tv.window_batch([phrase(), phrase(seed=1, speaker=3)], [0, 0], 60)
    noise, t = torch.randn(2, 60, FEATURES), torch.tensor([0.9, 0.2])
    together = net(*windows.told(CPU), torch.ones(2), noise, t)
    alone = net(*[part[1:] for part in windows.told(CPU)], torch.ones(1), noise[1:], t[1:])
    for one, both in zip(alone, together, strict=True):
        torch.testing.assert_close(one[0], both[1], atol=1e-4, rtol=1e-4)


def test_the_spread_becomes_that_of_the_residuals() -> None:
    net = VocalsNet(TINY)
    sizes = torch.linspace(0.1, 1, FEATURES)
    for _ in range(600):
        net.measure_spread(sizes * torch.randn(2, 50, FEATURES), torch.ones(2, 50, FEATURES))
    torch.testing.assert_close(net.spread, sizes, rtol=0.1, atol=0.01)


# --- what is drawn and learnt ---------------------------------------------------------------------------------


def test_a_window_holds_a_phrases_features_and_controls() -> None:
    long, short = phrase(90, seed=1, speaker=2), phrase(30, seed=2)
    windows = tv.window_batch([long, short], [20, 0], 50)
    np.testing.assert_array_equal(windows.features[0].numpy(), long.features[20:70].astype(np.float32))
    np.testing.assert_array_equal(windows.ids[0].numpy(), phone_ids(long.frames)[20:70])
    np.testing.assert_allclose(windows.controls[0].numpy(), long.frames.part(20, 70).network_inputs())
    np.testing.assert_array_equal(windows.features[1, 30:].numpy(), np.repeat(short.features[-1:], 20, 0))
    assert windows.mixture.argmax(1).tolist() == [2, 0]
    assert windows.warp[0] == pytest.approx(0.2)
    np.testing.assert_array_equal(windows.voiced[0].numpy(), long.frames.voiced[20:70])


def test_windows_are_drawn_from_everywhere_and_again_the_same() -> None:
    phrases = [phrase(200, seed=1, speaker=1), phrase(100, seed=2, speaker=2)]
    drawn = [next(tv.draw_windows(phrases, 300, 40, seed=5)) for _ in range(2)]
    assert torch.equal(drawn[0].features, drawn[1].features)
    assert drawn[0].mixture[:, 1].mean() == pytest.approx(2 / 3, abs=0.1)  # as often as it is long


def test_shards_come_back_as_they_were(tmp_path: Path) -> None:
    phrases = [phrase(30, 1, 3, "one"), phrase(50, 2, 5, "two")]
    write_shard(tmp_path / "phrases-0.npz", phrases[:1])
    write_shard(tmp_path / "phrases-1.npz", phrases[1:])
    found = tv.open_phrases(tmp_path)
    assert [(each.speaker, each.text, len(each.frames)) for each in found] == [(3, "one", 30), (5, "two", 50)]
    np.testing.assert_array_equal(found[1].features, phrases[1].features)
    np.testing.assert_array_equal(found[1].frames.f0_hz, phrases[1].frames.f0_hz)
    assert found[1].warp == pytest.approx(0.5)


def test_missing_and_damaged_shards_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="make them first with: noisician corpus vocals"):
        tv.open_phrases(tmp_path)
    (tmp_path / "phrases-0.npz").write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(CorpusError, match="damaged") as refusal:
        tv.open_phrases(tmp_path)
    assert "\n" not in str(refusal.value)


def test_aperiodicity_counts_only_where_there_is_voice() -> None:
    net = VocalsNet(TINY)
    windows = tv.window_batch([phrase()], [0], 60)
    hissing = windows.features.clone()
    hissing[..., ENVELOPE_BANDS:] += 30 * (1 - windows.voiced[..., None])
    losses = []
    for features in (windows.features, hissing):
        torch.manual_seed(1)
        losses.append(float(tv.loss_of(net, replace(windows, features=features), CPU)["l1"]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_normalisation_centres_the_corpus() -> None:
    phrases = [phrase(seed=seed) for seed in range(5)]
    mean, std = tv.normalisation(phrases)
    everything = np.concatenate([each.features for each in phrases]).astype(np.float32)
    np.testing.assert_allclose(mean, everything.mean(0), atol=1e-2)
    np.testing.assert_allclose(std, np.maximum(everything.std(0), tv.LEAST_STD_DB), atol=1e-2)


def test_a_phrase_is_learnt_by_heart() -> None:
    net = VocalsNet(TINY)
    windows = tv.window_batch([phrase(seed=3), phrase(seed=4, speaker=2)], [0, 0], 100)
    mean, std = tv.normalisation([phrase(seed=3)])
    net.feature_mean.copy_(torch.from_numpy(mean))
    net.feature_std.copy_(torch.from_numpy(std))
    before = tv.evaluate(net, windows)
    optimizer = torch.optim.AdamW(net.parameters(), 1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        tv.loss_of(net, windows, CPU)["loss"].backward()
        optimizer.step()
    after = tv.evaluate(net, windows)
    assert after["l1"] < 0.35 * before["l1"]
    assert after["lsd_mean_db"] < 0.35 * before["lsd_mean_db"]
    assert after["lsd_db"] < before["lsd_db"]


def test_a_run_trains_resumes_and_measures_held_out_texts(tmp_path: Path) -> None:
    kept = [phrase(80, seed, seed % 7, text) for seed, text in enumerate(texts(False, 3))]
    unseen = [phrase(80, 9, 1, text) for text in texts(True, 1)]
    write_shard(tmp_path / "phrases-0.npz", [*kept, *unseen])
    settings = RunSettings(minutes=0.01, learning_rate=1e-3, log_every_steps=1)
    training = tv.VocalsTraining(tmp_path, tmp_path / "run", settings, TINY, batch=2, window_frames=32)
    path = tv.train(training)
    assert path.is_file()
    measured = (tmp_path / "run" / "held_out.jsonl").read_text()
    assert '"lsd_db"' in measured
    longer = replace(training, settings=replace(settings, minutes=0.015), start_from=None)
    assert tv.train(longer) == path
    assert (tmp_path / "run" / "log.jsonl").read_text().count('"step": 1,') == 1
    again = replace(training, run=tmp_path / "again", start_from=path)
    assert tv.train(again).is_file()


# --- how it is run --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a checkpoint and what was exported from it."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    save_checkpoint(folder / "vocals.safetensors", moved(VocalsNet(TINY)).state_dict(), TINY)
    assert export("vocals", folder / "vocals.safetensors", "9.9", folder) < 1e-3
    return folder


@pytest.fixture(scope="module")
def acoustic(folder: Path) -> Acoustic:
    return Acoustic(Network(folder / "vocals.onnx", threads=1))


def test_training_can_go_on_from_the_shipped_file(folder: Path) -> None:
    trained, shipped = VocalsNet(TINY), VocalsNet(TINY)
    load_checkpoint(folder / "vocals.safetensors", trained)
    load_checkpoint(folder / "vocals.onnx", shipped)
    for name, value in trained.state_dict().items():
        torch.testing.assert_close(shipped.state_dict()[name], value, rtol=0, atol=0)


@torch.no_grad()
def test_one_step_is_what_the_network_says(folder: Path, acoustic: Acoustic) -> None:
    net, told = VocalsNet(TINY).eval(), controls(70)
    load_checkpoint(folder / "vocals.safetensors", net)
    noise = torch.from_numpy(noise_rows(7, STREAM, 0, 70, FEATURES))[None]
    ids, inputs = torch.from_numpy(phone_ids(told))[None], torch.from_numpy(told.network_inputs())[None]
    warp, mixture = torch.tensor([0.1]), torch.from_numpy(ONE_VOICE)[None]
    _, _, features = net(ids, inputs, mixture, warp, torch.ones(1), noise, torch.ones(1))
    made = acoustic.features(told, ONE_VOICE, 0.1, seed=7, steps=1, noise_scale=1.0)
    np.testing.assert_allclose(made, clip_features(features[0].numpy()), atol=1e-2)


def test_a_phrase_gets_features_within_their_limits(acoustic: Acoustic) -> None:
    made = acoustic.features(controls(90), ONE_VOICE, 0.0, seed=1)
    assert made.shape == (90, FEATURES)
    assert made.dtype == np.float32
    assert made[:, ENVELOPE_BANDS:].max() <= 0
    assert acoustic.features(controls(90).part(0, 0), ONE_VOICE, 0.0, seed=1).shape == (0, FEATURES)


def test_seeds_name_takes_and_no_noise_means_the_mean(acoustic: Acoustic) -> None:
    told = controls(90)
    first, again, other = (acoustic.features(told, ONE_VOICE, 0.0, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    mean = acoustic.features(told, ONE_VOICE, 0.0, 1, noise_scale=0.0)
    np.testing.assert_allclose(mean, acoustic.features(told, ONE_VOICE, 0.0, 2, noise_scale=0.0))
    whole = acoustic.features(told, ONE_VOICE, 0.0, 1, noise_scale=1.0)
    half = acoustic.features(told, ONE_VOICE, 0.0, 1, noise_scale=0.5)
    np.testing.assert_allclose(half[:, :ENVELOPE_BANDS], ((whole + mean) / 2)[:, :ENVELOPE_BANDS], atol=1e-3)


def test_singers_and_throats_differ(acoustic: Acoustic) -> None:
    told = controls(90)
    sung = [
        acoustic.features(told, mixture, warp, 1, noise_scale=0.0)
        for mixture, warp in ((ONE_VOICE, 0.0), (ONE_VOICE[::-1].copy(), 0.0), (ONE_VOICE, 0.1))
    ]
    assert not np.allclose(sung[0], sung[1], atol=0.01)
    assert not np.allclose(sung[0], sung[2], atol=0.01)


def test_a_long_phrase_is_drawn_in_windows_that_stay_where_they_are(acoustic: Acoustic) -> None:
    frames = 2 * WINDOW_FRAMES
    told = controls(frames)
    whole = acoustic.features(told, ONE_VOICE, 0.0, 1, steps=2)
    assert whole.shape == (frames, FEATURES)
    alone = acoustic.features(told.part(0, WINDOW_FRAMES), ONE_VOICE, 0.0, 1, steps=2)
    inside = WINDOW_FRAMES - OVERLAP_FRAMES
    # The last frame's pitch slope looks at a frame that the part alone does not have; it is far behind the seam.
    np.testing.assert_array_equal(whole[:inside], alone[:inside])


def test_a_mixture_must_sum_to_one(acoustic: Acoustic) -> None:
    for mixture in (np.full(len(SPEAKERS), 1.0), np.ones(2) / 2):
        with pytest.raises(ValueError, match="sum to 1"):
            acoustic.features(controls(9), mixture, 0.0, 1)
