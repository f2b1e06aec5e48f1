"""Make the pictures of README and docs from today's program: the stage from several places, and the page.

    python tools/make_pictures.py [FOLDER]

Needs a graphics driver (software is enough) and, for the page, Chromium.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tutti.engine.conducting.tracking import write_take
from tutti.engine.hall import hall_names, read_hall
from tutti.engine.notation.score_cache import open_score
from tutti.scenes.picture import draw_stage
from tutti.studio.concert import concert_score, concert_take
from tutti.studio.ensemble_setup import seat

VIEWS = {"stage": "picture", "podium": "podium", "strings": "strings", "hall": "hall"}
SIZE = (1600, 900)
HALL_SIZE, HALLS_ACROSS = (640, 360), 2
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
)
INTO_THE_PIECE_S = 60.0
"""The brass is in by then."""


def as_jpeg(png: Path, target: Path) -> None:
    Image.open(png).convert("RGB").save(target, quality=86, optimize=True)
    print(target)


def draw_views(folder: Path, scratch: Path) -> None:
    score = open_score(concert_score())
    placements = seat(score, None, read_hall())
    for name, camera in VIEWS.items():
        png = scratch / f"{name}.png"
        draw_stage(placements, png, title=score.title, composer=score.composer, camera=camera, size=SIZE)
        as_jpeg(png, folder / f"{name}.jpg")


def draw_halls(folder: Path, scratch: Path) -> None:
    """Every hall from the audience's last third, side by side."""
    score = open_score(concert_score())
    halls = [read_hall(name) for name in hall_names()]
    wide, high = HALL_SIZE
    sheet = Image.new("RGB", (wide * HALLS_ACROSS, high * -(-len(halls) // HALLS_ACROSS)))
    for index, hall in enumerate(halls):
        png = scratch / f"{hall.key}.png"
        draw_stage(seat(score, None, hall), png, camera="hall", size=HALL_SIZE, hall=hall.key)
        sheet.paste(Image.open(png), (index % HALLS_ACROSS * wide, index // HALLS_ACROSS * high))
    sheet.save(scratch / "halls.png")
    as_jpeg(scratch / "halls.png", folder / "halls.jpg")


def photograph_page(folder: Path, scratch: Path) -> None:
    """The page while the concert is conducted by its take."""
    browser_path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser_path is None:
        print("no picture of the page: install Chromium")
        return
    take = scratch / "take.csv"
    write_take(take, concert_take())
    command = [sys.executable, "-u", "-m", "tutti.studio", "play", "--take", str(take), "--port", "0"]
    studio = subprocess.Popen([*command, "--audio", "none", "--no-record"], stdout=subprocess.PIPE, text=True)
    try:
        assert studio.stdout is not None
        address = next(m.group() for line in studio.stdout if (m := re.search(r"http://\S+/", line)))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path, args=list(CHROMIUM_FLAGS))
            page = browser.new_page(viewport={"width": 1440, "height": 810})
            page.goto(f"{address}?quality=high")
            page.wait_for_selector("canvas")
            time.sleep(INTO_THE_PIECE_S)
            page.screenshot(path=scratch / "page.png")
            browser.close()
        as_jpeg(scratch / "page.png", folder / "page.jpg")
    finally:
        studio.terminate()
        studio.wait(timeout=20)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1] / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        draw_views(folder, Path(scratch))
        draw_halls(folder, Path(scratch))
        photograph_page(folder, Path(scratch))


if __name__ == "__main__":
    main()
