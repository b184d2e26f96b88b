"""The steps of the Dockerfile without containers: wheel, empty environment, locked packages, a user who can write none of it."""

from __future__ import annotations

import json
import os
import pwd
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from production import Production

PROJECT = Path(__file__).resolve().parent.parent
PROCESSORS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28")
"""What the image is built for: its base is Debian 13. Source: CON-08."""


def run(*words: str | Path) -> None:
    """A step; its output is shown if it fails."""
    done = subprocess.run([str(it) for it in words], capture_output=True, text=True, check=False, cwd=PROJECT)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def main() -> None:
    """Build, install, run, stop."""
    if os.geteuid() != 0:
        sys.exit("make wheel-check needs root: the files belong to one user and the service runs as another.")
    with tempfile.TemporaryDirectory(prefix="cdshooks-wheel-") as made:
        place = Path(made)
        place.chmod(0o755)
        run(sys.executable, "-m", "venv", place / "tools")
        pip = place / "tools" / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "--quiet"
        run(*pip, "install", "--no-deps", "--require-hashes", "-r", "requirements-image.txt")
        run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", place / "wheel", ".")
        run(runnable_by_all(), "-m", "venv", "--without-pip", place / "empty")
        python = place / "empty" / "bin" / "python"
        install = (
            *pip[:1],
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--quiet",
            "--python",
            python,
            "install",
            "--no-deps",
        )
        run(*install, "--require-hashes", "--only-binary", ":all:", "-r", "requirements.txt")
        run(*install, "--no-index", *(place / "wheel").glob("*.whl"))
        print("ok      installed from the wheel and the lock into an empty environment")
        for processor in PROCESSORS:
            choose = ("install", "--dry-run", "--python-platform", processor, "--python-version", python_of_the_image())
            lock = ("--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", "requirements.txt")
            run(Path(sys.executable).with_name("uv"), "pip", *choose, "--target", place / processor, *lock)
            print(f"ok      every locked package has a wheel for {processor}")
        run("chmod", "-R", "a-w,a+rX", place / "empty")
        state = place / "state"
        state.mkdir()
        nobody = pwd.getpwnam("nobody")
        os.chown(state, nobody.pw_uid, nobody.pw_gid)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        serve(place, python, state, port, user=nobody.pw_uid)


def python_of_the_image() -> str:
    """The version that the Dockerfile's base has."""
    found = re.search(r"python:(\d+\.\d+)-", (PROJECT / "Dockerfile").read_text("utf-8"))
    return found[1] if found else sys.exit("the Dockerfile names no base of a known Python")


def runnable_by_all() -> str:
    """A Python that another user may run: one in a private home is out of reach for everybody else."""
    nobody = pwd.getpwnam("nobody").pw_uid
    for it in (os.path.realpath(sys.executable), "/usr/local/bin/python3", "/usr/bin/python3"):
        try:
            words = [it, "-c", "import sys, venv; sys.exit(sys.version_info < (3, 11))"]
            if subprocess.run(words, check=False, user=nobody, group=nobody, extra_groups=[], cwd="/").returncode == 0:
                return it
        except OSError:
            continue
    sys.exit("make wheel-check needs a Python 3.11 or newer that every user may run, such as Debian's python3.")


def serve(place: Path, python: Path, state: Path, port: int, *, user: int) -> None:
    """The service as a hospital runs it: tokens asked for, another user, nothing of its own to write but its state."""
    url = f"http://127.0.0.1:{port}"
    production = Production(place / "production", url=url)
    settings = dict(it.split("=", 1) for it in production.files_as(str(place / "production")))
    environment = {"PATH": "/usr/bin:/bin", "XDG_STATE_HOME": str(state), "TMPDIR": str(state), **settings}
    words = command_of_the_unit().replace("8080", str(port)).replace("/opt/cdshooks", str(python.parents[1])).split()
    service = subprocess.Popen(words, cwd="/", env=environment, user=user, group=user, extra_groups=[], umask=0o077)
    try:
        end = time.monotonic() + 60
        while ask(f"{url}/readyz") != 200:
            if service.poll() is not None or time.monotonic() > end:
                sys.exit("NOT OK  the service did not become ready")
            time.sleep(0.2)
        print("ok      ready as user nobody, its files read-only")
        body = production.hook_request()
        if ask(url + production.hook, body) != 401:
            sys.exit("NOT OK  a call without a token was not refused")
        if ask(url + production.hook, body, production.authorisation()) != 200:
            sys.exit("NOT OK  a call with a token was not answered")
        print("ok      401 without a token, cards with one")
        service.send_signal(signal.SIGTERM)
        if service.wait(45) != 0:
            sys.exit("NOT OK  SIGTERM did not end the service with 0")
        print("ok      SIGTERM drains and ends with 0")
    finally:
        service.kill()
        service.wait()


def command_of_the_unit() -> str:
    """What systemd would run."""
    unit = (PROJECT / "deploy" / "systemd" / "cdshooks.service").read_text("utf-8")
    return next(it.removeprefix("ExecStart=") for it in unit.splitlines() if it.startswith("ExecStart="))


def ask(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> int:
    """The status of one request, 0 when nobody answers; a hook call that is answered must show cards."""
    asked = urllib.request.Request(url, body, {"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            content = answer.read()
            return answer.status if body is None or json.loads(content)["cards"] else 0
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


if __name__ == "__main__":
    main()
