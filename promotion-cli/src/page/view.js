// The board and the version line: from data to elements. Shared by the page and by `promotion status -o html`; it decides
// nothing, and whatever it is given becomes text, never markup.

/** The longest text that is shown whole: a pasted line may have megabytes. */
const SHOWN = 160;

/** An element with attributes and children; strings become text. */
export const element = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);

const drawn = (name, attributes = {}, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

const fill = (made, attributes, children) => {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
};

/** A text that is short enough to show. */
export const short = (text, limit = SHOWN) => (text.length > limit ? `${text.slice(0, limit - 1)}…` : text);

const chip = (tag, kind = "") => element("code", { class: `tag ${kind}`, title: short(tag) }, short(tag, 48));

const chips = (tags, kind) => element("ul", { class: "chips" }, tags.slice(0, 12).map((tag) => element("li", {}, chip(tag, kind))),
  tags.length > 12 && element("li", { class: "quiet" }, `and ${tags.length - 12} more`));

const row = (name, ...what) => element("div", {}, element("dt", {}, name), element("dd", {}, ...what));

/** What one stage selects, with what is known of it: a row of the board, a pick of the forecast, or both. */
const stageCard = (stage, pick) => {
  const name = stage?.name ?? pick.stage;
  const constraint = stage?.constraint ?? pick.constraint;
  const ours = stage?.selects?.tag ?? null;
  const tag = pick ? pick.tag : ours;
  const title = `stage-${name}`;
  const ambiguous = pick?.ambiguous ?? [];
  const poison = pick?.poison ?? [];
  return element(
    "article",
    { class: poison.length > 0 || ambiguous.length > 0 ? "stage alarmed" : "stage", "aria-labelledby": title, "data-stage": name },
    element("header", {}, element("h3", { id: title }, name), element("code", { class: "constraint" }, constraint),
      pick?.filter && element("code", { class: "constraint" }, `filter ${pick.filter}`)),
    element("p", { class: "pick", "data-pick": tag ?? "" },
      tag !== null ? chip(tag, poison.includes(tag) ? "picked poison" : "picked") : element("span", { class: "nothing" }, ambiguous.length > 0 ? "cannot be told" : "nothing")),
    pick?.because && element("p", { class: "because" }, short(pick.because, 400)),
    ambiguous.length > 0 && element("div", { class: "alarm", role: "note" },
      element("strong", {}, "Ambiguous: "), "these tie, and which of them Flux takes is an accident of its sorting", chips(ambiguous, "tied")),
    poison.length > 0 && element("div", { class: "alarm", role: "note" },
      element("strong", {}, "Poison: "), "not this pipeline’s, and no tag of the pipeline outranks ", poison.length === 1 ? "it" : "them", chips(poison, "poison")),
    element("dl", {},
      pick && ours !== null && ours !== tag && row("should be", chip(ours)),
      pick && pick.runners_up.length > 0 && row("then", chips(pick.runners_up)),
      pick && row("considers", `${pick.matching.toLocaleString("en")} ${pick.matching === 1 ? "tag" : "tags"}`),
      stage?.selects?.commit && row("commit", element("code", {}, stage.selects.commit.slice(0, 7))),
      stage?.selects && row("digest", element("code", {}, stage.selects.digest.slice(0, 19))),
      stage?.runs && row("runs", element("code", {}, stage.runs.tag ?? stage.runs.digest.slice(0, 19)), stage.runs.ready ? "" : ", not ready")),
  );
};

const SEVERITIES = { error: "Error", warning: "Warning", info: "Note" };

/** Findings, worst first. */
export const findingsList = (findings) => {
  const worst = Object.keys(SEVERITIES);
  const sorted = [...findings].sort((a, b) => worst.indexOf(a.severity) - worst.indexOf(b.severity));
  return element("ul", { class: "findings" }, sorted.map(({ severity, id, message, fix }) =>
    element("li", { class: severity }, element("strong", {}, `${SEVERITIES[severity]}: `), short(message, 600), " ", element("code", { class: "quiet" }, id),
      fix && element("p", { class: "fix" }, "→ ", short(fix, 600)))));
};

/** The board: every stage, what waits, what is half done, and what a person should know. */
export const boardView = ({ board, forecast }) => {
  const stages = board?.stages ?? forecast.stages.map(() => undefined);
  const section = (title, ...content) => element("section", {}, element("h3", {}, title), ...content);
  const waits = ({ candidate, admitted, commit, digest }) => element("tr", {}, element("td", {}, chip(candidate)), element("td", {}, admitted),
    element("td", {}, element("code", {}, commit?.slice(0, 7) ?? "–")), element("td", {}, element("code", {}, digest.slice(0, 19))));
  return element("div", { class: "board" },
    element("div", { class: "stages" }, stages.map((stage, index) => stageCard(stage, forecast?.stages[index]))),
    board && board.pending.length > 0 && section("Waiting", element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Waiting candidates" }, element("table", {},
      element("thead", {}, element("tr", {}, ["Candidate", "In", "Commit", "Digest"].map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, board.pending.map(waits))))),
    board && board.unfinished.length > 0 && section("Half done", element("ul", { class: "findings" }, board.unfinished.map(({ tag, digest, why }) =>
      element("li", { class: "warning" }, chip(tag), ` → ${digest.slice(0, 19)}, which ${why}`)))),
    board && board.findings.length > 0 && section("Findings", findingsList(board.findings)));
};

const KINDS = { release: "release", candidate: "candidate", stranger: "not ours" };
const STEP = 74;

const marker = (kind, x, y) => {
  if (kind === "release") return drawn("circle", { cx: x, cy: y, r: 8, class: "mark" });
  if (kind === "candidate") return drawn("circle", { cx: x, cy: y, r: 7, class: "mark hollow" });
  return drawn("path", { d: `M${x} ${y - 9} L${x + 9} ${y} L${x} ${y + 9} L${x - 9} ${y} Z`, class: "mark" });
};

/** Versions in order, highest to the right; `onpick` is told of the one that somebody wants to know more about. */
export const versionLine = (places, picks, onpick = null) => {
  // A row of flags for each stage: neighbours would overlap in one.
  const y = 26 + 26 * Math.max(1, picks.length);
  const width = Math.max(260, places.length * STEP + 130);
  const height = y + 108;
  const spoken = ({ tag, kind, masked_by }) => {
    const by = picks.filter((pick) => pick.tag === tag).map(({ stage }) => stage);
    return [short(tag), KINDS[kind], masked_by && `masked by ${short(masked_by)}`, by.length > 0 && `picked by ${by.join(" and ")}`].filter(Boolean).join(", ");
  };
  const node = (place, index) => {
    const { tag, kind, masked_by } = place;
    const x = width - 60 - index * STEP;
    const stems = picks.filter((pick) => pick.tag === tag);
    const chosen = onpick && { role: "button", tabindex: index === 0 ? "0" : "-1", onclick: () => onpick(tag) };
    return drawn("g", { class: `place ${kind} ${masked_by === null ? "" : "masked"}`, "aria-label": spoken(place), "data-tag": short(tag), ...(chosen ?? { role: "img" }) },
      drawn("title", {}, spoken(place)),
      stems.map((pick) => [pick, 8 + picks.indexOf(pick) * 26]).map(([{ stage }, top]) => drawn("g", { class: "flag" },
        drawn("path", { class: "stem", d: `M${x} ${top + 22} V${y - 10}` }),
        drawn("rect", { x: x - 48, y: top, width: 96, height: 22, rx: 11 }),
        drawn("text", { x, y: top + 15, "text-anchor": "middle" }, short(stage, 13)))),
      drawn("circle", { cx: x, cy: y, r: 16, class: "halo" }),
      marker(kind, x, y),
      masked_by !== null && drawn("path", { class: "strike", d: `M${x - 11} ${y + 11} L${x + 11} ${y - 11}` }),
      drawn("text", { class: "label", transform: `translate(${x + 6} ${y + 26}) rotate(-38)`, "text-anchor": "end" }, short(tag, 18)));
  };
  // One stop for the keyboard; arrows go along the line.
  const keys = (event) => {
    const nodes = [...event.currentTarget.querySelectorAll(".place")];
    const at = nodes.indexOf(event.target.closest(".place"));
    const to = { ArrowRight: at - 1, ArrowLeft: at + 1, Home: nodes.length - 1, End: 0 }[event.key];
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      onpick(places[at].tag);
    } else if (to !== undefined && nodes[to]) {
      event.preventDefault();
      nodes[at].setAttribute("tabindex", "-1");
      nodes[to].setAttribute("tabindex", "0");
      nodes[to].focus();
      nodes[to].scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  };
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": "Versions in order, highest to the right", ...(onpick && { onkeydown: keys }) },
    drawn("path", { class: "axis", d: `M10 ${y} H${width - 18} m-7 -5 l7 5 l-7 5` }), places.map(node));
  const legend = (kind, masked, text) => element("li", {}, drawn("svg", { width: 22, height: 22, viewBox: "0 0 22 22", "aria-hidden": "true" },
    drawn("g", { class: `place ${kind} ${masked ? "masked" : ""}` }, marker(kind, 11, 11), masked && drawn("path", { class: "strike", d: "M2 20 L20 2" }))), text);
  return element("figure", { class: "line" }, element("div", { class: "scroll", ...(onpick ? {} : { tabindex: "0", role: "group", "aria-label": "Version line" }) }, svg),
    element("figcaption", {}, element("ul", { class: "legend" }, legend("release", false, "release"), legend("candidate", false, "candidate"),
      legend("candidate", true, "masked: a release above it hides it"), legend("stranger", false, "not ours"))));
};

/** Puts content into a place; a line that is wider than its place shows its highest end. */
export const show = (place, ...content) => {
  place.replaceChildren(...content.flat().filter(Boolean));
  for (const line of place.querySelectorAll(".line .scroll")) line.scrollLeft = line.scrollWidth;
};
