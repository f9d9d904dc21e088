"""Understands a request: free text and options become :class:`Controls`, each value with its reason."""

from __future__ import annotations

from noisician.prompt.controls import Controls, Reason, SectionHint
from noisician.prompt.understanding import ExplainRow, explain_rows, read_figures, understand

__all__ = ["Controls", "ExplainRow", "Reason", "SectionHint", "explain_rows", "read_figures", "understand"]
