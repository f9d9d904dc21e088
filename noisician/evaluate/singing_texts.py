"""Texts to sing that nobody set before: random lyrics with everything a text may hold, and held-out songs of people.

No line is taken from anywhere: random lyrics are made of the word lists of :mod:`noisician.corpus.vocals.text`, and
the words of the held-out songs are those of the CC0 scores themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from noisician.corpus.human import HELD_OUT_EVERY
from noisician.corpus.lieder import SetSyllable, read_setting
from noisician.corpus.vocals.text import write_lines
from noisician.errors import CorpusError
from noisician.lyrics import pronounce
from noisician.score.musicxml import Part, read_mxl

#: Line seeds of the corpus are its shards' numbers; these lie far above.
FIRST_SEED = 1_000_000
TEMPO_RANGE_BPM = (64, 168)
METER_NAMES = ("4/4", "4/4", "3/4", "6/8")
_TAGS = ("Verse", "Pre-Chorus", "Chorus", "Bridge", "Hook", "Rap", "Chorus: choir", "Verse 2: softly", "Outro")
_PLAYED = ("[Intro]", "[Guitar solo]", "[Instrumental]", "[dreamy synths]")
#: What may happen to a word, with its chance; mostly nothing.
_MARKS = {"plain": 0.81, "melisma": 0.06, "accent": 0.05, "break": 0.03, "pronounced": 0.03, "number": 0.02}
_BACKING_CHANCE, _UNTAGGED_CHANCE, _AGAIN_CHANCE = 0.15, 0.15, 0.5
#: Held-out songs are cut into lines where words end: at punctuation from the first number of syllables on, anywhere
#: from the second.
_LINE_SYLLABLES = (6, 12)


@dataclass(frozen=True)
class Text:
    """Lyrics as written, and their words in the order they have to be sung."""

    name: str
    lyrics: str
    words: tuple[str, ...]
    meter: str
    tempo_bpm: float


@dataclass(frozen=True)
class HumanSong:
    """A held-out song: its words as lyrics, and how its composer set them."""

    text: Text
    setting: tuple[SetSyllable, ...]


def random_text(seed: int) -> Text:
    """Lyrics of one to five sections with tags, melismas, accents, breaks, pronunciations and a backing voice."""
    rng = np.random.default_rng([seed, 0x7E37])
    tagged = rng.random() > _UNTAGGED_CHANCE
    lines: list[str] = []
    words: list[str] = []
    chorus: list[str] = []
    for number in range(int(rng.integers(1, 6))):
        tag = str(rng.choice(_TAGS))
        written, sung = _random_section(rng, FIRST_SEED + 8 * seed + number)
        if tagged and rng.random() < 0.2:
            lines.append(str(rng.choice(_PLAYED)))
        lines += [f"[{tag}]", *written] if tagged else [*written, ""]
        words += sung
        if tag.startswith("Chorus"):
            chorus = sung
    if tagged and chorus and rng.random() < _AGAIN_CHANCE:
        lines.append("[Chorus]")  # alone: it comes again
        words += chorus
    meter = str(rng.choice(METER_NAMES))
    return Text(f"random {seed}", "\n".join(lines), tuple(words), meter, float(rng.integers(*TEMPO_RANGE_BPM)))


def _random_section(rng: np.random.Generator, seed: int) -> tuple[list[str], list[str]]:
    """(lines as written, words in order)."""
    written, words = [], []
    for line in write_lines(seed, int(rng.integers(1, 6))):
        tokens = [_marked(word, rng) for word in line.text.split()]
        shown = [token for token, _ in tokens]
        if len(shown) > 2 and rng.random() < _BACKING_CHANCE:
            first = int(rng.integers(1, len(shown)))
            shown[first], shown[-1] = f"({shown[first]}", f"{shown[-1]})"
        written.append(" ".join(shown))
        words += [word for _, word in tokens]
    return written, words


def _marked(word: str, rng: np.random.Generator) -> tuple[str, str]:
    """(a word as it is written, the word that is to be sung)."""
    mark = str(rng.choice(list(_MARKS), p=list(_MARKS.values())))
    if mark == "plain":
        return word, word
    if mark == "melisma":
        return word + "~" * int(rng.integers(1, 4)), word
    if mark == "accent":
        return word.upper(), word.upper()
    if mark == "break":
        return f"{word} /", word
    if mark == "number":
        number = str(int(rng.integers(2, 2100)))
        return number, number
    return f"{{{word}|{' '.join(pronounce(word)[0])}}}", word


def held_out_songs(folder: Path) -> Iterator[HumanSong]:
    """Every tenth file (by name) of ``folder/lieder`` whose words are English, as the setting's training left it out.

    Raises CorpusError when the folder holds no scores.
    """
    paths = sorted((folder / "lieder").glob("*.mxl"))
    if not paths:
        raise CorpusError(f"{folder} holds 0 .mxl scores in its folder lieder; it must be the folder of the CC0 scores")
    for place, path in enumerate(paths, start=1):
        if place % HELD_OUT_EVERY:
            continue
        part = next((part for part in read_mxl(path) if part.sung), None)
        setting = () if part is None else read_setting(part)
        if part is not None and setting:
            lines = _lines(part)
            meters = [syllable.meter.name for syllable in setting]
            meter = max(set(meters), key=meters.count)
            words = tuple(word for line in lines for word in line)
            lyrics = "\n".join(" ".join(line) for line in lines)
            yield HumanSong(Text(path.stem, lyrics, words, meter, 96.0), setting)


def _lines(part: Part) -> list[list[str]]:
    """The words under the notes, in lines."""
    lines: list[list[str]] = [[]]
    syllables, begun = 0, ""
    for measure in part.measures:
        for note in sorted(measure.notes, key=lambda note: (note.onset_quarters, -note.pitch)):
            if note.lyric is None or note.tied:
                continue
            syllables += 1
            begun += note.lyric.text
            if note.lyric.syllabic in ("begin", "middle"):
                continue
            ends = bool(re.search(r"[,.;:!?—–]\W*$", begun))
            lines[-1] += re.findall(r"[A-Za-z]+(?:'[A-Za-z]+)*", begun.replace("’", "'"))
            begun = ""
            if syllables >= _LINE_SYLLABLES[1 - ends] and lines[-1]:
                lines.append([])
                syllables = 0
    return [line for line in lines if line]
