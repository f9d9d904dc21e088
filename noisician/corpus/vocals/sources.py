"""Synthetic speakers: free speech synthesisers, driven by our own phones so that the labels of the corpus are exact.

Words are handed over under invented names whose pronunciation is entered in the engine's lexicon (or, for pico, in its
phoneme markup), so that no engine ever chooses a pronunciation. What an engine says it spoke is compared with what
was asked for, phone by phone.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from noisician.corpus.vocals.text import Line
from noisician.errors import CorpusError
from noisician.lyrics.phones import bare
from noisician.vocals.frames import TimedPhone
from noisician.vocals.phones import PAUSE

STRETCH = 1.25  # speech a quarter slower than usual reaches its vowel targets
_SECONDS_A_LINE = 20.0


@dataclass(frozen=True)
class Utterance:
    """A spoken line: mono ``audio`` float64, and the times of its phones, pauses included, from 0 s to its end."""

    audio: np.ndarray
    rate_hz: int
    phones: tuple[TimedPhone, ...]


class Source(Protocol):
    """A speaker. Lines of the same call share one process where the engine starts slowly."""

    def speak(self, lines: Sequence[Line]) -> Iterator[Utterance | None]:
        """One utterance a line, None for what the engine spoke otherwise than asked. Raises CorpusError."""
        ...


@dataclass(frozen=True)
class Speaker:
    """``f0_range_hz`` bounds the pitch tracker; ``low`` and ``high`` are MIDI pitches the voice sings comfortably.

    ``statistical`` voices average over many recordings, which flattens formants; diphone voices keep recorded spectra.
    """

    name: str
    source: Callable[[], Source]
    f0_range_hz: tuple[float, float]
    low: int
    high: int
    statistical: bool
    licence: str
    origin: str


def speakers() -> dict[str, Speaker]:
    """Every speaker of :data:`noisician.vocals.frames.SPEAKERS` by name, in that order."""
    arctic = "CMU/CSTR X11-like (permissive)"
    male, female = (60.0, 250.0), (100.0, 350.0)
    table = (
        Speaker("rms", lambda: Flite("rms"), male, 43, 66, True, arctic, "Debian package flite"),
        Speaker("kal", lambda: Flite("kal16"), male, 43, 66, False, arctic, "Debian package flite"),
        Speaker("ked", lambda: Festival("ked_diphone"), male, 43, 66, False, arctic, "Debian package festvox-kdlpc16k"),
        Speaker("awb", lambda: Flite("awb"), male, 43, 66, True, arctic, "Debian package flite"),
        Speaker(
            "slt",
            lambda: Festival("cmu_us_slt_arctic_hts"),
            female,
            54,
            77,
            True,
            "CMU/BSD-3-Clause (permissive)",
            "Debian package festvox-us-slt-hts",
        ),
        Speaker("pico_us", lambda: Pico("en-US"), female, 54, 77, True, "Apache-2.0", "PyPI package ttspico"),
        Speaker("pico_gb", lambda: Pico("en-GB"), female, 54, 77, True, "Apache-2.0", "PyPI package ttspico"),
    )
    return {speaker.name: speaker for speaker in table}


def _names(count: int) -> list[str]:
    """Pronounceable names no dictionary has: engines spell out what looks like an abbreviation."""
    first = (f"{c}{v}mb{w}d{u}" for c, v, w, u in product("bdglnrvz", "aeiou", "ou", "oa"))
    return [name for name, _ in zip(first, range(count), strict=False)]


def _wanted(line: Line) -> list[str]:
    return [bare(phone) for word in line.words for syllable in word for phone in syllable.phones]


def match(spoken: Sequence[tuple[str, float]], line: Line) -> tuple[TimedPhone, ...] | None:
    """The engine's ``(phone, end_s)`` as phones of ours, None where they differ from the line.

    Engines may speak ER as the pair er, r; the pair is one phone of ours.
    """
    wanted = _wanted(line)
    phones: list[TimedPhone] = []
    place, start_s, syllable = 0, 0.0, -1
    for number, (name, end_s) in enumerate(spoken):
        ours = PAUSE if name in ("pau", "sil", "ssil", "h#") else name.upper()
        repeated = ours == "R" and bool(phones) and phones[-1].phone == "ER"
        left = sum(1 for later, _ in spoken[number:] if later not in ("pau", "sil", "ssil", "h#"))
        if repeated and (left > len(wanted) - place or wanted[place] != "R"):
            phones[-1] = TimedPhone("ER", phones[-1].start_s, end_s, phones[-1].syllable)
        elif ours == PAUSE:
            phones.append(TimedPhone(PAUSE, start_s, end_s, -1))
        elif place < len(wanted) and wanted[place] == ours:
            phones.append(TimedPhone(ours, start_s, end_s, syllable))
            place += 1
        else:
            return None
        start_s = end_s
    if place != len(wanted):
        return None
    return _with_syllables(phones, line)


def _with_syllables(phones: Sequence[TimedPhone], line: Line) -> tuple[TimedPhone, ...]:
    numbers = iter(
        number
        for number, syllable in enumerate(syllable for word in line.words for syllable in word)
        for _ in syllable.phones
    )
    return tuple(
        phone if phone.phone == PAUSE else TimedPhone(phone.phone, phone.start_s, phone.end_s, next(numbers))
        for phone in phones
    )


def _run(command: Sequence[str], seconds: float) -> str:
    program = shutil.which(command[0])
    if program is None:
        raise CorpusError(f"{command[0]} is not installed (0 programs of that name found); see runs/vocals.sh")
    try:
        done = subprocess.run([program, *command[1:]], capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise CorpusError(
            f"{command[0]} did not answer within {seconds:.0f} s; it may wait for a missing voice"
        ) from None
    return done.stdout


def _read(path: Path) -> tuple[np.ndarray, int]:
    import soundfile

    audio, rate_hz = soundfile.read(path, dtype="float64", always_2d=False)
    return audio, int(rate_hz)


@dataclass(frozen=True)
class Flite:
    """A voice of the ``flite`` program, one short process a line."""

    voice: str
    f0_hz: float = 105.0

    def speak(self, lines: Sequence[Line]) -> Iterator[Utterance | None]:
        with tempfile.TemporaryDirectory() as folder:
            for line in lines:
                yield self._speak(line, Path(folder))

    def _speak(self, line: Line, folder: Path) -> Utterance | None:
        names = _names(len(line.words))
        entries = []
        for name, word in zip(names, line.words, strict=True):
            phones = [phone.lower() for syllable in word for phone in syllable.phones]
            entries.append(f"{name} nil : {' '.join(phones).replace('2', '1')}\n")  # its vowels are stressed or not
        lexicon, sound = folder / "line.lex", folder / "line.wav"
        lexicon.write_text("# words of a line\n" + "".join(entries), encoding="ascii")
        sound.unlink(missing_ok=True)
        command = [
            "flite", "-voice", self.voice, "-add_lex", str(lexicon), "--setf", f"duration_stretch={STRETCH}",
            "--setf", f"int_f0_target_mean={self.f0_hz}", "--setf", "int_f0_target_stddev=1",
            "-psdur", "-t", " ".join(names), "-o", str(sound),
        ]  # fmt: skip
        spoken = [token.rsplit(":", 1) for token in _run(command, _SECONDS_A_LINE).split()]
        phones = match([(name, float(end_s)) for name, end_s in spoken], line)
        if phones is None or not sound.exists():
            return None
        return Utterance(*_read(sound), phones)


_SCHEME = """
(define (segments utt path)
  (let ((file (fopen path "w")))
    (mapcar (lambda (s) (format file "%s %f\\n" (item.name s) (item.feat s "end"))) (utt.relation.items utt 'Segment))
    (fclose file)))
(voice_{voice})
(Parameter.set 'Duration_Stretch {stretch})
(set! hts_duration_stretch {longer})
(set! phrase_cart_tree simple_phrase_cart_tree)
(Parameter.set 'Phrase_Method 'cart_tree)
(set! postlex_rules_hooks nil)
(set! postlex_vowel_reduce_cart_tree nil)
"""
_MONOTONE = """
(set! duffint_params '((start {f0_hz}) (end {f0_hz})))
(Parameter.set 'Int_Method 'DuffInt)
(Parameter.set 'Int_Target_Method Int_Targets_Default)
"""


@dataclass(frozen=True)
class Festival:
    """A voice of the ``festival`` program; all lines of a call in one process, which takes a second to start."""

    voice: str
    f0_hz: float = 105.0

    def speak(self, lines: Sequence[Line]) -> Iterator[Utterance | None]:
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "lines.scm"
            script.write_text(self._script(lines, Path(folder)), encoding="ascii")
            _run(["festival", "-b", str(script)], 30.0 + _SECONDS_A_LINE * len(lines))
            for number, line in enumerate(lines):
                sound, segments = Path(folder) / f"{number}.wav", Path(folder) / f"{number}.seg"
                if not (sound.exists() and segments.exists()):
                    yield None
                    continue
                rows = [row.split() for row in segments.read_text(encoding="ascii").splitlines()]
                phones = match([(name, float(end_s)) for name, end_s in rows], line)
                yield None if phones is None else Utterance(*_read(sound), phones)

    def _script(self, lines: Sequence[Line], folder: Path) -> str:
        statistical = self.voice.endswith("hts")  # its pitch comes from the model and cannot be set
        parts = [_SCHEME.format(voice=self.voice, stretch=STRETCH, longer=STRETCH - 1.0)]
        if not statistical:
            parts.append(_MONOTONE.format(f0_hz=self.f0_hz))
        for number, line in enumerate(lines):
            names = _names(len(line.words))
            for name, word in zip(names, line.words, strict=True):
                syllables = " ".join(
                    f"(({' '.join(bare(phone).lower() for phone in syllable.phones)}) {min(syllable.stress, 1)})"
                    for syllable in word
                )
                parts.append(f'(lex.add.entry \'("{name}" nil ({syllables})))\n')
            parts.append(f'(set! u (SynthText "{" ".join(names)}"))\n')
            parts.append(f'(segments u "{folder}/{number}.seg")\n(utt.save.wave u "{folder}/{number}.wav")\n')
        return "".join(parts)


#: ARPABET in the X-SAMPA of pico's voices.
_XSAMPA = {
    "en-US": {
        "AA": "A:", "AE": "{", "AH": "V", "AO": "O:", "AW": "aU", "AY": "aI", "EH": "E", "ER": "3:r", "EY": "eI",
        "IH": "I", "IY": "i:", "OW": "oU", "OY": "OI", "UH": "U", "UW": "u:",
    },
    "en-GB": {
        "AA": "A:", "AE": "{", "AH": "V", "AO": "O:", "AW": "aU", "AY": "aI", "EH": "E", "ER": "3:", "EY": "eI",
        "IH": "I", "IY": "i:", "OW": "@U", "OY": "OI", "UH": "U", "UW": "u:",
    },
}  # fmt: skip
_XSAMPA_CONSONANTS = {
    "B": "b", "CH": "tS", "D": "d", "DH": "D", "F": "f", "G": "g", "HH": "h", "JH": "dZ", "K": "k", "L": "l", "M": "m",
    "N": "n", "NG": "N", "P": "p", "R": "r", "S": "s", "SH": "S", "T": "t", "TH": "T", "V": "v", "W": "w", "Y": "j",
    "Z": "z", "ZH": "Z",
}  # fmt: skip


_PICO_PAUSE = 2400  # samples at 16 kHz


@dataclass(frozen=True)
class Pico:
    """A voice of SVOX pico, in this process. It tells no times: they come from a forced alignment of what it said."""

    language: str

    def speak(self, lines: Sequence[Line]) -> Iterator[Utterance | None]:
        for line in lines:
            audio = np.frombuffer(_pico(self.language).speak(self._markup(line)), np.int16) / 32768.0
            audio = np.pad(audio, _PICO_PAUSE)  # silence for the alignment to put its pauses in
            spoken = align(audio, line)
            phones = None if spoken is None else match(spoken, line)
            yield None if phones is None else Utterance(audio, 16000, phones)

    def _markup(self, line: Line) -> str:
        symbols = {**_XSAMPA[self.language], **_XSAMPA_CONSONANTS}
        words = []
        for word in line.words:
            spelled = []
            for syllable in word:
                mark = {1: "'", 2: "%"}.get(syllable.stress, "")
                spelled.append(mark + "".join(symbols[bare(phone)] for phone in syllable.phones))
            escaped = "-".join(spelled).replace("&", "&amp;").replace('"', "&quot;")
            words.append(f'<phoneme alphabet="xsampa" ph="{escaped}"/>')
        return f'<pitch level="100"><speed level="80">{" ".join(words)}</speed></pitch>'


@cache
def _pico(language: str) -> Any:
    try:
        import ttspico  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise CorpusError("ttspico is not installed (0 of 2 pico voices found); pip install ttspico") from None
    return ttspico.TtsEngine(language)


@cache
def _decoder() -> Any:
    try:
        from pocketsphinx import Decoder, get_model_path  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise CorpusError(
            "pocketsphinx, which times pico's phones, is not installed; pip install pocketsphinx"
        ) from None
    path = get_model_path()
    return Decoder(hmm=f"{path}/en-us/en-us", dict=f"{path}/en-us/cmudict-en-us.dict", lm=None, loglevel="FATAL")


_entered: set[tuple[str, ...]] = set()


def align(audio: np.ndarray, line: Line) -> list[tuple[str, float]] | None:
    """``(phone, end_s)`` of 16 kHz audio by forced alignment, to 10 ms; None where it finds no path."""
    decoder = _decoder()
    words = [tuple(bare(phone) for syllable in word for phone in syllable.phones) for word in line.words]
    for word in words:
        if word not in _entered:
            decoder.add_word("x_" + "_".join(word).lower(), " ".join(word), True)
            _entered.add(word)
    level = max(float(np.abs(audio).max()), 1e-6)
    raw = (audio / level * 16000).astype(np.int16).tobytes()
    try:
        decoder.set_align_text(" ".join("x_" + "_".join(word).lower() for word in words))
        for phones_too in (False, True):
            if phones_too:
                decoder.set_alignment()
            decoder.start_utt()
            decoder.process_raw(raw, full_utt=True)
            decoder.end_utt()
        alignment = decoder.get_alignment()
    except RuntimeError:
        return None
    if alignment is None:
        return None
    ends = [(phone.name, (phone.start + phone.duration) / 100.0) for word in alignment for phone in word]
    return [("pau" if name.startswith(("SIL", "+")) else name.lower(), end_s) for name, end_s in ends]
