"""Install torch's CPU build where pip can have one, so that nobody downloads gigabytes of GPU libraries.

On Linux, PyPI's torch brings CUDA; PyTorch's own index has CPU builds, and some mirrors carry one under the plain
version. Tutti needs no GPU, so: a CPU build if one is to be had, else whatever pip finds.
"""

import importlib.util
import platform
import subprocess
import sys

KNOWN_GOOD = "2.13.0"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def attempt(*arguments: str) -> bool:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0


def main() -> int:
    if importlib.util.find_spec("torch") is not None:
        return 0
    if platform.system() != "Linux":
        return 0 if attempt("torch>=2.4") else 1
    # Short time-outs: on an offline network the CPU index is not there and must not hold things up.
    if attempt("--retries", "0", "--timeout", "5", "--index-url", CPU_INDEX, f"torch=={KNOWN_GOOD}"):
        return 0
    if attempt(f"torch=={KNOWN_GOOD}") or attempt("torch>=2.4"):
        return 0
    print("torch could not be installed: check the network, or `pip install torch` by hand", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
