"use strict";
// Curves, embeddings, confusion matrix, critical differences.

function curves(run) {
  const points = run.curves, [width, height, left, bottom] = [380, 220, 34, 30];
  const steps = points.map((point, index) => (point.step || index));
  const most = Math.max(...steps, 1), least = Math.min(...steps, most);
  const values = points.flatMap((point) => [...point.source_val, ...point.target]);
  const low = Math.floor(10 * Math.min(...values)) / 10, high = Math.max(low + 0.1, Math.ceil(10 * Math.max(...values)) / 10);
  const x = (step) => left + (width - left - 10) * (most === least ? 0.5 : (step - least) / (most - least));
  const y = (value) => 8 + (height - bottom - 8) * (1 - (value - low) / (high - low));
  const parts = [];
  const ticks = Math.round((high - low) * 10) > 5 ? 0.2 : 0.1;
  for (let tick = low; tick < high + 1e-9; tick += ticks) {
    parts.push(make("line", { class: "axis", x1: left, x2: width - 10, y1: y(tick), y2: y(tick) }),
      make("text", { class: "soft", x: left - 5, y: y(tick) + 3, "text-anchor": "end" }, tick.toFixed(1)));
  }
  const shown = steps.filter((_, index) => index === 0 || index === steps.length - 1 || steps.length < 8);
  shown.forEach((step) => parts.push(make("text", { class: "soft", x: x(step), y: height - 16, "text-anchor": "middle" }, String(step))));
  parts.push(make("text", { class: "soft", x: width - 10, y: height - 2, "text-anchor": "end" }, "step"));
  for (let index = 1; index < points.length; index++) {
    if (points[index].phase === points[index - 1].phase) continue;
    const at = (x(steps[index]) + x(steps[index - 1])) / 2;
    parts.push(make("line", { class: "axis", x1: at, x2: at, y1: 8, y2: height - bottom, "stroke-dasharray": "2 3" }),
      make("text", { class: "soft", x: at + 3, y: 16 }, points[index].phase));
  }
  for (const [key, kind, dash] of [["source_val", "source", "6 4"], ["target", "target", null]]) {
    if (!points.every((point) => point[key].length)) continue;
    const top = points.map((point, i) => `${x(steps[i])},${y(Math.max(...point[key]))}`);
    const foot = points.map((point, i) => `${x(steps[i])},${y(Math.min(...point[key]))}`).reverse();
    parts.push(make("polygon", { class: `band ${kind}`, points: [...top, ...foot].join(" ") }));
    parts.push(make("polyline", { class: `line ${kind}`, "stroke-dasharray": dash, points: points.map((point, i) => `${x(steps[i])},${y(mean(point[key]))}`).join(" ") }));
    points.forEach((point, i) => parts.push(mark(kind, x(steps[i]), y(mean(point[key])), 3.4, true)));
  }
  return make("figure", {},
    make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "accuracy over steps" }, ...parts),
    make("figcaption", {}, "Accuracy over steps, mean and range over seeds: ○ dashed: held-out source; ▲ solid: target test."));
}

// A circle for the source, a triangle for the target: told apart without colour.
function mark(kind, x, y, size, solid) {
  if (kind === "source") return make("circle", { class: `hollow source ${solid ? "" : "point"}`, cx: x, cy: y, r: size });
  return make("path", { class: `mark target ${solid ? "" : "point"}`, d: `M${x} ${y - size * 1.2}l${size * 1.15} ${size * 2}h${-size * 2.3}z` });
}

function metrics(run) {
  const names = [...new Set(run.curves.flatMap((point) => Object.keys(point.metrics)))].slice(0, 8);
  if (!names.length) return null;
  return make("dl", {}, ...names.flatMap((name) => {
    const values = run.curves.map((point) => (point.metrics[name] || []).filter((value) => value !== null)).filter((found) => found.length).map(mean);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const line = values.map((value, i) => `${2 + 116 * i / Math.max(1, values.length - 1)},${18 - 15 * (value - low) / (high - low || 1)}`);
    return [make("dt", {}, name), make("dd", { style: "display:flex;gap:.7rem;align-items:center" },
      make("svg", { viewBox: "0 0 120 20", width: 120, height: 20, "aria-hidden": "true" }, make("polyline", { class: "line whisker", points: line.join(" ") })),
      values.length ? `${values[0].toPrecision(3)} → ${values[values.length - 1].toPrecision(3)}` : "not finite")];
  }));
}

function embedding(shown, at, letters) {
  const size = 320, to = (value) => size / 2 + (size / 2 - 10) * value;
  const dots = shown.points[at].map(([x, y], row) => {
    const kind = shown.source[row] ? "source" : "target";
    const name = shown.classes[shown.y[row]] ?? "unknown";
    const told = make("title", {}, `${kind}, ${name}, predicted ${shown.classes[shown.predicted[at][row]]}`);
    if (letters) return make("text", { class: `glyph ${kind}`, x: to(x), y: to(-y) + 3 }, name.slice(0, 2), told);
    const dot = mark(kind, to(x), to(-y), 2.8, false);
    dot.append(told);
    return dot;
  });
  return make("figure", {},
    make("svg", { viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": `features at step ${shown.steps[at]}` },
      make("rect", { class: "axis", x: 0, y: 0, width: size, height: size, rx: 6 }), ...dots),
    make("figcaption", {}, at ? `After: last evaluation, step ${shown.steps[at]}` : `Before: first evaluation, step ${shown.steps[at]}`));
}

// Columns are headed by class names down the page; where one is long, by numbers, which the rows have before the names.
function confusion(counts, classes) {
  const names = counts.map((_, index) => classes[index] ?? String(index)), long = names.some((name) => name.length > 20);
  const rows = counts.map((row, truth) => {
    const all = row.reduce((sum, count) => sum + count, 0) || 1;
    return make("tr", {}, make("th", { scope: "row" }, soft(long ? `${truth} ${names[truth]}` : names[truth])), ...row.map((count, told) => make("td", {
      class: truth === told ? "hit" : null, style: `background: rgba(var(--heat), ${(0.62 * count / all).toFixed(3)})`,
    }, count ? String(count) : "·")));
  });
  return scroll("confusion matrix", make("table", { class: `matrix ${long ? "long" : names.some((name) => name.length > 2) ? "long named" : ""}` },
    make("caption", {}, "Rows: true class. Columns: predicted. Counts over all seeds; hits are underlined."),
    make("thead", {}, make("tr", {}, make("td", {}), ...names.map((name, index) => make("th", { scope: "col", title: name }, make("span", {}, long ? String(index) : name))))), make("tbody", {}, ...rows)));
}

// A long name in lines of at most `most` characters, broken at a space where there is one.
function lines(name, most = 30) {
  const found = [];
  for (let rest = name; rest; ) {
    const space = rest.lastIndexOf(" ", most), cut = rest.length <= most ? rest.length : space > 0 ? space + 1 : most;
    found.push(rest.slice(0, cut));
    rest = rest.slice(cut);
  }
  return found;
}

// Demsar's diagram: mean ranks on a line, best on the left; a bar joins those that cannot be told apart.
function ranks(found) {
  const names = Object.keys(found.ranks), count = names.length, half = Math.ceil(count / 2);
  const [width, left, right] = [780, 220, 560], worst = Math.max(2, count);
  const x = (rank) => left + (right - left) * (rank - 1) / (worst - 1);
  const top = 70 + 7 * found.groups.length, drawn = [];
  const parts = [make("line", { class: "whisker", x1: left, x2: right, y1: 48, y2: 48 })];
  const every = Math.max(1, Math.round(worst / 10));
  for (let rank = 1; rank <= worst; rank += every) parts.push(make("line", { class: "whisker", x1: x(rank), x2: x(rank), y1: 43, y2: 48 }),
    make("text", { class: "soft", x: x(rank), y: 38, "text-anchor": "middle" }, String(rank)));
  const reach = Math.min(found.cd, worst - 1);
  parts.push(make("path", { class: "whisker", fill: "none", d: `M${left} 12v8M${left} 16H${x(1 + reach)}M${x(1 + reach)} 12v8` }),
    make("text", { x: x(1 + reach) + 8, y: 20 }, `critical difference ${found.cd.toFixed(2)}`));
  found.groups.forEach((group, index) => parts.push(make("line", { class: "whisker", style: "stroke-width:4",
    x1: x(found.ranks[group[0]]) - 4, x2: x(found.ranks[group[group.length - 1]]) + 4, y1: 56 + 7 * index, y2: 56 + 7 * index })));
  const side = (own, edge, anchor) => own.reduce((y, name) => {
    const told = lines(`${name}  ${found.ranks[name].toFixed(1)}`);
    parts.push(make("path", { class: "axis", style: "stroke:var(--soft)", d: `M${x(found.ranks[name])} 48V${y}H${edge}` }),
      ...told.map((line, index) => make("text", { x: edge + (edge < width / 2 ? -4 : 4), y: y + 4 + 13 * index, "text-anchor": anchor }, line)));
    return y + 6 + 13 * told.length;
  }, top);
  drawn.push(side(names.slice(0, half), left - 8, "end"), side(names.slice(half).reverse(), right + 8, "start"));
  return make("div", { class: "scroll desk" }, make("svg", { class: "wide", viewBox: `0 0 ${width} ${Math.max(...drawn)}`, role: "img", style: "padding:.6rem",
    "aria-label": `mean ranks: ${names.map((name) => `${name} ${found.ranks[name].toFixed(1)}`).join(", ")}` }, ...parts));
}

// The same for a narrow screen: a row a method, and a bar down the rows that cannot be told apart.
function rankList(found) {
  const rows = Object.entries(found.ranks).map(([name, rank]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, rank.toFixed(1)),
    ...found.groups.map((group) => make("td", { class: group.includes(name) ? "in" : null }))));
  return make("div", { class: "scroll phone" }, make("table", { class: "ranks" }, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "strategy"),
    make("th", { scope: "col" }, "mean rank"), ...found.groups.map(() => make("th", {})))), make("tbody", {}, ...rows)));
}
