(() => {
  "use strict";
  const number = (text) => {
    const found = text.replace(/[\u202f ](?=\d{3})/g, "").match(/^[+-]?\d[\d.]*(e[+-]?\d+)?/);
    return found ? parseFloat(found[0]) : null;
  };
  const sort = (header) => {
    const body = header.closest("table").tBodies[0];
    const column = header.cellIndex;
    const falling = header.getAttribute("aria-sort") === "descending";
    const rows = Array.from(body.rows, (row) => {
      const text = row.cells[column].textContent.trim();
      return { row, text, value: number(text) };
    });
    const order = (a, b) => {
      if ((a.text === "") !== (b.text === "")) return a.text === "" ? 1 : -1;
      const both = a.value !== null && b.value !== null;
      const way = both ? a.value - b.value : a.text.localeCompare(b.text);
      return falling ? way : -way;
    };
    const first = header.getAttribute("aria-sort");
    rows.sort(order);
    for (const other of header.parentNode.cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", first === "descending" ? "ascending" : "descending");
    body.append(...rows.map((entry) => entry.row));
  };
  for (const header of document.querySelectorAll("table.sortable th")) {
    header.tabIndex = 0;
    header.addEventListener("click", () => sort(header));
    header.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        sort(header);
      }
    });
  }
  for (const table of document.querySelectorAll("table.sortable")) {
    const field = document.createElement("input");
    field.type = "search";
    field.placeholder = "filter rows";
    field.setAttribute("aria-label", "filter the rows of the table below");
    const found = document.createElement("span");
    found.setAttribute("role", "status");
    found.className = "fine";
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
      let shown = 0;
      for (const row of table.tBodies[0].rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        if (!row.hidden) shown += 1;
      }
      found.textContent = words.length ? ` ${shown} of ${table.tBodies[0].rows.length} rows` : "";
    });
    const bar = document.createElement("div");
    bar.className = "filter";
    bar.append(field, found);
    table.closest(".scroll").before(bar);
  }
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
})();
