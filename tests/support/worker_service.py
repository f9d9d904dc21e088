"""The service without its web side, for tests: a store, a data folder, and a supervisor with real worker processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from noisician import api
from noisician.export.embed import PNG_SIGNATURE
from noisician.service.files import Files, new_id
from noisician.service.records import FINISHED, JobRecord, NewJob, UploadRecord
from noisician.service.settings import Settings
from noisician.service.store import Store
from noisician.service.work.supervisor import Supervisor

QUICK, QUICK_EDITOR = "quick_maker:make", "quick_maker:edit"
PATIENCE_S = 60.0


@dataclass
class Service:
    """All of the service but its web side."""

    settings: Settings
    maker: str = QUICK
    editor: str = QUICK_EDITOR
    store: Store = field(init=False)
    files: Files = field(init=False)
    supervisor: Supervisor = field(init=False)

    def __post_init__(self) -> None:
        self.files = Files(self.settings.data)
        self.files.prepare()
        self.store = Store(self.settings.database)
        self.supervisor = Supervisor(self.settings, self.store, self.maker, self.editor)

    def ask(self, prompt: str = "", takes: int = 1, **others: Any) -> str:
        params = {"prompt": prompt, "seed": 5, **others.pop("params", {})}
        return self.store.enqueue(NewJob(params, "embedded", takes, **others), 1000)[0].id

    def ask_edit(self, take_id: str, *edits: dict[str, Any], **others: Any) -> str:
        """A job that edits a take; without edits one is made up."""
        take = self.store.take(take_id)
        assert take is not None
        edits = edits or ({"op": "rest", "players": ["lead"]},)
        params = {"prompt": "a", "seed": 5}
        new = {"operation": "edit", "parent_take": take_id, "title": take.take.title, "edits": edits, **others}
        return self.store.enqueue(NewJob(params, "embedded", 1, **new), 1000)[0].id

    def made(self, prompt: str = "some words") -> str:
        """The id of a take that was just made."""
        job_id = self.ask(prompt)
        assert self.ended(job_id).status == "completed"
        return self.store.takes_of(job_id)[0].id

    def job(self, job_id: str) -> JobRecord:
        job = self.store.job(job_id)
        assert job is not None
        return job

    def ended(self, job_id: str) -> JobRecord:
        until(lambda: self.job(job_id).status in FINISHED)
        return self.job(job_id)

    @property
    def pid(self) -> int:
        return self.supervisor.processes["auto"]

    def upload(self, data: bytes, name: str) -> str:
        upload_id = new_id("upload")
        self.files.upload(upload_id).write_bytes(data)
        self.store.add_upload(UploadRecord(upload_id, name, "wav", len(data), "", time.time()))
        return upload_id

    def numbers(self, job_id: str) -> list[int]:
        return sorted(take.take.number for take in self.store.takes_of(job_id))


def until(condition: Callable[[], object]) -> None:
    """Waits for what must come."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def check_library(service: Service) -> None:
    """Every take has its files, and every folder its take; nothing half-written is about."""
    rows = {take.id for take in service.store.takes(limit=1000, versions=True).items}
    assert {folder.name for folder in service.files.takes.iterdir()} == rows
    for take_id in rows:
        assert service.files.track(take_id).stat().st_size > 1000
        assert service.files.picture(take_id).read_bytes().startswith(PNG_SIGNATURE)
        assert api.read_recipe(service.files.recipe(take_id)) == api.read_recipe(service.files.track(take_id))
        assert service.files.stem(take_id, "lead-flute").exists()
    assert not [path for path in service.files.tmp.rglob("*") if path.is_file()]
