"""Distil a sentence transformer into static word vectors for ``prompt.meaning``.

Every word goes through the transformer alone and its outputs are averaged (the idea of Model2Vec). The
vectors are centred, rotated and cut by principal components, then scaled by the smooth inverse frequency
weight a / (a + p(word)) (Arora et al., ICLR 2017), so that a sentence is simply the sum of its words.
Frequencies are Zipf's law over the rank of a word in the transformer's own vocabulary.

    python -m noisician.training.text_vectors --transformer DIR --words FILE [FILE ...] --known FILE --out DIR

``DIR`` holds ``model.safetensors``, ``config.json`` and ``tokenizer.json`` of all-MiniLM-L6-v2 (Apache-2.0).
The files are word lists, one word a line: Debian's wamerican-small and wbritish-small for ``--words``,
wamerican for ``--known`` (SCOWL, free for any purpose with its notice). About two minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from torch import Tensor
from torch.nn import functional as F

from noisician.styles import table

SUFFIXES = ("s", "es", "ed", "d", "ing", "er", "ers", "est", "ly", "y", "ness", "like", "ish", "less")
"""Word endings that may follow a known word; they carry no meaning of their own here (zero vectors)."""

EXTRA_WORDS = """
afterparty anime arcade arpeggio astronaut barbecue bassline beatboxing bollywood boutique breakbeat busking
campfire carousel chiptune cyberpunk cybernetic dancefloor daydream dungeon dystopia dystopian esports
fairground fairytale gamer gameplay gaming halloween hangout haunted heist hipster horror jingle karaoke
lullaby mariachi marketplace medieval meditation montage neon nightclub nightlife nintendo noir nursery
orchestra parkour pixel playlist podcast preschool ramen rave retro robot robotic rodeo saloon samba samurai
sci-fi selfie skateboard skatepark skater slasher smartphone snowboarding soundscape soundtrack spaceship
speakeasy spooky starship steampunk streetwear sunbathing sunset surfboard synthesizer synthesiser techno
teenage telenovela tiki toddler toddlers trailer trippy tropical underwater vampire viking videogame vlog
vlogger webcam western workout yoga zen zombie
"""
"""Words of scenes that neither the word lists nor the styles have."""

SIF_COEFFICIENT = 1e-4


@dataclass(frozen=True)
class Transformer:
    """A BERT encoder as plain tensors. ``weights`` keep the names of the checkpoint."""

    weights: dict[str, Tensor]
    layers: int
    heads: int

    def sublayer(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def norm(self, x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], eps=1e-12)

    def block(self, x: Tensor, name: str) -> Tensor:
        """One post-norm layer on ``x`` (batch, tokens, width); all rows of a batch are equally long."""
        batch, tokens, width = x.shape
        shape = (batch, tokens, self.heads, width // self.heads)
        q, k, v = (
            self.sublayer(x, f"{name}.attention.self.{part}").reshape(shape).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        heard = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape)
        x = self.norm(x + self.sublayer(heard, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
        wide = F.gelu(self.sublayer(x, f"{name}.intermediate.dense"))
        return self.norm(x + self.sublayer(wide, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    @torch.inference_mode()
    def __call__(self, ids: Tensor) -> Tensor:
        """Mean of the outputs of ``ids`` (batch, tokens): (batch, width)."""
        weights = self.weights
        x = weights["embeddings.word_embeddings.weight"][ids]
        x = x + weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x = self.norm(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(self.layers):
            x = self.block(x, f"encoder.layer.{layer}")
        return x.mean(dim=1)


def load_transformer(folder: Path) -> tuple[Transformer, Tokenizer]:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    weights = load_file(folder / "model.safetensors")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    return Transformer(weights, config["num_hidden_layers"], config["num_attention_heads"]), tokenizer


def is_inflection(word: str, known: set[str]) -> bool:
    """Whether ``word`` is a known word plus one of :data:`SUFFIXES`."""
    return any(word.endswith(end) and word[: -len(end)] in known for end in SUFFIXES if len(word) > len(end) + 2)


def style_words() -> set[str]:
    """Every word that describes or names a genre, a mood or an instrument, or belongs to a scene."""
    texts = [
        " ".join([entry["description"], *entry["synonyms"]])
        for name in ("genres", "moods", "instruments")
        for entry in table(name).values()
    ]
    texts += [scene for scenes in table("words")["scenes"].values() for scene in scenes.values()]
    text = " ".join(texts)
    return set(re.findall(r"[a-z]{2,}", text.lower()))


def read_words(paths: Iterable[Path]) -> set[str]:
    lines = (line.strip() for path in paths for line in path.read_text(encoding="utf-8").splitlines())
    return {line for line in lines if re.fullmatch(r"[A-Za-z]{2,16}", line)}


def choose_words(ranked: Iterable[str], listed: set[str], known: set[str]) -> list[str]:
    """The words to keep, commonest first.

    ``ranked`` is the transformer's vocabulary by frequency: a word of it stays when a list has it. Other
    ``listed`` words are added unless they are names or mere inflections, which the tokenizer splits by itself.
    """
    wanted = style_words() | set(EXTRA_WORDS.split())
    admitted = {word.lower() for word in listed | known} | wanted
    kept = [word for word in ranked if word in admitted]
    lower = {word for word in listed if word.islower() and len(word) > 2}
    stems = set(kept) | lower
    added = {word for word in lower - set(kept) if not is_inflection(word, stems)}
    return [*kept, *sorted(added | (wanted - set(kept)))]


def embed_words(transformer: Transformer, tokenizer: Tokenizer, words: list[str]) -> np.ndarray:
    """(words, width) float32. Words of equally many pieces share a batch, so none is padded."""
    encodings = [encoding.ids for encoding in tokenizer.encode_batch(words)]
    vectors: np.ndarray | None = None
    for length in sorted({len(ids) for ids in encodings}):
        rows = [row for row, ids in enumerate(encodings) if len(ids) == length]
        for start in range(0, len(rows), 256):
            batch = rows[start : start + 256]
            out = transformer(torch.tensor([encodings[row] for row in batch])).numpy()
            if vectors is None:
                vectors = np.zeros((len(words), out.shape[1]), np.float32)
            vectors[batch] = out
    if vectors is None:
        raise ValueError("no words to embed: the word lists are empty")
    return vectors


def principal_components(vectors: np.ndarray, dimensions: int) -> np.ndarray:
    """Centred ``vectors`` (words, width) in their ``dimensions`` strongest directions."""
    centred = vectors - vectors.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    return centred @ directions[:, ::-1][:, :dimensions]


def sif_weights(ranks: np.ndarray, vocabulary_size: int) -> np.ndarray:
    """a / (a + p) with Zipf's p(rank) = 1 / (rank · H), H the harmonic sum. ``ranks`` count from 1."""
    p = 1.0 / (ranks * np.sum(1.0 / np.arange(1, vocabulary_size + 1)))
    return SIF_COEFFICIENT / (SIF_COEFFICIENT + p)


def quantise(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 rows and their float16 scales, so that ``vectors ≈ rows · scales``."""
    scales = (np.abs(vectors).max(axis=1, keepdims=True) / 127).astype(np.float16)
    scales = np.maximum(scales, np.float16(1e-6))
    return np.round(vectors / scales.astype(np.float32)).clip(-127, 127).astype(np.int8), scales


def word_tokenizer(words: list[str]) -> Tokenizer:
    """WordPiece over whole words and the endings of :data:`SUFFIXES`; anything else is ``[UNK]``."""
    pieces = ["[UNK]", *words, *(f"##{end}" for end in SUFFIXES)]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=40))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


@dataclass(frozen=True)
class Paths:
    transformer: Path
    words: tuple[Path, ...]
    known: Path
    out: Path


def distil(paths: Paths, dimensions: int) -> None:
    """Write ``vectors.npz`` (``rows`` int8, ``scales`` float16) and ``tokenizer.json`` into ``paths.out``."""
    torch.set_num_threads(1)
    transformer, tokenizer = load_transformer(paths.transformer)
    vocabulary = tokenizer.get_vocab()
    ranked = [word for word in sorted(vocabulary, key=vocabulary.__getitem__) if re.fullmatch(r"[a-z]{2,}", word)]
    words = choose_words(ranked, read_words(paths.words), read_words([paths.known]))
    place = {word: rank for rank, word in enumerate(ranked, start=1)}
    ranks = np.array([place.get(word, len(ranked)) for word in words], np.float64)
    vectors = principal_components(embed_words(transformer, tokenizer, words), dimensions)
    vectors *= sif_weights(ranks, len(ranked))[:, None] / np.linalg.norm(vectors, axis=1).mean()
    blank = np.zeros((1, dimensions))
    rows, scales = quantise(np.concatenate([blank, vectors, np.repeat(blank, len(SUFFIXES), axis=0)]))
    paths.out.mkdir(parents=True, exist_ok=True)
    np.savez(paths.out / "vectors.npz", rows=rows, scales=scales)
    word_tokenizer(words).save(str(paths.out / "tokenizer.json"), pretty=False)
    print(f"{len(words)} words × {dimensions} dimensions in {paths.out}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transformer", type=Path, required=True)
    parser.add_argument("--words", type=Path, nargs="+", required=True)
    parser.add_argument("--known", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dimensions", type=int, default=192)
    args = parser.parse_args()
    distil(Paths(args.transformer, tuple(args.words), args.known, args.out), args.dimensions)


if __name__ == "__main__":
    main()
