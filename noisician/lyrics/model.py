"""What a text to sing is made of: sections of lines of words, with where each word stands in the text."""

from __future__ import annotations

from dataclasses import dataclass

from noisician.lyrics.phones import Pronunciation

SECTION_KINDS = (
    "intro", "verse", "pre-chorus", "chorus", "post-chorus", "hook", "bridge", "breakdown", "drop", "rap", "solo",
    "instrumental", "outro", "end",
)  # fmt: skip


@dataclass(frozen=True)
class Word:
    """One written word. ``spoken`` are the words it is read as: ``1999`` is "nineteen", "ninety", "nine".

    ``start`` is its offset in the text; ``slurs`` are offsets in ``text`` at which a syllable runs over one note more.
    ``shown`` is the word with the punctuation around it as it was written; ``joined``: it goes on into the next word
    without a space, as "self-" does in "self-made".
    """

    text: str
    start: int
    spoken: tuple[str, ...]
    override: Pronunciation | None = None
    slurs: tuple[int, ...] = ()
    accent: bool = False
    backing: bool = False
    break_after: bool = False
    shown: str = ""
    joined: bool = False


@dataclass(frozen=True)
class Line:
    """One sung line. ``number`` counts the lines of the text from 1.

    ``chords`` stand at words: (index of the word, as it is written); the index after the last word is the line's end.
    """

    number: int
    words: tuple[Word, ...]
    chords: tuple[tuple[int, str], ...] = ()

    @property
    def backing(self) -> tuple[bool, ...]:
        """For each word, whether the backing voice sings it."""
        return tuple(word.backing for word in self.words)

    @property
    def breaks(self) -> tuple[int, ...]:
        """The indices of words after which the melody has to break."""
        return tuple(index for index, word in enumerate(self.words) if word.break_after)


@dataclass(frozen=True)
class Section:
    """A part of the song. ``number`` is the one in its tag or, without a tag, counted; ``inferred``: it had no tag.

    ``repeated``: the tag stood alone and the lines are those of an earlier section of its kind. ``hints`` are tags and
    directions within it that name no section; ``chords`` those written where it has no words, a bar each.
    """

    kind: str
    number: int | None
    modifiers: tuple[str, ...]
    lines: tuple[Line, ...]
    inferred: bool = False
    repeated: bool = False
    hints: tuple[str, ...] = ()
    chords: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lyrics:
    """A parsed text; without lines it asks for an instrumental of its sections.

    ``hints`` are tags that name no section: style hints, never sung. ``wishes`` are what the text says of the whole
    piece (hints before its first line, a style line, "fade out"), to be read as a prompt is. ``capo`` is how many
    semitones above the written the chords sound. ``notes`` say in a clause each what was read in another way than it
    stands there, and what is not sung.
    """

    sections: tuple[Section, ...]
    hints: tuple[str, ...] = ()
    language: str = "en"
    wishes: tuple[str, ...] = ()
    title: str | None = None
    capo: int = 0
    notes: tuple[str, ...] = ()

    @property
    def inferred(self) -> bool:
        """Whether the form was read from blank lines and repeats because the text has no section tags."""
        return all(section.inferred for section in self.sections)

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines in the order they are sung."""
        return tuple(line for section in self.sections for line in section.lines)
