"""The concert hall with its light baked → hall.glb.

    python build_hall.py OUT [--hall musikverein] [--samples 20] [--light 768] [--reuse]

Needs Blender as a module (``pip install bpy==5.0.1``, Python 3.11). ``--samples 4 --light 384`` is enough to judge a
change of plan; ``--reuse`` takes the light of the last bake in OUT for a new exposure or new rows of seats.
"""

import argparse
import time
import tomllib
from pathlib import Path

import bpy
import glb
import hall_materials
import hall_rows
import hall_shell
import numpy as np
from blender import empty_scene, export_glb, vertex_colour_material
from hall_light import Image, Quality, bake, display, enlarge, evening, light, mend, set_up
from hall_patches import Atlas

ATLAS_SIZES = {"stage": 2304, "walls": 3072, "house": 2304}
JPEG_QUALITY = 86
FADE_FROM_Y_M, FADE_TO_Y_M, FADE_TO = -1.0, -30.0, 0.42
"""The house darkens from the stage's edge towards its end, to this share of the lamps' light."""


def shell(plan: hall_shell.Plan) -> list[Atlas]:
    stage, walls, house = (Atlas(name, size) for name, size in ATLAS_SIZES.items())
    hall_shell.stage(stage, plan)
    hall_shell.organ(stage, plan)
    hall_shell.side_walls(walls, plan)
    hall_shell.house(house, plan)
    return [stage, walls, house]


def baked(o: bpy.types.Object, size: int, quality: Quality, store: Path, reuse: bool) -> tuple[Image, Image]:
    if reuse:
        with np.load(store) as saved:
            return saved["light"].astype(np.float32), saved["colour"].astype(np.float32)
    lit, colour = bake(o, size, quality)
    np.savez_compressed(store, light=lit.astype(np.float16), colour=colour.astype(np.float16))
    return lit, colour


def texture(name: str, pixels: Image, out: Path) -> bpy.types.Image:
    size = pixels.shape[0]
    image = bpy.data.images.new(name, size, size)
    rgba = np.ones((size, size, 4), np.float32)
    rgba[..., :3] = pixels
    image.pixels.foreach_set(rgba.ravel())
    path = out / f"{name}.jpg"
    image.filepath_raw, image.file_format = str(path), "JPEG"
    image.save(quality=JPEG_QUALITY)
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
    parser.add_argument("--hall", default="musikverein")
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--light", type=int, default=768, help="texels of the light maps' sides; divides the atlases'")
    parser.add_argument("--exposure", type=float, default=0.8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--reuse", action="store_true")
    a = parser.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    description = tomllib.loads((Path(__file__).parents[1] / "halls" / f"{a.hall}.toml").read_text())
    empty_scene()
    quality = Quality(a.light, a.samples, a.threads)
    set_up(quality)
    materials = hall_materials.make_all()
    atlases = shell(hall_shell.Plan(description))
    objects = {atlas.name: atlas.build(materials) for atlas in atlases}
    furniture = hall_rows.furnish(description)
    for o in furniture:  # what the light bounces off while it is baked
        if not o.data.materials:
            o.data.materials.append(materials["red" if o.name.startswith("seats") else "dark"])
    light(description)
    for atlas in atlases:
        name, o = atlas.name, objects[atlas.name]
        lit, colour = baked(o, ATLAS_SIZES[name], quality, a.out / f"bake_{name}.npz", a.reuse)
        rectangles = list(atlas.rectangles())
        dim = evening(lit.shape[:2], rectangles, FADE_FROM_Y_M, FADE_TO_Y_M, FADE_TO)
        lit = mend(lit, rectangles) * dim[..., None]
        image = texture(f"atlas_{name}", display(enlarge(lit, ATLAS_SIZES[name]) * colour, a.exposure), a.out)
        o.data.materials.clear()
        o.data.materials.append(textured(f"baked_{name}", image))
        o.data.polygons.foreach_set("material_index", [0] * len(o.data.polygons))
        print(f"{name}: {time.monotonic() - start:.0f} s, mean light {lit.mean():.3f}", flush=True)
    for o in furniture:
        o.data.materials.clear()
        o.data.materials.append(vertex_colour_material())
    for o in list(bpy.data.objects):
        if o.type == "LIGHT":
            bpy.data.objects.remove(o)
    export_glb(a.out / "hall.glb", extras=True, normals=False)
    size = glb.edit(a.out / "hall.glb", glb.unlit)
    unique = {
        o.data.name: sum(len(p.vertices) - 2 for p in o.data.polygons) for o in bpy.data.objects if o.type == "MESH"
    }
    print(f"hall.glb: {size / 1e6:.2f} MB, {sum(unique.values())} triangles {unique}")


if __name__ == "__main__":
    main()
