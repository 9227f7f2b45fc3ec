// Node: the module is read from beside this file.
import { readFileSync } from "node:fs";

import { initSync } from "./promotion_wasm.js";

initSync({ module: readFileSync(new URL("./promotion_wasm_bg.wasm", import.meta.url)) });

export * from "./promotion_wasm.js";
