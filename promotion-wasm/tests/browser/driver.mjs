// Chromium, driven over WebDriver: as little of it as the tests need, spoken with fetch.
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";

const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
/** The keys of the keyboard that have no character. */
export const KEYS = { Tab: "\uE004", Enter: "\uE007", Left: "\uE012", Right: "\uE014", Space: " " };

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

/** Asks until the answer is truthy. The bound is for what never happens. */
export const until = async (question, what = "the page") => {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const answer = await question();
    if (answer) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain for ${what}`);
};

/** Starts a browser. */
export const browser = async ({ width = 1280, height = 900, dark = false } = {}) => {
  const port = await freePort();
  const driver = spawn(process.env.CHROMEDRIVER ?? "chromedriver", [`--port=${port}`], { stdio: "ignore" });
  const base = `http://127.0.0.1:${port}`;
  const send = async (method, path, body) => {
    const response = await fetch(base + path, { method, ...(body && { body: JSON.stringify(body) }) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${path}: ${value.error}: ${value.message}`);
    return value;
  };
  await until(() => send("GET", "/status").then(({ ready }) => ready, () => false), "chromedriver");
  const args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", `--window-size=${width},${height}`, ...(dark ? ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] : [])];
  const { sessionId } = await send("POST", "/session", { capabilities: { alwaysMatch: { browserName: "chrome", "goog:chromeOptions": { args }, "goog:loggingPrefs": { browser: "ALL" } } } });
  const session = `/session/${sessionId}`;
  const cdp = (cmd, params = {}) => send("POST", `${session}/goog/cdp/execute`, { cmd, params });
  await cdp("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 500 });
  await cdp("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }] });
  const find = async (selector) => (await send("POST", `${session}/element`, { using: "css selector", value: selector }))[ELEMENT];
  const run = (script, ...args) => send("POST", `${session}/execute/sync`, { script, args });
  const page = {
    run,
    cdp,
    until: (script, what) => until(() => run(`return ${script}`), what ?? script),
    go: async (url) => {
      // Another fragment of the same page is no navigation.
      await send("POST", `${session}/url`, { url: "about:blank" });
      await send("POST", `${session}/url`, { url: String(url) });
      await page.until('document.documentElement.dataset.ready === "yes" || !document.getElementById("broken")?.hidden');
    },
    url: () => send("GET", `${session}/url`),
    click: async (selector) => send("POST", `${session}/element/${await find(selector)}/click`, {}),
    type: async (selector, text) => send("POST", `${session}/element/${await find(selector)}/value`, { text }),
    press: async (...keys) => send("POST", `${session}/actions`, { actions: [{ type: "key", id: "keys", actions: keys.flatMap((value) => [{ type: "keyDown", value }, { type: "keyUp", value }]) }] }),
    text: async (selector) => run("return document.querySelector(arguments[0])?.textContent ?? null", selector),
    texts: async (selector) => run("return [...document.querySelectorAll(arguments[0])].map((found) => found.textContent)", selector),
    /** Replaces what a field holds, as typing does. */
    set: (selector, value) => run("const field = document.querySelector(arguments[0]); field.value = arguments[1]; field.dispatchEvent(new Event('input', { bubbles: true }))", selector, value),
    /** Pastes into the tags, as Ctrl-V does. */
    paste: (text) => run("const data = new DataTransfer(); data.setData('text/plain', arguments[0]); const field = document.getElementById('tags'); if (field.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))) { field.value = arguments[0]; field.dispatchEvent(new Event('input', { bubbles: true })); }", text),
    /** What the console complained of. */
    complaints: async () => (await send("POST", `${session}/se/log`, { type: "browser" })).filter(({ level }) => level === "SEVERE" || level === "WARNING").map(({ message }) => message),
    /** A picture of the whole page, for people to look at. */
    shot: async (name) => {
      const { cssContentSize } = await cdp("Page.getLayoutMetrics");
      const clip = { x: 0, y: 0, width: Math.ceil(cssContentSize.width), height: Math.min(4000, Math.ceil(cssContentSize.height)), scale: 1 };
      const { data } = await cdp("Page.captureScreenshot", { format: "png", captureBeyondViewport: true, clip });
      const folder = new URL("../shots/", import.meta.url);
      mkdirSync(folder, { recursive: true });
      writeFileSync(new URL(`${name}.png`, folder), Buffer.from(data, "base64"));
    },
    close: async () => {
      await send("DELETE", session).catch(() => {});
      driver.kill();
    },
  };
  return page;
};
