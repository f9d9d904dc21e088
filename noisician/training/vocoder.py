"""The vocoder network: ConvNeXt blocks that filter a known excitation (see :mod:`noisician.vocoder`).

Per frame and bin it decides a log gain *a*, a phase rotation *p* (a unit complex number that starts at 1) and a log
noise magnitude *c*. With E and N the spectra of excitation and noise, the output spectrum is

    S = exp(a + log|E|) · E/|E| · p + exp(c) · N/|N|

which an inverse STFT turns into samples. There is no adversary and no waveform loss: phase is taken from E.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from noisician.mel import BINS, HOP, LOG_FLOOR, MEL_BANDS, N_FFT, mel_filters

EXCITATION_FLOOR = 1e-2
LOG_GAIN_RANGE = (-15.0, 7.0)
NOISE_BIAS = -2.0


@dataclass(frozen=True)
class VocoderConfig:
    width: int = 320
    blocks: int = 6
    expansion: int = 3
    kernel: int = 7


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over time, then a pointwise MLP (arXiv 2201.03545), on ``[batch, frames, width]``.

    The depthwise convolution is a Conv2d of height 1: ONNX Runtime has no fast Conv1d on CPUs.
    """

    def __init__(self, width: int, expansion: int, kernel: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, (1, kernel), padding=(0, kernel // 2), groups=width)
        self.norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, width * expansion)
        self.contract = nn.Linear(width * expansion, width)
        self.scale = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.depthwise(x.transpose(1, 2).unsqueeze(2)).squeeze(2).transpose(1, 2)
        return x + self.scale * self.contract(F.gelu(self.expand(self.norm(mixed)), approximate="tanh"))


class VocoderNet(nn.Module):
    """``log_mel [B, T, 128]``, ``log_excitation [B, T, 1025]`` → log gain, rotation (2), log noise: [B, T, 1025]."""

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        width = config.width
        self.config = config
        self.mel_in = nn.Linear(MEL_BANDS, width)
        self.excitation_in = nn.Linear(BINS, width)
        self.blocks = nn.ModuleList(ConvNeXtBlock(width, config.expansion, config.kernel) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(width)
        self.gain = nn.Linear(width, BINS)
        self.rotation = nn.Linear(width, 2 * BINS)
        self.noise = nn.Linear(width, BINS)
        nn.init.zeros_(self.rotation.weight)
        nn.init.zeros_(self.rotation.bias)

    def forward(self, log_mel: Tensor, log_excitation: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x = self.mel_in(log_mel) + self.excitation_in(log_excitation)
        for block in self.blocks:
            x = block(x)
        x = self.norm(x).float()
        gain = (self.gain(x) + log_excitation).clamp(*LOG_GAIN_RANGE)
        noise = (self.noise(x) + NOISE_BIAS).clamp(*LOG_GAIN_RANGE)
        cosine, sine = self.rotation(x).chunk(2, dim=-1)
        cosine = cosine + 1
        length = torch.rsqrt(cosine * cosine + sine * sine + 1e-8)
        return gain, cosine * length, sine * length, noise


def stft(samples: Tensor, n_fft: int = N_FFT, hop: int = HOP) -> Tensor:
    """``[B, n]`` → ``[B, n // hop, n_fft // 2 + 1]`` complex, zeros assumed outside, as in :mod:`noisician.mel`."""
    window = torch.hann_window(n_fft)
    spectra = torch.stft(
        samples, n_fft, hop, window=window.to(samples), center=True, pad_mode="constant", return_complex=True
    )
    return spectra.transpose(1, 2)[:, : samples.shape[-1] // hop]


def combine(outputs: tuple[Tensor, Tensor, Tensor, Tensor], excitation: Tensor, noise: Tensor) -> Tensor:
    """The output spectrum S above, ``[B, T, 1025]`` complex."""
    log_gain, cosine, sine, log_noise = outputs
    voiced = torch.exp(log_gain) * excitation / (excitation.abs() + 1e-5) * torch.complex(cosine, sine)
    return voiced + torch.exp(log_noise) * noise / (noise.abs() + 1e-5)


def istft(spectra: Tensor) -> Tensor:
    """``[B, T, 1025]`` → ``[B, T · HOP]``."""
    frames = spectra.shape[1]
    padded = torch.cat([spectra, spectra[:, -1:]], dim=1).transpose(1, 2)
    window = torch.hann_window(N_FFT).to(spectra.device)
    return torch.istft(padded, N_FFT, HOP, window=window, center=True, length=frames * HOP)


def synthesise(net: VocoderNet, log_mel: Tensor, excitation: Tensor, noise: Tensor) -> Tensor:
    """Samples ``[B, T · HOP]`` from mels ``[B, T, 128]`` and the waveforms of excitation and noise ``[B, T · HOP]``."""
    excitation_spectra, noise_spectra = stft(excitation), stft(noise)
    outputs = net(log_mel, torch.log(excitation_spectra.abs() + EXCITATION_FLOOR))
    spectra = combine(tuple(part.float() for part in outputs), excitation_spectra, noise_spectra)  # type: ignore[arg-type]
    return istft(spectra)


class SpectralLoss(nn.Module):
    """Magnitudes at four resolutions and log-mels at three (arXiv 1910.11480), nothing that needs phase."""

    def __init__(self) -> None:
        super().__init__()
        self.n_ffts = (2048, 1024, 512, 256)
        for n_fft, bands in ((2048, MEL_BANDS), (1024, 80), (512, 40)):
            self.register_buffer(f"mel_{n_fft}", torch.from_numpy(mel_filters(n_fft, bands).T.copy()))

    def forward(self, made: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms ``[B, n]`` → (loss, its 128-band log-mel L1 part in nats)."""
        total = made.new_zeros(())
        log_mel_l1 = made.new_zeros(())
        for n_fft in self.n_ffts:
            a, b = stft(made, n_fft, n_fft // 4).abs(), stft(real, n_fft, n_fft // 4).abs()
            total = total + (a - b).abs().mean() / (b.mean() + 1e-3) / 4
            total = total + 0.3 * (torch.log(a + LOG_FLOOR) - torch.log(b + LOG_FLOOR)).abs().mean() / 4
            filters = getattr(self, f"mel_{n_fft}", None)
            if filters is not None:
                distance = (torch.log(a @ filters + LOG_FLOOR) - torch.log(b @ filters + LOG_FLOOR)).abs().mean()
                total = total + distance / 3
                if n_fft == N_FFT:
                    log_mel_l1 = distance
        return total, log_mel_l1.detach()
