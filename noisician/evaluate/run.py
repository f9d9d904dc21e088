"""Runs suites and puts the report together.

Each suite's rows are kept in ``<folder>/rows/<suite>.json`` with a fingerprint of what they were measured on. The
report is made of the rows of every suite in the folder with this run's fingerprint, so suites can run one at a time;
rows of other weights or settings are named in the report's context and left out. The rows are no part of the report,
which names them by their checksums.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from noisician.corpus.clips import Studio
from noisician.corpus.soundfont import HELD_OUT_SOUNDFONT, SOUNDFONTS, TRAINING_SOUNDFONTS
from noisician.errors import CorpusError, FileError
from noisician.evaluate.checklists import checklists_digest
from noisician.evaluate.machine import description, versions
from noisician.evaluate.performance import Performer
from noisician.evaluate.prompts import PROMPT_LISTS, Prompt, prompts
from noisician.evaluate.report import STEM, Report
from noisician.evaluate.settings import SUITE_NAMES, EvaluateSettings
from noisician.evaluate.suites import SUITES, BenchSuite, Row, TrackSuite
from noisician.models.embedded.model import PLAYING_MODELS
from noisician.models.protocol import OnProgress, Progress, ignore_progress
from noisician.weights import MODELS, manifest

__all__ = ["EvaluateSettings", "evaluate", "quick"]

#: Suites that play soundfonts.
_PLAYING = {"tempo", "key", "stems", "faults", "mixes", "edits", "vocoder", "renderer", "life", "recorded"}
TITLE = "Evaluation"
#: Suites whose rows depend on other models than those that play.
MODELS_OF = {
    "musicianship": ("composer",),
    "vocals": ("vocals",),
    "songs": (*PLAYING_MODELS, "vocals"),
    "weights": MODELS,
    "prompts": (),
}
#: What changes the rows of one suite alone.
OWN_MARKS = {"musicianship": ("seeds", "checklists"), "lengths": ("seeds",), "prompts": ("judged",)}


def quick(folder: Path, **changes: Any) -> EvaluateSettings:
    """Settings of a smoke test: every suite on next to nothing. The figures mean nothing."""
    small: dict[str, Any] = {"prompts": 1, "seeds": 1, "duration_s": 6.0, "clips": 2, "clip_s": 4.0, "folder": folder}
    return EvaluateSettings(**(small | changes))


def evaluate(settings: EvaluateSettings, on_progress: OnProgress = ignore_progress) -> Report:
    """Runs the suites of ``settings`` and writes ``evaluation.json`` and ``evaluation.md`` into its folder.

    ``on_progress`` hears (suites, share of the work) and may raise to cancel. Raises CorpusError where soundfonts,
    samples or songs are missing, FileError where a report exists or the folder cannot be written.
    """
    _check_folder(settings)
    _check_material(settings)
    mark = fingerprint(settings)
    tracks = [SUITES[name] for name in settings.suites]
    heard = [suite for suite in tracks if isinstance(suite, TrackSuite)]
    benches = [suite for suite in tracks if isinstance(suite, BenchSuite)]
    stages = [*(["tracks"] if heard else []), *(suite.name for suite in benches)]

    def reporter(stage: str) -> Callable[[float], None]:
        place = stages.index(stage)
        return lambda share: on_progress(Progress(stage, (place + min(1.0, share)) / len(stages)))

    if heard:
        for name, rows in _track_rows(heard, settings, reporter("tracks")).items():
            _write_rows(settings.folder, name, mark, rows)
    for suite in benches:
        report_share = reporter(suite.name)
        report_share(0.0)
        rows = []
        for share, row in suite.rows(settings):
            rows.append(row)
            report_share(share)
        _write_rows(settings.folder, suite.name, mark, rows)
    report = assemble(settings.folder, mark)
    report.write(settings.folder, overwrite=True)  # _check_folder has asked
    return report


def _track_rows(
    suites: Sequence[TrackSuite], settings: EvaluateSettings, on_share: Callable[[float], None]
) -> dict[str, list[Row]]:
    """Every prompt once, heard by all suites that want its list; only one track is in memory at a time."""
    performer = Performer(Studio((settings.soundfont,), settings.samples_dir), settings.duration_s, settings.seed)
    wanted = [name for name in PROMPT_LISTS if any(name in suite.lists for suite in suites)]
    chosen: list[Prompt] = [prompt for name in wanted for prompt in prompts(name)[: settings.prompts]]
    rows: dict[str, list[Row]] = {suite.name: [] for suite in suites}
    for number, prompt in enumerate(chosen):
        performance = performer.perform(
            prompt, lambda share, number=number: on_share((number + share / 2) / len(chosen))
        )
        for suite in suites:
            if prompt.list_name in suite.lists:
                rows[suite.name] += suite.hear(performance)
        on_share((number + 1) / len(chosen))
    return rows


@dataclass(frozen=True)
class Fingerprint:
    """What rows must share to stand in one report."""

    weights: Mapping[str, str]
    prompts: int
    duration_s: float
    clips: int
    clip_s: float
    soundfont: str
    seed: int
    seeds: int
    checklists: str
    judged: str
    machine: str
    versions: Mapping[str, str]

    def of_suite(self, name: str) -> dict[str, Any]:
        """Plain values with the weights that a suite's rows depend on: new voices leave the players' rows valid."""
        models = MODELS_OF.get(name, PLAYING_MODELS)
        foreign = {mark for marks in OWN_MARKS.values() for mark in marks} - set(OWN_MARKS.get(name, ()))
        plain = {mark: value for mark, value in asdict(self).items() if mark not in foreign}
        return plain | {"weights": {model: sha for model, sha in self.weights.items() if model in models}}


def fingerprint(settings: EvaluateSettings) -> Fingerprint:
    return Fingerprint(
        weights={name: entry["sha256"][:16] for name, entry in manifest().items()},
        prompts=settings.prompts,
        duration_s=settings.duration_s,
        clips=settings.clips,
        clip_s=settings.clip_s,
        soundfont=settings.soundfont,
        seed=settings.seed,
        seeds=settings.seeds,
        checklists=checklists_digest(),
        judged=_digest(settings.judged),
        machine=description(),
        versions=versions(),
    )


def _digest(path: Path) -> str:
    """What tells one file of judged prompts from another; empty where there is none, which its suite says."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else ""


def rows_of(folder: Path, suite: str) -> list[Row]:
    """The rows a suite left in ``folder``. Raises FileError where they cannot be read."""
    path = _rows_path(folder, suite)
    try:
        return json.loads(path.read_text(encoding="utf-8"))["rows"]
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise FileError(f"{path} cannot be read ({broken}); delete it and run its suite again") from broken


def assemble(folder: Path, mark: Fingerprint) -> Report:
    """The report of all rows in ``folder`` that were measured as ``mark`` says. Raises FileError."""
    figures, left_out, digests = [], [], {}
    for name in SUITE_NAMES:
        path = _rows_path(folder, name)
        if not path.exists():
            continue
        try:
            text = path.read_bytes()
            kept = json.loads(text)
            same, rows = kept["fingerprint"] == mark.of_suite(name), kept["rows"]
        except (OSError, ValueError, KeyError, TypeError) as broken:
            raise FileError(f"{path} cannot be read ({broken}); delete it and run its suite again") from broken
        if same:
            figures += SUITES[name].figures(rows)
            digests[name] = hashlib.sha256(text).hexdigest()[:16]
        else:
            left_out.append(name)
    return Report(TITLE, tuple(figures), _context(mark, digests, left_out))


def _context(mark: Fingerprint, digests: Mapping[str, str], left_out: Sequence[str]) -> dict[str, str]:
    context = {
        "machine": mark.machine,
        "versions": ", ".join(f"{name} {number}" for name, number in mark.versions.items()),
        "weights (sha-256)": ", ".join(f"{name} {digest}" for name, digest in mark.weights.items()),
        "tracks": f"the first {mark.prompts} prompts of each list, {mark.duration_s:g} s each, seed {mark.seed}",
        "clips": f"{mark.clips} a comparison, {mark.clip_s:g} s each, seeds from 1000000 (held out of training)",
        "soundfonts": f"baselines of tracks: {mark.soundfont}; held out of training: {HELD_OUT_SOUNDFONT}",
    }
    if digests:
        context["rows (sha-256)"] = ", ".join(f"{name} {digest}" for name, digest in digests.items())
    if left_out:
        context["left out"] = f"{', '.join(left_out)} (rows of other weights, settings or versions)"
    return context


def _rows_path(folder: Path, suite: str) -> Path:
    return folder / "rows" / f"{suite}.json"


def _write_rows(folder: Path, suite: str, mark: Fingerprint, rows: Sequence[Row]) -> None:
    path = _rows_path(folder, suite)
    part = path.with_name(f".{path.name}.part")
    text = json.dumps({"fingerprint": mark.of_suite(suite), "rows": list(rows)}, indent=1, ensure_ascii=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text + "\n", encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FileError(f"cannot write {path}: {error.strerror or error}") from error


def _check_folder(settings: EvaluateSettings) -> None:
    """An existing report is replaced only when asked; known before hours of work, not after."""
    existing = [settings.folder / f"{STEM}{suffix}" for suffix in (".json", ".md")]
    existing = [path for path in existing if path.exists()]
    if existing and not settings.overwrite:
        raise FileError(f"{existing[0]} exists; it is replaced only when asked (--force)")


def _check_material(settings: EvaluateSettings) -> None:
    """What the suites need must be there before the first of them starts."""
    if not _PLAYING & set(settings.suites):
        return
    if settings.soundfont not in SOUNDFONTS:
        raise CorpusError(f"soundfont {settings.soundfont!r} is none of {', '.join(SOUNDFONTS)}")
    needed = {settings.soundfont}
    if {"vocoder", "renderer"} & set(settings.suites):
        needed |= {*TRAINING_SOUNDFONTS, HELD_OUT_SOUNDFONT}
    missing = [str(SOUNDFONTS[name]) for name in sorted(needed) if not SOUNDFONTS[name].exists()]
    if missing:
        raise CorpusError(f"soundfont {missing[0]} is missing; the baselines need it (see docs on the corpus)")
    if settings.samples_dir is None or not settings.samples_dir.is_dir():
        raise CorpusError(
            f"samples folder {settings.samples_dir} is missing; sampled kits in the baselines need it (--samples)"
        )
    beside_recordings = {"life", "recorded"} & set(settings.suites)
    if beside_recordings and (settings.recordings_dir is None or not settings.recordings_dir.is_dir()):
        raise CorpusError(
            f"recordings folder {settings.recordings_dir} is missing; single notes are compared with it (--recordings)"
        )
