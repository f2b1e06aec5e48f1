"""Halls, heads and reflections against what they should be: reverberation times, directions heard, filters, sharing.

    python benchmarks/space.py [--halls NAME ...] [--picture decays.png]

Reverberation times by octave band: what materials and volume give by Eyring's and Sabine's formulas in pyroomacoustics,
and what the whole renderer's response to a click has (T30, ISO 3382-1, mean of the seats). Directions: players round
the podium, heard by a model that compares interaural time and level with measured ones. Filters: measured directions
that were withheld from the interpolation, beside OpenAL Soft (``apt install libopenal1 makehrtf``). Sharing: by how
much players' reflections that share a direction are off.
"""

import argparse
import itertools
import tempfile
from pathlib import Path

import numpy as np
import pyroomacoustics
from _audio_peers import PeerMissingError
from _openal_head import responses_from
from _space_measures import (
    EDGES_HZ,
    FFT_SIZE,
    RATE_HZ,
    EarTemplates,
    every_other_azimuth,
    field_errors,
    filter_errors,
    head_errors,
    heard_azimuth_deg,
    rendered_response,
    row_errors,
    sharing_errors,
    turned_deg,
    without,
)

from tutti.engine.audio.hrtf import build_grid, load_grid
from tutti.engine.audio.hrtf_sets import kemar_hrirs
from tutti.engine.audio.listener_seats import listener_at
from tutti.engine.audio.room import Room, air_absorption_db_per_m, band_decays_s, room_from_hall
from tutti.engine.audio.source_field import AT_PODIUM
from tutti.engine.hall import Hall, hall_names, read_hall
from tutti.engine.placement import MAX_PLAYERS
from tutti.engine.types import PlayerPlacement
from tutti.engine.units import SPEED_OF_SOUND_M_S

AZIMUTHS_DEG = range(-80, 81, 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--halls", nargs="+", default=list(hall_names()))
    parser.add_argument("--picture", type=Path, help="energy decay curves (PNG)")
    options = parser.parse_args()
    curves: dict[str, np.ndarray] = {}
    print("reverberation time (s) by octave band; rendered as ratio to the hall's")
    for name in options.halls:
        hall = read_hall(name)
        room = room_from_hall(hall)
        if max(room.rt60_s) == 0.0:
            print(f"  {name}: none")
            continue
        responses = seats_and_sources(hall, room)
        decays_s = [band_decays_s(r.T.astype(np.float64), RATE_HZ, np.array(room.bands_hz)) for r in responses]
        curves[name] = responses[0]
        print(f"  {name}, {room.volume_m3:.0f} m³")
        row("Hz", [f"{band:.0f}" for band in room.bands_hz])
        row("Tutti", [f"{value:.2f}" for value in room.rt60_s])
        for formula in ("Eyring", "Sabine"):
            row(f"{formula} (pyroomacoustics)", [f"{value:.2f}" for value in peer_rt60_s(hall, room, formula)])
        row("rendered / Tutti", [f"{value:.3f}" for value in np.mean(decays_s, axis=0) / np.array(room.rt60_s)])
    directions(options.halls)
    heads()
    for count in (40, 80, MAX_PLAYERS):
        shared = sharing_errors(count)
        print(
            f"reflections of {count} players: {shared.reflections} on {shared.buses} buses, "
            f"off by {shared.angle_deg:.1f}° and {shared.colour_db:.2f} dB (weighted with power)"
        )
    if options.picture:
        plot(curves, options.picture)


def heads() -> None:
    """Filters at measured directions that the interpolation did not know: ours, and OpenAL Soft's from a head made of
    the same other directions; what of our error is there even where a direction is known; and by how much rows are off
    in any direction."""
    measured = kemar_hrirs()
    which = every_other_azimuth(measured)
    known = without(measured, which)
    withheld = build_grid(known, RATE_HZ, FFT_SIZE)
    errors = {
        "Tutti, interpolated": field_errors(known, measured, which),
        "Tutti, as heard": head_errors(withheld, measured, which),
        "known, interpolated": field_errors(measured, measured, which),
        "known, as heard": head_errors(load_grid(RATE_HZ, FFT_SIZE), measured, which),
        "what rows add": row_errors(load_grid(RATE_HZ, FFT_SIZE), measured),
    }
    try:
        with tempfile.TemporaryDirectory() as folder:
            filters = responses_from(known, measured.directions_deg[which], FFT_SIZE, Path(folder))
            errors["OpenAL Soft"] = filter_errors(filters, measured, which)
    except PeerMissingError as error:
        print(f"  not compared: {error}")
    print(f"filters at {len(which)} directions, every other azimuth, withheld (as heard: through the grid's next row)")
    bands = [f"{low / 1000.0:g}-{high / 1000.0:g}" for low, high in itertools.pairwise(EDGES_HZ)]
    print(f"  {'':<20}{'level difference':>18}{'spectrum':>12}{'time, 95 %':>12}   spectrum in kHz: {', '.join(bands)}")
    for name, of in errors.items():
        by_band = " ".join(f"{band_db:.2f}" for band_db in of.by_band_db)
        print(f"  {name:<20}{of.ild_db:>15.2f} dB{of.spectral_db:>9.2f} dB{of.itd_95_us:>9.0f} µs   {by_band}")
    if "OpenAL Soft" in errors:
        theirs = errors["OpenAL Soft"]
        for name in ("Tutti, interpolated", "Tutti, as heard"):
            level, spectrum = errors[name].ild_db / theirs.ild_db, errors[name].spectral_db / theirs.spectral_db
            print(f"  {name} / OpenAL: {level:.2f} (≤ 0.65 wanted)  {spectrum:.2f} (≤ 0.5 wanted)")


def row(title: str, values: list[str]) -> None:
    print(f"    {title:<26}" + "".join(f"{value:>8}" for value in values))


def seats_and_sources(hall: Hall, room: Room) -> list[np.ndarray]:
    """Responses from three places on the stage in two rows, as ISO 3382-1 asks for several."""
    assert hall.rows is not None
    listeners = [listener_at(f"row-{number}", hall, ()) for number in (max(1, hall.rows.count // 2), hall.rows.count)]
    sources = [
        PlayerPlacement(0, 0, "", "timpani", (x, y, 0.0), 180.0, 0) for x, y in ((-4.0, 3.0), (2.0, 5.0), (4.0, 7.0))
    ]
    seconds = 1.3 * max(room.rt60_s)
    return [rendered_response(room, listener, source, seconds) for listener in listeners for source in sources]


def peer_rt60_s(hall: Hall, room: Room, formula: str) -> list[float]:
    """pyroomacoustics' Sabine with the hall's areas, absorption and air. Eyring's is the same formula of the absorption
    exponent −ln(1 − a); their own ``rt60_eyring`` (0.10) takes the air's share away instead of adding it."""
    areas_m2 = np.array([surface.area_m2 for surface in hall.surfaces])
    absorption = np.array([(*surface.absorption, surface.absorption[-1]) for surface in hall.surfaces])
    mean = (areas_m2[:, None] * absorption).sum(axis=0) / areas_m2.sum()
    exponent = -np.log(1.0 - mean) if formula == "Eyring" else mean
    air_per_m = air_absorption_db_per_m(np.array(room.bands_hz)) / (10.0 * np.log10(np.e))
    return [
        float(pyroomacoustics.rt60_sabine(areas_m2.sum(), room.volume_m3, a, m, SPEED_OF_SOUND_M_S))
        for a, m in zip(exponent, air_per_m, strict=True)
    ]


def directions(halls: list[str]) -> None:
    """How far from where players sit they seem to sit."""
    templates = EarTemplates.ahead(kemar_hrirs())
    for name in halls:
        room = room_from_hall(read_hall(name))
        off_deg = []
        for azimuth_deg in AZIMUTHS_DEG:
            for distance_m in (3.0, 6.0):
                place = np.radians(azimuth_deg)
                position_m = (-distance_m * np.sin(place), distance_m * np.cos(place), 0.0)
                player = PlayerPlacement(0, 0, "", "timpani", position_m, 180.0 + azimuth_deg, 0)
                heard = heard_azimuth_deg(templates, rendered_response(room, AT_PODIUM, player, 0.05))
                off_deg.append(turned_deg(heard, azimuth_deg))
        print(f"directions in {name}: off by {np.mean(off_deg):.1f}° (mean), {max(off_deg):.1f}° (most)")


def plot(curves: dict[str, np.ndarray], path: Path) -> None:
    """Energy decay curves of the responses."""
    from matplotlib.figure import Figure

    figure = Figure((9.0, 5.0), layout="constrained")
    axes = figure.subplots()
    for name, response in curves.items():
        energy = np.cumsum((response.astype(np.float64) ** 2).sum(axis=1)[::-1])[::-1]
        level_db = 10.0 * np.log10(np.maximum(energy / energy[0], 1e-9))
        axes.plot(np.arange(len(level_db))[::64] / RATE_HZ, level_db[::64], label=name)
    longest_s = max((len(response) for response in curves.values()), default=RATE_HZ) / RATE_HZ
    axes.set(xlabel="time in s", ylabel="energy still to come in dB", ylim=(-70.0, 2.0), xlim=(0.0, longest_s))
    axes.set_title("How a click dies away in each hall")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
