"""What was handed in."""

from __future__ import annotations

import re
from dataclasses import asdict

from sqlalchemy import delete, insert, select

from noisician.service.records import UploadRecord
from noisician.service.store.database import Part
from noisician.service.store.reading import upload_record
from noisician.service.store.tables import JobRow, UploadRow

_UPLOAD_ID = re.compile(r"upload_[0-9a-f]{16}")


class Uploads(Part):
    """Uploaded sound files; their bytes lie in the data folder."""

    def add_upload(self, upload: UploadRecord) -> None:
        with self.database.writing() as connection:
            connection.execute(insert(UploadRow).values(asdict(upload)))

    def upload(self, upload_id: str) -> UploadRecord | None:
        with self.database.reading() as connection:
            row = connection.execute(select(UploadRow).where(UploadRow.id == upload_id)).first()
        return None if row is None else upload_record(row)

    def uploads_beyond(self, kept: int) -> tuple[str, ...]:
        """Ids of all but the newest ``kept``, oldest first, without those that a waiting or running job names."""
        newest_first = select(UploadRow.id).order_by(UploadRow.seq.desc()).offset(kept)
        unfinished = select(JobRow.params).where(JobRow.status.in_(("queued", "in_progress")))
        with self.database.reading() as connection:
            beyond = connection.scalars(newest_first).all()
            params = connection.scalars(unfinished).all() if beyond else ()
        used = {upload_id for text in params for upload_id in _UPLOAD_ID.findall(str(text))}
        return tuple(upload_id for upload_id in reversed(beyond) if upload_id not in used)

    def delete_upload(self, upload_id: str) -> bool:
        """False: unknown."""
        with self.database.writing() as connection:
            return connection.execute(delete(UploadRow).where(UploadRow.id == upload_id)).rowcount > 0
