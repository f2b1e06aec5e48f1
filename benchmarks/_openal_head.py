"""A head for OpenAL Soft made of chosen measured directions, by its own tool, so that both interpolate the same.

apt install libopenal1 makehrtf
"""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import soundfile
from _audio_peers import PeerMissingError, openal_responses

from tutti.engine.audio.hrtf_sets import HrirSet

RINGS_DEG = np.arange(-90.0, 91.0, 10.0)


def responses_from(known: HrirSet, directions_deg: np.ndarray, taps: int, folder: Path) -> np.ndarray:
    """OpenAL's responses (directions, 2 ears, taps) from a head made of ``known`` alone: rings of 10°, each with evenly
    spaced azimuths from 0 on. To be called before OpenAL is used otherwise, as it reads its settings once."""
    tool = os.environ.get("MAKEHRTF") or shutil.which("makehrtf")
    if tool is None:
        raise PeerMissingError("OpenAL's makehrtf is not installed (Debian: apt install makehrtf)")
    rings = [np.flatnonzero(np.abs(known.directions_deg[:, 1] - ring) < 1.0) for ring in RINGS_DEG]
    lines = [f"rate = {known.rate_hz:.0f}", f"points = {known.responses.shape[-1]}", "radius = 0.09", "distance = 1.4"]
    lines.append("azimuths = " + ", ".join(str(max(1, len(ring))) for ring in rings))
    for ring, members in enumerate(rings):
        clockwise = np.round(-known.directions_deg[members, 0], 3) % 360.0
        for number, member in enumerate(members[np.argsort(clockwise)]):
            path = folder / f"{ring}-{number}.wav"
            soundfile.write(path, known.responses[member, 0], round(known.rate_hz), subtype="FLOAT")
            lines.append(f'[ {ring}, {number} ] = wave (0) : "{path}"')
    definition = folder / "head.def"
    definition.write_text("\n".join(lines) + "\n")
    rate = 48000
    command = [tool, "-r", str(rate), "-i", str(definition), "-o", str(folder / "thinned.mhr")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not (folder / "thinned.mhr").is_file():
        raise PeerMissingError(f"makehrtf failed: {(done.stdout + done.stderr).strip()[-300:]}")
    settings = folder / "alsoft.conf"
    settings.write_text(f"[general]\nhrtf-paths = {folder}\ndefault-hrtf = thinned\n")
    os.environ["ALSOFT_CONF"] = str(settings)
    return openal_responses(directions_deg, taps)
