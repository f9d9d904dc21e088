"""What docs/service.md promises of settings, names, endpoints and examples."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from small_service import small_service

from noisician.service.compat.names import OTHER_NAMES
from noisician.service.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "service.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading."""
    part = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    found = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found[2:]]


def test_every_setting_is_in_the_table_with_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"NOISICIAN_{name.upper()}", raising=False)
    settings = Settings()
    table = {cells[0].strip("`"): cells[1].strip("`") for cells in rows("Settings")}
    assert list(table) == [f"NOISICIAN_{name.upper()}" for name in Settings.model_fields]
    for name in Settings.model_fields:
        default: Any = getattr(settings, name)
        shown = table[f"NOISICIAN_{name.upper()}"]
        if name == "data":
            assert shown == "the user's data folder"
        elif default is None:
            assert shown == "none"
        elif isinstance(default, tuple):
            assert shown == json.dumps(list(default))
        else:
            assert shown == (f"{default:g}" if isinstance(default, float) else str(default))


def test_lists_are_written_as_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.search(r"NOISICIAN_DEVICES='([^']+)'", PAGE)
    assert found is not None
    monkeypatch.setenv("NOISICIAN_DEVICES", found[1])
    assert Settings().devices == ("cuda:0", "cpu")


def test_every_name_of_other_apis_is_in_the_table() -> None:
    table = {cells[0].strip("`"): set(re.findall(r"`(\w+)`", cells[1])) for cells in rows("Names of other APIs")}
    assert {(name, field) for field, names in table.items() for name in names} == set(OTHER_NAMES.items())


def test_what_the_document_refers_to_is_in_it(tmp_path: Path) -> None:
    document = small_service(tmp_path).app.openapi()
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert len(named) > 20 and named <= set(document["components"]["schemas"])


def test_every_endpoint_is_one_of_the_service(tmp_path: Path) -> None:
    there = small_service(tmp_path).app.openapi()["paths"]
    tables = re.findall(r"^\| (.*?`/?v1/.*?|.*?`(?:GET|POST|PATCH|DELETE).*?) \|", PAGE, re.MULTILINE)
    shown: set[tuple[str, str]] = set()
    for cell in tables:
        cell = re.sub(r"\?[^`]*`", "`", cell)
        paths = [path.rstrip(",`") for path in re.findall(r"/v1/[\w/{}]+", cell)]
        last = re.findall(r"`…?/?(\w+)`", cell)
        folder = paths[0].rsplit("/", 1)[0]
        names = [name for name in last if not name.isupper()]
        for method in re.findall(r"GET|POST|PATCH|DELETE", cell):
            shown |= {(method.lower(), path) for path in (*paths, *(f"{folder}/{name}" for name in names))}
    assert len(shown) > 20
    assert [entry for entry in shown if entry[0] not in there.get(entry[1], {})] == []


def test_the_python_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The examples as they stand, one after another, against a service that answers at that address."""
    monkeypatch.chdir(tmp_path)
    with small_service(tmp_path).at_an_address() as address:
        for block in python_blocks():
            exec(compile(block.replace("http://127.0.0.1:8484", address), "service.md", "exec"), {})
    assert len(list(tmp_path.glob("take_*.mp3"))) == 2
    assert len(list((tmp_path / "songs").glob("calm-piano_*.flac"))) == 2
    assert capsys.readouterr().out.endswith(" regenerate lead, bar 1 (seed 9); mix lead: gain -2 dB\n")


def python_blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_tour_names_every_shortcut_of_the_studio() -> None:
    folder = Path(__file__).parents[2]
    page = (folder / "docs" / "studio.md").read_text(encoding="utf-8")
    sources = [folder / "studio" / "src" / part / "shortcuts.ts" for part in ("lib", "player")]
    keys: list[str] = []
    for source in sources:
        text = source.read_text(encoding="utf-8")
        keys += re.findall(r"^ +\['([^']+)', '[^']+'\],$", text, re.MULTILINE)
        keys += re.findall(r"keys: '([^']+)', label", text)
    assert len(keys) > 15
    assert [key for key in keys if f"`{key}`" not in page] == []
