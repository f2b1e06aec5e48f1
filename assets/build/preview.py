"""Pictures of the models, to judge them by.

    python preview.py MODELS_DIR OUT_DIR [--models violin,horn] [--pose NAME] [--lod 0] [--from front|side|back|close]
    python preview.py MODELS_DIR OUT_DIR --hall cathedral [--cameras hall,audience]

Draws with Panda3D without a window. Run it in the environment of the program, not in Blender's.
"""

import argparse
import json
import math
import random
import tomllib
from pathlib import Path

import gltf
from direct.showbase.ShowBase import ShowBase
from panda3d.core import (
    AntialiasAttrib,
    Filename,
    LPoint3,
    LQuaternionf,
    NodePath,
    PNMImage,
    SamplerState,
    Shader,
    Texture,
    TextureStage,
    load_prc_file_data,
)

VERTEX = """#version 150
uniform mat4 p3d_ModelViewProjectionMatrix, p3d_ModelMatrix;
in vec4 p3d_Vertex; in vec2 p3d_MultiTexCoord0; in vec4 p3d_Color; in vec3 p3d_Normal;
out vec2 uv; out vec4 colour; out vec3 normal; out vec3 place;
void main() {
  gl_Position = p3d_ModelViewProjectionMatrix * p3d_Vertex;
  uv = p3d_MultiTexCoord0; colour = p3d_Color;
  normal = mat3(p3d_ModelMatrix) * p3d_Normal; place = (p3d_ModelMatrix * p3d_Vertex).xyz;
}"""
BAKED = """#version 150
uniform sampler2D p3d_Texture0; in vec2 uv; out vec4 o;
void main() { o = vec4(texture(p3d_Texture0, uv).rgb, 1); }"""
PLAIN = """#version 150
uniform vec4 p3d_ColorScale; in vec4 colour; out vec4 o;
void main() { o = vec4(pow(colour.rgb * p3d_ColorScale.rgb, vec3(1 / 2.2)), 1); }"""
PLAYER = """#version 150
uniform vec3 eye; uniform vec4 p3d_ColorScale;
in vec2 uv; in vec4 colour; in vec3 normal; in vec3 place; out vec4 o;
float lit(vec3 n, vec3 l, float wrap) { return max(0, (dot(n, l) + wrap) / (1 + wrap)); }
vec3 room(vec3 d, float rough) {
  float w = mix(0.12, 0.9, rough);
  vec3 c = mix(vec3(0.26, 0.15, 0.075), vec3(0.24, 0.18, 0.12), smoothstep(-w, w, d.z));
  c = mix(c, vec3(0.05, 0.033, 0.022), smoothstep(0.1, 0.8, -d.y) * 0.8);
  return c + vec3(1, 0.86, 0.70) * (1.7 * (1 - rough) + 0.25) * smoothstep(0.80 - w * 0.6, 0.97, d.z);
}
void main() {
  float g = uv.x, m = 1 - uv.y;
  vec3 n = normalize(normal), v = normalize(eye - place);
  if (dot(n, v) < 0) n = -n;
  vec3 k1 = normalize(vec3(0, 4.2, 14.6) - place), k2 = normalize(vec3(0, -7, 14) - place);
  vec3 warm = vec3(1, 0.86, 0.70), bounce = vec3(1, 0.70, 0.48);
  vec3 base = colour.rgb * mix(vec3(1), p3d_ColorScale.rgb, colour.a);
  vec3 light = warm * (lit(n, k1, 0.25) + 0.50 * lit(n, k2, 0.15)) + bounce * (0.22 + 0.25 * max(0, -n.z));
  float nv = max(0, dot(n, v)), f = mix(mix(0.045, 0.012, g), 1, pow(1 - nv, 5) * (1 - 0.995 * g));
  vec3 f0 = mix(vec3(f), base, m), r = reflect(-v, n);
  float e = mix(160, 5, sqrt(g));
  float glint = pow(max(0, dot(n, normalize(v + k1))), e) + 0.5 * pow(max(0, dot(n, normalize(v + k2))), e);
  vec3 shine = room(r, g) + warm * glint * mix(5, 0.15, sqrt(g));
  vec3 x = (base * (1 - m) * light + f0 * shine * (1 + 1.6 * m)) * 1.4;
  x = clamp((x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14), 0, 1);
  o = vec4(pow(x, vec3(1 / 2.2)), 1);
}"""
SKIN = [(1, 1, 1), (0.62, 0.5, 0.42), (1.08, 1.04, 1.02), (0.36, 0.27, 0.22), (0.9, 0.82, 0.74), (1.02, 0.93, 0.86)]
HAIR = [
    (0.10, 0.08, 0.07),
    (0.3, 0.21, 0.15),
    (0.62, 0.43, 0.28),
    (1.3, 1.3, 1.3),
    (0.06, 0.05, 0.05),
    (1.2, 0.9, 0.55),
]


class Studio:
    """An offscreen window, the models, and copies of players in it."""

    def __init__(self, models: Path, size: tuple[int, int], background: tuple[float, float, float]) -> None:
        load_prc_file_data(
            "",
            f"load-display p3headlessgl\nwindow-type offscreen\nwin-size {size[0]} {size[1]}\n"
            "framebuffer-multisample 1\nmultisamples 4\naudio-library-name null\ngl-version 3 2\ntextures-power-2 none",
        )
        self.base = ShowBase(windowType="offscreen")
        self.base.set_background_color(*background, 1)
        self.render: NodePath = self.base.render
        self.render.set_antialias(AntialiasAttrib.M_multisample)
        self.models = models
        self.players = self.load("players.glb")
        self.players.detach_node()
        self.rig = json.loads((models / "rig.json").read_text())["models"] if (models / "rig.json").exists() else {}
        self.stage = self.render.attach_new_node("players")
        self.stage.set_shader(Shader.make(Shader.SL_GLSL, VERTEX, PLAYER))
        parameters = TextureStage("parameters")  # without it p3d_MultiTexCoord0 reads zero
        parameters.set_texcoord_name("0")
        white = Texture("white")
        image = PNMImage(1, 1)
        image.fill(1)
        white.load(image)
        self.stage.set_texture(parameters, white, 1)
        self.random = random.Random(3)

    def load(self, name: str) -> NodePath:
        settings = gltf.GltfSettings(no_srgb=True, skip_animations=True)
        return NodePath(gltf.load_model(str(self.models / name), settings))

    def hall(self, name: str) -> None:
        hall = self.load(f"{name}.glb")
        hall.reparent_to(self.render)
        for n in hall.find_all_matches("**/hall_*"):
            n.set_shader(Shader.make(Shader.SL_GLSL, VERTEX, BAKED))
        for t in hall.find_all_textures():
            t.set_minfilter(SamplerState.FT_linear_mipmap_linear)
            t.set_anisotropic_degree(8)
        plain = Shader.make(Shader.SL_GLSL, VERTEX, PLAIN)
        for pattern in ("seats_*", "audience_*", "chandelier_*", "lamp_*", "wire_*"):
            for n in hall.find_all_matches(f"**/{pattern}"):
                n.set_shader(plain)
                tint = float(n.get_tag("tint") or n.get_python_tag("tint") or 1)
                n.set_color_scale(tint, tint, tint, 1)

    def player(
        self, model: str, place: tuple[float, float, float], heading: float, lod: int = 0, pose: str = "", desk: int = 0
    ) -> NodePath:
        suffix = f"_lod{lod}" if lod else ""
        n = self.players.find(f"**/player_{model}{suffix}").copy_to(self.stage)
        n.set_pos(*place)
        n.set_h(heading)
        part = f"{model}{suffix}_"
        style = self.random.choice(["", "", "", "_b", "_c", "_d"])
        for k in ("", "_b", "_c", "_d"):
            if k != style:
                n.find(f"**/{part}hair{k}").hide()
        slight = style in ("_b", "_c")
        self._alternative(n, part, slight)
        skin, hair = self.random.choice(SKIN), self.random.choice(HAIR)
        for q in n.find_all_matches(f"**/{part}*"):
            q.set_color_scale(*(hair if "_hair" in q.get_name() else skin), 1)
        if pose:
            for name, move in self.rig[model]["poses"].get(pose, {}).items():
                q = n.find(f"**/{part}{name}")
                q.set_quat(LQuaternionf(*move["q"]))
                q.set_pos(q.get_pos() + LPoint3(*move["t"]))
        if desk % 2 and not n.find(f"**/{part}stand").is_empty():
            n.find(f"**/{part}stand").remove_node()
        return n

    @staticmethod
    def _alternative(n: NodePath, part: str, slight: bool) -> None:
        """Show the second build by swapping the geometry below the one body node that carries the arms."""
        body, other = n.find(f"**/{part}body"), n.find(f"**/{part}body_b")
        if other.is_empty():
            return
        if not slight:
            other.remove_node()
            return
        shirt = body.find(f"{part}shirt")
        if not shirt.is_empty():
            shirt.remove_node()
        for child in body.get_children():
            if child.get_name().startswith(part):
                child.wrt_reparent_to(other)
        body.remove_node()

    def shoot(
        self, path: Path, eye: tuple[float, float, float], target: tuple[float, float, float], field: float
    ) -> None:
        self.base.camLens.set_fov(field)
        self.base.camLens.set_near_far(0.05, 120)
        self.base.cam.set_pos(*eye)
        self.base.cam.look_at(*target)
        self.stage.set_shader_input("eye", LPoint3(*eye))
        for _ in range(2):
            self.base.graphicsEngine.render_frame()
        image = PNMImage()
        self.base.win.get_screenshot(image)
        image.write(Filename.from_os_specific(str(path)))


def seating() -> list[tuple[str, float, float]]:
    """An orchestra of sixty-odd: (model, radius, angle) round the podium."""
    seats: list[tuple[str, float, float]] = []

    def arc(model: str, radius: float, start: float, end: float, count: int) -> None:
        for i in range(count):
            seats.append((model, radius, start + (end - start) * (i / (count - 1) if count > 1 else 0.5)))

    for radius, first, second, viola in (
        (2.3, (172, 128, 3), (106, 106, 1), (78, 58, 2)),
        (3.55, (172, 136, 4), (118, 96, 3), (78, 58, 3)),
        (4.8, (172, 142, 4), (129, 96, 5), (84, 60, 4)),
    ):
        arc("violin", radius, *first)
        arc("violin", radius, *second)
        arc("viola", radius, *viola)
    arc("cello", 2.5, 33, 6, 2), arc("cello", 3.8, 38, 6, 3), arc("cello", 5.1, 46, 18, 4)
    arc("contrabass", 7.0, 12.5, 12.5, 1), arc("contrabass", 6.7, 2, 2, 1), arc("contrabass", 8.0, 16.5, 7, 2)
    arc("flute", 6.55, 113, 96, 3), arc("oboe", 6.55, 84, 67, 3), arc("clarinet", 8.1, 111, 97, 3)
    arc("bassoon", 8.1, 83, 69, 3), arc("horn", 8.1, 145, 122, 4), arc("trumpet", 9.75, 78, 66, 3)
    arc("trombone", 9.75, 58, 44, 3), arc("tuba", 9.75, 37, 37, 1), arc("timpani", 9.7, 97, 97, 1)
    arc("percussion", 9.75, 118, 118, 1), arc("mallets", 9.75, 133, 133, 1), arc("harp", 6.4, 150, 150, 1)
    return seats


def draw_hall(studio: Studio, hall: str, out: Path, names: list[str]) -> None:
    description = tomllib.loads((Path(__file__).parents[1] / "halls" / "musikverein.toml").read_text())
    studio.hall(hall)
    for i, (model, radius, angle) in enumerate(seating()):
        a = math.radians(angle)
        z = 0.0
        for r in description["risers"]:
            if r["inner_radius_m"] <= radius < r["outer_radius_m"] and r["from_deg"] <= angle <= r["to_deg"]:
                z = r["height_m"]
        x, y = radius * math.cos(a), radius * math.sin(a)
        studio.player(
            model,
            (x, y, z),
            math.degrees(math.atan2(x, -y)) + studio.random.uniform(-6, 6),
            desk=i % 2 if model in ("violin", "viola", "cello") else 0,
        )
    conductor = studio.player("conductor", (0, -0.05, 0.24), 0)
    for name in names:
        c = description["cameras"][name]
        conductor.hide() if name in ("podium", "strings") else conductor.show()
        studio.shoot(out / f"{name}.png", tuple(c["position_m"]), tuple(c["look_at_m"]), c["field_deg"])


VIEWS = {
    "front": ((0.75, 2.1, 1.65), (0, 0.15, 0.80), 38),
    "side": ((2.1, 0.8, 1.4), (0, 0.2, 0.85), 38),
    "left": ((-1.9, 1.2, 1.6), (0, 0.2, 0.85), 38),
    "back": ((-0.8, -2.0, 1.8), (0, 0.2, 0.85), 38),
    "close": ((0.35, 1.35, 1.55), (0, 0.15, 1.12), 42),
    "face": ((0.25, 0.85, 1.30), (0, 0.02, 1.20), 34),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models_dir", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--models", default="")
    parser.add_argument("--pose", default="")
    parser.add_argument("--lod", type=int, default=0)
    parser.add_argument("--from", dest="view", default="front", choices=sorted(VIEWS))
    parser.add_argument("--hall", help="its model, NAME.glb in MODELS_DIR")
    parser.add_argument("--cameras", default="hall,audience,balcony,podium,strings")
    a = parser.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    if a.hall:
        draw_hall(Studio(a.models_dir, (1280, 720), (0.012, 0.010, 0.009)), a.hall, a.out, a.cameras.split(","))
        return
    names = a.models.split(",")
    columns = min(4, len(names))
    tile = (480, 540)
    studio = Studio(a.models_dir, tile, (0.24, 0.22, 0.20))
    sheet = PNMImage(tile[0] * columns, tile[1] * math.ceil(len(names) / columns))
    for i, name in enumerate(names):
        n = studio.player(name, (0, 0, 0), 0, a.lod, a.pose)
        eye, target, field = VIEWS[a.view]
        if studio.rig.get(name, {}).get("stance") == "standing":
            eye, target = (
                (eye[0] * 1.15, eye[1] * 1.15, eye[2] + 0.3),
                (*target[:2], target[2] + (0.4 if a.view in ("close", "face") else 0.12)),
            )
        studio.shoot(a.out / "tile.png", eye, target, field)
        image = PNMImage(Filename.from_os_specific(str(a.out / "tile.png")))
        sheet.copy_sub_image(image, (i % columns) * tile[0], (i // columns) * tile[1])
        n.remove_node()
    sheet.write(Filename.from_os_specific(str(a.out / "sheet.png")))


if __name__ == "__main__":
    main()
