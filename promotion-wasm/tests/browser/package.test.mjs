// The package in a browser without a bundler: modules from a web server, nothing else.
import assert from "node:assert/strict";
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { browser, until } from "./driver.mjs";

const TYPES = { js: "text/javascript", wasm: "application/wasm", json: "application/json" };
let chromium, server, base;

before(async () => {
  server = createServer(({ url }, response) => {
    const file = new URL(`../../pkg${url}`, import.meta.url);
    if (url === "/") {
      response.setHeader("content-type", "text/html").end('<!doctype html><html data-ready="yes"><title>t</title>');
    } else if (existsSync(file)) {
      response.setHeader("content-type", TYPES[url.split(".").pop()] ?? "text/plain");
      createReadStream(file).pipe(response);
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  base = `http://127.0.0.1:${server.address().port}/`;
  chromium = await browser();
  await chromium.go(base);
});

after(async () => {
  await chromium.close();
  server.close();
});

const question = (entry, start) => `
  import("/${entry}").then(async (promotion) => {
    ${start}
    window.told = promotion.select({ semver: ">= 0.0.0-0", tags: ["1.4.0", "1.4.1-rc.2", "1.4.1-rc.10", "latest"] }).tag;
    try { promotion.check(">1<2", "1.0.0"); } catch (error) { window.thrown = [error instanceof Error, error.id]; }
  }, (error) => { window.told = String(error); });`;

test("what the package gives browsers and bundlers loads its module by itself", async () => {
  const { exports } = await (await fetch(`${base}package.json`)).json();
  await chromium.run(question(exports["."].default.slice(2), ""));
  assert.equal(await until(() => chromium.run("return window.told ?? null")), "1.4.1-rc.10");
  assert.deepEqual(await until(() => chromium.run("return window.thrown ?? null")), [true, "constraint"]);
});

test("the other entry waits to be told", async () => {
  await chromium.go(base);
  const { exports } = await (await fetch(`${base}package.json`)).json();
  await chromium.run(question(exports["./manual"].default.slice(2), 'await promotion.default({ module_or_path: "/promotion_wasm_bg.wasm" });'));
  assert.equal(await until(() => chromium.run("return window.told ?? null")), "1.4.1-rc.10");
});
