// The declared types are those of real answers: each answer is written into a program, which must compile.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import * as wasm from "promotion-wasm";
import ts from "typescript";

const now = "2026-03-01T12:00:00Z";
const artifact = wasm.digestOf("{}");
const world = { digests: {}, manifests: { [artifact]: { revision: `main@sha1:${"a".repeat(40)}` } }, complete: true };
const build = wasm.converge(world, { kind: "build", artifact }, now);
const built = wasm.apply(world, build.actions);
const tags = ["1.0.0", "v1.0.1", "1.0.0-rc.1", "latest"];
const evidence = [{ kind: "manual", digest: artifact, observed_at: now, source: "why" }];

/** Answers of every shape, by the declared type. */
const answers = [
  ...["1.4.0-rc.2", "1.4.0", "validated-1234567-2", "sha-1234567", "latest", "<"].map((tag) => ["Parsed", wasm.parse(tag)]),
  ["-1 | 0 | 1", wasm.order("1.0.0", "2.0.0")],
  ["string[]", wasm.sort(["1", "2"])],
  ["Checked", wasm.check("1.x || >=2 <3", "1.9.0-rc.1")],
  ["Selection", wasm.select({ semver: "*", tags })],
  ["ImageChoice", wasm.imagePolicy({ policy: { alphabetical: {} } }, tags)],
  ["ImageChoice", wasm.imagePolicy({ policy: { semver: { range: "*" } }, filterTags: { pattern: "(1).*", extract: "$1.0.0" } }, tags)],
  ["string[]", wasm.readTags("1.0.0")],
  ["Forecast", wasm.forecast(tags)],
  ["Plan | Refused | Open", build],
  ["Plan | Refused | Open", wasm.converge(built, { kind: "promote", artifact, evidence }, now)],
  ["Plan | Refused | Open", wasm.converge(world, { kind: "rollback", to: artifact, only: false }, now)],
  ["Plan | Refused | Open", wasm.converge({ tags: ["1.0.0"] }, { kind: "repair" }, now)],
  ["Known", built],
  ["Board | Open", wasm.board(built)],
  ["Board | Open", wasm.board({ tags: ["0.1.0-rc.1"] })],
  ["Findings | Open", wasm.audit({ ...built, digests: { ...built.digests, "3.0.0": artifact } })],
  ["Finding[]", wasm.prove()],
  ["Policy", wasm.defaultPolicy()],
];

const declared = ["Parsed", "Checked", "Selection", "ImageChoice", "Forecast", "Plan", "Refused", "Open", "Known", "Board",
  "Findings", "Finding", "Policy", "PromotionError"];

const problems = (lines) => {
  const file = fileURLToPath(new URL("program.ts", import.meta.url));
  const program = [`import type { ${declared.join(", ")} } from "promotion-wasm";`, 'import * as wasm from "promotion-wasm";', ...lines];
  const options = { strict: true, noEmit: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, types: [], lib: ["lib.es2022.d.ts", "lib.dom.d.ts"] };
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists } = host;
  host.readFile = (name) => (name === file ? program.join("\n") : readFile(name));
  host.fileExists = (name) => name === file || fileExists(name);
  host.getSourceFile = (name, target) => {
    const text = host.readFile(name);
    return text === undefined ? undefined : ts.createSourceFile(name, text, target);
  };
  const found = ts.getPreEmitDiagnostics(ts.createProgram([file], options, host));
  return found.map(({ messageText, start }) => `${ts.flattenDiagnosticMessageText(messageText, "\n")} at ${start}`);
};

test("every answer has its declared type, and no member more", () => {
  assert.deepEqual(problems(answers.map(([type, answer], index) => `export const a${index}: ${type} = ${JSON.stringify(answer)};`)), []);
});

test("a member that nobody declared, or that is missing, would be noticed", () => {
  const [, selection] = answers.find(([type]) => type === "Selection");
  const { tag, ...less } = selection;
  assert.notEqual(problems([`export const a: Selection = ${JSON.stringify({ ...selection, more: tag })};`]).length, 0);
  assert.notEqual(problems([`export const a: Selection = ${JSON.stringify(less)};`]).length, 0);
});

test("functions take and give what is declared", () => {
  assert.deepEqual(problems([
    'const plan = wasm.converge({ tags: [] }, { kind: "repair" }, "2026-03-01T12:00:00Z");',
    'if (plan.answer === "plan") wasm.apply({ complete: true }, plan.actions).digests;',
    'wasm.forecast(wasm.readTags(""), { versions: { bump: "minor" } }, 5).stages[0]?.because.length;',
    "wasm.explain(wasm.prove()[0]!.id);",
  ]), []);
  assert.notEqual(problems(['wasm.order("1", 2);']).length, 0);
  assert.notEqual(problems(['wasm.converge({}, { kind: "destroy" }, "");']).length, 0);
});

test("every function of the module is declared with types of its own", () => {
  const text = readFileSync(new URL("../../pkg/promotion_wasm.d.ts", import.meta.url), "utf8");
  const functions = Object.entries(wasm).filter(([name, value]) => typeof value === "function" && name !== "initSync");
  assert.equal(functions.length, 17);
  for (const [name] of functions) {
    const [declaration] = text.match(new RegExp(`^export function ${name}\\(.*$`, "m")) ?? [""];
    assert.ok(declaration !== "" && !declaration.includes("any"), `${name}: ${declaration}`);
  }
});
