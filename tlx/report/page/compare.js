"use strict";
// The test between two methods: pairs are the seeds that both have, on the tasks that both have.

// Student's paired t-test, two-sided, by the finite sums for whole degrees of freedom (Abramowitz and Stegun 26.7.3 and .4).
function tTest(gaps) {
  const n = gaps.length, middle = mean(gaps);
  const spread = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - middle) ** 2, 0) / (n - 1));
  if (n < 2 || spread < 1e-12) return null;
  const freedom = n - 1, angle = Math.atan(Math.abs(middle) / spread * Math.sqrt(n / freedom));
  const [sine, square] = [Math.sin(angle), Math.cos(angle) ** 2];
  const odd = freedom % 2;
  let term = odd ? Math.cos(angle) : 1, sum = 0;
  for (let k = odd ? 2 : 1; k <= freedom - 1; k += 2) {
    sum += term;
    term *= square * k / (k + 1);
  }
  return Math.max(0, 1 - (odd ? 2 / Math.PI * (angle + sine * sum) : sine * sum));
}

// Wilcoxon's signed-rank test, two-sided and exact; ties share their rank, and pairs without a difference are left out.
function wilcoxon(gaps) {
  const found = gaps.map((gap) => Number(gap.toFixed(12))).filter(Boolean);
  if (!found.length) return { n: 0, p: null };
  const sizes = found.map(Math.abs).sort((a, b) => a - b);
  const twice = found.map((gap) => sizes.indexOf(Math.abs(gap)) + sizes.lastIndexOf(Math.abs(gap)) + 2); // whole numbers
  let chances = [1]; // of each sum of the ranks of positive gaps
  for (const rank of twice) {
    const next = new Array(chances.length + rank).fill(0);
    chances.forEach((chance, sum) => { next[sum] += chance / 2; next[sum + rank] += chance / 2; });
    chances = next;
  }
  const at = twice.reduce((sum, rank, index) => sum + (found[index] > 0 ? rank : 0), 0);
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  return { n: found.length, p: Math.min(1, 2 * Math.min(sum(chances.slice(0, at + 1)), sum(chances.slice(at)))), least: 2 ** (1 - found.length) };
}

// The gaps of two methods, seed by seed, on every task that both have.
function pairs(one, other, policy) {
  const found = [];
  for (const [column, run] of one) {
    const rival = other.get(column);
    if (!rival) continue;
    const [ours, theirs] = [run, rival].map((item) => new Map(item.facts.seeds.map((seed, index) => [seed, item.policies[policy].scores[index]])));
    const seeds = [...ours.keys()].filter((seed) => theirs.has(seed));
    const [mine, its] = [ours, theirs].map((scores) => seeds.map((seed) => scores.get(seed)));
    if (seeds.length) found.push({ column, one: mean(mine), other: mean(its), gaps: mine.map((value, index) => value - its[index]) });
  }
  return found;
}

const chance = (p) => (p === null ? "–" : p < 0.001 ? "< 0.001" : p.toFixed(3));

// What the test says of two methods; a task counts once, by the mean of its seeds, as these are not independent of it.
function words(found, names) {
  const gaps = found.length > 1 ? found.map((item) => mean(item.gaps)) : found[0].gaps, gap = mean(gaps);
  const kind = (found.length > 1 ? "task" : "seed") + (gaps.length > 1 ? "s" : ""), { n, p, least } = wilcoxon(gaps);
  if (p === null) return `${names[0]} and ${names[1]} have the same scores.`;
  const lead = `${names[0]} is ${Math.abs(gap).toFixed(3)} ${gap < 0 ? "below" : "above"} ${names[1]} on average`;
  if (least <= 0.05) return `${lead}. Over ${n} ${kind} this is ${p < 0.05 ? "more than chance would give" : "no more than chance may give"}: Wilcoxon's p is ${chance(p)}.`;
  return `${lead}, but ${n} ${kind} cannot show that this is more than chance: Wilcoxon's p is never below ${Number(least.toFixed(4))} with so few pairs, and six are needed to reach 0.05. `
    + "The t-test can be below it, but only by taking the differences to be normal, which so few cannot show.";
}

function comparison(found, names) {
  const row = (name, gaps, one, other, count) => ({ name, one, other, gap: mean(gaps), count, t: tTest(gaps), w: wilcoxon(gaps).p });
  const rows = found.map((item) => row(data.columns[item.column].short, item.gaps, item.one, item.other, item.gaps.length));
  if (found.length > 1) {
    const of = (key) => mean(found.map((item) => item[key]));
    rows.push(row("all, pairs of tasks and seeds", found.flatMap((item) => item.gaps), of("one"), of("other"), found.flatMap((item) => item.gaps).length),
      row("all, each task one pair", found.map((item) => mean(item.gaps)), of("one"), of("other"), found.length));
  }
  const number = (name, key, show, minor) => ({ name, minor, value: (item) => item[key], cell: (item) => show(item[key]) });
  return [make("p", { id: "verdict" }, words(found, names)), scroll("test of two methods", table(rows, [
    { name: "task", left: true, value: (item) => item.name, cell: (item) => soft(item.name) },
    number("first", "one", fixed, true), number("second", "other", fixed, true), number("difference", "gap", signed), number("pairs", "count", String),
    number("p (t)", "t", chance), number("p (Wilcoxon)", "w", chance),
  ], { by: null, down: false }, "Two-sided, paired by seed. A pair of methods that was chosen after a look at the scores differs by chance more often than p says.", "pairs"))];
}
