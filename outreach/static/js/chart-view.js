// Draws the table inside it with Chart.js and folds the table. A click on a bar or a point opens the list behind it.
class ChartView extends HTMLElement {
  connectedCallback() {
    const table = this.querySelector("table");
    if (!table || this.chart || typeof Chart === "undefined") return;
    this.colours = getComputedStyle(document.documentElement);
    const holder = document.createElement("div");
    holder.className = "chart-canvas";
    const canvas = document.createElement("canvas");
    canvas.setAttribute("aria-hidden", "true"); // the table says the same in words
    holder.append(canvas);
    this.prepend(holder);
    const data = this.read(table);
    this.chart = new Chart(canvas, this.config(data));
    this.classList.add("is-drawn");
    this.querySelector("details").open = false;
  }

  disconnectedCallback() {
    this.chart?.destroy();
    this.chart = null;
  }

  tone(name) {
    const token = { pine: "--pine-600", plain: "--field", clay: "--clay-600" }[name] ?? `--${name}-500`;
    return this.colours.getPropertyValue(token).trim();
  }

  ink(step) {
    return this.colours.getPropertyValue(step).trim();
  }

  read(table) {
    const heads = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent.trim());
    const rows = [...table.tBodies[0].rows];
    const number = (cell) => (cell?.dataset.value ? Number(cell.dataset.value) : null);
    this.links = heads.map((_, i) => rows.map((row) => row.cells[i + 1]?.querySelector("a")?.href ?? row.cells[0].querySelector("a")?.href));
    return {
      labels: rows.map((row) => row.cells[0].textContent.trim()),
      series: heads.map((label, i) => ({ label, data: rows.map((row) => number(row.cells[i + 1])), said: rows.map((row) => row.cells[i + 1]?.textContent.trim()) })),
    };
  }

  config({ labels, series }) {
    const tones = this.dataset.tones.split(" ");
    const stacked = "stacked" in this.dataset;
    const across = "horizontal" in this.dataset;
    const quiet = { grid: { display: false }, ticks: { color: this.ink("--ink-500") }, border: { color: this.ink("--line-2") }, stacked };
    const scale = { beginAtZero: true, grace: "14%", stacked, grid: { color: this.ink("--line") }, ticks: { color: this.ink("--ink-500"), precision: 0, maxTicksLimit: 6 }, border: { display: false } };
    // A share ends at 100: above it there is nothing to be shown.
    if (!stacked && series.every((one) => one.said.every((text, i) => one.data[i] === null || (text.endsWith("%") && one.data[i] <= 100)))) {
      Object.assign(scale, { max: 100, grace: 0 });
    }
    Chart.defaults.font.family = this.ink("--font");
    Chart.defaults.font.size = 12;
    return {
      type: this.dataset.kind,
      data: { labels, datasets: series.map((one, i) => this.dataset_(one, tones[i % tones.length], stacked)) },
      options: {
        animation: false,
        maintainAspectRatio: false,
        indexAxis: across ? "y" : "x",
        layout: { padding: { right: across ? 40 : 0 } },
        scales: across ? { x: { ...scale, display: false }, y: quiet } : { x: quiet, y: scale },
        plugins: {
          legend: { display: series.length > 1, position: "top", align: "end", labels: { boxWidth: 10, boxHeight: 10, color: this.ink("--ink-700") } },
        },
        onClick: (_event, hits) => this.open(hits[0]),
        onHover: (event, hits) => { event.native.target.style.cursor = hits.length && this.links[hits[0].datasetIndex][hits[0].index] ? "pointer" : ""; },
      },
      plugins: [{ id: "words", afterDatasetsDraw: (chart) => this.words(chart, series, stacked, across) }],
    };
  }

  dataset_(one, tone, stacked) {
    const colour = this.tone(tone);
    const line = this.dataset.kind === "line";
    return { label: one.label, data: one.data, backgroundColor: colour, borderColor: line ? colour : this.ink("--surface"), borderWidth: line ? 2 : stacked ? 1 : 0, borderRadius: 3, maxBarThickness: 30, pointRadius: 3, tension: 0 };
  }

  // Values stand at the bars; campaign starts are dashed marks.
  words(chart, series, stacked, across) {
    const paint = chart.ctx;
    paint.save();
    paint.fillStyle = this.ink("--ink-900");
    paint.font = `600 12px ${this.ink("--font")}`;
    const last = chart.data.datasets.length - 1;
    const crowded = !stacked && last > 0;
    for (const [i, point] of (crowded ? [] : chart.getDatasetMeta(last).data).entries()) {
      const text = stacked ? String(series.reduce((sum, one) => sum + (one.data[i] ?? 0), 0)) : series[last].said[i];
      paint.textAlign = across ? "left" : "center";
      paint.fillText(text, across ? point.x + 6 : point.x, across ? point.y + 4 : point.y - 6);
    }
    paint.setLineDash([3, 3]);
    paint.strokeStyle = this.ink("--ink-500");
    paint.textAlign = "left";
    const rowEnds = []; // how far each row of words is taken: words that would overlap go one row down
    for (const [label, text] of JSON.parse(this.dataset.marks || "[]")) {
      const at = chart.data.labels.indexOf(label);
      if (at < 0 || across) continue;
      const x = Math.round((chart.scales.x.getPixelForValue(at) + chart.scales.x.getPixelForValue(Math.max(at - 1, 0))) / 2);
      paint.beginPath();
      paint.moveTo(x, chart.chartArea.top);
      paint.lineTo(x, chart.chartArea.bottom);
      paint.stroke();
      const room = chart.width - 8;
      const said = this.shortened(paint, text, room);
      const wide = paint.measureText(said).width;
      const from = x + 8 + wide < chart.width ? x + 4 : Math.max(Math.min(x - 4, chart.width) - wide, 4);
      const free = rowEnds.findIndex((end) => end < from);
      const row = free < 0 ? rowEnds.length : free;
      rowEnds[row] = from + wide + 6;
      paint.fillText(said, from, chart.chartArea.top + 10 + 15 * row);
    }
    paint.restore();
  }

  shortened(paint, text, room) {
    let said = text;
    while (said.length > 1 && paint.measureText(said).width > room) said = `${said.slice(0, -2).trimEnd()}…`;
    return said;
  }

  open(hit) {
    const href = hit && this.links[hit.datasetIndex][hit.index];
    if (href) location.assign(href);
  }
}

customElements.define("chart-view", ChartView);
