"""A service without a worker and a client of it, for tests of the HTTP API: what waits is made when they say so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import quick_maker
from small_service import SmallService, small_service
from starlette.testclient import TestClient

from noisician.models.protocol import ignore_progress, never
from noisician.service import schemas
from noisician.service.app import create_app
from noisician.service.files import new_id
from noisician.service.records import Claim
from noisician.service.work.take_job import Watch, make_take, sources_of, task_of

NOBODY = "0123456789abcdef"


class Desk:
    """A service and a client of it; ``work`` makes what waits."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        least_free = settings.pop("least", 0)
        self.service: SmallService = small_service(folder, works=False, **settings)
        if least_free:
            self.service.settings = self.service.settings.model_copy(update={"least_free_bytes": least_free})
            self.service.app = create_app(self.service.settings, self.service.store, self.service.files)
        self.store, self.files, self.app = self.service.store, self.service.files, self.service.app
        self.http = TestClient(self.app, base_url="http://127.0.0.1:8484", follow_redirects=False)

    def ask(self, prompt: str = "calm piano", **body: Any) -> dict[str, Any]:
        answer = self.http.post("/v1/music", json={"prompt": prompt, **body})
        assert answer.status_code == 202, answer.text
        return answer.json()

    def edits(self, job: dict[str, Any]) -> list[dict[str, Any]]:
        """What a job does to its parent."""
        record = self.store.job(job["id"])
        assert record is not None
        return list(record.edits)

    def claim(self) -> Claim:
        claim = self.store.claim("auto", 60.0)
        assert claim is not None
        return claim

    def work(self, duration_s: float | None = None) -> None:
        """Makes the next job as a worker does; its takes may be said to be of another length."""
        claim = self.claim()
        task = task_of(claim.job, sources_of(claim.job, self.files, self.store), self.files)
        for number in range(1, claim.job.takes + 1):
            watch = Watch(ignore_progress, never)
            take = make_take(task, number, quick_maker.make, self.files, new_id("take"), watch, quick_maker.edit)
            assert self.store.add_take(claim, replace(take, duration_s=duration_s or take.duration_s))
        assert self.store.finish(claim, "completed")

    def take(self, prompt: str = "calm piano", **body: Any) -> dict[str, Any]:
        job = self.ask(prompt, **body)
        self.work()
        return self.http.get(f"/v1/music/{job['id']}").json()["outputs"][0]


def refused(answer: Any, status: int, code: str, param: str | None = None) -> schemas.ErrorBody:
    """The error of an answer, which must have the one shape."""
    assert answer.status_code == status, answer.text
    error = schemas.ErrorAnswer.model_validate_json(answer.content).error
    assert (error.code, error.param) == (code, param), error
    assert "\n" not in error.message
    return error
