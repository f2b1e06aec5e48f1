/**
 * Draws players: instanced, each vertex carried by the joint matrix of its part (from a texture with one row per
 * player), lit by two warm keys, floor bounce and a small analytic room to reflect; the same light and tone curve as
 * the hall's bake.
 */
import { DataTexture, DoubleSide, GLSL3, ShaderMaterial } from "three";
import { MAX_JOINTS } from "./rig";

/** Texels of a row: three per joint, then place (xyz, heading), skin, hair and shirt tints with emphasis in skin.w. */
export const ROW_TEXELS = MAX_JOINTS * 3 + 4;
export const PLACE_TEXEL = MAX_JOINTS * 3;

const VERTEX = /* glsl */ `
precision highp float;
uniform sampler2D poses;
in vec2 surface;
in vec3 albedo;
in vec2 part;
in float row;
out vec3 vAlbedo;
out vec3 vNormal;
out vec3 vWorld;
out vec2 vSurface;
out float vEmphasis;
vec4 texel(int column) { return texelFetch(poses, ivec2(column, int(row + 0.5)), 0); }
void main() {
  int joint = int(part.x + 0.5) * 3;
  vec4 a = texel(joint), b = texel(joint + 1), c = texel(joint + 2);
  vec4 p = vec4(position, 1.0);
  vec3 posed = vec3(dot(a, p), dot(b, p), dot(c, p));
  vec3 n = vec3(dot(a.xyz, normal), dot(b.xyz, normal), dot(c.xyz, normal));
  vec4 place = texel(${PLACE_TEXEL});
  float s = sin(place.w), k = cos(place.w);
  mat3 turn = mat3(k, 0.0, -s, 0.0, 1.0, 0.0, s, 0.0, k);
  vec3 world = turn * posed + place.xyz;
  int slot = int(part.y + 0.5);
  vec4 skin = texel(${PLACE_TEXEL + 1});
  vec3 tint = slot == 0 ? vec3(1.0) : slot == 1 ? skin.rgb : texel(${PLACE_TEXEL} + slot).rgb;
  vAlbedo = albedo * tint;
  vNormal = turn * n;
  vWorld = world;
  vSurface = surface;
  vEmphasis = skin.w;
  gl_Position = projectionMatrix * viewMatrix * vec4(world, 1.0);
}`;

const FRAGMENT = /* glsl */ `
precision highp float;
in vec3 vAlbedo;
in vec3 vNormal;
in vec3 vWorld;
in vec2 vSurface;
in float vEmphasis;
out vec4 colour;
const vec3 WARM = vec3(1.0, 0.84, 0.65);
const vec3 FLOOR = vec3(1.0, 0.66, 0.42);
float lit(vec3 n, vec3 l, float wrap) { return max(0.0, (dot(n, l) + wrap) / (1.0 + wrap)); }
// What a surface mirrors: dark house behind, gold walls, bright wash above the stage, wooden floor.
vec3 room(vec3 d, float rough) {
  float soft = mix(0.12, 0.9, rough);
  vec3 c = mix(vec3(0.26, 0.15, 0.075), vec3(0.20, 0.14, 0.085), smoothstep(-soft, soft, d.y));
  c = mix(c, vec3(0.05, 0.033, 0.022), smoothstep(0.1, 0.8, d.z) * 0.8);
  return c + WARM * (1.7 * (1.0 - rough) + 0.25) * smoothstep(0.80 - soft * 0.6, 0.97, d.y);
}
void main() {
  float rough = vSurface.x, metal = vSurface.y;
  vec3 n = normalize(vNormal), v = normalize(cameraPosition - vWorld);
  if (dot(n, v) < 0.0) n = -n;
  vec3 above = normalize(vec3(0.0, 14.6, -4.2) - vWorld), front = normalize(vec3(0.0, 14.0, 7.0) - vWorld);
  vec3 light = WARM * (lit(n, above, 0.25) + 0.42 * lit(n, front, 0.15))
    + FLOOR * (0.20 + 0.25 * max(0.0, -n.y)) + vec3(0.03, 0.03, 0.035);
  light *= 1.0 + 0.55 * vEmphasis;
  float facing = max(0.0, dot(n, v));
  float fresnel = mix(mix(0.045, 0.012, rough), 1.0, pow(1.0 - facing, 5.0) * (1.0 - 0.995 * rough));
  vec3 f0 = mix(vec3(fresnel), vAlbedo, metal);
  float shine = mix(160.0, 5.0, sqrt(rough));
  float glint = pow(max(0.0, dot(n, normalize(v + above))), shine)
    + 0.5 * pow(max(0.0, dot(n, normalize(v + front))), shine);
  vec3 mirrored = room(reflect(-v, n), rough) + WARM * glint * mix(5.0, 0.15, sqrt(rough));
  vec3 x = 1.4 * (vAlbedo * (1.0 - metal) * light + f0 * mirrored * (1.0 + 1.6 * metal));
  // Narkowicz's fit of the ACES curve (2015), as the bake uses, then the display's gamma.
  x = clamp((x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14), 0.0, 1.0);
  colour = vec4(pow(x, vec3(1.0 / 2.2)), 1.0);
}`;

/** `poses`: RGBA float texture, ROW_TEXELS wide, one row per player. */
export function playerMaterial(poses: DataTexture): ShaderMaterial {
  return new ShaderMaterial({
    glslVersion: GLSL3,
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    uniforms: { poses: { value: poses } },
    side: DoubleSide,
    toneMapped: false,
  });
}
