"""The loop of the README as its words say it: a record, its coding, a match, a referral and the report of its acceptance."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from tests.registry.test_loop import CODED, NUMBER, STORY
from tests.registry_samples import study

ROOT = Path(__file__).parents[2]


def block():
    """The commands of the README that begin by naming the overlay."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = [it for it in re.findall(r"^```bash\n(.*?)^```", readme, re.MULTILINE | re.DOTALL) if "trials draft" in it]
    assert len(found) == 1
    return found[0]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_loop_of_the_readme_runs_word_for_word(tmp_path):
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "one.json").write_text(json.dumps(study()))
    shutil.copy(STORY, tmp_path / "request.json")
    editor = tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\ngrep -q TODO "$1" && cat > "$1" <<\'CODED\'\n{CODED}CODED\n')
    editor.chmod(0o755)
    kept = {name: it for name, it in os.environ.items() if not name.startswith("CDSHOOKS_")}
    done = subprocess.run(
        ["/bin/sh", "-e", "-c", block()],
        cwd=tmp_path,
        env=kept
        | {
            "EDITOR": str(editor),
            "PORT": str(free_port()),
            "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}",
            "XDG_STATE_HOME": str(tmp_path / "state"),
            "CDSHOOKS_TODAY": "2026-11-24",
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = done.stdout
    assert "imported: 1 new" in told
    assert f"wrote overlay/trials/{NUMBER}.yaml" in told
    assert f"{NUMBER}: coding signed by A. Coder" in told
    assert re.search(rf"{NUMBER} Madeupumab *\n +\S.*recruiting", told)  # what `explain` says of the trial
    assert f"Accepted: Refer for {NUMBER}" in told
    report = told[told.index("Accepted: ") :]
    assert re.search(rf"{NUMBER}\b.*\b1\b", report), report
