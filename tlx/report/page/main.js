"use strict";
// The page: filters, the table of runs, the dialog of one run, and the sections on all.

const data = JSON.parse(document.getElementById("data").textContent);
const get = (id) => document.getElementById(id);
const orders = Object.fromEntries(["matrix", "runs"].map((name) => [name, { by: null, down: false }]));

const byId = new Map(data.runs.map((run) => [run.id, run]));
const group = (run) => data.columns[run.column].name;
const short = (run) => data.columns[run.column].short;
const title = (run) => `${run.name} on ${short(run)}`;
const policy = () => get("policy").value;

function fill(id, values) {
  get(id).replaceChildren(...values.map(([value, text]) => make("option", { value }, text)));
}

function chosen() {
  const [task, setting, text] = [get("task").value, get("setting").value, get("filter").value.trim().toLowerCase()];
  return data.runs.filter((run) => (!task || String(run.column) === task) && (!setting || run.setting === setting)
    && (!text || `${run.name} ${group(run)} ${run.setting}`.toLowerCase().includes(text)));
}

const half = (score) => (score.low === null ? "" : `±${Math.max(score.mean - score.low, score.high - score.mean).toFixed(3)}`);
const link = (run, text, told) => make("a", { class: "open", href: `#run=${run.id}`, "aria-label": told }, text);

// Strategies by tasks, as a paper has it; a score leads to its run.
function matrix() {
  const found = data.matrices[policy()], several = found.shown.length > 1;
  get("methods").hidden = document.querySelector("nav a").hidden = !several;
  if (!several) return;
  const averaged = found.rows.some((row) => row.average);
  const score = (run) => (run ? run.policies[policy()] : null);
  const cell = (run) => {
    const own = score(run);
    if (!own || own.mean === null) return run ? (run.status === "finished" ? "–" : link(run, run.status)) : "";
    return make("span", {}, link(run, fixed(own.mean), `${fixed(own.mean)}: ${title(run)}`),
      make("span", { class: "half" }, half(own) + (own.best ? "★" : "") + (own.negative_transfer ? "▼" : "")), ...run.published.map(verdict));
  };
  const shape = [
    { name: "strategy", left: true, value: (row) => row.name, cell: (row) => soft(row.name) },
    ...found.shown.map((column, place) => ({
      name: data.columns[column].short, told: data.columns[column].name, kind: "task",
      value: (row) => score(byId.get(row.runs[place]))?.mean ?? null, cell: (row) => cell(byId.get(row.runs[place])),
    })),
    ...(averaged ? [{ name: "average", value: (row) => row.average && row.average.mean,
      cell: (row) => (row.average ? make("span", {}, fixed(row.average.mean), make("span", { class: "half" }, half(row.average))) : "–") },
    { name: "IQM", value: (row) => row.average && row.average.iqm, cell: (row) => (row.average ? fixed(row.average.iqm) : "–") }] : []),
  ];
  if (orders.matrix.by >= shape.length) orders.matrix.by = null;
  const judged = data.runs.flatMap((run) => run.published);
  const notes = [...(averaged ? ["Average: over the tasks, ± half of the interval over the seeds of a seed's average. IQM: interquartile mean over all tasks and seeds."] : []),
    ...(judged.length ? [`In italics the published figure, and how our run compares by the table's own selection (${[...new Set(judged.map((item) => item.selection))].join(", ")}): a run has more on it.`] : []),
    ...found.notes.map((note) => `${note[0].toUpperCase()}${note.slice(1)}.`)];
  get("matrix").replaceChildren(scroll("strategies by tasks", table(found.rows, shape, orders.matrix, null, "scores")), make("ul", { class: "soft notes" }, ...notes.map((note) => make("li", {}, note))));
}

const verdict = (item) => make("i", { class: "half", title: `${item.paper}; ${item.outcome}${item.why ? `: ${item.why}` : ""}` }, `${fixed(item.theirs)} ${item.outcome}`);

function columns(rows) {
  const of = (run) => run.policies[policy()] || null;
  const scored = rows.map(of).filter((score) => score && score.mean !== null);
  const low = Math.min(...scored.map((score) => score.low ?? score.mean), 1);
  const high = Math.max(...scored.map((score) => score.high ?? score.mean), 0);
  const many = !get("task").value && data.columns.length > 1;
  const number = (key) => (run) => (of(run) && of(run)[key] !== null ? of(run)[key] : null);
  const all = [
    { name: "strategy", left: true, value: (run) => run.name, cell: (run) => make("span", {},
      link(run, soft(run.name)), ...signs(run, of(run)), many ? make("span", { class: "under" }, soft(short(run))) : null) },
    { name: "task", left: true, minor: true, value: short, cell: (run) => make("span", { title: group(run) }, soft(short(run))) },
    { name: "n", value: number("n"), cell: (run) => String(of(run) ? of(run).n : 0), minor: true },
    { name: "accuracy", value: number("mean"), cell: (run) => (of(run) && of(run).mean !== null ? make("span", {}, `${fixed(of(run).mean)} `, make("span", { class: "half" }, half(of(run)))) : run.status === "finished" ? "–" : run.status) },
    { name: "95% interval", kind: "plot", value: number("low"), cell: (run) => (of(run) && of(run).mean !== null ? interval(of(run), low, high) : "") },
    ...(rows.some((run) => of(run) && of(run).unbalanced) ? [{ name: "per class", minor: true, value: number("mean_per_class"), cell: (run) => fixed(number("mean_per_class")(run)) }] : []),
    { name: "gain", value: number("gain"), cell: (run) => (of(run) ? signed(of(run).gain) + (of(run).negative_transfer ? " ▼" : "") : "–") },
    ...(rows.some((run) => run.published.length) ? [{ name: "published", minor: true, value: (run) => run.published[0]?.theirs ?? null, cell: (run) => make("span", {}, ...run.published.map(verdict)) }] : []),
    { name: "setting", left: true, minor: true, kind: "word", value: (run) => run.setting, cell: (run) => run.setting },
    { name: "seconds", minor: true, value: (run) => run.seconds, cell: (run) => run.seconds.toFixed(1) },
  ];
  return many ? all : all.filter((column) => column.name !== "task");
}

function signs(run, score) {
  const told = [];
  if (score && score.best) told.push(["★ best", "its interval lies above all others of this task"]);
  if (run.sees.includes("labelled")) told.push(["†", "sees labels of target train images"]);
  const collapsed = score ? score.collapsed.filter(Boolean).length : 0;
  if (collapsed) told.push([`${collapsed}/${score.n} collapsed`, "one class takes nine tenths of all rows"]);
  const diverged = run.diverged.filter(Boolean).length;
  if (diverged) told.push([`${diverged}/${run.diverged.length} diverged`, "a loss or a parameter was not finite"]);
  return told.map(([text, title]) => make("span", { class: "tag", title }, text));
}

function runs() {
  const rows = chosen(), marked = data.policies.find((item) => item.name === policy());
  const caption = `${data.measured} ▼ Below source_only. ★ Best: its interval lies above all others of its task, bounds aside. † Sees labels of target train images. `
    + (marked && marked.labels ? "‡ Selected by the labels of target test images: an upper bound." : `Selected by ${policy()}.`);
  const shape = columns(rows);
  if (orders.runs.by >= shape.length) orders.runs.by = null;
  get("table").replaceChildren(table(rows, shape, orders.runs, caption, "results"));
  get("count").textContent = `${rows.length} of ${data.runs.length} runs`;
}

// Two methods, at first those of the highest means, and the test between them.
function compare() {
  const methods = new Map(data.matrices[policy()].rows.map((row) => [row.name, new Map(row.runs.map((id) => byId.get(id))
    .filter((run) => run && run.policies[policy()] && run.policies[policy()].mean !== null).map((run) => [run.column, run]))]));
  const names = [...methods.keys()].filter((name) => methods.get(name).size);
  const worth = (name) => (name.includes("†") ? -Infinity : mean([...methods.get(name).values()].map((run) => run.policies[policy()].mean)));
  const best = [...names].sort((one, other) => worth(other) - worth(one)), before = ["one", "other"].map((id) => get(id).value);
  ["one", "other"].forEach((id, place) => {
    fill(id, names.map((name) => [name, name]));
    get(id).value = names.includes(before[place]) ? before[place] : best[place] ?? "";
  });
  tested(methods);
  ["one", "other"].forEach((id) => { get(id).onchange = () => tested(methods); });
}

function tested(methods) {
  const names = ["one", "other"].map((id) => get(id).value), [one, other] = names.map((name) => methods.get(name));
  const found = one && other && one !== other ? pairs(one, other, policy()) : [];
  get("test").replaceChildren(...(found.length ? comparison(found, names) : [make("p", {}, one === other ? "Choose two methods." : "No task has scores of both on one seed.")]));
}

function differences() {
  const { ranks: found, reason } = data.matrices[policy()];
  get("ranks").replaceChildren(...(found ? [ranks(found), rankList(found), make("p", { class: "soft" },
    `Critical difference ${found.cd.toFixed(2)}, over ${found.tasks} tasks, selected by ${policy()}, without bounds. Friedman's p = ${found.p.toPrecision(2)}. A thick bar joins methods whose mean ranks differ by less than Nemenyi's critical difference at 0.05.`)]
    : [make("p", {}, `${reason[0].toUpperCase()}${reason.slice(1)}.`)]));
}

function refresh() {
  [matrix, runs, compare, differences].forEach((draw) => draw());
}

const section = (title, ...inner) => (inner.some(Boolean) ? make("section", {}, make("h3", {}, title), ...inner) : null);
const list = (facts) => make("dl", {}, ...Object.entries(facts).flatMap(([key, value]) => [make("dt", {}, key), make("dd", {}, Array.isArray(value) ? value.join(", ") : String(value))]));

// The address "#run=ID" opens a run: what leads to one is a link, and Back closes it.
function follow() {
  const [, id] = location.hash.match(/^#run=(.*)$/) || [], run = byId.get(id);
  if (!run) get("cell").close();
  if (id && !run) get("count").textContent = `The address names run ${id}, which is not on this page.`;
  if (run) open(run);
}

function leave() {
  if (location.hash.startsWith("#run=")) history.pushState(null, "", "#");
}

function publishedOf(run) {
  return scroll("published figures", table(run.published, [
    { name: "table", left: true, value: (item) => item.table, cell: (item) => make("span", { title: item.source }, item.paper) },
    { name: "as", left: true, minor: true, kind: "word", value: (item) => item.label, cell: (item) => item.label },
    { name: "theirs", value: (item) => item.theirs, cell: (item) => fixed(item.theirs) + (item.theirs_spread === null ? "" : ` ±${item.theirs_spread.toFixed(3)}`) },
    { name: "ours", value: () => 0, cell: (item) => { const score = run.policies[item.selection]; return score ? `${fixed(score.mean)} ${half(score)}` : "–"; } },
    { name: "verdict", left: true, value: (item) => item.outcome, cell: (item) => item.outcome + (item.why ? ` (${item.why})` : "") },
  ], { by: null, down: false }, `${[...new Set(run.published.map((item) => `Ours by selection ${item.selection}, theirs by ${item.theirs_selection}; reproduced: within ${item.tolerance.toFixed(3)}.`))].join(" ")} ± as printed there.`));
}

function open(run) {
  const body = get("body"), now = policy();
  const score = run.policies[now] || Object.values(run.policies).find((item) => item.mean !== null) || null;
  get("head").textContent = title(run);
  const command = make("pre", { tabindex: 0 }, run.command);
  const copy = make("button", { class: "plain", type: "button", onclick: () => {
    getSelection().selectAllChildren(command);
    if (navigator.clipboard) navigator.clipboard.writeText(run.command).catch(() => {});
    copy.textContent = "Selected and copied";
  } }, "Copy");
  const every = data.policies.filter((item) => run.policies[item.name] && run.policies[item.name].n);
  body.replaceChildren(...[
    make("p", { class: "soft" }, group(run)),
    run.error ? make("p", { class: "bad" }, `${run.status}: ${run.error}`) : null,
    run.published.length ? section("Published", publishedOf(run)) : null,
    run.curves.length ? section("Curves", make("div", { class: "pair" }, curves(run), make("figure", {}, metrics(run),
      make("figcaption", {}, "Terms of the loss, mean over seeds: at the first and at the last evaluation.")))) : null,
    every.length ? section("By selection policy", scroll("scores by selection policy", table(every, [
      { name: "selection", left: true, value: (item) => item.name, cell: (item) => item.name + (item.labels ? " ‡" : "") },
      { name: "accuracy", value: (item) => run.policies[item.name].mean, cell: (item) => fixed(run.policies[item.name].mean) },
      ...(every.some((item) => run.policies[item.name].unbalanced) ? [{ name: "per class", minor: true, value: (item) => run.policies[item.name].mean_per_class, cell: (item) => fixed(run.policies[item.name].mean_per_class) }] : []),
      { name: "seeds", left: true, value: () => "", cell: (item) => run.policies[item.name].scores.map((value) => value.toFixed(3)).join("  ") },
      { name: "picked step", left: true, value: () => "", cell: (item) => run.policies[item.name].steps.join("  ") },
    ], { by: null, down: false }))) : null,
    score && score.confusion ? section(`Confusion matrix (${now})`, confusion(score.confusion, run.classes.length ? run.classes : run.embedding ? run.embedding.classes : [])) : null,
    run.embedding ? features(run.embedding) : null,
    run.embedding && run.embedding.images.length ? section("Example images", images(run.embedding, true), images(run.embedding, false)) : null,
    section("Run it again", command, copy),
    section("Settings", list(run.settings)),
    section("Recipe", list(run.recipe)),
    section("Where it ran", list(run.facts)),
  ].filter(Boolean));
  if (!get("cell").open) get("cell").showModal();
  get("cell").scrollTop = 0;
}

function features(shown) {
  const pair = make("div", { class: "pair" });
  const box = make("input", { type: "checkbox", style: "min-height:0", onclick: () => draw() });
  const draw = () => pair.replaceChildren(embedding(shown, 0, box.checked), embedding(shown, 1, box.checked));
  draw();
  return section("Features of both domains", make("p", { class: "soft" },
    "First two principal components, each evaluation by itself, of the first seed. ○ held-out source, ▲ target test."),
  make("label", {}, box, " show the classes"), pair);
}

function images(shown, source) {
  const rows = shown.shown.map((row, index) => [row, shown.images[index]]).filter(([row]) => shown.source[row] === source);
  return make("figure", {}, make("figcaption", {}, source ? "Held-out source" : "Target test"), make("ul", { class: "images" }, ...rows.map(([row, image]) => {
    const [truth, told] = [shown.classes[shown.y[row]] ?? null, shown.classes[shown.predicted[1][row]]];
    return make("li", { class: truth === null || truth === told ? null : "wrong" }, make("img", { src: image, alt: `${source ? "source" : "target"} image of class ${truth ?? "unknown"}` }),
      truth === null ? told : truth === told ? `✓ ${told}` : `✗ ${told}, is ${truth}`);
  })));
}

function selectors() {
  for (const item of data.comparisons) {
    const columns = [
      { name: "selector", left: true, value: (fact) => fact.selector, cell: (fact) => fact.selector + (fact.uses_target_labels ? " ‡" : "") },
      { name: "runs", value: (fact) => fact.runs, cell: (fact) => String(fact.runs), minor: true },
      { name: "picked", value: (fact) => fact.picked, cell: (fact) => fixed(fact.picked) },
      { name: "below best", value: (fact) => fact.regret, cell: (fact) => fixed(fact.regret) },
      { name: "rank corr. in a run", value: (fact) => fact.within, cell: (fact) => bar(fact.within) },
      { name: "over all", minor: true, value: (fact) => fact.spearman, cell: (fact) => bar(fact.spearman) },
      { name: "weighted τ", value: (fact) => fact.kendall, cell: (fact) => bar(fact.kendall) },
    ];
    const names = item.selectors.map((fact) => fact.selector);
    const picks = Object.entries(item.picks);
    get("selectors").append(make("h3", {}, item.group),
      scroll("selectors", table(item.selectors, columns, { by: null, down: false })),
      make("details", {}, make("summary", {}, "What each would have picked, run by run"), scroll("picks", table(picks, [
        { name: "strategy", left: true, value: ([name]) => name, cell: ([name]) => soft(name) },
        ...names.map((name) => ({ name, value: ([, means]) => means[name] ?? null, cell: ([, means]) => fixed(means[name]) })),
      ], { by: null, down: false }))));
  }
}

function start() {
  fill("task", [["", "all tasks"], ...data.columns.map((column, place) => [place, data.numbered ? `${column.short}: ${column.name}` : column.short])]);
  fill("setting", [["", "all settings"], ...[...new Set(data.runs.map((run) => run.setting))].filter(Boolean).sort().map((name) => [name, name])]);
  fill("policy", data.policies.map((item) => [item.name, item.name + (item.labels ? " ‡" : "")]));
  ["task", "setting"].forEach((id) => get(id).addEventListener("change", runs));
  get("policy").addEventListener("change", refresh);
  get("filter").addEventListener("input", runs);
  get("close").addEventListener("click", () => get("cell").close());
  get("cell").addEventListener("click", (event) => { if (event.target === get("cell")) get("cell").close(); });
  get("cell").addEventListener("close", leave);
  addEventListener("hashchange", follow);
  refresh();
  selectors();
  follow();
}

start();
