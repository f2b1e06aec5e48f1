"""The GLSL programs. Version 1.50 (OpenGL 3.2), the oldest that every supported machine has.

Colours: the hall's light is baked display-referred and copied through; everything lit here is computed linear, put
through the same filmic curve as the bake and written as sRGB, so that both stand in one light.
"""

from panda3d.core import Shader

from .meshes import JOINTS

TEXELS_PER_JOINT = 3
"""A joint's matrix is three texels: its rows."""
TINT_TEXEL = len(JOINTS) * TEXELS_PER_JOINT
PLAYER_TEXELS = TINT_TEXEL + 4
"""Width of the texture of poses: joints, then skin + glow, hair + options, shirt + dimming, and one spare."""

_FETCH = f"""
uniform sampler2D poses;
uniform sampler2D members;
uniform ivec2 batch;
// Panda3D keeps float textures in BGRA order
vec4 fetch(int column, int row) {{ return texelFetch(poses, ivec2(column, row), 0).zyxw; }}
int player_row() {{ return int(texelFetch(members, ivec2(batch.x + gl_InstanceID, batch.y), 0).r + 0.5); }}
const int TINTS = {TINT_TEXEL};
"""

_FILM = """
// Narkowicz's fit of the ACES filmic curve, as in the bake of the hall; then the sRGB curve
vec3 film(vec3 x) {
    x = clamp((x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14), 0.0, 1.0);
    return pow(x, vec3(1.0 / 2.2));
}
"""

PLAYER_VERTEX = (
    """#version 150
uniform mat4 p3d_ViewProjectionMatrix;
in vec4 p3d_Vertex;
in vec3 p3d_Normal;
in vec3 albedo;
in vec4 surface;   // roughness, metal, tint, option
in float joint;
out vec3 v_colour;
out vec2 v_surface;
out vec3 v_normal;
out vec3 v_place;
out vec2 v_state;  // glow, brightness
"""
    + _FETCH
    + """
void main() {
    int row = player_row();
    int option = int(surface.w + 0.5);
    vec4 skin = fetch(TINTS, row), hair = fetch(TINTS + 1, row), shirt = fetch(TINTS + 2, row);
    if (option < 15 && ((int(hair.w + 0.5) >> option) & 1) == 0) {
        gl_Position = vec4(2.0, 2.0, 2.0, 1.0);  // a part this player does not have: no area
        v_colour = v_normal = v_place = vec3(0.0);
        v_surface = v_state = vec2(0.0);
        return;
    }
    int first = int(joint + 0.5) * 3;
    vec4 x = fetch(first, row), y = fetch(first + 1, row), z = fetch(first + 2, row);
    vec4 rest = vec4(p3d_Vertex.xyz, 1.0);
    v_place = vec3(dot(x, rest), dot(y, rest), dot(z, rest));
    v_normal = vec3(dot(x.xyz, p3d_Normal), dot(y.xyz, p3d_Normal), dot(z.xyz, p3d_Normal));
    int tint = int(surface.z + 0.5);
    v_colour = albedo * (tint == 1 ? skin.rgb : tint == 2 ? hair.rgb : tint == 3 ? shirt.rgb : vec3(1.0));
    v_surface = surface.xy;
    v_state = vec2(skin.w, shirt.w);
    gl_Position = p3d_ViewProjectionMatrix * vec4(v_place, 1.0);
}
"""
)

_LIGHT = """
uniform mat4 p3d_ViewMatrixInverse;
float wrapped(vec3 n, vec3 l, float w) { return max(0.0, (dot(n, l) + w) / (1.0 + w)); }
// what a shiny thing sees from the stage: gold walls, wooden floor, the dark house, the bright wash above
vec3 hall_seen(vec3 d, float rough) {
    float w = mix(0.12, 0.9, rough);
    vec3 c = mix(vec3(0.24, 0.14, 0.075), vec3(0.19, 0.135, 0.085), smoothstep(-w, w, d.z));
    c = mix(c, vec3(0.045, 0.030, 0.021), smoothstep(0.1, 0.8, -d.y) * 0.8);
    float lamps = 0.5 + 0.5 * sin(9.0 * d.x) * sin(11.0 * d.y);
    return c + vec3(1.0, 0.86, 0.68) * (1.7 * (1.0 - rough) + 0.25)
        * smoothstep(0.80 - w * 0.6, 0.97, d.z) * mix(0.6 + 0.8 * lamps, 1.0, rough);
}
vec3 on_stage(vec3 albedo, vec2 surface, vec3 normal, vec3 place, vec2 state) {
    float rough = surface.x, metal = surface.y;
    vec3 eye = p3d_ViewMatrixInverse[3].xyz;
    vec3 n = normalize(normal), v = normalize(eye - place);
    if (dot(n, v) < 0.0) n = -n;
    vec3 wash = normalize(vec3(0.0, 4.2, 14.6) - place);
    vec3 front = normalize(vec3(0.0, -7.0, 14.0) - place);
    vec3 back = normalize(vec3(place.x * 0.4, 10.5, 7.5) - place);
    const vec3 WARM = vec3(1.0, 0.86, 0.69), FLOOR = vec3(1.0, 0.68, 0.44);
    // the wash is a pool: it falls off towards the sides and the edge of the stage
    float pool = mix(0.60, 1.0, smoothstep(10.5, 4.0, length(place.xy - vec2(0.0, 4.0))));
    vec3 light = pool * (WARM * (0.95 * wrapped(n, wash, 0.25) + 0.44 * wrapped(n, front, 0.15))
        + WARM * 0.24 * wrapped(n, vec3(0.0, -0.94, 0.34), 0.35)  // balcony lamps: faces, which look at the podium
        + vec3(1.0, 0.78, 0.56) * 0.30 * wrapped(n, back, 0.0)
        + FLOOR * (0.17 + 0.22 * max(0.0, -n.z))) + vec3(0.030, 0.030, 0.036);
    float nv = max(0.0, dot(n, v));
    float grazing = pow(1.0 - nv, 5.0) * (1.0 - 0.995 * rough);
    vec3 f0 = mix(vec3(mix(mix(0.045, 0.012, rough), 1.0, grazing)), albedo, metal);
    vec3 mirror = reflect(-v, n);
    float sharp = mix(160.0, 5.0, sqrt(rough)), strength = mix(5.0, 0.15, sqrt(rough));
    vec3 shine = hall_seen(mirror, rough) + WARM * pool * strength
        * (pow(max(0.0, dot(n, normalize(v + wash))), sharp)
            + 0.5 * pow(max(0.0, dot(n, normalize(v + front))), sharp));
    // a thin sheen along the outline sets black cloth off against dark wood
    vec3 rim = WARM * pool * 0.055 * pow(1.0 - nv, 3.0) * (0.4 + 0.6 * wrapped(n, back, 0.3));
    vec3 x = albedo * (1.0 - metal) * light + f0 * shine * (1.0 + 1.6 * metal) + rim;
    x += state.x * (albedo * 0.55 + 0.035 * pow(1.0 - nv, 2.0)) * vec3(1.0, 0.80, 0.50);
    return 1.4 * x * state.y;
}
"""

PLAYER_FRAGMENT = (
    """#version 150
in vec3 v_colour;
in vec2 v_surface;
in vec3 v_normal;
in vec3 v_place;
in vec2 v_state;
out vec4 colour;
"""
    + _LIGHT
    + _FILM
    + "void main() { colour = vec4(film(on_stage(v_colour, v_surface, v_normal, v_place, v_state)), 1.0); }"
)

PROP_VERTEX = """#version 150
uniform mat4 p3d_ModelViewProjectionMatrix;
uniform mat4 p3d_ModelMatrix;
in vec4 p3d_Vertex;
in vec3 p3d_Normal;
in vec3 albedo;
in vec4 surface;
out vec3 v_colour;
out vec2 v_surface;
out vec3 v_normal;
out vec3 v_place;
out vec2 v_state;
void main() {
    v_colour = albedo;
    v_surface = surface.xy;
    v_normal = mat3(p3d_ModelMatrix) * p3d_Normal;
    v_place = (p3d_ModelMatrix * p3d_Vertex).xyz;
    v_state = vec2(0.0, 1.0);
    gl_Position = p3d_ModelViewProjectionMatrix * p3d_Vertex;
}
"""

SHADOW_VERTEX = (
    """#version 150
uniform mat4 p3d_ViewProjectionMatrix;
in vec4 p3d_Vertex;
out vec2 v_at;
out float v_glow;
"""
    + _FETCH
    + """
void main() {
    int row = player_row();
    vec4 rest = vec4(p3d_Vertex.xyz, 1.0);
    vec3 place = vec3(dot(fetch(0, row), rest), dot(fetch(1, row), rest), dot(fetch(2, row), rest));
    v_at = p3d_Vertex.xy - vec2(0.0, 0.12);
    v_glow = fetch(TINTS, row).w;
    gl_Position = p3d_ViewProjectionMatrix * vec4(place, 1.0);
}
"""
)
SHADOW_FRAGMENT = """#version 150
in vec2 v_at;
in float v_glow;
out vec4 colour;
void main() {
    float r = length(v_at * vec2(1.25, 1.0));
    float shade = 0.62 * pow(max(0.0, 1.0 - r / 0.62), 1.3);
    float glow = 0.30 * v_glow * pow(max(0.0, 1.0 - r), 1.6);
    // premultiplied: the shadow darkens, the glow of an entry adds
    colour = vec4(vec3(1.0, 0.72, 0.36) * glow, shade);
}
"""

BAKED_VERTEX = """#version 150
uniform mat4 p3d_ModelViewProjectionMatrix;
in vec4 p3d_Vertex;
in vec2 p3d_MultiTexCoord0;
out vec2 v_at;
void main() {
    gl_Position = p3d_ModelViewProjectionMatrix * p3d_Vertex;
    v_at = p3d_MultiTexCoord0;
}
"""
BAKED_FRAGMENT = """#version 150
uniform sampler2D p3d_Texture0;
in vec2 v_at;
out vec4 colour;
void main() { colour = vec4(texture(p3d_Texture0, v_at).rgb, 1.0); }
"""

TINTED_VERTEX = """#version 150
uniform mat4 p3d_ModelViewProjectionMatrix;
in vec4 p3d_Vertex;
in vec4 p3d_Color;
out vec4 v_colour;
void main() {
    gl_Position = p3d_ModelViewProjectionMatrix * p3d_Vertex;
    v_colour = p3d_Color;
}
"""
TINTED_FRAGMENT = """#version 150
uniform vec4 p3d_ColorScale;
in vec4 v_colour;
out vec4 colour;
void main() { colour = vec4(pow(v_colour.rgb * p3d_ColorScale.rgb, vec3(1.0 / 2.2)), v_colour.a * p3d_ColorScale.a); }
"""

CLAP_VERTEX = """#version 150
uniform mat4 p3d_ModelViewProjectionMatrix;
uniform vec2 clap;    // time in seconds, share of the people who clap
in vec4 p3d_Vertex;   // between the hands
in vec3 corner;
in vec4 beat;         // direction of this hand's side, claps a second, phase, when this person falls in
out float v_light;
void main() {
    float claps = step(beat.w, clap.y);
    float apart = abs(sin(3.14159265 * (clap.x * beat.y + beat.z)));
    vec3 place = p3d_Vertex.xyz + corner * claps;
    place.xy += vec2(cos(beat.x), sin(beat.x)) * (0.03 + 0.12 * apart);
    place.z += 0.03 * apart;
    v_light = 0.75 + 0.35 * corner.z / 0.085;
    gl_Position = p3d_ModelViewProjectionMatrix * vec4(place, 1.0);
}
"""
CLAP_FRAGMENT = """#version 150
in float v_light;
out vec4 colour;
void main() { colour = vec4(pow(vec3(0.20, 0.105, 0.062) * v_light, vec3(1.0 / 2.2)), 1.0); }
"""

HALO_VERTEX = """#version 150
uniform mat4 p3d_ModelViewMatrix;
uniform mat4 p3d_ProjectionMatrix;
uniform float size;
in vec4 p3d_Vertex;   // the middle of the light
in vec2 corner;
out vec2 v_at;
void main() {
    vec4 seen = p3d_ModelViewMatrix * p3d_Vertex;
    seen.xyz *= 1.0 - min(0.5, 1.2 / length(seen.xyz));  // in front of the lamp that it surrounds
    seen.xy += corner * size;
    v_at = corner;
    gl_Position = p3d_ProjectionMatrix * seen;
}
"""
HALO_FRAGMENT = """#version 150
uniform vec4 light;
in vec2 v_at;
out vec4 colour;
void main() {
    float r = length(v_at);
    float halo = pow(max(0.0, 1.0 - r), 3.0) + 0.6 * pow(max(0.0, 1.0 - 2.2 * r), 2.0);
    colour = vec4(light.rgb * light.a * halo, 1.0);
}
"""

VIGNETTE_VERTEX = """#version 150
in vec4 p3d_Vertex;
out vec2 v_at;
void main() {
    v_at = p3d_Vertex.xz;
    gl_Position = vec4(p3d_Vertex.xz, 0.0, 1.0);
}
"""
VIGNETTE_FRAGMENT = """#version 150
in vec2 v_at;
out vec4 colour;
void main() {
    float edge = smoothstep(0.55, 1.65, length(v_at * vec2(1.0, 0.85)));
    // multiplied onto the picture: the corners fall back, a little warmer than they were
    colour = vec4(mix(vec3(1.0), vec3(0.50, 0.45, 0.42), edge), 1.0);
}
"""


def make_shader(vertex: str, fragment: str) -> Shader:
    """A program from its two sources."""
    return Shader.make(Shader.SL_GLSL, vertex, fragment)
