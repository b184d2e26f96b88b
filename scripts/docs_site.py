"""Builds the documentation site: the pages of docs/, files at the root that belong to it, and a reference written from the code.

``python scripts/docs_site.py build`` writes build/documentation/site and refuses broken links; ``serve`` shows it on port 8000.
A folder as second word takes the place of build/documentation.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from docs_reference import reference_pages

from cdshooks.app import build_app
from cdshooks.settings import Settings

ROOT = Path(__file__).parents[1]
INCLUDED = {
    "GLOSSARY.md": "explanation/glossary.md",
    "SAFETY.md": "explanation/safety.md",
    "CHANGELOG.md": "changelog.md",
}
"""File at the root -> its page: included, not copied by hand."""
PICTURES = ROOT / "tests" / "browser" / "pictures"


def assemble(folder: Path) -> None:
    """Bring all pages and the configuration together in a folder."""
    pages = folder / "docs"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs", pages)
    shutil.copy(ROOT / "zensical.toml", folder)
    for name, page in INCLUDED.items():
        (pages / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, pages / page)
    for page in pages.rglob("*.md"):
        for picture in re.findall(r"\]\((?:\.\./)*pictures/([^)]+)\)", page.read_text("utf-8")):
            (pages / "pictures").mkdir(exist_ok=True)
            shutil.copy(PICTURES / picture, pages / "pictures" / picture)
    with tempfile.TemporaryDirectory() as state:
        reference = reference_pages(build_app(Settings(is_dev=True, is_evaluation=True, state_directory=Path(state))))
    (pages / "reference").mkdir(exist_ok=True)
    for name, text in reference.items():
        (pages / "reference" / name).write_text(text, encoding="utf-8")


def main() -> int:
    """Build or serve."""
    way = sys.argv[1] if len(sys.argv) > 1 else "build"
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "build" / "documentation"
    assemble(folder)
    more = ("--strict", "--clean") if way == "build" else ("--dev-addr", "127.0.0.1:8000")
    zensical = Path(sys.executable).parent / "zensical"
    return subprocess.run([zensical, way, "--config-file", folder / "zensical.toml", *more], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
