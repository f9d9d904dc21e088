"""``noisician``, and ``python -m noisician``: the command line, from whose first moment on Ctrl-C is one line."""

from __future__ import annotations

import sys


def main() -> None:
    try:
        from noisician.cli import main as run

        run()
    except KeyboardInterrupt:
        # While modules were still being read, or what was left was tidied up.
        print("stopped", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
