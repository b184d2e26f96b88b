"""Build the image and run it hardened on a Debian machine that has no container engine and can pull no image.

The base is made here: Debian with its own Python, under the name that the Dockerfile asks for. So this proves our steps, our
lock file and how the container behaves; it does not prove the vendor's base, and the size that counts is that of our layers.
Needs root. The cache (tools, base, layers) stays in WORK, by default /var/tmp/cdshooks-image-check.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from production import Production

PROJECT = Path(__file__).resolve().parent.parent
WORK = Path(os.environ.get("WORK", "/var/tmp/cdshooks-image-check"))
IMAGE = "localhost/cdshooks:check"
TOOLS = ("buildah", "podman", "runc", "mmdebstrap", "iproute2")
VENDOR_BASE_MB = 125
"""What the vendor's slim base weighs."""
IMAGE_MB = 200
"""What the whole may weigh. Bytecode is some 25 of our layers': without it the image would be smaller, and each start slower."""
URL = "http://127.0.0.1:8080"
HARDENED = (
    *("--network=host", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"),
    *("--memory=512m", "--pids-limit=256"),
    # No shell: what calls one fails.
    *("--mount=type=bind,src=/dev/null,dst=/usr/bin/dash", "--mount=type=bind,src=/dev/null,dst=/usr/bin/bash"),
)
NOT_COMPILED = """
import os, sys, urllib.request, cdshooks.app, cdshooks.cli.main, gunicorn.app.wsgiapp
files = {it.__name__: (it.__file__, it.__cached__) for it in list(sys.modules.values()) if getattr(it, "__cached__", None)}
print([name for name, (file, cached) in files.items() if file.endswith(".py") and not os.path.exists(cached)])
"""
MODELS_LOADED = """
import sys
from cdshooks.cards.actions import prepare_drafts
from cdshooks.knowledge.load import load_knowledge
prepare_drafts(load_knowledge())
print(any(it.startswith("fhir.") for it in sys.modules))
"""
failed: list[str] = []


def check(name: str, *, passed: bool, note: str = "") -> None:
    """Print one line; a failed check is remembered."""
    print(f"{'ok     ' if passed else 'NOT OK '} {name}{f' ({note})' if note else ''}", flush=True)
    if not passed:
        failed.append(name)


def run(*command: str, may_fail: bool = False, seconds: int = 600, log: Path | None = None) -> str:
    """The output of a command; what it wrote is shown if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    if log is not None:
        log.write_text(done.stdout + done.stderr)
    if done.returncode != 0 and not may_fail:
        sys.exit(f"{' '.join(command[:4])} ... failed:\n{(done.stdout + done.stderr)[-4000:]}")
    return done.stdout.strip()


def install_tools() -> None:
    """Debian's own builder and runner, with settings that touch nothing of the machine's."""
    if not all(shutil.which(tool) for tool in ("buildah", "podman", "runc", "mmdebstrap", "ip")):
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        run("apt-get", "update", "-q")
        run("apt-get", "install", "-y", "-q", "--no-install-recommends", *TOOLS)
    for folder in ("graph", "run", "base"):
        (WORK / folder).mkdir(parents=True, exist_ok=True)
    (WORK / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{WORK}/graph"\nrunroot = "{WORK}/run"\n'
    )
    (WORK / "containers.conf").write_text(
        '[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\nlog_driver = "k8s-file"\n'
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
    )
    os.environ["CONTAINERS_STORAGE_CONF"] = str(WORK / "storage.conf")
    os.environ["CONTAINERS_CONF"] = str(WORK / "containers.conf")


def base_reference() -> str:
    """What the Dockerfile is built on."""
    found = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    return found[1] if found else ""


def make_base(name: str) -> int:
    """The stand-in for the vendor's base; bytes."""
    tag = f"localhost/{name}"
    if subprocess.run(["podman", "image", "exists", tag], check=False).returncode != 0:
        suite = name.rsplit("-", 1)[1]
        packed = next((WORK / "base").glob(f"{suite}*.tar"), WORK / "base" / f"{suite}.tar")
        if not packed.exists():
            packages = "--include=ca-certificates,python3,python3-venv,python3-pip"
            run("mmdebstrap", "--quiet", "--variant=minbase", packages, suite, str(packed))
        container = run("buildah", "from", "scratch")
        run("buildah", "add", "-q", container, str(packed), "/")
        link = "ln -sf ../../bin/python3 /usr/local/bin/python3; ln -sf python3 /usr/local/bin/python"
        run("buildah", "run", "--isolation=chroot", container, "--", "/bin/sh", "-ec", link)
        run(
            "buildah", "config", "--env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container
        )
        run("buildah", "commit", "-q", container, tag)
        run("buildah", "rm", container)
    return int(run("podman", "image", "inspect", tag, "--format", "{{.Size}}"))


def build(name: str, base_bytes: int) -> None:
    """The Dockerfile as it is, but for the digest, which the stand-in cannot have."""
    pip = "[global]\ncert=/tmp/certificates.crt\n"
    if index := os.environ.get("PIP_INDEX_URL"):
        pip += f"index-url={index}\n"
    (WORK / "pip.conf").write_text(pip)
    authorities = os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
    began = time.monotonic()
    run(
        *(
            "buildah",
            "bud",
            "--isolation=chroot",
            "--network=host",
            "--pull-never",
            "--format=docker",
            "--timestamp=1700000000",
        ),
        *("--build-arg", f"PYTHON_IMAGE=localhost/{name}", "--build-arg", "VERSION=check"),
        *("--volume", f"{WORK}/pip.conf:/etc/pip.conf:ro", "--volume", f"{authorities}:/tmp/certificates.crt:ro"),
        *("-t", IMAGE, str(PROJECT)),
        seconds=900,
        log=WORK / "build.log",
    )
    size = int(run("podman", "image", "inspect", IMAGE, "--format", "{{.Size}}"))
    ours = (size - base_bytes) / 1e6
    note = (
        f"our layers {ours:.0f} MB; with the vendor's base of about {VENDOR_BASE_MB} MB {ours + VENDOR_BASE_MB:.0f} MB; "
        f"with the stand-in of {base_bytes / 1e6:.0f} MB {size / 1e6:.0f} MB"
    )
    print(f"        built in {time.monotonic() - began:.0f} s")
    check(f"the image stays below {IMAGE_MB} MB", passed=ours + VENDOR_BASE_MB < IMAGE_MB, note=note)


def check_configuration() -> None:
    """What the image promises by its configuration. Source: CON-01, CON-02."""
    config = json.loads(run("podman", "image", "inspect", IMAGE))[0]
    inner = config["Config"]
    check("the user is a number and not root", passed=bool(re.fullmatch(r"[1-9]\d*:[1-9]\d*", config["User"])))
    check(
        "entry point and command are lists, no shell",
        passed=inner["Entrypoint"] == ["cdshooks"] and "sh" not in inner["Cmd"],
    )
    check("the health check is a list, no shell", passed=config["Healthcheck"]["Test"][:2] == ["CMD", "python"])
    check("the stop signal is SIGTERM", passed=inner.get("StopSignal") in ("SIGTERM", "15"))
    wanted = ("title", "description", "licenses", "version", "revision")
    check("OCI labels", passed=all(f"org.opencontainers.image.{it}" in inner["Labels"] for it in wanted))
    secret = re.compile(r"(password|secret|token|_key)=.", re.IGNORECASE)
    history = run("podman", "history", "--no-trunc", IMAGE)
    check("no secret in environment or history", passed=not any(map(secret.search, [*inner["Env"], history])))


def check_content() -> None:
    """What the image holds, read without starting the service. Source: CON-02."""
    once = ("podman", "run", "--rm", "--network=none", "--entrypoint", "python", IMAGE, "-c")
    bill = json.loads(run(*once, "print(open('/opt/cdshooks/sbom.cdx.json').read())"))
    parts = {it["name"].lower() for it in bill["components"]}
    # Those with a condition are for another Python or system.
    locked = set(re.findall(r"^([a-z0-9_.-]+)==[^;]+$", (PROJECT / "requirements.txt").read_text(), re.MULTILINE))
    missing = {it.replace("_", "-") for it in locked} - {it.replace("_", "-") for it in parts}
    check(
        f"the bill of materials names every locked package ({len(parts)} parts)",
        passed=not missing,
        note=" ".join(missing),
    )
    tools = run(*once, "import shutil; print(*filter(shutil.which, ['gcc','cc','make','git','curl','wget']))")
    check("no compiler, git, curl or wget", passed=tools == "", note=tools)
    pip = run(*once, "import importlib.util as u, sys; print(sys.prefix, u.find_spec('pip'))")
    check("no installer in the service's environment", passed=pip == "/opt/cdshooks None", note=pip)
    compiled = run(*once, NOT_COMPILED)
    check("a start and a health check compile nothing", passed=compiled == "[]", note=compiled[:200])
    sealed = run(*once, "from cdshooks.knowledge.seal import is_sealed; print(is_sealed())")
    check("the knowledge is sealed as the build has checked it", passed=sealed == "True")
    models = run(*once, MODELS_LOADED)
    check("every draft order was proved by the build, so a start loads no full model", passed=models == "False")
    writable = run(*once, "import os; print([d for d, _, _ in os.walk('/opt/cdshooks') if os.access(d, os.W_OK)])")
    check("the service can write none of its own files", passed=writable == "[]", note=writable[:200])


@contextmanager
def started(name: str, *options: str, command: tuple[str, ...] = ()) -> Iterator[None]:
    """A container with everything taken from it that it does not need."""
    state = f"{name}-state"
    run("podman", "rm", "-f", name, may_fail=True)
    run("podman", "run", "-d", "--name", name, *HARDENED, "-v", f"{state}:/var/lib/cdshooks", *options, IMAGE, *command)
    try:
        yield
    finally:
        run("podman", "rm", "-f", name, may_fail=True)
        run("podman", "volume", "rm", "-f", state, may_fail=True)


def status(path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """The answer to one request; 0 when nobody answers."""
    asked = urllib.request.Request(URL + path, body, {"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(asked, timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""


def becomes_ready(seconds: float = 30) -> float | None:
    """Seconds until the service was ready."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if status("/readyz")[0] == 200:
            return time.monotonic() - began
        time.sleep(0.1)
    return None


def check_running(name: str, *, mode: str) -> None:
    """A hardened container from start to stop. Source: CON-01, REL-05 to REL-08."""
    took = becomes_ready()
    check(
        f"{mode}: ready with a read-only root, no capability, no shell, 512 MB, 256 processes, loopback only",
        passed=took is not None,
        note=f"{took:.1f} s" if took is not None else run("podman", "logs", name, may_fail=True)[-2000:],
    )
    if took is None:
        return
    process = Path("/proc", run("podman", "inspect", name, "--format", "{{.State.Pid}}"), "status").read_text()
    told = dict(line.split(":\t", 1) for line in process.splitlines() if ":\t" in line)
    check(f"{mode}: runs as user 10001", passed=told["Uid"].split() == ["10001"] * 4)
    check(f"{mode}: no capability", passed=int(told["CapEff"], 16) == 0)
    check(f"{mode}: can gain no privilege, seccomp on", passed=told["NoNewPrivs"] == "1" and told["Seccomp"] == "2")
    healthy = subprocess.run(["podman", "healthcheck", "run", name], capture_output=True, check=False).returncode == 0
    check(f"{mode}: the health check says healthy", passed=healthy)
    for path in ("/healthz", "/readyz", "/metrics", "/cds-services"):
        check(f"{mode}: GET {path} is 200", passed=status(path)[0] == 200)


def check_ending(name: str, *, mode: str) -> None:
    """Killed and started again with the same volume, then told to stop."""
    answered = sum(status("/cds-services")[0] == 200 for _ in range(200))
    check(f"{mode}: 200 of 200 requests answered", passed=answered == 200, note=str(answered))
    run("podman", "kill", "-s", "KILL", name)
    time.sleep(0.5)
    run("podman", "start", name)
    check(f"{mode}: ready again after kill -9", passed=becomes_ready() is not None)
    began = time.monotonic()
    run("podman", "stop", "-t", "30", name)
    ended = run("podman", "inspect", name, "--format", "{{.State.ExitCode}} {{.State.OOMKilled}}")
    check(
        f"{mode}: SIGTERM drains and ends with 0", passed=ended == "0 false", note=f"{time.monotonic() - began:.0f} s"
    )
    log = subprocess.run(["podman", "logs", name], capture_output=True, text=True, check=False)
    bad = [
        it
        for it in (log.stdout + log.stderr).splitlines()
        if re.search(r"Traceback|\[ERROR\]|\"level\": ?\"(error|critical)\"", it)
    ]
    check(f"{mode}: no error in the log", passed=not bad, note=bad[0][:200] if bad else "")


def main() -> None:
    """Everything, one line for each check."""
    if os.geteuid() != 0:
        sys.exit("make image-check needs root: it builds a root file system and runs containers.")
    if "IN_OWN_NETWORK" not in os.environ:
        install_tools()
        reference = base_reference()
        check(
            "the base is pinned by digest", passed=bool(re.search(r"@sha256:[0-9a-f]{64}$", reference)), note=reference
        )
        name = reference.split("@")[0]
        build(name, make_base(name))
        check_configuration()
        check_content()
        # From here on in a network of our own, which has loopback and nothing else.
        environment = {**os.environ, "IN_OWN_NETWORK": " ".join(failed) or "-"}
        done = subprocess.run(["unshare", "-n", sys.executable, __file__], env=environment, check=False)
        sys.exit(1 if failed or done.returncode != 0 else 0)
    run("ip", "link", "set", "lo", "up")
    production = Production(WORK / "production", url=URL)
    inside = production.files_as("/etc/cdshooks")
    with started(
        "cdshooks-production", "-v", f"{production.directory}:/etc/cdshooks:ro", *(f"-e={it}" for it in inside)
    ):
        check_running("cdshooks-production", mode="production")
        asked = production.hook_request()
        check("production: a caller without a token gets 401", passed=status(production.hook, asked)[0] == 401)
        code, answer = status(production.hook, asked, production.authorisation())
        shown = len(json.loads(answer)["cards"]) if code == 200 else 0
        check("production: a caller with a token gets cards", passed=shown > 0, note=f"{code}, {shown} cards")
        check_ending("cdshooks-production", mode="production")
    with started("cdshooks-dev", command=("serve", "--host", "127.0.0.1", "--port", "8080", "--dev")):
        check_running("cdshooks-dev", mode="dev")
        code, answer = status(production.hook, asked)
        check(
            "dev: the shipped request gets cards",
            passed=code == 200 and len(json.loads(answer)["cards"]) > 0,
            note=str(code),
        )
        check_ending("cdshooks-dev", mode="dev")
    print("all checks passed" if not failed else f"{len(failed)} checks failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
