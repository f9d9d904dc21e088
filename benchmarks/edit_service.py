"""How soon an edit is heard from a running service, also while it makes something long.

    python benchmarks/edit_service.py [--length 60] [--repeats 3] [--beside 300]

The piece is that of ``benchmarks/edit.py``. An edit is timed from its POST, on one connection, until the first second
that it changes has been fetched, and until its take is in the library. Each is asked for with nothing else to do, and
then while a job of ``--beside`` seconds of music runs.
"""

from __future__ import annotations

import argparse
import time
from statistics import median
from typing import Any

from common import markdown_table, publish
from edit import REQUEST, edits_of
from service_at_work import PATIENCE_S, Client, studio, until

from noisician.piece import piece_of
from noisician.recipe import Recipe

POLL_S = 0.02


def finished(client: Client, job_id: str) -> dict[str, Any]:
    """The first take of a job, once it is there."""

    def taken() -> dict[str, Any] | None:
        job = client.must(200, "GET", f"/v1/music/{job_id}").json
        assert job["status"] != "failed", job["error"]
        return job["outputs"][0] if job["outputs"] else None

    return until("the take", taken)


def heard(client: Client, take_id: str, edit: dict[str, Any]) -> tuple[float, float]:
    """Seconds from the POST until the first that the edit changes has been fetched, and until its take is listed."""
    begun = time.perf_counter()
    job_id = client.must(202, "POST", f"/v1/takes/{take_id}/edit", {"edits": [edit]}).json["id"]
    while client.ask("GET", f"/v1/music/{job_id}/excerpt").status != 200:
        assert time.perf_counter() - begun < PATIENCE_S, "no excerpt came"
        time.sleep(POLL_S)
    first_s = time.perf_counter() - begun
    finished(client, job_id)
    return first_s, time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description="Edits of a finished piece in the service.")
    parser.add_argument("--length", type=float, default=60.0, help="seconds of the piece")
    parser.add_argument("--repeats", type=int, default=3, help="edits of each kind")
    parser.add_argument("--beside", type=float, default=300.0, help="seconds of music that the long job makes")
    options = parser.parse_args()
    wish = REQUEST.model_dump(mode="json", exclude_defaults=True) | {"duration_s": options.length}
    timed: dict[str, list[tuple[float, float]]] = {}
    with studio() as running:
        client = running.client
        take = finished(client, client.must(202, "POST", "/v1/music", wish).json["id"])
        piece = piece_of(Recipe.model_validate(client.must(200, "GET", f"/v1/takes/{take['id']}/recipe").json))
        assert piece is not None
        until("the end of all work", lambda: client.must(200, "GET", "/health").json["running"] == 0)
        heard(client, take["id"], edits_of(piece, 50)["gain of one player"])  # from here on all is warm
        for beside in ("", ", beside a long job"):
            if beside:
                client.must(202, "POST", "/v1/music", {"prompt": "trance", "duration_s": options.beside, "takes": 8})
                until("the long job", lambda: client.must(200, "GET", "/health").json["running"] > 0)
            for turn in range(options.repeats):
                for name, edit in edits_of(piece, turn + (options.repeats if beside else 0)).items():
                    timed.setdefault(name + beside, []).append(heard(client, take["id"], edit))
    rows = [
        [name, *(f(each) for each in zip(*times, strict=True) for f in (median, max))] for name, times in timed.items()
    ]
    header = ("edit", "first heard, median s", "slowest s", "take finished, median s", "slowest s")
    publish("edit_service", markdown_table(header, rows), {"length_s": options.length, "timed_s": timed})


if __name__ == "__main__":
    main()
