"""A still picture of the stage in one call, drawn in a process of its own.

Panda3D is a singleton and a graphics driver may crash; neither may touch the process that renders a performance.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..engine.errors import SceneError
from ..engine.types import PlayerPlacement

TIMEOUT_S = 120.0
"""A machine that draws in software needs some seconds."""


def draw_stage(
    placements: Sequence[PlayerPlacement],
    path: str | Path,
    *,
    title: str = "",
    composer: str = "",
    camera: str = "picture",
    size: tuple[int, int] = (1920, 1080),
    hall: str = "musikverein",
    timeout_s: float = TIMEOUT_S,
) -> None:
    """Write a PNG of the orchestra in its hall, playing. Safe from any process and thread; blocks for seconds.

    Raises ``SceneError`` with one line where the machine cannot draw.
    """
    target = Path(path).resolve()
    order = {
        "placements": [asdict(placement) for placement in placements],
        "path": str(target),
        "title": title,
        "composer": composer,
        "camera": camera,
        "size": list(size),
        "hall": hall,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=json.dumps(order),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SceneError(f"{target.name} was not drawn within {timeout_s:.0f} s: the graphics driver hangs") from error
    except OSError as error:
        raise SceneError(f"{target.name} was not drawn: {error}") from error
    if done.returncode == 0 and target.is_file():
        return
    reasons = [line for line in done.stderr.splitlines() if line.startswith(REASON)]
    if reasons:
        raise SceneError(reasons[-1].removeprefix(REASON))
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    raise SceneError(f"{target.name} was not drawn: the graphics driver failed (exit {done.returncode}: {last})")


REASON = "tutti-scene-error: "


def main() -> int:
    """Draw one order read as JSON from standard input."""
    from .view import StageView

    order: dict[str, Any] = json.load(sys.stdin)
    placements = [
        PlayerPlacement(**{**placement, "position_m": tuple(placement["position_m"])})
        for placement in order["placements"]
    ]
    part_count = max((placement.part for placement in placements), default=0) + 1
    try:
        view = StageView(
            placements,
            [""] * part_count,
            order["title"],
            composer=order["composer"],
            window=False,
            size=(order["size"][0], order["size"][1]),
            hall=order["hall"],
            camera=order["camera"],
        )
        view.screenshot(order["path"])
        view.close()
    except (SceneError, OSError) as error:
        print(f"{REASON}{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
