"""A developer's desk in one command: the service without tokens, and beside it a FHIR server that holds every story.

    python scripts/sandbox.py [--port 8080] [--fhir-port 8090] [--once]

Hook requests without prefetch lie ready in a directory, one for each story; ``--once`` fires one of them and ends.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
STORIES = ROOT / "fhir_fixtures"
FIRST = "after-thp-tdxd-tucatinib-active-brain-metastases"
TODAY = "2026-11-24"
PATIENCE_SECONDS = 60


def main() -> int:
    """Run until interrupted."""
    parser = argparse.ArgumentParser(description="The service and a FHIR server with the stories.")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--fhir-port", type=int, default=8090)
    parser.add_argument("--once", action="store_true", help="fire one request and end")
    given = parser.parse_args()
    base, url = f"http://127.0.0.1:{given.fhir_port}/fhir", f"http://127.0.0.1:{given.port}"
    fhir = [sys.executable, "scripts/fhir_server.py", "--port", str(given.fhir_port)]
    serve = [sys.executable, "-m", "cdshooks", "serve", "--dev", "--port", str(given.port)]
    with tempfile.TemporaryDirectory(prefix="cdshooks-sandbox-") as desk:
        environment = {**os.environ, "XDG_STATE_HOME": desk, "CDSHOOKS_TODAY": TODAY}
        write_requests(Path(desk), base)
        first = [sys.executable, "-m", "cdshooks", "fire", f"{desk}/{FIRST}.json", "--url", url]
        with (
            subprocess.Popen(fhir, cwd=ROOT, stdout=subprocess.DEVNULL) as server,
            subprocess.Popen(serve, cwd=ROOT, env=environment) as service,
        ):
            try:
                wait_for(f"{base}/metadata", server)
                wait_for(f"{url}/readyz", service)
                print(f"service      {url}/cds-services, and for people {url} (the workbench)")
                print(f"FHIR server  {base}, all stories; no token is asked for")
                print(f"requests     {desk}/*.json: no prefetch, all is fetched")
                print(f"try          cdshooks fire {desk}/{FIRST}.json --url {url}", flush=True)
                if given.once:
                    return subprocess.run(first, cwd=ROOT, check=False).returncode
                service.wait()
            except KeyboardInterrupt:
                print("Stopped.")
            finally:
                service.terminate()
                server.terminate()
    return 0


def write_requests(desk: Path, base: str) -> None:
    """Each story's request as an EHR sends it that prefetches nothing."""
    for path in sorted(STORIES.glob("*/request.json")):
        request = json.loads(path.read_text(encoding="utf-8"))
        del request["prefetch"]
        (desk / f"{path.parent.name}.json").write_text(json.dumps({**request, "fhirServer": base}, indent=1))


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Until it answers, or has ended."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            pass
        else:
            return
        time.sleep(0.2)
    sys.exit(f"{url} does not answer; is its port taken? (--port, --fhir-port)")


if __name__ == "__main__":
    sys.exit(main())
