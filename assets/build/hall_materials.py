"""What the hall is made of: procedural materials for the bake (colours sRGB). The bake is diffuse, so gilding is a
matte ochre here: a metal would come out black."""

from dataclasses import dataclass

import bpy
from meshes import linear


@dataclass(frozen=True, slots=True)
class Surface:
    """Two colours mixed by noise; ``grain`` is plain, upright or along wood, or blocks laid flat or in a wall.
    ``glow`` is the light that it gives by itself, as a share of a white surface's in full light; ``panes`` are the
    colours of glass in lead."""

    light: str
    dark: str
    grain: str = "plain"
    scale: float = 1.0
    glow: float = 0.0
    panes: tuple[str, ...] = ()


STAINED = ("2c4688", "35559a", "274078", "3d6a94", "2f5f80", "456a9c", "7a3c48", "5a4878", "a08a5c", "3d7270")
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
    "ashlar": Surface("cdbfa4", "b5a68b", "ashlar", 0.5),
    "limestone": Surface("d3c6ad", "c0b196", scale=0.7),
    "vault": Surface("ddd2bc", "cdbfa5", "courses", 0.5),
    "marble": Surface("b9ad99", "93887a", "tiles", 0.6),
    "oak": Surface("553e2b", "412e1f", "upright"),
    "larch": Surface("a67c4e", "8c6539", "along", 0.8),
    "concrete": Surface("8d8a84", "7d7a75"),
    "grass": Surface("727a50", "4c5c39", scale=0.35),
    "gravel": Surface("a89a84", "8c7f6c", scale=6.0),
    "light_oak": Surface("bc9a72", "a98660", "upright"),
    "plaster": Surface("ded6c6", "d4cbb9"),
    "warm_plaster": Surface("cdbfa6", "c2b399"),
    "ochre": Surface("9c6b38", "8a5c2e", "upright"),
    "evening": Surface("1b2740", "223250", glow=0.09),
    "ash": Surface("c3a57c", "ad8e66", "planks"),
    "ash_wall": Surface("bf9f74", "ab8b62", "upright"),
    "cloth_grey": Surface("918f89", "868580", scale=8.0),
    "cloth_dark": Surface("6a6a6d", "606063", scale=8.0),
    "cloth_black": Surface("2c2c2f", "262629", scale=8.0),
    "cloth_teal": Surface("567377", "4e6b6f", scale=8.0),
    "cloth_ochre": Surface("a08e6e", "948364", scale=8.0),
    "cloud": Surface("d9d6cf", "d0cdc6"),
    "strip": Surface("fff4e0", "fff4e0", glow=1.6),
    "sign": Surface("b3231c", "a01e18", glow=0.7),
    "shadow": Surface("3a342c", "332d26"),
    "iron": Surface("2b2a2a", "222122"),
    "stained": Surface("2c4a9c", "7c2230", glow=0.16, panes=STAINED),
    "leaded": Surface("27406e", "33507c", glow=0.06, panes=("27406e", "33507c", "2c4676", "3a5580")),
}
GRAIN = {
    "plain": (1.1, 1.1, 1.1),
    "upright": (9, 9, 0.7),
    "along": (0.7, 9, 9),
    "planks": (0.8, 9, 3),
    "parquet": (0.8, 9, 3),
    "ashlar": (1.1, 1.1, 1.1),
    "courses": (1.1, 1.1, 1.1),
    "tiles": (1.6, 1.6, 1.6),
}


@dataclass(frozen=True, slots=True)
class Blocks:
    """Boards, tiles or stones, metres; ``other`` is the shade of every second one beside the first."""

    width_m: float
    height_m: float
    joint_m: float = 0.005
    other: tuple[float, float, float] = (0.82, 0.79, 0.76)
    joint: tuple[float, float, float] = (0.4, 0.35, 0.3)
    upright: bool = False
    offset: float = 0.37


BLOCKS = {
    "planks": Blocks(2.6, 0.16),
    "parquet": Blocks(0.9, 0.15),
    "ashlar": Blocks(0.95, 0.42, 0.022, (0.87, 0.86, 0.85), (0.74, 0.72, 0.7), True, 0.5),
    "courses": Blocks(1.3, 0.3, 0.015, (0.93, 0.925, 0.92), (0.86, 0.85, 0.84), False, 0.5),
    "tiles": Blocks(0.8, 0.8, 0.012, (0.62, 0.6, 0.6), (0.5, 0.48, 0.46), False, 0.0),
}


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
    if surface.grain in BLOCKS:
        colour = _laid(material.node_tree, BLOCKS[surface.grain], place.outputs["Position"], colour)
    if surface.panes:
        colour = _panes(material.node_tree, surface.panes, place.outputs["Position"])
    shader = nodes["Principled BSDF"]
    shader.inputs["Roughness"].default_value = 0.8
    shader.inputs["Specular IOR Level"].default_value = 0.2
    links.new(colour, shader.inputs["Base Color"])
    if surface.glow:
        links.new(colour, shader.inputs["Emission Color"])
        shader.inputs["Emission Strength"].default_value = surface.glow
    return material


def _laid(
    tree: bpy.types.NodeTree, b: Blocks, place: bpy.types.NodeSocket, colour: bpy.types.NodeSocket
) -> bpy.types.NodeSocket:
    """The colour laid as blocks with joints."""
    nodes, links = tree.nodes, tree.links
    boards = nodes.new("ShaderNodeTexBrick")
    boards.offset = b.offset
    boards.inputs["Color1"].default_value = (1, 1, 1, 1)
    boards.inputs["Color2"].default_value = (*b.other, 1)
    boards.inputs["Mortar"].default_value = (*b.joint, 1)
    boards.inputs["Scale"].default_value = 1
    boards.inputs["Mortar Size"].default_value = b.joint_m
    boards.inputs["Brick Width"].default_value = b.width_m
    boards.inputs["Row Height"].default_value = b.height_m
    if b.upright:  # courses run along whatever wall this is
        split, join = nodes.new("ShaderNodeSeparateXYZ"), nodes.new("ShaderNodeCombineXYZ")
        run = nodes.new("ShaderNodeMath")
        links.new(place, split.inputs[0])
        links.new(split.outputs[0], run.inputs[0])
        links.new(split.outputs[1], run.inputs[1])
        links.new(run.outputs[0], join.inputs[0])
        links.new(split.outputs[2], join.inputs[1])
        place = join.outputs[0]
    links.new(place, boards.inputs["Vector"])
    product = nodes.new("ShaderNodeMixRGB")
    product.blend_type = "MULTIPLY"
    product.inputs[0].default_value = 1
    links.new(colour, product.inputs[1])
    links.new(boards.outputs["Color"], product.inputs[2])
    return product.outputs[0]


PANES_PER_M = 3.4


def _panes(tree: bpy.types.NodeTree, hues: tuple[str, ...], place: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """Pieces of coloured glass in lead."""
    nodes, links = tree.nodes, tree.links
    cells, edges = (nodes.new("ShaderNodeTexVoronoi") for _ in range(2))
    edges.feature = "DISTANCE_TO_EDGE"
    for texture in (cells, edges):
        texture.inputs["Scale"].default_value = PANES_PER_M
        links.new(place, texture.inputs["Vector"])
    choice = nodes.new("ShaderNodeSeparateColor")
    links.new(cells.outputs["Color"], choice.inputs[0])
    ramp = nodes.new("ShaderNodeValToRGB")
    ramp.color_ramp.interpolation = "CONSTANT"
    while len(ramp.color_ramp.elements) < len(hues):
        ramp.color_ramp.elements.new(0.5)
    for i, hue in enumerate(hues):
        ramp.color_ramp.elements[i].position = i / len(hues)
        ramp.color_ramp.elements[i].color = (*linear(hue), 1)
    links.new(choice.outputs[0], ramp.inputs[0])
    lead = nodes.new("ShaderNodeMath")
    lead.operation = "GREATER_THAN"
    lead.inputs[1].default_value = 0.055
    links.new(edges.outputs["Distance"], lead.inputs[0])
    product = nodes.new("ShaderNodeMixRGB")
    product.blend_type = "MULTIPLY"
    product.inputs[0].default_value = 1
    links.new(ramp.outputs[0], product.inputs[1])
    links.new(lead.outputs[0], product.inputs[2])
    return product.outputs[0]


def make_all() -> dict[str, bpy.types.Material]:
    return {name: make(name, surface) for name, surface in SURFACES.items()}
