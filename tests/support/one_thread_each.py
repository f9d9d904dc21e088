"""Numerical libraries on one thread, for who imports this before them: the other cores are at work on other tests.

Threads that wait for a core which is busy spin meanwhile, and a product of two small matrices costs ten times what it
takes. What tests start inherits it.
"""

from __future__ import annotations

import os

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
