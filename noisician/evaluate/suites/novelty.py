"""Are the melodies the composer writes its own? Sampled scores against the songs it was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from noisician.composer import Composer, ComposerSettings, make_plan
from noisician.corpus.human import read_scores
from noisician.corpus.songs import SongPack, open_songs, procedural_song
from noisician.errors import CorpusError
from noisician.evaluate.held_out import FIRST_HELD_OUT_SEED
from noisician.evaluate.novelty import NGRAM, Corpus, Phrase, longest_common_run, ngram_overlap, phrases
from noisician.evaluate.prompts import PROMPT_LISTS, prompts
from noisician.evaluate.report import Figure
from noisician.evaluate.settings import EvaluateSettings
from noisician.evaluate.suites.suite import BenchSuite, Row, baselines, mean
from noisician.prompt import understand
from noisician.score.grid import Grid
from noisician.score.model import LEARNT_METERS

SAMPLED, PROCEDURE, PEOPLE = "sampled", "held-out procedure", "held-out human"
_HOW = (
    "Melodies (intervals and onset distances of the lead, so transposition does not hide a copy) of the scores written "
    "for the prompts, against all {songs} songs of the training packs. Baselines: songs of the same procedure and of "
    "people that were held out, measured the same way."
)


@dataclass(frozen=True)
class Searched(Corpus):
    """A corpus that remembers its runs of the n-gram length, so that many songs can be looked up in it."""

    known: dict[int, set[bytes]] = field(default_factory=dict, compare=False)

    def runs(self, length: int) -> set[bytes]:
        if length != NGRAM:
            return super().runs(length)  # kept once for every length these sets would fill the memory
        if length not in self.known:
            self.known[length] = super().runs(length)
        return self.known[length]


def pack_grids(packs: Iterable[SongPack]) -> Iterator[Grid]:
    """Every song of the packs as a grid."""
    for pack in packs:
        for song, signature in enumerate(pack.signature):
            tokens = pack.tokens[pack.offset[song] : pack.offset[song + 1]]
            yield Grid(tokens, LEARNT_METERS[int(signature)])


def sampled_grids(settings: EvaluateSettings) -> Iterator[tuple[str, Grid]]:
    """(prompt, the grid the composer writes for it), as in the tracks of the other suites."""
    composer = Composer()
    for list_name in PROMPT_LISTS:
        for prompt in prompts(list_name)[: settings.prompts]:
            request = prompt.request(settings.duration_s, settings.seed)
            seed = request.seed or 0
            yield prompt.text, composer.compose(make_plan(understand(request), seed), seed, ComposerSettings())


def held_out_grids(settings: EvaluateSettings) -> Iterator[tuple[str, str, Grid]]:
    """(kind, name, grid) of as many procedural songs as there are sampled ones, and of the held-out human scores."""
    for number in range(2 * settings.prompts):
        yield PROCEDURE, f"seed {FIRST_HELD_OUT_SEED + number}", procedural_song(FIRST_HELD_OUT_SEED + number).grid
    if settings.scores_dir is not None:
        for score in read_scores(settings.scores_dir, held_out=True):
            yield PEOPLE, score.name, score.grid


def open_corpus(folder: Path) -> tuple[Searched, int]:
    """(the leads of all packs, number of songs). Raises CorpusError where there are none."""
    packs = open_songs(folder)
    if not packs:
        raise CorpusError(f"no songs in {folder}; novelty is measured against them: noisician corpus songs")
    songs = sum(len(pack.signature) for pack in packs.values())
    return Searched(Searched.of_grids(pack_grids(packs.values())).phrases), songs


def rows(settings: EvaluateSettings) -> Iterator[tuple[float, Row]]:
    """One row a song, then one a kind with the longest run its songs share with the corpus."""
    corpus, songs = open_corpus(settings.songs_dir)
    melodies: dict[str, list[Phrase]] = {}

    def row(kind: str, name: str, grid: Grid) -> Row:
        lead = phrases(grid)
        melodies.setdefault(kind, []).extend(lead)
        return {"kind": kind, "name": name, "overlap": ngram_overlap(lead, corpus), "songs": songs}

    total = 2 * settings.prompts
    for number, (text, grid) in enumerate(sampled_grids(settings)):
        yield 0.8 * (number + 1) / total, row(SAMPLED, text, grid)
    for kind, name, grid in held_out_grids(settings):
        yield 0.8, row(kind, name, grid)
    corpus.known.clear()
    for number, (kind, lead) in enumerate(melodies.items()):
        share = 0.8 + 0.2 * (number + 1) / len(melodies)
        yield share, {"kind": kind, "longest_moves": longest_common_run(lead, corpus), "songs": songs}


def figures(rows: Sequence[Row]) -> list[Figure]:
    """Shares of known n-grams in percent, longest shared runs in moves."""
    songs = rows[0]["songs"] if rows else 0
    how = _HOW.format(songs=songs)
    overlaps = [row for row in rows if "overlap" in row and row["overlap"] is not None]
    longest = {row["kind"]: row["longest_moves"] for row in rows if "longest_moves" in row}
    shares = {kind: mean(row["overlap"] for row in overlaps if row["kind"] == kind) for kind in _KINDS}
    percents = {kind: None if share is None else 100 * share for kind, share in shares.items()}
    ours = [row for row in overlaps if row["kind"] == SAMPLED]
    copies = [row["overlap"] for row in ours if row["overlap"] > 0.5]
    return [
        Figure(
            f"melody {NGRAM}-grams that occur in the corpus",
            percents[SAMPLED],
            "%",
            how,
            None,
            len(ours),
            baselines(held_out_procedure=percents[PROCEDURE], held_out_human=percents[PEOPLE]),
        ),
        Figure(
            "songs with more than half of their n-grams in the corpus",
            100 * len(copies) / len(ours) if ours else None,
            "%",
            how,
            None,
            len(ours),
        ),
        Figure(
            "longest melody shared with the corpus",
            longest.get(SAMPLED),
            "moves",
            f"{how} The longest run of moves any sampled song shares with any song of the corpus.",
            None,
            len(ours),
            baselines(held_out_procedure=longest.get(PROCEDURE), held_out_human=longest.get(PEOPLE)),
        ),
    ]


_KINDS = (SAMPLED, PROCEDURE, PEOPLE)

SUITE = BenchSuite("novelty", rows, figures)
