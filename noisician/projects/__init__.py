"""Pieces as projects of other people's programs: every player's sound and notes on one time line.

A :class:`Project` is what all formats have in common; a module each writes it down.
"""

from __future__ import annotations

from noisician.projects.model import Project, ProjectTrack, project_of
from noisician.projects.write import (
    KINDS,
    SUNG_KINDS,
    Sound,
    check_project,
    project_path,
    write_project,
    write_score_as_project,
)

__all__ = [
    "KINDS",
    "SUNG_KINDS",
    "Project",
    "ProjectTrack",
    "Sound",
    "check_project",
    "project_of",
    "project_path",
    "write_project",
    "write_score_as_project",
]
