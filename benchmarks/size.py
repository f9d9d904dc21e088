"""How much disk a default install takes, and the package itself.

    python benchmarks/size.py                        a fresh virtual environment, the package built and installed
    python benchmarks/size.py --existing FOLDER      the site-packages of an environment that is there already

Sizes are sums of file sizes (10⁶ bytes), byte-compiled files included, pip itself not.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from common import MEGABYTE, markdown_table, publish

ROOT = Path(__file__).resolve().parents[1]
#: What a virtual environment brings by itself.
_BROUGHT = ("pip", "setuptools", "wheel", "_distutils_hack", "distutils-precedence.pth")


def folder_bytes(path: Path) -> int:
    """All files under ``path``, links not followed."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if file.is_file() and not file.is_symlink())


def sizes_of(site_packages: Path) -> dict[str, int]:
    """Top-level entry → bytes, biggest first; metadata and bundled libraries count with their package."""
    sizes: dict[str, int] = {}
    for entry in site_packages.iterdir():
        name = entry.name.split("-")[0].removesuffix(".libs").removesuffix(".py")
        if name not in _BROUGHT and entry.name not in _BROUGHT:
            sizes[name] = sizes.get(name, 0) + folder_bytes(entry)
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def install(folder: Path) -> tuple[Path, int]:
    """Builds the wheel and installs it with its dependencies; (site-packages, bytes of the wheel)."""
    wheels = folder / "wheels"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    pip[0] = str(python)
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(wheels), str(ROOT)], check=True)
    (wheel,) = wheels.glob("*.whl")
    subprocess.run([*pip, "install", str(wheel)], check=True)
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    found = subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True)
    return Path(found.stdout.strip()), wheel.stat().st_size


def main() -> None:
    parser = argparse.ArgumentParser(description="Size of a default install.")
    parser.add_argument("--existing", type=Path, help="measure this site-packages folder instead of a fresh install")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if options.existing is not None:
            site_packages, wheel = options.existing, None
        else:
            site_packages, wheel = install(Path(scratch))
        sizes = sizes_of(site_packages)
    # An editable install has only a pointer there.
    package = sizes["noisician"] if wheel is not None else folder_bytes(ROOT / "noisician")
    rows = [
        ("default install (site-packages)", sum(sizes.values()) / MEGABYTE, "MB", "≤ 450"),
        ("package noisician, installed", package / MEGABYTE, "MB", "≤ 90"),
        ("wheel", "not built" if wheel is None else wheel / MEGABYTE, "MB", ""),
        *[(name, size / MEGABYTE, "MB", "") for name, size in list(sizes.items())[:12]],
    ]
    publish("size", markdown_table(("figure", "value", "unit", "target"), rows), {"bytes": sizes, "wheel_bytes": wheel})


if __name__ == "__main__":
    main()
