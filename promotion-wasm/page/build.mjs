// Builds the page: one file with everything in it, which works from a disk as well as from any server.
//
//   node promotion-wasm/page/build.mjs
//
// The content security policy names the one script by its hash: nothing else is ever run, whatever somebody pastes.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const read = (name, encoding = "utf8") => readFileSync(new URL(name, import.meta.url), encoding);
const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
/** A module's body, to stand in one file with those that it imports. It is no module there, and so need not be fetched by address. */
const body = (text) =>
  text.replace(/^import .*$/gm, "").replace(/^export (?=const|function|class)/gm, "").replace(/^export \{.*\};$/gm, "").replaceAll("import.meta.url", '""');
/** No closing tag inside a script. */
const literal = (text) => JSON.stringify(text).replaceAll("<", "\\u003c");

/** How a board is drawn belongs to the command, which is published by itself: `promotion status -o html` has it, too. */
const board = "../../promotion-cli/src/page";

const worker = [body(read("../pkg/promotion_wasm.js")), body(read("simulator.js")), body(read("worker.js"))].join("\n");
const module = read("../pkg/promotion_wasm_bg.wasm", null).toString("base64");
const script = `
const workerUrl = () => URL.createObjectURL(new Blob([${literal(worker)}], { type: "text/javascript" }));
const moduleBytes = () => Uint8Array.from(atob("${module}"), (character) => character.charCodeAt(0));
${body(read(`${board}/view.js`))}
${body(read("page.js"))}`.replaceAll("</script", "<\\/script");
const style = read(`${board}/style.css`);

const policy = [
  "default-src 'none'", `script-src ${hash(script)} 'wasm-unsafe-eval'`, `style-src ${hash(style)}`, "worker-src blob:", "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const parts = {
  policy: `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
  style: `<style>${style}</style>`,
  script: `<script type="module">${script}</script>`,
};
const page = read("index.html").replace(/<!-- (policy|style|script) -->/g, (_, part) => parts[part]);

const folder = new URL("../site/", import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL("index.html", folder), page);
console.log(`page: ${page.length} bytes: promotion-wasm/site/index.html`);
