"""What the hall is made of: procedural materials for the bake (colours sRGB). The bake is diffuse, so gilding is a
matte ochre here: a metal would come out black."""

from dataclasses import dataclass

import bpy
from meshes import linear


@dataclass(frozen=True, slots=True)
class Surface:
    """Two colours mixed by noise; ``grain`` is plain, upright or along wood, or planks."""

    light: str
    dark: str
    grain: str = "plain"
    scale: float = 1.0


SURFACES = {
    "stage": Surface("b58a5e", "97704a", "planks"),
    "parquet": Surface("80543a", "694230", "parquet"),
    "wood": Surface("8b6240", "755033", "upright"),
    "woodx": Surface("8b6240", "755033", "along"),
    "dark": Surface("3f2a1c", "33211a", "upright"),
    "ivory": Surface("e9e0cb", "e4dac3"),
    "ivory2": Surface("d8cbae", "d2c4a5"),
    "gold": Surface("c6a35f", "bd9853", scale=2.0),
    "gold_deep": Surface("a98445", "9f7a3e", scale=2.0),
    "red": Surface("6e1f20", "611a1c"),
    "painting": Surface("6d7a86", "8a7c6a", scale=0.6),
    "pipe": Surface("cfc4a4", "bfb28e", "upright", 0.3),
    "glass": Surface("1d2433", "161c29"),
}
GRAIN = {
    "plain": (1.1, 1.1, 1.1),
    "upright": (9, 9, 0.7),
    "along": (0.7, 9, 9),
    "planks": (0.8, 9, 3),
    "parquet": (0.8, 9, 3),
}
BOARDS_M = {"planks": (2.6, 0.16), "parquet": (0.9, 0.15)}


def make(name: str, surface: Surface) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    place = nodes.new("ShaderNodeNewGeometry")
    stretch = nodes.new("ShaderNodeMapping")
    stretch.inputs["Scale"].default_value = tuple(g * surface.scale for g in GRAIN[surface.grain])
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Detail"].default_value = 5
    spread = nodes.new("ShaderNodeMapRange")
    spread.inputs[1].default_value, spread.inputs[2].default_value = 0.3, 0.7
    mix = nodes.new("ShaderNodeMixRGB")
    mix.inputs[1].default_value = (*linear(surface.light), 1)
    mix.inputs[2].default_value = (*linear(surface.dark), 1)
    links.new(place.outputs["Position"], stretch.inputs["Vector"])
    links.new(stretch.outputs[0], noise.inputs["Vector"])
    links.new(noise.outputs[0], spread.inputs[0])
    links.new(spread.outputs[0], mix.inputs[0])
    colour = mix.outputs[0]
    if surface.grain in BOARDS_M:
        width, height = BOARDS_M[surface.grain]
        boards = nodes.new("ShaderNodeTexBrick")
        boards.offset = 0.37
        boards.inputs["Color1"].default_value = (1, 1, 1, 1)
        boards.inputs["Color2"].default_value = (0.82, 0.79, 0.76, 1)
        boards.inputs["Mortar"].default_value = (0.4, 0.35, 0.3, 1)
        boards.inputs["Scale"].default_value = 1
        boards.inputs["Mortar Size"].default_value = 0.005
        boards.inputs["Brick Width"].default_value = width
        boards.inputs["Row Height"].default_value = height
        links.new(place.outputs["Position"], boards.inputs["Vector"])
        product = nodes.new("ShaderNodeMixRGB")
        product.blend_type = "MULTIPLY"
        product.inputs[0].default_value = 1
        links.new(colour, product.inputs[1])
        links.new(boards.outputs["Color"], product.inputs[2])
        colour = product.outputs[0]
    shader = nodes["Principled BSDF"]
    shader.inputs["Roughness"].default_value = 0.8
    shader.inputs["Specular IOR Level"].default_value = 0.2
    links.new(colour, shader.inputs["Base Color"])
    return material


def make_all() -> dict[str, bpy.types.Material]:
    return {name: make(name, surface) for name, surface in SURFACES.items()}
