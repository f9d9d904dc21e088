"""Files: sound in four formats with tags and recipe, stems, lyrics, bundles, pictures, and reading a recipe back."""

from __future__ import annotations

from noisician.export.embed import midi_with_recipe
from noisician.export.encode import FORMATS, choose_format
from noisician.export.lyrics import TimedLine, TimedSyllable, TimedWord, lrc, plain_lyrics, words_json
from noisician.export.metadata import Marker, Metadata, default_file_name
from noisician.export.read import read_recipe
from noisician.export.spectrogram import picture_of_mel, png_bytes, spectrogram_picture, spectrogram_png
from noisician.export.stems import common_gain_db, stems_note
from noisician.export.transaction import Transaction, check_target
from noisician.export.write import Bundle, bundle_paths, write_audio, write_bundle, write_into, write_stems

__all__ = [
    "FORMATS",
    "Bundle",
    "Marker",
    "Metadata",
    "TimedLine",
    "TimedSyllable",
    "TimedWord",
    "Transaction",
    "bundle_paths",
    "check_target",
    "choose_format",
    "common_gain_db",
    "default_file_name",
    "lrc",
    "midi_with_recipe",
    "picture_of_mel",
    "plain_lyrics",
    "png_bytes",
    "read_recipe",
    "spectrogram_picture",
    "spectrogram_png",
    "stems_note",
    "words_json",
    "write_audio",
    "write_bundle",
    "write_into",
    "write_stems",
]
