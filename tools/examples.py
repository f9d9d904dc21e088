"""Writes the Python examples of the documents into a folder, a file each page, for a strict type checker to read.

python tools/examples.py FOLDER && pyright --project FOLDER
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: What a user's own project may well ask of them.
_CONFIGURATION = {"typeCheckingMode": "strict", "pythonVersion": "3.10", "reportMissingModuleSource": False}
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def pages() -> dict[str, list[str]]:
    """The examples of each page that has any, in order."""
    found = {}
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))):
        blocks = _BLOCK.findall(page.read_text(encoding="utf-8"))
        if blocks:
            found[page.name] = blocks
    return found


def write(folder: Path) -> list[Path]:
    """One file for each example, because each stands for itself; returns what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyrightconfig.json").write_text(json.dumps(_CONFIGURATION), encoding="utf-8")
    written = []
    for page, blocks in pages().items():
        for number, block in enumerate(blocks, start=1):
            path = folder / f"{page.removesuffix('.md').lower()}_{number}.py"
            path.write_text(block, encoding="utf-8")
            written.append(path)
    return written


if __name__ == "__main__":
    for path in write(Path(sys.argv[1])):
        print(path)
