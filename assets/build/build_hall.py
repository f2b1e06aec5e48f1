"""The concert hall with its light baked → its model.

    python build_hall.py OUT [--hall musikverein] [--samples 20] [--light 768] [--reuse]

Needs Blender as a module (``pip install bpy==5.0.1``, Python 3.11). ``--samples 4 --light 384`` is enough to judge a
change of plan; ``--reuse`` takes the light of the last bake in OUT for a new exposure or new rows of seats.
"""

import argparse
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import bpy
import glb
import hall_cathedral
import hall_chamber
import hall_materials
import hall_open_air
import hall_rows
import hall_shell
import hall_sky
import hall_studio
import hall_vineyard
import numpy as np
from blender import empty_scene, export_glb, vertex_colour_material
from hall_light import Image, Quality, bake, display, enlarge, evening, light, mend, set_up
from hall_patches import Atlas
from hall_platform import Description, Plan

JPEG_QUALITY = 86


@dataclass(frozen=True, slots=True)
class Look:
    """How a hall is built. The house darkens from ``fade_m[0]`` towards ``fade_m[1]`` (Y) to the share ``fade_to`` of
    the lamps' light. ``sky``: it lies under the evening sky."""

    shell: Callable[[Description], list[Atlas]]
    furnish: Callable[[Description], list[bpy.types.Object]]
    light: Callable[[Description], None]
    fade_m: tuple[float, float] = (-1.0, -30.0)
    fade_to: float = 0.42
    exposure: float = 0.8
    quality: int = JPEG_QUALITY
    sky: bool = False


LOOKS = {
    "musikverein": Look(hall_shell.shell, hall_rows.furnish, light),
    "cathedral": Look(hall_cathedral.shell, hall_cathedral.furnish, hall_cathedral.light, (-2.0, -55.0), 0.75, 1.0, 66),
    "vineyard": Look(hall_vineyard.shell, hall_vineyard.furnish, hall_vineyard.light, (-4.0, -34.0), 0.85, 1.15, 76),
    "chamber-room": Look(hall_chamber.shell, hall_chamber.furnish, hall_chamber.light, (-1.0, -12.0), 0.8, 0.95, 80),
    "studio": Look(hall_studio.shell, hall_studio.furnish, hall_studio.light, fade_to=1.0, exposure=0.85, quality=80),
    "open-air": Look(
        hall_open_air.shell, hall_open_air.furnish, hall_open_air.light, fade_to=1.0, sky=True, quality=80
    ),
}


def described(hall: str) -> Description:
    """The tables of a hall, with those of the one that it is like."""

    def tables(name: str) -> Description:
        return tomllib.loads((Path(__file__).parents[1] / "halls" / f"{name}.toml").read_text(encoding="utf-8"))

    own = tables(hall)
    if "like" not in own:
        return own
    other = tables(own["like"])
    shared = {name: other[name] for name in ("stage", "podium", "risers", "light")}
    return {**shared, **own, "seats": {**other["seats"], **own.get("seats", {})}}


def baked(o: bpy.types.Object, size: int, quality: Quality, store: Path, reuse: bool) -> tuple[Image, Image, Image]:
    if reuse:
        with np.load(store) as saved:
            return tuple(saved[name].astype(np.float32) for name in ("light", "colour", "glow"))
    glows = any(hall_materials.SURFACES[m.name].glow for m in o.data.materials)
    images = bake(o, size, quality, glows)
    np.savez_compressed(
        store, **{n: x.astype(np.float16) for n, x in zip(("light", "colour", "glow"), images, strict=True)}
    )
    return images


def texture(name: str, pixels: Image, out: Path, quality: int) -> bpy.types.Image:
    height, width = pixels.shape[:2]
    image = bpy.data.images.new(name, width, height)
    rgba = np.ones((height, width, 4), np.float32)
    rgba[..., :3] = pixels
    image.pixels.foreach_set(rgba.ravel())
    path = out / f"{name}.jpg"
    image.filepath_raw, image.file_format = str(path), "JPEG"
    image.save(quality=quality)
    bpy.data.images.remove(image)
    return bpy.data.images.load(str(path))


def textured(name: str, image: bpy.types.Image) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    node = material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    material.node_tree.links.new(node.outputs[0], material.node_tree.nodes["Principled BSDF"].inputs["Base Color"])
    return material


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--hall", default="musikverein", choices=LOOKS)
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--light", type=int, default=768, help="texels of the light maps' sides; divides the atlases'")
    parser.add_argument("--exposure", type=float)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--reuse", action="store_true")
    a = parser.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    description, look = described(a.hall), LOOKS[a.hall]
    empty_scene()
    quality = Quality(a.light, a.samples, a.threads)
    set_up(quality)
    materials = hall_materials.make_all()
    atlases = look.shell(description)
    objects = {atlas.name: atlas.build(materials) for atlas in atlases}
    furniture = look.furnish(description)
    for o in furniture:  # what the light bounces off while it is baked
        if not o.data.materials:
            o.data.materials.append(materials["red" if o.name.startswith("seats") else "dark"])
    look.light(description)
    for atlas in atlases:
        name, o = atlas.name, objects[atlas.name]
        lit, colour, glow = baked(o, atlas.size, quality, a.out / f"bake_{a.hall}_{name}.npz", a.reuse)
        rectangles = list(atlas.rectangles())
        dim = evening(lit.shape[:2], rectangles, *look.fade_m, look.fade_to)
        lit = mend(lit, rectangles) * dim[..., None]
        seen = enlarge(lit, atlas.size) * colour + glow
        image = texture(f"atlas_{name}", display(seen, a.exposure or look.exposure), a.out, look.quality)
        o.data.materials.clear()
        o.data.materials.append(textured(f"baked_{name}", image))
        o.data.polygons.foreach_set("material_index", [0] * len(o.data.polygons))
        print(f"{name}: {time.monotonic() - start:.0f} s, mean light {lit.mean():.3f}", flush=True)
    if look.sky:
        image = texture("sky", hall_sky.picture(), a.out, look.quality)
        hall_sky.dome("hall_sky").data.materials.append(textured("sky", image))
    for o in furniture:
        o.data.materials.clear()
        o.data.materials.append(vertex_colour_material())
    for o in list(bpy.data.objects):
        if o.type == "LIGHT":
            bpy.data.objects.remove(o)
    path = a.out / f"{a.hall}.glb"
    export_glb(path, extras=True, normals=False)
    glb.edit(path, glb.unlit)
    p = Plan(description)
    rows = (p.seats["first_row_y_m"], p.floor, p.seats.get("rise_per_row_m", 0.0) / p.seats["row_pitch_m"])
    size = glb.edit(path, glb.room((-p.width, p.south, p.floor), (p.width, p.north, p.ceiling), rows))
    unique = {
        o.data.name: sum(len(p.vertices) - 2 for p in o.data.polygons) for o in bpy.data.objects if o.type == "MESH"
    }
    print(f"{path.name}: {size / 1e6:.2f} MB, {sum(unique.values())} triangles {unique}")


if __name__ == "__main__":
    main()
