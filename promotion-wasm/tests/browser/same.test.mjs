// What the page says is what the command line says, of the same input; and the command line's own page shows its board.
//
// It runs `promotion` from the target folder (`cargo build -p promotion-cli`), or the one that PROMOTION names.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import * as promotion from "promotion-wasm";

import { browser, until } from "./driver.mjs";

const target = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../../target", import.meta.url));
const binary = process.env.PROMOTION ?? join(target, "debug", "promotion");
let chromium, folder;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "promotion-"));
  chromium = await browser();
});

after(async () => {
  await chromium.close();
  rmSync(folder, { recursive: true });
});

const cli = (args, input) => {
  const { status, stdout, stderr, error } = spawnSync(binary, args, { cwd: folder, input, encoding: "utf8", env: { PATH: process.env.PATH, HOME: folder } });
  if (error) throw error;
  return { status, stdout, stderr };
};

const json = (...args) => {
  const { stdout, stderr } = cli([...args, "-o", "json"]);
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout);
};

/** What the page shows for each stage, read off its elements. */
const board = () => chromium.run(`return [...document.querySelectorAll("#board .stage, main > .board .stage")].map((stage) => ({
  tag: stage.querySelector(".pick").dataset.pick || null,
  poison: [...stage.querySelectorAll(".alarm .tag.poison")].map((tag) => tag.textContent),
  ambiguous: [...stage.querySelectorAll(".alarm .tag.tied")].map((tag) => tag.textContent),
  runners_up: [...stage.querySelectorAll("dt")].filter((name) => name.textContent === "then").flatMap((name) => [...name.nextSibling.querySelectorAll(".tag")].map((tag) => tag.textContent)),
}))`);

const many = Array.from({ length: 20 }, (_, n) => `0.${n}.0`);
const inputs = [
  { text: "1.4.0\n1.4.0-rc.3\n1.5.0-rc.2\nv1.4.1\nlatest\nsha-1234567\n", semver: [">= 0.0.0-0", ">= 0.0.0"] },
  { text: "ARTIFACT\tDIGEST\noci://ghcr.io/a/b:2024.01.02\tx\noci://ghcr.io/a/b:1.0.0\tx\n# no tag\n", semver: ["*", "1.x || >=2.5.0-0 <3"] },
  { text: `{"tags": ${JSON.stringify([...many, "v1.0.0", "1.0.0"])}}`, semver: [">= 0.0.0-0", "~0.7"] },
  { text: '["01.2.3", "1.2-rc.1", "1.2.3", "1.2.4-alpha.1", "1.2.4-alpha.beta", "1.2.4+5"]', semver: [">=1-0", "^1.2.0-0"], filter: ["", "(?i)^[0-9.]+(-ALPHA\\.\\d)?$"] },
  { text: "3.0.0\n", semver: [">= 7", "<1"] },
];

test("the page, the package and the command line agree on pasted tags", async () => {
  for (const { text, semver, filter = ["", ""] } of inputs) {
    await chromium.go(new URL("../../site/index.html", import.meta.url));
    for (const stage of [0, 1]) {
      await chromium.set(`[data-field="${stage}.semver"]`, semver[stage]);
      await chromium.set(`[data-field="${stage}.filter"]`, filter[stage]);
    }
    await chromium.paste(text);
    await chromium.until("document.querySelectorAll('#board .stage, main > .board .stage').length === 2");
    // The last of the edits was shown: constraints come with the board.
    await until(async () => JSON.stringify(await chromium.texts("#board header > code:first-of-type")) === JSON.stringify(semver));
    const shown = await board();
    writeFileSync(join(folder, "tags"), text);
    for (const [stage, constraint] of semver.entries()) {
      const filters = filter[stage] === "" ? [] : ["--filter", filter[stage]];
      const { status, stdout, stderr } = cli(["resolve", "--tags-from", "tags", "--semver", constraint, ...filters, "-o", "json"]);
      if (status === 5) {
        assert.deepEqual(shown[stage], { tag: null, poison: [], ambiguous: [], runners_up: [] }, stderr);
        continue;
      }
      const { tag, poison, ambiguous, runners_up } = JSON.parse(stdout);
      assert.deepEqual(shown[stage], { tag, poison, ambiguous, runners_up }, `${constraint} of ${text}`);
      const pack = promotion.select({ semver: constraint, filter: filter[stage] || null, tags: promotion.readTags(text) });
      assert.deepEqual([pack.tag, pack.ambiguous, pack.runners_up], [tag, ambiguous, runners_up]);
    }
  }
});

const commit = (digit) => digit.repeat(40);

const push = (digit) => {
  mkdirSync(join(folder, digit), { recursive: true });
  writeFileSync(join(folder, digit, "app.yaml"), `build: ${digit}\n`);
  return json("push", "ocidir://registry", "--path", digit, "--revision", `main@sha1:${commit(digit)}`);
};

test("the board of a repository is the same from the command line, from the package, and on the command line's page", async () => {
  const digests = ["a", "b", "c"].map((digit) => push(digit).digest);
  json("promote", "ocidir://registry", commit("a"), "--manual", "--reason", "it works");
  json("promote", "ocidir://registry", commit("b"), "--manual", "--reason", "it works");
  const status = json("status", "ocidir://registry");
  const artifacts = json("list", "ocidir://registry").artifacts;
  const world = { digests: {}, manifests: {}, complete: true };
  for (const { digest, commit, versions, marks } of artifacts) {
    world.manifests[digest] = { revision: `main@sha1:${commit}` };
    for (const tag of [...versions, ...marks]) world.digests[tag] = digest;
  }
  assert.deepEqual(artifacts.map(({ digest }) => digest).sort(), digests.toSorted());
  const { answer, ...own } = promotion.board(world);
  assert.equal(answer, "board");
  assert.deepEqual(own, { stages: status.stages, pending: status.pending, unfinished: status.unfinished, findings: status.findings });
  const planned = promotion.converge(world, { kind: "rollback", to: digests[0], only: false }, "2026-03-01T12:00:00Z").actions;
  const dry = json("rollback", "ocidir://registry", "--to", commit("a"), "--dry-run");
  assert.deepEqual(planned, dry.actions);

  const { stdout } = cli(["status", "ocidir://registry", "-o", "html"]);
  writeFileSync(join(folder, "status.html"), stdout);
  await chromium.complaints();
  await chromium.run("location.href = arguments[0]", String(pathToFileURL(join(folder, "status.html"))));
  await chromium.until("document.querySelectorAll('#board .stage, main > .board .stage').length === 2");
  assert.deepEqual((await board()).map(({ tag }) => tag), status.stages.map(({ selects }) => selects.tag));
  assert.deepEqual(await chromium.run("return [...document.querySelectorAll('.board table tbody .tag')].map((tag) => tag.textContent)"), status.pending.map(({ candidate }) => candidate));
  assert.equal(await chromium.text("h1"), "ocidir://registry");
  assert.deepEqual(await chromium.complaints(), []);
  await chromium.shot("status");
});
