
const { repository, read_at: readAt, board, forecast } = JSON.parse(document.getElementById("data").textContent);
document.title = `${repository}: promotion status`;
const picks = forecast.stages.map(({ stage, tag }) => ({ stage, tag }));
show(document.getElementById("main"),
  element("h1", {}, repository), element("p", { class: "quiet" }, `read at ${readAt}`), element("h2", {}, "What every cluster picks"),
  boardView({ board, forecast }), element("h2", {}, "Versions in order"),
  forecast.line.length === 0 ? element("p", { class: "empty" }, "No versions yet.") : versionLine(forecast.line, picks));
