"use strict";
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const body = table.tBodies[0];
  table.querySelectorAll("th").forEach((head, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") ? head.getAttribute("aria-sort") === "ascending" : head.className === "n";
      table.querySelectorAll("th").forEach((h) => h.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[i].dataset.sort ?? row.cells[i].textContent;
      const rows = [...body.rows].sort((a, b) => key(a).localeCompare(key(b), "en", { numeric: false }));
      if (head.className === "n") rows.sort((a, b) => Number(key(a)) - Number(key(b)));
      body.append(...(down ? rows.reverse() : rows));
    });
  });
}
const tip = document.createElement("div");
tip.className = "tip";
for (const chart of document.querySelectorAll("svg[data-lines]")) {
  const lines = JSON.parse(chart.dataset.lines);
  const [left, right] = chart.dataset.x.split(" ").map(Number);
  chart.addEventListener("pointerleave", () => tip.remove());
  chart.addEventListener("pointermove", (event) => {
    const place = chart.getBoundingClientRect();
    const x = ((event.clientX - place.left) / place.width) * chart.viewBox.baseVal.width;
    if (x < left - 6 || x > right + 6) return tip.remove();
    const said = lines.filter((l) => l.v && l.v.length).map((l) => {
      const near = l.v.reduce((a, b) => (Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a));
      return l.n + "  " + near[1] + "  (" + near[2] + ")";
    });
    tip.textContent = said.join("\n");
    document.body.append(tip);
    const beside = event.clientX + 16 + tip.offsetWidth > innerWidth ? -16 - tip.offsetWidth : 16;
    tip.style.left = event.clientX + beside + "px";
    tip.style.top = Math.max(4, event.clientY - tip.offsetHeight - 8) + "px";
  });
}
