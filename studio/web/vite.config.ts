import { createReadStream, existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const models = join(here, "..", "..", "assets", "models");
const HALLS = readdirSync(join(models, "halls")).filter((name) => name.endsWith(".glb"));
const MODEL_FILES = [...HALLS.map((name) => `halls/${name}`), "players.glb", "rig.json"];
/** Where the licence of what the bundle contains is: in its package, or with us where the package has none. */
const LICENSED: Readonly<Record<string, string>> = {
  three: "node_modules/three/LICENSE",
  "@fontsource-variable/source-serif-4": "node_modules/@fontsource-variable/source-serif-4/LICENSE",
  "@mediapipe/hands": "src/licences/Apache-2.0.txt",
};

/** Puts the halls and the players beside the page, from the one place where they are kept. */
function stageModels(): Plugin {
  return {
    name: "tutti-stage-models",
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const file = MODEL_FILES.find((name) => request.url?.split("?")[0] === `/models/${name}`);
        if (file === undefined) return next();
        response.setHeader("Content-Type", "model/gltf-binary");
        createReadStream(join(models, file)).pipe(response);
      });
    },
    generateBundle() {
      for (const name of MODEL_FILES) {
        const path = join(models, name);
        if (!existsSync(path)) this.error(`${path} is missing: the page cannot show the stage without it`);
        this.emitFile({ type: "asset", fileName: `models/${name}`, source: readFileSync(path) });
      }
    },
  };
}

/** Ships the licences of what the bundle contains. */
function licences(): Plugin {
  return {
    name: "tutti-licences",
    generateBundle() {
      const texts = Object.entries(LICENSED).map(([name, file]) => {
        const text = readFileSync(join(here, file), "utf8");
        return `${name}\n${"=".repeat(name.length)}\n\n${text.trim()}\n`;
      });
      this.emitFile({ type: "asset", fileName: "licences.txt", source: texts.join("\n\n") });
    },
  };
}

export default defineConfig({
  root: here,
  base: "./",
  plugins: [stageModels(), licences()],
  worker: { format: "es" },
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
    rollupOptions: { input: { index: join(here, "index.html"), phone: join(here, "phone.html") } },
  },
});
