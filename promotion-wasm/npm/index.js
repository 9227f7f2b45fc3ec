// Browsers and bundlers: the module is fetched from beside this file, then everything is ready.
import init from "./promotion_wasm.js";

await init();

export * from "./promotion_wasm.js";
