"""How big the models are that ship."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from noisician.evaluate.report import Figure, Target
from noisician.evaluate.settings import EvaluateSettings
from noisician.evaluate.suites.suite import BenchSuite, Row
from noisician.renderer.library import ENTRY, SUFFIX
from noisician.weights import FOLDER, manifest

MEGABYTE = 1e6
LIMIT_MB = 92


def rows(settings: EvaluateSettings) -> Iterator[tuple[float, Row]]:
    """One row a model, its file measured on disk, and one for the references; everything else last."""
    files = {name: FOLDER / entry["file"] for name, entry in manifest().items() if "file" in entry}
    sizes = {name: path.stat().st_size for name, path in files.items()}
    kept = [path for path in FOLDER.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    sizes[ENTRY] = sum(path.stat().st_size for path in kept if path.suffix == SUFFIX)
    sizes["text"] = sum(path.stat().st_size for path in kept) - sum(sizes.values())
    for number, (name, size) in enumerate(sizes.items()):
        yield (number + 1) / len(sizes), {"model": name, "bytes": size}


def figures(rows: Sequence[Row]) -> list[Figure]:
    """Sizes in MB (10⁶ bytes)."""
    total = sum(row["bytes"] for row in rows) / MEGABYTE
    how = "Size of the files in the package."
    return [
        Figure("weights together", total, "MB", how, Target("at most", LIMIT_MB), len(rows)),
        *[Figure(f"weights, {row['model']}", row["bytes"] / MEGABYTE, "MB", how) for row in rows],
    ]


SUITE = BenchSuite("weights", rows, figures)
