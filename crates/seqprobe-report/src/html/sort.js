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
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
})();
