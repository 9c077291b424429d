"use strict";
const narrow = matchMedia("(max-width: 63.99rem)");
const contents = document.querySelector("nav details");
const fold = () => { contents.open = !narrow.matches; };
narrow.addEventListener("change", fold);
fold();
contents.addEventListener("click", (event) => { if (event.target.closest("a") && narrow.matches) contents.open = false; });

const append = (tag, properties, parent) => parent.appendChild(Object.assign(document.createElement(tag), properties));
const save = (href, name) => { const link = append("a", { href, download: name }, document.body); link.click(); link.remove(); };
const saveBlob = (blob, name) => {
  const address = URL.createObjectURL(blob);
  save(address, name);
  setTimeout(() => URL.revokeObjectURL(address), 10000);
};
const bytesOf = (href) => Uint8Array.from(atob(href.slice(href.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));

// numbers are sorted by their full value, texts by letters, missing values are last
const valueOf = (row, at) => {
  const cell = row.cells[at];
  const number = Number(cell.dataset.value ?? NaN);
  return Number.isNaN(number) ? cell.textContent.trim() : number;
};
const compare = (first, second) => {
  const numbers = [first, second].map((value) => typeof value === "number");
  if (numbers[0] && numbers[1]) return first - second;
  if (numbers[0] !== numbers[1]) return numbers[1] - numbers[0];
  return first.localeCompare(second, "en", { numeric: true });
};
const sortBy = (table, at) => {
  const heads = [...table.tHead.rows[0].cells];
  const down = heads[at].getAttribute("aria-sort") === "ascending";
  heads.forEach((head) => head.removeAttribute("aria-sort"));
  heads[at].setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows].map((row) => [valueOf(row, at), row]);
  const missing = (value) => value === "–" || value === "";
  const direction = down ? -1 : 1;
  rows.sort(([first], [second]) => {
    if (missing(first) || missing(second)) return missing(first) - missing(second);
    return direction * compare(first, second);
  });
  table.tBodies[0].append(...rows.map(([, row]) => row));
};

for (const table of document.querySelectorAll("table[data-table]")) {
  [...table.tHead.rows[0].cells].forEach((head, at) => {
    const words = head.textContent;
    head.textContent = "";
    append("button", { type: "button", textContent: words }, head).addEventListener("click", () => sortBy(table, at));
  });
  const rows = [...table.tBodies[0].rows];
  if (rows.length <= 8) continue;
  const box = document.createElement("input");
  Object.assign(box, { type: "search", className: "filter", placeholder: "Filter rows" });
  box.setAttribute("aria-label", `Filter: ${table.caption.textContent}`);
  table.closest(".table").prepend(box);
  box.addEventListener("input", () => {
    const sought = box.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(sought);
  });
}

const dialog = document.querySelector("dialog");
const enlarged = dialog.querySelector("img");
dialog.addEventListener("click", (event) => { if (!event.target.closest("img")) dialog.close(); });

const savePng = (picture, name) => {
  const canvas = document.createElement("canvas");
  const size = [picture.naturalWidth, picture.naturalHeight].map((length) => 2 * length);
  [canvas.width, canvas.height] = size;
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, ...size);
  pen.drawImage(picture, 0, 0, ...size);
  canvas.toBlob((blob) => saveBlob(blob, name), "image/png");
};
for (const figure of document.querySelectorAll("figure[data-file]")) {
  const picture = figure.querySelector("img.picture");
  const zoom = document.createElement("button");
  Object.assign(zoom, { type: "button", className: "zoom", title: "Enlarge" });
  picture.replaceWith(zoom);
  zoom.append(picture);
  zoom.addEventListener("click", () => {
    Object.assign(enlarged, { src: picture.src, alt: picture.alt });
    dialog.showModal();
  });
  const downloads = figure.querySelector(".downloads");
  const name = figure.dataset.file;
  const buttons = { PNG: () => savePng(picture, `${name}.png`) };
  if (picture.src.startsWith("data:image/svg")) buttons.SVG = () => save(picture.src, `${name}.svg`);
  for (const [words, act] of Object.entries(buttons)) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: words });
    button.addEventListener("click", act);
    downloads.prepend(button);
  }
}

for (const link of document.querySelectorAll('a.download[download$=".gz"]')) {
  if (!window.DecompressionStream) break;
  const name = link.download.replace(/\.gz$/, "");
  link.textContent = link.textContent.replace(/\.gz$/, "");
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    const stream = new Blob([bytesOf(link.href)]).stream().pipeThrough(new DecompressionStream("gzip"));
    saveBlob(new Blob([await new Response(stream).blob()], { type: "text/csv" }), name);
  });
}

const folded = new Set();
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not([open])")) { folded.add(details); details.open = true; }
});
addEventListener("afterprint", () => { folded.forEach((details) => { details.open = false; }); folded.clear(); });
