"""An evening sky over a meadow with trees round it, painted: a dome of its own with a finished picture.

Colours are display-referred sRGB, as the bakes are after their tone curve. Azimuth is counter-clockwise from +X as in
the halls, so the back of the stage is at 90°; the sun has just set there.
"""

import math
from dataclasses import dataclass

import bpy
import numpy as np
from hall_light import Image
from meshes import Array
from numpy.typing import NDArray

WIDTH_PX, HEIGHT_PX = 2048, 1024
BAND_PX = 200
"""Of the picture: two strips of horizon (180° each), below the dome above them."""
BAND_DEG = (-2.0, 15.0)
SPARE_DEG = 0.6
"""What the picture shows beyond the edges of its strips, so that none is seen where they meet."""
RADIUS_M, CENTRE = 80.0, (0.0, -6.0, 0.0)
SUN_DEG = 104.0


def noise(shape: tuple[int, int], cells: tuple[int, int], octaves: int, rng: np.random.Generator) -> Array:
    """Fractal value noise 0–1 (rows, columns), which goes on without a seam from the last column to the first."""
    total, weight = np.zeros(shape), 0.0
    for octave in range(octaves):
        rows, columns = cells[0] * 2**octave, cells[1] * 2**octave
        lattice = rng.random((rows + 2, columns))
        y, x = np.linspace(0, rows, shape[0], endpoint=False), np.linspace(0, columns, shape[1], endpoint=False)
        i, j = y.astype(int), x.astype(int)
        fy, fx = y - i, x - j
        fy, fx = (fy * fy * (3 - 2 * fy))[:, None], (fx * fx * (3 - 2 * fx))[None, :]
        right = (j + 1) % columns
        low = lattice[i][:, j] * (1 - fx) + lattice[i][:, right] * fx
        high = lattice[i + 1][:, j] * (1 - fx) + lattice[i + 1][:, right] * fx
        total += (low * (1 - fy) + high * fy) * 0.5**octave
        weight += 0.5**octave
    return total / weight


def _blend(stops: list[tuple[float, tuple[int, int, int]]], at: Array) -> Array:
    """Colours along stops of (elevation, sRGB)."""
    x = [s for s, _ in stops]
    return np.stack([np.interp(at, x, [c[k] / 255 for _, c in stops]) for k in range(3)], axis=-1)


TOWARDS_SUN = [
    (-2.0, (206, 134, 86)),
    (3.0, (222, 150, 94)),
    (7.0, (206, 140, 104)),
    (13.0, (160, 116, 116)),
    (22.0, (104, 96, 124)),
    (38.0, (58, 70, 112)),
    (60.0, (34, 48, 88)),
    (90.0, (22, 34, 68)),
]
AWAY = [
    (-2.0, (66, 70, 98)),
    (4.0, (78, 78, 108)),
    (9.0, (92, 82, 112)),
    (16.0, (64, 70, 108)),
    (30.0, (42, 54, 92)),
    (60.0, (27, 39, 74)),
    (90.0, (21, 32, 64)),
]


def sky(azimuth_deg: Array, elevation_deg: Array, clouds: Array) -> Array:
    """Colours (rows, columns, 3) at elevations (rows,) and azimuths (columns,); ``clouds`` is noise over both."""
    apart = np.radians(azimuth_deg - SUN_DEG)
    near = (0.5 + 0.5 * np.cos(apart)) ** 1.6
    colour = (
        _blend(TOWARDS_SUN, elevation_deg)[:, None] * near[None, :, None]
        + _blend(AWAY, elevation_deg)[:, None] * (1 - near)[None, :, None]
    )
    e = elevation_deg[:, None]
    thick = np.clip((clouds - 0.49) / 0.2, 0, 1) * np.clip((e - 1) / 5, 0, 1) * np.clip((55 - e) / 25, 0, 1)
    lit = np.clip(near[None] ** 2 * np.clip((40 - e) / 36, 0, 1), 0, 1)[..., None]
    tone = lit * np.array([226, 140, 112]) / 255 + (1 - lit) * np.array([62, 62, 92]) / 255
    opacity = (0.75 * thick)[..., None]
    return colour * (1 - opacity) + tone * opacity


def _cloud_field(rng: np.random.Generator) -> tuple[Array, Array]:
    """Elevations and noise over 360° × 92° in which the rows lie closer towards the horizon, as flat clouds do."""
    elevation = np.linspace(-2, 90, 736)
    rows = noise((1024, WIDTH_PX), (16, 14), 5, rng)
    depth = 1 / (np.sin(np.radians(np.maximum(elevation, 0))) + 0.14)
    place = np.clip((depth - depth.min()) / np.ptp(depth) * 1023, 0, 1023).astype(int)
    return elevation, rows[place]


@dataclass(frozen=True, slots=True)
class _Wood:
    """A row of trees: how high their tops are and vary, how large crowns are (degrees), their colour, and how much of
    the sky's light lies between."""

    top_deg: float
    varies_deg: float
    crown_deg: float
    srgb: tuple[int, int, int]
    haze: float


WOODS = (
    _Wood(4.0, 1.2, 1.2, (38, 48, 46), 0.17),
    _Wood(5.2, 1.8, 1.7, (27, 37, 30), 0.07),
    _Wood(5.8, 2.8, 2.3, (18, 27, 20), 0.02),
)


def _trees(band: Array, azimuth_deg: Array, elevation_deg: Array, rng: np.random.Generator) -> None:
    """Wooded hills, then rows of trees, painted over the sky from far to near."""
    rows, columns = len(elevation_deg), len(azimuth_deg)
    near_sun = (0.5 + 0.5 * np.cos(np.radians(azimuth_deg - SUN_DEG))) ** 1.6
    low = (
        _blend(TOWARDS_SUN, np.array([3.0])) * near_sun[:, None]
        + _blend(AWAY, np.array([4.0])) * (1 - near_sun)[:, None]
    )
    ridge = 2.4 + 2.6 * noise((1, columns), (1, 12), 5, rng)[0]
    hill = np.array([46, 56, 66]) / 255 * 0.66 + low * 0.34
    _paint(band, elevation_deg[:, None] < ridge[None], np.broadcast_to(hill[None], band.shape))
    for wood in WOODS:
        leaves = noise((rows, columns), (rows // 3, columns // 4), 2, rng)
        cover, light = _crowns(wood, elevation_deg, columns, rng)
        cover &= (leaves > 0.40) | (light > 0.12) & (light < 0.55)
        bushes = wood.top_deg + wood.crown_deg * (1.3 * noise((1, columns), (1, 150), 4, rng)[0] - 1.75)
        cover |= elevation_deg[:, None] < bushes[None]
        colour = np.array(wood.srgb) / 255 * (1 - wood.haze) + low * wood.haze
        shade = 0.62 + 0.6 * leaves + 0.6 * light * (0.25 + 0.75 * near_sun[None])
        _paint(band, cover, colour[None] * shade[..., None])
    band *= (1 - 0.45 * np.clip((1.5 - elevation_deg) / 3.5, 0, 1))[:, None, None]


def _paint(band: Array, where: NDArray[np.bool_], colour: Array) -> None:
    band[where] = np.clip(colour, 0, 1)[where]


def _crowns(
    wood: _Wood, elevation_deg: Array, columns: int, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], Array]:
    """Where the trees of a row are, and how much light from above lies there (0–1): round ones, poplars, firs."""
    cover, light = np.zeros((len(elevation_deg), columns), bool), np.zeros((len(elevation_deg), columns))
    heights = noise((1, columns), (1, 22), 3, rng)[0]
    px_per_deg, at = columns / 360.0, 0.0
    while at < 360.0:
        top = wood.top_deg + rng.normal(0, 0.35) + 2 * wood.varies_deg * (heights[int(at * px_per_deg) % columns] - 0.5)
        kind, size = rng.random(), wood.crown_deg * rng.uniform(0.75, 1.2)
        for _ in range(60):
            down = rng.random()
            if kind < 0.72:
                half, radius, height = 0.62 * math.sqrt(min(1.0, 2.2 * down + 0.12)), rng.uniform(0.07, 0.24), 1.5
            elif kind < 0.84:
                half, radius, height = 0.2 * math.sqrt(min(1.0, 3 * down)), rng.uniform(0.06, 0.13), 2.1
            else:
                half, radius, height = 0.5 * down, rng.uniform(0.04, 0.05 + 0.1 * down), 1.9
            place = (at + rng.uniform(-1, 1) * half * size) * px_per_deg, top - size * (radius + down * height)
            _blob(cover, light, *place, radius * size, px_per_deg, elevation_deg)
        at += wood.crown_deg * rng.uniform(0.45, 1.15)
    return cover, light


def _blob(
    cover: NDArray[np.bool_], light: Array, x: float, elevation: float, radius: float, px_per_deg: float, rows: Array
) -> None:
    """A ball of leaves, brighter towards its top."""
    reach = int(radius * px_per_deg) + 1
    near = np.flatnonzero(np.abs(rows - elevation) <= radius)
    j = np.arange(int(x) - reach, int(x) + reach + 1)
    d = ((j - x) / px_per_deg)[None, :] ** 2 + (rows[near] - elevation)[:, None] ** 2
    inside = d < radius**2
    i, k = np.meshgrid(near, j % cover.shape[1], indexing="ij")
    cover[i[inside], k[inside]] = True
    shade = ((rows[near] - elevation)[:, None] / radius * np.ones((1, len(j))) + 1) / 2
    light[i[inside], k[inside]] = shade[inside] ** 2


def picture() -> Image:
    """The finished picture (rows upwards): the strips of horizon, 0–180° and 180–360°, then the dome."""
    rng = np.random.default_rng(21)
    elevations, field = _cloud_field(rng)
    azimuth = (np.arange(2 * WIDTH_PX) + 0.5) / (2 * WIDTH_PX) * 360
    rows = np.linspace(BAND_DEG[0] - SPARE_DEG, BAND_DEG[1] + SPARE_DEG, BAND_PX)
    clouds = np.repeat(field[np.searchsorted(elevations, rows).clip(0, len(elevations) - 1)], 2, axis=1)
    band = sky(azimuth, rows, clouds)
    _trees(band, azimuth, rows, rng)
    upper = np.linspace(BAND_DEG[1] - SPARE_DEG, 90, HEIGHT_PX - 2 * BAND_PX)
    dome = sky(azimuth[::2], upper, field[np.searchsorted(elevations, upper).clip(0, len(elevations) - 1)])
    stars = rng.random(dome.shape[:2]) > 0.99975
    stars &= (upper > 30)[:, None]
    dome += (stars * rng.uniform(0.1, 0.45, stars.shape))[..., None]
    whole = np.concatenate([band[:, :WIDTH_PX], band[:, WIDTH_PX:], dome])
    whole += rng.normal(0, 0.004, whole.shape)  # smooth skies show bands otherwise
    return np.clip(whole, 0, 1).astype(np.float32)


def dome(name: str) -> bpy.types.Object:
    """The mesh on which the picture lies, seen from within."""
    vertices: list[tuple[float, float, float]] = []
    uv: list[tuple[float, float]] = []
    faces: list[tuple[int, int, int, int]] = []

    def grid(azimuths: Array, elevations: Array, u: Array, v: Array) -> None:
        base, n = len(vertices), len(elevations)
        for a, s in zip(np.radians(azimuths), u, strict=True):
            for e, t in zip(np.radians(elevations), v, strict=True):
                x, y, z = math.cos(a) * math.cos(e), math.sin(a) * math.cos(e), math.sin(e)
                vertices.append(tuple(c + RADIUS_M * d for c, d in zip(CENTRE, (x, y, z), strict=True)))
                uv.append((float(s), float(t)))
        for i in range(len(azimuths) - 1):
            for j in range(n - 1):
                faces.append(
                    (base + (i + 1) * n + j, base + i * n + j, base + i * n + j + 1, base + (i + 1) * n + j + 1)
                )

    half, strip = 0.5 / HEIGHT_PX, BAND_PX / HEIGHT_PX
    spare = SPARE_DEG / (BAND_DEG[1] - BAND_DEG[0] + 2 * SPARE_DEG)
    above = SPARE_DEG / (90 - BAND_DEG[1] + SPARE_DEG)
    for k in range(2):
        v = k * strip + half + (strip - 2 * half) * np.array([spare, 1 - spare])
        grid(
            np.linspace(180 * k, 180 * (k + 1), 33),
            np.array(BAND_DEG),
            np.linspace(0.5 / WIDTH_PX, 1 - 0.5 / WIDTH_PX, 33),
            v,
        )
    heights = np.linspace(BAND_DEG[1], 90, 9)
    grid(
        np.linspace(0, 360, 65),
        heights,
        np.linspace(0, 1, 65),
        2 * strip + half + (1 - 2 * strip - 2 * half) * np.linspace(above, 1, 9),
    )
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices, [], faces)
    layer = mesh.uv_layers.new(name="UVMap")
    corner = np.zeros(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corner)
    layer.data.foreach_set("uv", np.array(uv)[corner].astype(np.float32).ravel())
    mesh.update()
    o = bpy.data.objects.new(name, mesh)
    o.visible_diffuse = o.visible_shadow = False
    bpy.context.scene.collection.objects.link(o)
    return o
