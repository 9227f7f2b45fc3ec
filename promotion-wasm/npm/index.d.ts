// `initSync` is here because it is in the module; by the time that this is imported it has been called.
export * from "./promotion_wasm.js";
