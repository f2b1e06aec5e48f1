/**
 * The hands of the audience: hundreds of pairs that clap, one draw call, hidden while nobody does. As in the studio's
 * own window (`scenes/audience.py`).
 */
import { GLSL3, InstancedBufferAttribute, InstancedBufferGeometry, Mesh, OctahedronGeometry, ShaderMaterial, Vector3 } from "three";
import type { Applause } from "../generated/protocol";

/** How high a head is, and the least that is free between two. */
const HEAD_M = 0.22;
const BETWEEN_HEADS_M = 0.12;
const HAND_M = new Vector3(0.045, 0.085, 0.05);
/** Where hands clap: before the chest, below the top of the head. */
const FORWARD_M = 0.26;
const BELOW_M = 0.36;
const RISES_S = 1.2;
const DIES_S = 2.5;
const CLAPS_PER_S = [2.4, 4.6] as const;

const VERTEX = /* glsl */ `
uniform vec2 clap; // time in seconds, share of the people who clap
in vec3 place;
in vec4 beat;      // direction of this hand's side, claps a second, phase, when this person falls in
out float vLight;
void main() {
  float claps = step(beat.w, clap.y);
  float apart = abs(sin(3.14159265 * (clap.x * beat.y + beat.z)));
  vec3 at = place + position * claps;
  at.xz += vec2(cos(beat.x), sin(beat.x)) * (0.03 + 0.12 * apart);
  at.y += 0.03 * apart;
  vLight = 0.75 + 0.35 * position.y / 0.085;
  gl_Position = projectionMatrix * modelViewMatrix * vec4(at, 1.0);
}`;

const FRAGMENT = /* glsl */ `
precision highp float;
in float vLight;
out vec4 colour;
void main() { colour = vec4(pow(vec3(0.20, 0.105, 0.062) * vLight, vec3(1.0 / 2.2)), 1.0); }`;

/** How many of the audience clap at a time, 0–1. */
export function clappingShare(applause: Applause, timeS: number): number {
  return Math.min(1, Math.max(0, Math.min((timeS - applause.begin_s) / RISES_S, (applause.end_s - timeS) / DIES_S)));
}

/** The tops of the heads in a row of listeners, from its vertices (x, y, z …, Y up). */
export function headsOf(vertices: Float32Array): Vector3[] {
  const heights = Float32Array.from({ length: vertices.length / 3 }, (_, i) => vertices[3 * i + 1]!).sort();
  const least = heights[Math.floor(0.98 * (heights.length - 1))]! - HEAD_M;
  const skulls: Vector3[] = [];
  for (let i = 0; i < vertices.length; i += 3) if (vertices[i + 1]! > least) skulls.push(new Vector3(...vertices.subarray(i, i + 3)));
  skulls.sort((a, b) => a.x - b.x);
  const heads: Vector3[] = [];
  for (let from = 0; from < skulls.length; ) {
    let to = from + 1;
    while (to < skulls.length && skulls[to]!.x - skulls[to - 1]!.x <= BETWEEN_HEADS_M) to += 1;
    const own = skulls.slice(from, to);
    const middle = own.reduce((sum, point) => sum.add(point), new Vector3()).divideScalar(own.length);
    heads.push(new Vector3(middle.x, Math.max(...own.map((point) => point.y)), middle.z));
    from = to;
  }
  return heads;
}

/** Who claps: the top of a head and the way they look, unit vector in the plane of the floor. */
export interface Listener {
  readonly head: Vector3;
  readonly looks: Vector3;
}

export class ClappingHands {
  readonly mesh: Mesh<InstancedBufferGeometry, ShaderMaterial>;
  private applause: Applause | null = null;

  constructor(people: readonly Listener[]) {
    const ball = new OctahedronGeometry(1, 1).scale(HAND_M.x, HAND_M.y, HAND_M.z);
    const geometry = new InstancedBufferGeometry();
    geometry.index = ball.index;
    geometry.setAttribute("position", ball.getAttribute("position"));
    const place = new Float32Array(people.length * 6);
    const beat = new Float32Array(people.length * 8);
    people.forEach(({ head, looks }, person) => {
      const ahead = Math.atan2(looks.z, looks.x);
      const own = [CLAPS_PER_S[0] + Math.random() * (CLAPS_PER_S[1] - CLAPS_PER_S[0]), Math.random(), Math.random()];
      for (const side of [0, 1]) {
        place.set([head.x + FORWARD_M * looks.x, head.y - BELOW_M, head.z + FORWARD_M * looks.z], (2 * person + side) * 3);
        beat.set([ahead + (side - 0.5) * Math.PI, ...own], (2 * person + side) * 4);
      }
    });
    geometry.setAttribute("place", new InstancedBufferAttribute(place, 3));
    geometry.setAttribute("beat", new InstancedBufferAttribute(beat, 4));
    geometry.instanceCount = 2 * people.length;
    const material = new ShaderMaterial({ glslVersion: GLSL3, vertexShader: VERTEX, fragmentShader: FRAGMENT, uniforms: { clap: { value: [0, 0] } }, toneMapped: false });
    this.mesh = new Mesh(geometry, material);
    this.mesh.frustumCulled = false;
    this.mesh.visible = false;
  }

  /** Clap then, or longer than it was meant before. */
  begin(applause: Applause): void {
    this.applause = { ...applause, begin_s: Math.min(applause.begin_s, this.applause?.begin_s ?? Infinity) };
  }

  end(): void {
    this.applause = null;
  }

  /** Moves the hands to where they are at a time; how many clap, 0–1. */
  update(timeS: number): number {
    const share = this.applause === null ? 0 : clappingShare(this.applause, timeS);
    this.mesh.visible = share > 0;
    this.mesh.material.uniforms["clap"]!.value = [timeS % 1000, share];
    return share;
  }
}
