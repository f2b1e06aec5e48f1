/** The hand detector's files, as the bundler serves them from the page's own server: about 18 MB, fetched when chosen. */
import graph from "@mediapipe/hands/hands.binarypb?url";
import program from "@mediapipe/hands/hands.js?url";
import fullModel from "@mediapipe/hands/hand_landmark_full.tflite?url";
import liteModel from "@mediapipe/hands/hand_landmark_lite.tflite?url";
import palmModels from "@mediapipe/hands/hands_solution_packed_assets.data?url";
import palmLoader from "@mediapipe/hands/hands_solution_packed_assets_loader.js?url";
import wasmLoader from "@mediapipe/hands/hands_solution_simd_wasm_bin.js?url";
import wasm from "@mediapipe/hands/hands_solution_simd_wasm_bin.wasm?url";

const FILES = {
  "hands.js": program,
  "hands.binarypb": graph,
  "hand_landmark_full.tflite": fullModel,
  "hand_landmark_lite.tflite": liteModel,
  "hands_solution_packed_assets.data": palmModels,
  "hands_solution_packed_assets_loader.js": palmLoader,
  "hands_solution_simd_wasm_bin.js": wasmLoader,
  "hands_solution_simd_wasm_bin.wasm": wasm,
};

/** Whole addresses by the names that the detector asks for. */
export function detectorFiles(): Record<string, string> {
  return Object.fromEntries(Object.entries(FILES).map(([name, address]) => [name, new URL(address, location.href).href]));
}
