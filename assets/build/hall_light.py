"""Lamps of the evening, and the bake: diffuse light at low resolution, filtered, times colour at high resolution."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from meshes import Array
from numpy.typing import NDArray

Image = NDArray[np.float32]
"""(height, width, 3), linear."""


def area_lamp(
    at: tuple[float, float, float],
    size: tuple[float, float],
    watt: float,
    colour: tuple[float, ...],
    pitch_deg: float = 0,
    spread_deg: float = 120,
) -> None:
    lamp = bpy.data.lights.new("area", "AREA")
    lamp.shape = "RECTANGLE"
    lamp.size, lamp.size_y = size
    lamp.energy, lamp.color, lamp.spread = watt, colour, math.radians(spread_deg)
    o = bpy.data.objects.new("area", lamp)
    o.location, o.rotation_euler = at, (math.radians(pitch_deg), 0, 0)
    o.visible_camera = False
    bpy.context.scene.collection.objects.link(o)


def point_lamp(at: tuple[float, float, float], watt: float, colour: tuple[float, ...], radius_m: float) -> None:
    lamp = bpy.data.lights.new("point", "POINT")
    lamp.energy, lamp.color, lamp.shadow_soft_size = watt, colour, radius_m
    o = bpy.data.objects.new("point", lamp)
    o.location = at
    o.visible_camera = False
    bpy.context.scene.collection.objects.link(o)


def sun_lamp(azimuth_deg: float, elevation_deg: float, strength: float, colour: tuple[float, ...]) -> None:
    """Light from one direction of the sky."""
    lamp = bpy.data.lights.new("sun", "SUN")
    lamp.energy, lamp.color, lamp.angle = strength, colour, math.radians(20)
    o = bpy.data.objects.new("sun", lamp)
    o.rotation_euler = (math.radians(90 - elevation_deg), 0, math.radians(azimuth_deg + 90))
    bpy.context.scene.collection.objects.link(o)


def world_light(colour: tuple[float, float, float], strength: float) -> None:
    """Light from everywhere outside."""
    world = bpy.data.worlds.new("world")
    bpy.context.scene.world = world
    world.use_nodes = True
    background = world.node_tree.nodes["Background"]
    background.inputs[0].default_value = (*colour, 1)
    background.inputs[1].default_value = strength


def stage_wash(lamps: dict[str, Any]) -> None:
    """Lamps over the stage and in front of it."""
    warm = tuple(lamps["warm_rgb"])
    area_lamp((0, 4.4, 14.6), (15, 9), lamps["stage_w"], warm, spread_deg=84)
    area_lamp((0, -6.5, 14.4), (13, 1.2), lamps["front_w"], warm, 48, 66)


def light(description: dict[str, Any]) -> None:
    """Stage wash and front light, chandeliers that fade towards the back of the house, sconces under the balconies."""
    lamps, room, stage = description["light"], description["room"], description["stage"]
    warm = tuple(lamps["warm_rgb"])
    warmer = (warm[0], warm[1] * 0.94, warm[2] * 0.84)
    stage_wash(lamps)
    area_lamp((0, 7.6, 5.6), (14, 0.3), 110, warmer, 130, 110)  # organ, from below
    for s in (-1, 1):
        for y in lamps["chandelier_y_m"]:
            fade = 1.0 if y > -3 else max(0.45, 1.0 + 0.024 * (y + 3))
            at = (s * lamps["chandelier_x_m"], y, lamps["chandelier_z_m"] + 0.4)
            point_lamp(at, lamps["chandelier_w"] * fade, warmer, 0.45)
    balcony = description["balcony"]
    wall = room["half_width_m"] - 0.45
    for s in (-1, 1):
        for b in range(balcony["bays"]):
            y = room["house_end_y_m"] + (b + 0.5) * balcony["bay_m"]
            on_stage = y > stage["front_y_m"] - 1
            point_lamp((s * wall, y, 2.5 if on_stage else 1.55), 16 if on_stage else 9, warmer, 0.12)
    world_light((0.02, 0.025, 0.04), 0.2)


@dataclass(frozen=True, slots=True)
class Quality:
    light_size: int
    samples: int
    threads: int


def set_up(quality: Quality) -> None:
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.threads_mode, scene.render.threads = "FIXED", quality.threads
    c = scene.cycles
    c.device = "CPU"
    c.use_denoising = False
    c.max_bounces, c.diffuse_bounces, c.glossy_bounces = 5, 4, 0
    c.sample_clamp_indirect = 4
    c.caustics_reflective = c.caustics_refractive = False


def _bake(o: bpy.types.Object, kind: str, size: int, samples: int, margin: int, **options: object) -> Image:
    image = bpy.data.images.new(f"{o.name}_{kind}_{size}", size, size, float_buffer=True)
    image.colorspace_settings.name = "Non-Color"
    for m in o.data.materials:
        node = m.node_tree.nodes.new("ShaderNodeTexImage")
        node.image, node.name = image, "BAKE"
        m.node_tree.nodes.active = node
    for other in bpy.data.objects:
        other.select_set(False)
    o.select_set(True)
    bpy.context.view_layer.objects.active = o
    bpy.context.scene.cycles.samples = samples
    bpy.ops.object.bake(type=kind, margin=margin, margin_type="EXTEND", use_clear=True, **options)
    pixels = np.empty(size * size * 4, np.float32)
    image.pixels.foreach_get(pixels)
    for m in o.data.materials:
        m.node_tree.nodes.remove(m.node_tree.nodes["BAKE"])
    bpy.data.images.remove(image)
    return pixels.reshape(size, size, 4)[..., :3].copy()


def bake(o: bpy.types.Object, size: int, quality: Quality, glows: bool) -> tuple[Image, Image, Image]:
    """Filtered light (low resolution), colour and glow (``size``) of an atlas; without glow of one texel."""
    raw = _bake(o, "DIFFUSE", quality.light_size, quality.samples, 3, pass_filter={"DIRECT", "INDIRECT"})
    place = _bake(o, "POSITION", quality.light_size, 1, 3)
    normal = _bake(o, "NORMAL", quality.light_size, 1, 3, normal_space="OBJECT") * 2 - 1
    colour = _bake(o, "DIFFUSE", size, 2, 4, pass_filter={"COLOR"})
    glow = _bake(o, "EMIT", size, 1, 4) if glows else np.zeros((1, 1, 3), np.float32)
    return smooth(raw, place, normal), colour, glow


def _fireflies(x: Image) -> Image:
    around = np.stack([np.roll(x, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)]).mean(-1)
    level = x.mean(-1)
    return x * (np.minimum(level, 1.6 * np.median(around, 0) + 1e-4) / (level + 1e-6))[..., None]


def smooth(raw: Image, place: Image, normal: Image) -> Image:
    """Edge-avoiding à-trous filter in the atlas, by distance in the hall, normal and brightness.

    Dammertz et al., "Edge-avoiding à-trous wavelet transform for fast global illumination filtering", HPG 2010.
    Patches that are neighbours only in the atlas are far apart in the hall, so they do not mix.
    """
    x = _fireflies(raw)
    used = (np.abs(place).sum(-1) > 0).astype(np.float32)
    for step, reach_m in ((1, 0.25), (2, 0.45), (4, 0.7), (8, 0.9), (1, 0.2)):
        total, weight, level = np.zeros_like(x), np.zeros(x.shape[:2], np.float32), x.mean(-1)
        for i in range(-2, 3):
            for j in range(-2, 3):

                def shifted(a: Image, di: int = i * step, dj: int = j * step) -> Image:
                    return np.roll(a, (di, dj), (0, 1))

                other = shifted(x)
                far = ((shifted(place) - place) ** 2).sum(-1)
                facing = np.clip((shifted(normal) * normal).sum(-1) * 4 - 3, 0, 1)
                ratio = np.abs(other.mean(-1) - level) / (level + 0.02)
                w = np.exp(-far / reach_m**2 - (ratio / 0.8) ** 2) * facing * shifted(used)
                total += other * w[..., None]
                weight += w
        x = np.where(weight[..., None] > 1e-4, total / (weight[..., None] + 1e-9), x)
    return x


def mend(x: Image, rectangles: Iterable[tuple[float, float, float, float, Array]], dark: float = 0.14) -> Image:
    """Light for texels that lie hidden inside other things, from their neighbours on the same patch.

    A wall behind a panel, a floor under a riser get no light at all; enlarged, their black would show as a rim.
    """
    out, n = x.copy(), x.shape[0]
    for left, bottom, right, top, _ in rectangles:
        rows = slice(max(0, math.floor(bottom * n)), min(n, math.ceil(top * n)))
        columns = slice(max(0, math.floor(left * n)), min(n, math.ceil(right * n)))
        patch = out[rows, columns]
        level = patch.mean(-1)
        hidden = level < dark * _highest(level, 4)
        for _ in range(6):
            if not hidden.any() or hidden.all():
                break
            seen = np.pad(~hidden, 1).astype(np.float32)
            light = np.pad(patch * ~hidden[..., None], ((1, 1), (1, 1), (0, 0)))
            h, w = hidden.shape
            shifts = [(i, j) for i in range(3) for j in range(3)]
            weight = sum(seen[i : i + h, j : j + w] for i, j in shifts)
            total = sum(light[i : i + h, j : j + w] for i, j in shifts)
            found = hidden & (weight > 0)
            patch[found] = (total / np.maximum(weight, 1)[..., None])[found]
            hidden &= ~found
    return out


def _highest(level: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """The greatest level within ``reach`` texels."""
    h, w = level.shape
    padded = np.pad(level, reach)
    rows = np.max([padded[i : i + h] for i in range(2 * reach + 1)], axis=0)
    highest: NDArray[np.float32] = np.max([rows[:, j : j + w] for j in range(2 * reach + 1)], axis=0)
    return highest


def evening(
    shape: tuple[int, int],
    rectangles: Iterable[tuple[float, float, float, float, Array]],
    from_y_m: float,
    to_y_m: float,
    least: float,
) -> NDArray[np.float32]:
    """Factors that let the house sink into darkness: 1 before ``from_y_m``, ``least`` beyond ``to_y_m``."""
    out = np.ones(shape, np.float32)
    n = shape[0]
    for left, bottom, right, top, corners in rectangles:
        r0, r1 = max(0, math.floor(bottom * n) - 3), min(n, math.ceil(top * n) + 3)
        c0, c1 = max(0, math.floor(left * n) - 3), min(n, math.ceil(right * n) + 3)
        v = np.clip(((np.arange(r0, r1) + 0.5) / n - bottom) / (top - bottom), 0, 1)[:, None]
        u = np.clip(((np.arange(c0, c1) + 0.5) / n - left) / (right - left), 0, 1)[None, :]
        y = corners[..., 1]
        place = y[0, 0] * (1 - v) * (1 - u) + y[0, 1] * (1 - v) * u + y[1, 0] * v * (1 - u) + y[1, 1] * v * u
        t = np.clip((place - from_y_m) / (to_y_m - from_y_m), 0, 1)
        out[r0:r1, c0:c1] = 1 - (1 - least) * t * t * (3 - 2 * t)
    return out


def enlarge(x: Image, size: int) -> Image:
    """Bilinear, by a whole factor."""
    factor, n = size // x.shape[0], x.shape[0]
    if factor * n != size:
        raise ValueError(f"light of {n} texels does not fit an atlas of {size}: choose --light that divides it")
    if factor == 1:
        return x
    t = (np.arange(size) + 0.5) / factor - 0.5
    low = np.clip(np.floor(t).astype(int), 0, n - 1)
    high = np.clip(low + 1, 0, n - 1)
    f = np.clip(t - low, 0, 1).astype(np.float32)
    rows = x[low] * (1 - f)[:, None, None] + x[high] * f[:, None, None]
    return rows[:, low] * (1 - f)[None, :, None] + rows[:, high] * f[None, :, None]


WHITE_BALANCE = np.array([0.95, 1.0, 1.14], np.float32)


def display(x: Image, exposure: float) -> Image:
    """Linear light to display-referred sRGB by a filmic curve (K. Narkowicz's fit of the ACES tone curve, 2016)."""
    x = np.maximum(x, 0) * exposure * WHITE_BALANCE
    x = np.clip((x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14), 0, 1)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
