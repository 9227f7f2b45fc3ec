// The page: what people type goes to the thinking thread, and what it says is shown. Nothing is decided here.
import { boardView, element, findingsList, short, show, versionLine } from "../../promotion-cli/src/page/view.js";

/** Longer texts are kept without being shown: a text field would lay out every character of them. */
const SHOWABLE = 300_000;
/** The longest text that is read at all. */
const READABLE = 32_000_000;
/** The longest link that browsers and chat programs carry. */
const SHARABLE = 60_000;
/** How long the thread may think, in milliseconds, before it is started anew. */
const PATIENCE = 8000;
const LINE = [24, 100];

const FLEET = {
  versions: { label: "alpha" },
  stages: [
    { name: "integration", semver: ">= 0.0.0-0", filter: "", label: "" },
    { name: "staging", semver: ">= 0.0.0-0", filter: "^[0-9]+\\.[0-9]+\\.[0-9]+(-rc\\.[0-9.]+)?$", label: "rc" },
    { name: "live", semver: ">= 0.0.0", filter: "", label: "" },
  ],
};

const EXAMPLE = `ARTIFACT\tDIGEST\tSOURCE\tREVISION
ghcr.io/acme/platform:1.5.0-rc.2\tsha256:9a1c\thttps://github.com/acme/platform\tmain@sha1:7d21f0a
ghcr.io/acme/platform:1.5.0-rc.1\tsha256:3b77\thttps://github.com/acme/platform\tmain@sha1:52d5435
ghcr.io/acme/platform:1.4.0\tsha256:c0de\thttps://github.com/acme/platform\tmain@sha1:b2c3d4e
ghcr.io/acme/platform:1.4.0-rc.3\tsha256:71f3\thttps://github.com/acme/platform\tmain@sha1:e41aa07
ghcr.io/acme/platform:1.4.0-rc.2\tsha256:c0de\thttps://github.com/acme/platform\tmain@sha1:b2c3d4e
ghcr.io/acme/platform:v1.4.1\tsha256:5ee1\thttps://github.com/acme/platform\tunknown
ghcr.io/acme/platform:1.3.2\tsha256:aa10\thttps://github.com/acme/platform\tmain@sha1:0f9e8d7
ghcr.io/acme/platform:1.3.2-rc.1\tsha256:aa10\thttps://github.com/acme/platform\tmain@sha1:0f9e8d7
ghcr.io/acme/platform:validated-b2c3d4e\tsha256:c0de\thttps://github.com/acme/platform\tmain@sha1:b2c3d4e
ghcr.io/acme/platform:sha-7d21f0a\tsha256:9a1c\thttps://github.com/acme/platform\tmain@sha1:7d21f0a
ghcr.io/acme/platform:latest\tsha256:9a1c\thttps://github.com/acme/platform\tmain@sha1:7d21f0a
`;

/** The story that the simulator tells, one click each. */
const STORY = [
  [["build"], ["all"], "A is built: its commit, its hand-over and its candidate are tags. integration selects the candidate."],
  [["validate", 0], "integration’s cluster reports that it runs exactly these bytes, and that they are healthy. That is evidence."],
  [["promote", 0], "Promoting A: the evidence becomes a tag first, then the release. Nothing is written yet."],
  [["write"], ["crash"], "The promoter crashes after its first write: A is half promoted, and the board says so."],
  [["retry"], ["all"], "Somebody runs the same command again. It finishes what is missing, and live selects A."],
  [["build"], ["all"], ["build"], ["all"], "B and C are built. integration selects C, the newest."],
  [["validate", 1], ["promote", 1], "B is promoted while C waits. Releasing B’s version would hide C from integration: C is lifted above it first."],
  [["all"], "live selects B, and integration still selects C. No candidate was masked."],
  [["promote", 2], "Promoting C without evidence: refused, with the reasons and what to do about each."],
  [["rollback", 0], "B turns out to be bad. Rolling back to A rejects what is younger, then releases A again under a higher version."],
  [["all"], "Live selects A’s bytes again. Versions only ever go up, and nothing was deleted."],
];

const at = (id) => document.getElementById(id);
const state = { text: "", stages: [], label: "rc", view: "what-if", events: [], told: 0, line: LINE[0], picked: null };
let sound = null;

// ---- the thinking thread

let worker, waiting, number = 0;

const startWorker = () => {
  // No module worker: browsers refuse those of a page that was opened from a disk.
  worker = new Worker(workerUrl());
  waiting = new Map();
  worker.onmessage = ({ data: { id, value, error } }) => {
    const { resolve, reject, timer } = waiting.get(id) ?? {};
    waiting.delete(id);
    clearTimeout(timer);
    if (error) reject?.(error);
    else resolve?.(value);
  };
  worker.onerror = (event) => broken(`The page cannot start its worker: ${event.message ?? "unknown"}`);
  return ask("start", moduleBytes());
};

const ask = (name, ...args) => new Promise((resolve, reject) => {
  const id = (number += 1);
  const give_up = async () => {
    worker.terminate();
    for (const other of waiting.values()) clearTimeout(other.timer);
    const stopped = [...waiting.values()];
    await startWorker();
    // What cannot be read in this time is not tried again.
    if (!stopped.some((other) => other.name === "paste")) await ask("paste", state.text).catch(() => {});
    for (const other of stopped) other.reject({ id: "slow", message: `stopped: it took longer than ${PATIENCE / 1000} seconds` });
  };
  waiting.set(id, { name, resolve, reject, timer: setTimeout(give_up, PATIENCE) });
  worker.postMessage({ id, name, args });
});

const broken = (text) => {
  at("broken").textContent = text;
  at("broken").hidden = false;
};

const complain = (id, text) => {
  at(id).textContent = text === null ? "" : short(text, 1000);
  at(id).hidden = text === null;
};

// ---- tags

const size = (length) => (length < 1_000_000 ? `${Math.round(length / 1000)} kB` : `${(length / 1_000_000).toFixed(1)} MB`);

const setText = async (text, where = "paste") => {
  if (text.length > READABLE) {
    // An earlier text may still be on its way, and its end would take this away.
    revision += 1;
    complain("tags-error", `${size(text.length)} is more than this page reads (${size(READABLE)}). Try promotion resolve --tags-from FILE.`);
    await evaluate();
    return;
  }
  state.text = text;
  const shown = text.length <= SHOWABLE;
  at("tags").hidden = !shown;
  at("held").hidden = shown;
  at("held-said").textContent = shown ? "" : `${size(text.length)} of text is held, too much to show.`;
  if (!shown) at("tags").value = "";
  else if (where !== "field") at("tags").value = text;
  await reread();
};

let revision = 0;

/** Has the text read; an answer that is overtaken by a newer text is dropped. */
const reread = async () => {
  const mine = (revision += 1);
  try {
    const count = await ask("paste", state.text);
    if (mine !== revision) return;
    complain("tags-error", null);
    at("tags-said").dataset.count = count;
  } catch (error) {
    if (mine !== revision) return;
    complain("tags-error", error.message);
  }
  await evaluate();
};

const later = (action, wait) => {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, wait);
  };
};

const counted = (counts) => {
  const kinds = [["releases", "releases"], ["candidates", "candidates"], ["marks", "marks"], ["channels", "channels"], ["strangers", "versions that are not ours"], ["others", "others"], ["invalid", "that no registry takes"]];
  const said = kinds.filter(([kind]) => counts[kind] > 0).map(([kind, name]) => `${counts[kind].toLocaleString("en")} ${counts[kind] === 1 ? name.replace(/^(release|candidate|mark|channel|other)s$/, "$1").replace("versions that are", "version that is") : name}`);
  return `${counts.tags.toLocaleString("en")} ${counts.tags === 1 ? "tag" : "tags"}${said.length > 0 ? `: ${said.join(", ")}` : ""}`;
};

// ---- stages

const policy = () => ({
  versions: { label: state.label },
  stages: state.stages.map(({ name, semver, filter, label }) => ({
    name, source: "oci", semver, ...(filter === "" ? {} : { filter }), ...(label === "" ? {} : { label }),
  })),
});

const preset = (name) => {
  const chosen = name === "fleet" ? FLEET : sound;
  state.label = chosen.versions.label;
  state.stages = chosen.stages.filter(({ source }) => source !== "git")
    .map(({ name, semver, filter, label }) => ({ name, semver, filter: filter ?? "", label: label ?? "" }));
};

const stageRows = () => {
  const field = (stage, index, name, title, placeholder = "") => element("label", { class: name }, title,
    element("input", {
      value: stage[name], placeholder, spellcheck: "false", autocapitalize: "off", autocomplete: "off", "data-field": `${index}.${name}`,
      oninput: ({ target }) => {
        stage[name] = target.value;
        at("preset").value = "own";
        replan();
      },
    }));
  const remove = (index) => () => {
    state.stages.splice(index, 1);
    at("preset").value = "own";
    stageRows();
    replan();
    at("add").focus();
  };
  const last = state.stages.length - 1;
  at("stages").replaceChildren(...state.stages.map((stage, index) => element("li", {},
    field(stage, index, "name", "Stage"),
    element("button", { class: "plain remove", "aria-label": `Remove stage ${stage.name}`, disabled: state.stages.length <= 2, onclick: remove(index) }, "Remove"),
    field(stage, index, "semver", "Constraint (ref.semver)"),
    field(stage, index, "filter", "Filter (ref.semverFilter)", "none"),
    last > 1 && index > 0 && index < last ? field(stage, index, "label", "Label of its candidates", "rc") : "")));
};

const changed = () => {
  replay();
  return evaluate();
};
const replan = later(changed, 120);

// ---- what if

let turn = 0;

/** What was true of other stages is still shown, and looks so. */
const stale = (is) => {
  for (const id of ["board", "line"]) at(id).classList.toggle("stale", is);
};

const evaluate = async () => {
  const mine = (turn += 1);
  const started = performance.now();
  let answer;
  try {
    answer = await ask("evaluate", policy(), state.line);
  } catch (error) {
    if (mine !== turn) return;
    complain("policy-error", error.message);
    stale(true);
    at("took").textContent = "Not updated: the stages cannot be used";
    return;
  }
  if (mine !== turn) return;
  complain("policy-error", null);
  stale(false);
  const { forecast, findings } = answer;
  at("tags-said").textContent = state.text.trim() === "" ? "" : counted(forecast.counts);
  at("line-heading").hidden = forecast.counts.tags === 0;
  if (forecast.counts.tags === 0) {
    show(at("board"), element("p", { class: "empty" }, state.text.trim() === "" ? "Paste tags, and see which cluster takes which, and why." : "There is no tag in this text."));
    show(at("line"));
    at("took").textContent = "";
  } else {
    show(at("board"), boardView({ forecast }));
    const versions = forecast.counts.releases + forecast.counts.candidates + forecast.counts.strangers;
    show(at("line"), forecast.line.length === 0 ? element("p", { class: "empty" }, "None of these tags is a version.") : versionLine(forecast.line, forecast.stages, explainTag));
    at("more").hidden = versions <= LINE[0];
    at("more").textContent = state.line === LINE[0] ? `Show ${Math.min(versions, LINE[1])} of ${versions.toLocaleString("en")}` : "Show fewer";
    const took = performance.now() - started;
    at("took").textContent = `${forecast.counts.tags.toLocaleString("en")} tags in ${Math.max(1, Math.round(took))} ms`;
    at("took").dataset.took = took;
    at("took").dataset.thought = answer.took;
  }
  at("proofs-section").hidden = findings.length === 0;
  show(at("proofs"), findingsList(findings));
  at("told").hidden = true;
};

const WORDS = {
  release: ({ base }) => `a release, ${base}`,
  candidate: ({ base, stage, birth, number }) => `a candidate of ${base} for ${stage}, ${birth ? `build ${number}` : `lifted above a release (${number})`}`,
  mark: ({ mark, key }) => `a mark (${mark}) of ${key}`,
  channel: () => "a channel: it moves, and promotion leaves it alone",
  foreign: ({ outside_line: outside }) => (outside ? "a version outside this pipeline’s line" : "not this pipeline’s"),
};

const explainTag = async (tag) => {
  const { parsed, checks } = await ask("explain", tag, policy(), state.stages);
  const row = (name, text) => element("div", {}, element("dt", {}, name), element("dd", {}, short(text, 400)));
  show(at("told"), element("h3", {}, element("code", {}, short(tag))), element("dl", {},
    row("to us", WORDS[parsed.kind.kind](parsed.kind)),
    row("to Flux", parsed.flux.version === null ? parsed.flux.error : `version ${parsed.flux.version}`),
    checks.map(({ stage, text }) => row(stage, text))));
  at("told").hidden = false;
  at("told").dataset.tag = short(tag);
};

// ---- simulator

const act = (...event) => {
  state.events.push(event);
  state.told = 0;
  at("caption").textContent = "";
  return replay();
};

let replayed = 0;

const replay = async () => {
  const mine = (replayed += 1);
  let played;
  try {
    played = await ask("simulate", state.events, policy());
  } catch (error) {
    if (mine === replayed) show(at("plan"), element("p", { class: "error" }, short(error.message, 1000)));
    return;
  }
  if (mine === replayed) showSimulation(played);
};

const OUTLOOK = { reached: () => "", superseded: () => "Recorded; something newer is ahead.", held: ({ because }) => `Held back: ${because.message}` };

const showSimulation = ({ artifacts, board, forecast, plan, running, retry, fresh, story }) => {
  const chosen = at("artifact").value;
  const before = at("artifact").options.length;
  at("artifact").replaceChildren(...artifacts.map(({ name, commit }, index) => element("option", { value: index }, `${name} (${commit.slice(0, 7)})`)));
  at("artifact").value = artifacts.length === before && chosen !== "" ? chosen : String(artifacts.length - 1);
  const none = artifacts.length === 0;
  at("artifact").disabled = none;
  for (const id of ["validate", "promote", "reject", "rollback"]) at(id).disabled = none || running;
  for (const id of ["build", "repair"]) at(id).disabled = running;
  for (const id of ["write", "all", "crash"]) at(id).disabled = !running;
  at("retry").disabled = !retry || running;
  at("back").disabled = state.events.length === 0;
  at("restart").disabled = state.events.length === 0;
  at("tell").textContent = state.told === 0 ? "Tell the story" : state.told < STORY.length ? "Go on" : "Tell it again";

  const name = (digest) => artifacts.find((artifact) => artifact.digest === digest)?.name ?? digest.slice(0, 19);
  const step = ({ tag, digest, why }, index) => element("li", { class: index < plan.done ? "done" : index === plan.done ? "next" : "", ...(index === plan.done ? { "aria-current": "step" } : {}) },
    element("span", {}, element("code", { class: "tag" }, tag), ` → ${name(digest)}`), element("span", { class: "why" }, why));
  show(at("plan"),
    plan === null ? element("p", { class: "quiet" }, "Choose an action: its plan is shown before anything is written.") : element("p", { class: "quiet" }, plan.title),
    plan?.refused && element("pre", { "aria-label": "Why it is refused" }, plan.refused),
    plan && !plan.refused && plan.actions.length === 0 && element("p", {}, "Nothing to write: everything is as wanted."),
    plan && plan.actions.length > 0 && element("ol", { class: "plan" }, plan.actions.map(step)),
    plan?.outlook && plan.outlook.kind !== "reached" && element("p", { class: "quiet" }, OUTLOOK[plan.outlook.kind](plan.outlook)),
    plan?.findings?.length > 0 && findingsList(plan.findings));
  show(at("artifacts"), none ? element("p", { class: "quiet" }, "Nothing was built yet.") : element("ul", { class: "artifacts" }, artifacts.toReversed().map((artifact) =>
    element("li", { class: "artifact", "data-artifact": artifact.name }, element("span", { class: "name" }, artifact.name),
      element("span", { class: "stand" }, `commit ${artifact.commit.slice(0, 7)}`, artifact.healthy && ", healthy", artifact.selected.length > 0 && `, selected by ${artifact.selected.join(" and ")}`),
      element("ul", { class: "chips" }, artifact.tags.map((tag) => element("li", {}, element("code", { class: fresh.includes(tag) ? "tag fresh" : "tag" }, tag))))))));
  show(at("sim-board"), boardView({ board }));
  show(at("sim-line"), forecast.line.length === 0 ? element("p", { class: "empty" }, "No versions yet.") : versionLine(forecast.line, board.stages.map(({ name, selects }) => ({ stage: name, tag: selects?.tag ?? null }))));
  at("story").replaceChildren(...story.map(({ kind, text }) => element("li", { class: kind }, text)));
  at("story").scrollTop = at("story").scrollHeight;
};

const tellOn = async () => {
  if (state.told === 0 || state.told >= STORY.length) {
    state.events = [];
    state.told = 0;
  }
  const chapter = STORY[state.told];
  state.events.push(...chapter.slice(0, -1));
  state.told += 1;
  at("caption").textContent = `${state.told} of ${STORY.length}. ${chapter.at(-1)}`;
  await replay();
};

// ---- sharing

const encode = async (text) => {
  const packed = await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"))).arrayBuffer();
  let binary = "";
  for (const byte of new Uint8Array(packed)) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};

/** Unpacks a link, and stops where it grows beyond what the page reads: links come from strangers. */
const decode = async (packed) => {
  const bytes = Uint8Array.from(atob(packed.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const chunks = [];
  for (let length = 0; ;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(chunks).text();
    length += value.length;
    if (length > READABLE) throw new Error("too large");
    chunks.push(value);
  }
};

const share = async () => {
  const { text, stages, label, view, events } = state;
  const fragment = await encode(JSON.stringify({ text, stages, label, view, events }));
  if (fragment.length > SHARABLE) {
    at("shared").textContent = `Too much for a link (${size(fragment.length)}, at most ${size(SHARABLE)}): share the list as a file.`;
    return;
  }
  history.replaceState(null, "", `#${fragment}`);
  at("shared").dataset.link = location.href;
  try {
    await navigator.clipboard.writeText(location.href);
    at("shared").textContent = "The link is copied.";
  } catch {
    at("shared").textContent = "The link is in the address bar.";
  }
};

const isText = (value) => typeof value === "string";

/** What a link says; whatever is not as this page writes it is left alone. */
const restore = async (fragment) => {
  const read = JSON.parse(await decode(fragment));
  const stage = (stage) => ["name", "semver", "filter", "label"].every((key) => isText(stage?.[key]));
  const event = (event) => Array.isArray(event) && isText(event[0]) && event.length <= 2 && Number.isInteger(event[1] ?? 0);
  if (!isText(read.text) || !isText(read.label) || !Array.isArray(read.stages) || !read.stages.every(stage) || read.stages.length > 16
    || !Array.isArray(read.events) || !read.events.every(event) || read.events.length > 1000) throw new Error("another shape");
  Object.assign(state, { text: read.text, label: read.label, stages: read.stages, events: read.events, view: read.view === "simulator" ? "simulator" : "what-if" });
};

// ---- the rest

const choose = (view) => {
  state.view = view;
  for (const name of ["what-if", "simulator"]) {
    const chosen = name === view;
    at(name).hidden = !chosen;
    at(`tab-${name}`).setAttribute("aria-selected", String(chosen));
    at(`tab-${name}`).tabIndex = chosen ? 0 : -1;
  }
  at("tags-card").hidden = view === "simulator";
};

const listen = () => {
  const reading = later(() => setText(at("tags").value, "field"), 120);
  at("tags").addEventListener("input", reading);
  at("tags").addEventListener("paste", (event) => {
    const pasted = event.clipboardData?.getData("text/plain") ?? "";
    if (pasted.length <= SHOWABLE) return;
    event.preventDefault();
    setText(pasted);
  });
  at("tags").addEventListener("dragover", (event) => event.preventDefault());
  at("tags").addEventListener("drop", (event) => {
    const [file] = event.dataTransfer.files;
    if (!file) return;
    event.preventDefault();
    readFile(file);
  });
  const readFile = async (file) => setText(file.size > READABLE ? " ".repeat(READABLE + 1) : await file.text(), "file");
  at("open").addEventListener("click", () => at("file").click());
  at("file").addEventListener("change", () => at("file").files[0] && readFile(at("file").files[0]));
  at("example").addEventListener("click", () => setText(EXAMPLE));
  at("clear").addEventListener("click", () => setText(""));
  at("drop").addEventListener("click", async () => {
    await setText("");
    at("tags").focus();
  });
  at("preset").addEventListener("change", ({ target }) => {
    preset(target.value);
    stageRows();
    changed();
  });
  at("add").addEventListener("click", () => {
    const last = state.stages.pop();
    state.stages.push({ name: `stage-${state.stages.length + 1}`, semver: ">= 0.0.0-0", filter: "", label: "" }, last);
    at("preset").value = "own";
    stageRows();
    changed();
    document.querySelector(`[data-field="${state.stages.length - 2}.name"]`).focus();
  });
  at("more").addEventListener("click", () => {
    state.line = state.line === LINE[0] ? LINE[1] : LINE[0];
    evaluate();
  });
  at("share").addEventListener("click", share);
  for (const view of ["what-if", "simulator"]) {
    at(`tab-${view}`).addEventListener("click", () => choose(view));
    at(`tab-${view}`).addEventListener("keydown", ({ key }) => {
      if (key !== "ArrowLeft" && key !== "ArrowRight") return;
      const other = view === "what-if" ? "simulator" : "what-if";
      choose(other);
      at(`tab-${other}`).focus();
    });
  }
  for (const id of ["validate", "promote", "reject", "rollback"]) at(id).addEventListener("click", () => act(id, Number(at("artifact").value)));
  for (const id of ["build", "repair", "write", "all", "crash", "retry"]) at(id).addEventListener("click", () => act(id));
  at("back").addEventListener("click", () => {
    state.events.pop();
    state.told = 0;
    at("caption").textContent = "";
    replay();
  });
  at("restart").addEventListener("click", () => {
    state.events = [];
    state.told = 0;
    at("caption").textContent = "";
    replay();
  });
  at("tell").addEventListener("click", tellOn);
};

/** A link that is opened where the page is open already. */
addEventListener("hashchange", () => location.reload());

const start = async () => {
  const { version, policy: own } = await startWorker();
  sound = own;
  preset("two");
  at("version").textContent = version;
  if (location.hash.length > 1) {
    try {
      await restore(location.hash.slice(1));
      at("preset").value = "own";
    } catch {
      broken("This link is damaged, or from another version of the page: its content is left out.");
    }
  }
  stageRows();
  listen();
  choose(state.view);
  await setText(state.text);
  await replay();
  document.documentElement.dataset.ready = "yes";
};

start().catch((error) => broken(`The page cannot start: ${error.message}`));
