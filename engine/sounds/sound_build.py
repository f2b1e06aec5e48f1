"""Puts a ``SoundSet`` together: what each instrument plays with, made once and kept on disk."""

import logging
import os
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import platformdirs

from ..errors import SoundError
from ..instruments import catalogue
from ..types import Articulation
from .font_patches import plan_patch
from .patch_plan import PatchPlan
from .preset_map import preset_map
from .sample_cache import read_sample, write_sample
from .sound_set import SECTION, Patch, Progress, Sample, SoundSet
from .soundfont import SoundFont
from .synthesis import EMBEDDED_NAME, SET_NAME, SYNTHESIS_VERSION, plan_synthesis

CACHE_VERSION = 5
"""Counts changes of how samples are prepared; older caches are not read."""

_PatchName = tuple[str, Articulation]

_log = logging.getLogger(__name__)


def build_sound_set(
    instruments: Collection[str], soundfont: Path | None, cache_dir: Path | None, progress: Progress | None
) -> SoundSet:
    """See ``sound_set.load_sound_set``."""
    unknown = set(instruments) - catalogue().keys()
    if unknown:
        raise SoundError(f"no instrument is called {sorted(unknown)[0]!r}; the keys are in assets/instruments.toml")
    cache = (cache_dir or Path(platformdirs.user_cache_dir("tutti"))) / "sounds" / f"v{CACHE_VERSION}"
    font = SoundFont(soundfont) if soundfont is not None else None
    # The hash of some hundred megabytes needs a core of its own, not the interpreter.
    with ThreadPoolExecutor(1) as beside:
        digest = beside.submit(font.digest) if font is not None else None
        recorded = _plan_recorded(instruments, font) if font is not None else {}
    played = {name.removesuffix(SECTION) for name, _ in recorded}
    synthesised: dict[_PatchName, PatchPlan] = {}
    for instrument in sorted(set(instruments) - played):
        synthesised |= {(instrument, art): plan for art, plan in plan_synthesis(catalogue()[instrument]).items()}
    if font is not None and synthesised:
        _log.info("%s has no sounds of %s: synthesised", font.path.name, ", ".join(sorted({n for n, _ in synthesised})))
    total = sum(len(_makers(plans)) for plans in (recorded, synthesised))
    counter = _Counter(total, progress)
    samples = _samples(_makers(recorded), cache / digest.result(), counter) if digest is not None else {}
    samples |= _samples(_makers(synthesised), cache / f"{EMBEDDED_NAME}-{SYNTHESIS_VERSION}", counter)
    index = {key: number for number, key in enumerate(samples)}
    patches: dict[_PatchName, Patch] = {
        name: plan.patch(samples, index) for name, plan in (recorded | synthesised).items()
    }
    return SoundSet(font.path.stem if font is not None else SET_NAME, tuple(samples.values()), patches)


class _Counter:
    """Counts finished samples and tells the caller."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done, self._total, self._progress = 0, total, progress

    def advance(self, count: int = 1) -> None:
        self._done += count
        if self._progress is not None and count:
            self._progress(self._done, self._total)


def _plan_recorded(instruments: Collection[str], font: SoundFont) -> dict[_PatchName, PatchPlan]:
    plans: dict[_PatchName, PatchPlan] = {}
    for (name, articulation), choices in preset_map().items():
        instrument = name.removesuffix(SECTION)
        if instrument in instruments:
            plan = plan_patch(font, choices, catalogue()[instrument].level_db, section=name.endswith(SECTION))
            if plan is not None:
                plans[name, articulation] = plan
    return plans


def _makers(plans: Mapping[_PatchName, PatchPlan]) -> dict[str, Callable[[], Sample]]:
    return {key: make for plan in plans.values() for key, make in plan.makers.items()}


def _samples(makers: Mapping[str, Callable[[], Sample]], folder: Path, counter: _Counter) -> dict[str, Sample]:
    """All samples by key, in the order of ``makers``: from the cache, or made now by all cores and put there."""
    found = {key: read_sample(folder / f"{key}.sample") for key in makers}
    missing = [key for key, sample in found.items() if sample is None]
    counter.advance(len(found) - len(missing))
    if missing:
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            futures = {pool.submit(_make, makers[key], folder / f"{key}.sample"): key for key in missing}
            try:
                for future in as_completed(futures):
                    found[futures[future]] = future.result()
                    counter.advance()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    return {key: sample for key, sample in found.items() if sample is not None}


def _make(make: Callable[[], Sample], path: Path) -> Sample:
    sample = make()
    try:
        write_sample(path, sample)
    except OSError as error:
        _log.warning("%s: sounds cannot be kept (%s), they are prepared again next time", path.parent, error.strerror)
        return sample
    return read_sample(path) or sample
