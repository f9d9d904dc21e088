"""``python -m noisician`` is ``noisician``."""

from noisician.cli import main

if __name__ == "__main__":
    main()
