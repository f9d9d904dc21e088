"""The service and instruments of the user's own: listed, asked for, understood, refused once they are gone."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pydantic_settings")
pytest.importorskip("fastapi")

from desk import Desk
from recorded_notes import tone, write

from noisician import instruments


def test_an_instrument_added_while_the_service_runs_is_one_like_any_other(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "studio")

    def listed() -> set[str]:
        return {row["id"] for row in desk.http.get("/v1/styles").json()["instruments"]}

    before = listed()
    instruments.add("door_harp", [write(tmp_path / "harp_C4.wav", tone(60, 0.8))])
    assert listed() - before == {"door_harp"}
    understood = desk.http.post("/v1/explain", json={"instruments": ["door_harp"]}).json()
    assert understood["controls"]["instruments"] == ["door_harp"] and understood["problem"] is None
    desk.ask(instruments=["door_harp"], carry_instruments=True)
    instruments.remove("door_harp")
    gone = desk.http.post("/v1/music", json={"instruments": ["door_harp"]})
    assert gone.status_code == 422 and "'door_harp' is not known" in gone.text
