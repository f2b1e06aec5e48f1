import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from needs import needs_gl
from PIL import Image

from tutti.engine.errors import SceneError
from tutti.engine.types import PlayerPlacement
from tutti.scenes.picture import draw_stage

pytestmark = needs_gl


def test_draws_the_stage_from_a_process_that_has_no_scene(
    placements: tuple[PlayerPlacement, ...], tmp_path: Path
) -> None:
    path = tmp_path / "deep" / "stage.png"
    draw_stage(placements, path, title="Prélude", size=(640, 360))
    image = np.asarray(Image.open(path).convert("RGB"), float)
    assert image.shape == (360, 640, 3)
    assert 15 < image.mean() < 150 and image.std() > 20


def test_says_why_in_one_line(placements: tuple[PlayerPlacement, ...], tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="no camera named moon") as caught:
        draw_stage(placements, tmp_path / "stage.png", camera="moon")
    assert "\n" not in str(caught.value)


def test_a_machine_without_opengl_gets_one_line(
    placements: tuple[PlayerPlacement, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # without a vendor library EGL has no display to offer
    monkeypatch.setenv("__EGL_VENDOR_LIBRARY_FILENAMES", str(tmp_path / "none.json"))
    monkeypatch.setenv("EGL_PLATFORM", "none")
    monkeypatch.delenv("DISPLAY", raising=False)
    if not sys.platform.startswith("linux"):
        pytest.skip("EGL is how Linux draws without a screen")
    with pytest.raises(SceneError) as caught:
        draw_stage(placements, tmp_path / "stage.png", size=(320, 180))
    message = str(caught.value)
    assert "\n" not in message and "install" in message
    assert not (tmp_path / "stage.png").exists()


def test_a_hanging_driver_is_given_up(placements: tuple[PlayerPlacement, ...], tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="hangs"):
        draw_stage(placements, tmp_path / "stage.png", timeout_s=0.05)


def test_importing_the_picture_module_opens_nothing() -> None:
    code = "import sys, tutti.scenes.picture; sys.exit('panda3d' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={**os.environ}, check=False).returncode == 0
