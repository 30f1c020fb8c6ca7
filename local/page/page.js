// The page of a local run. Whatever comes from a video's name or file goes in as text, never as markup, and into URLs
// only percent-encoded: an object may be called anything.
"use strict";

const $ = (selector, inside = document) => inside.querySelector(selector);
const shown = new Map(); // element and last data of each row, by bucket and key
let stack = null;

// --- what the server says -------------------------------------------------------------------------------------------

const events = new EventSource("/events");
events.addEventListener("stack", (event) => {
  stack = JSON.parse(event.data);
  $("#lost").hidden = true;
  $("#place").textContent = `s3://${stack.bucket} at ${stack.endpoint}`;
  $("#choose").disabled = false;
  $("#choose").accept = stack.suffixes.join(",");
  $("#limits").textContent = `Names that end in ${stack.suffixes.join(" or ")}, up to ${bytes(stack.limit)} each`;
});
events.addEventListener("message", (event) => show(JSON.parse(event.data)));
events.addEventListener("error", () => {
  $("#lost").textContent = "The local run does not answer: is it still there? Start it again with make local.";
  $("#lost").hidden = false;
});

// --- uploads: one after the other, so that the browser's few connections stay free for pictures -----------------------

let queue = Promise.resolve();

function take(files) {
  for (const file of files) {
    const row = { bucket: stack.bucket, key: file.name.toWellFormed(), state: "waiting", size: file.size };
    const refusal = refused(row.key, file.size);
    show(refusal ? { ...row, state: "not uploaded", reason: refusal } : row, true);
    if (!refusal) queue = queue.then(() => upload(file, row));
  }
}

function refused(key, size) {
  if (!stack.suffixes.some((suffix) => key.endsWith(suffix)))
    return `this stack takes names that end in ${stack.suffixes.join(" or ")}; the setting suffixes says so`;
  if (size > stack.limit) return `it has ${bytes(size)}; an upload may have ${bytes(stack.limit)}`;
  return "";
}

function upload(file, row) {
  return new Promise((done) => {
    const request = new XMLHttpRequest(); // fetch tells nothing of the way an upload has come
    request.open("PUT", `/video?key=${encodeURIComponent(row.key)}`);
    request.upload.addEventListener("progress", (event) => progress(row, event.loaded / file.size));
    request.addEventListener("load", () => {
      if (request.status !== 201) show({ ...row, state: "not uploaded", reason: request.responseText });
    });
    request.addEventListener("error", () => {
      show({ ...row, state: "not uploaded", reason: "the local run does not answer, or the file cannot be read" });
    });
    request.addEventListener("loadend", done);
    request.send(file);
  });
}

$("#choose").addEventListener("change", (event) => {
  take(event.target.files);
  event.target.value = ""; // so that the same file can be chosen again
});
for (const name of ["dragenter", "dragover"])
  addEventListener(name, (event) => {
    event.preventDefault();
    $("#drop").classList.add("over");
  });
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) $("#drop").classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  $("#drop").classList.remove("over");
  if (stack) take(event.dataTransfer.files);
});

// --- rows -----------------------------------------------------------------------------------------------------------

const WORKING = new Set(["waiting", "uploading", "uploaded"]);
const IN_WORDS = { uploaded: "uploaded, at work", failed: "failed, is tried again" };

function show(row, first = false) {
  const id = `${row.bucket}\n${row.key}`;
  let known = shown.get(id);
  if (!known) {
    known = { element: $("#row").content.cloneNode(true).firstElementChild, drawn: "" };
    shown.set(id, known);
    first = true;
  }
  const { element } = known;
  if (first) $("#rows").prepend(element);
  $("#none").hidden = true;
  $("h2", element).textContent = row.key;
  element.dataset.state = row.state;
  $(".state", element).textContent = IN_WORDS[row.state] ?? row.state;
  $("progress", element).hidden = !WORKING.has(row.state);
  if (row.state !== "uploading") $("progress", element).removeAttribute("value");
  $(".reason", element).textContent = row.reason ?? "";
  $(".reason", element).hidden = !row.reason;
  $(".notes", element).replaceChildren(...(row.notes ?? []).map((note) => made("li", note)));
  $(".notes", element).hidden = !row.notes?.length;
  $(".facts", element).textContent = row.seconds ? facts(row) : "";
  $(".facts", element).hidden = !row.seconds;
  if (!WORKING.has(row.state)) {
    $("#said").textContent = `${row.key}: ${row.state}`;
    draw(known, row);
  }
}

function progress(row, share) {
  const known = shown.get(`${row.bucket}\n${row.key}`);
  if (known.element.dataset.state === "uploading") $("progress", known.element).value = share;
}

function facts(row) {
  const of = row.size ? ` of ${row.size.toLocaleString("en")}` : "";
  const share = row.size ? ` (${((100 * row.read_bytes) / row.size).toPrecision(2)}%)` : "";
  const requests = row.requests === 1 ? "1 request" : `${row.requests} requests`;
  return `read ${row.read_bytes.toLocaleString("en")}${of} bytes${row.read_bytes < row.size ? share : ""} in ${requests} · ${row.seconds.toFixed(2)} s`;
}

// --- pictures -------------------------------------------------------------------------------------------------------

function draw(known, row) {
  const place = $(".pictures", known.element);
  known.storyboard?.();
  place.replaceChildren();
  const pictures = row.pictures ?? [];
  const url = (key) =>
    `/object?bucket=${encodeURIComponent(row.picture_bucket)}&key=${encodeURIComponent(key)}&row=${row.number}`;
  const posters = pictures.filter((picture) => picture.kind === "poster");
  const preview = pictures.find((picture) => picture.kind === "preview");
  const cues = pictures.find((picture) => picture.key.endsWith(".storyboard.vtt"));
  const sheets = pictures.filter((picture) => picture.kind === "storyboard" && picture.width);
  const manifest = pictures.find((picture) => picture.kind === "manifest");
  if (!posters.length) return;
  const further = made("div");
  further.className = "further";
  if (preview) further.append(moving(row, preview, url, posters.at(-1)));
  for (const picture of posters.slice(1)) further.append(still(row, picture, url, `${picture.width} px wide`));
  place.append(still(row, posters[0], url, "Poster"));
  if (further.childElementCount) place.append(further);
  if (cues) known.storyboard = scrubber(place, row, cues, sheets, url);
  if (manifest) place.append(file("Manifest", url(manifest.key), manifest));
}

function file(name, address, { bytes: count }) {
  const line = made("p", ` · ${bytes(count)}`);
  const link = made("a", name);
  link.href = address;
  link.target = "_blank";
  link.rel = "noopener";
  line.className = "file";
  line.prepend(link);
  return line;
}

function still(row, picture, url, name) {
  const link = made("a");
  link.href = url(picture.key);
  link.target = "_blank";
  link.rel = "noopener";
  link.append(image(url(picture.key), `${name} of ${row.key}`, picture));
  return figure("still", link, `${name} · ${size(picture)} · ${bytes(picture.bytes)} · at ${clock(picture.seconds, true)}`);
}

// It stands still as the poster, and moves while it is pointed at or has the focus; Escape stops it.
function moving(row, picture, url, poster) {
  const box = made("div");
  box.className = "moving";
  box.tabIndex = 0;
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", `Preview of ${row.key}, moves while it has the focus`);
  const rest = image(url(poster.key), "", picture);
  let film;
  if (picture.key.endsWith(".m4v")) {
    film = made("video");
    film.muted = film.loop = film.playsInline = true;
    film.preload = "auto";
    film.width = picture.width;
    film.height = picture.height;
    film.src = url(picture.key);
  } else {
    film = image("", "", picture);
  }
  film.hidden = true;
  const play = () => {
    film.hidden = false;
    rest.hidden = true;
    // An animated picture plays from its beginning each time that it is given its source.
    if (film.play) film.play().catch(() => {});
    else film.src = url(picture.key);
  };
  const stop = () => {
    film.hidden = true;
    rest.hidden = false;
    if (film.pause) film.pause();
    else film.removeAttribute("src");
  };
  box.addEventListener("pointerenter", play);
  box.addEventListener("focus", play);
  box.addEventListener("pointerleave", () => document.activeElement === box || stop());
  box.addEventListener("blur", stop);
  box.addEventListener("keydown", (event) => event.key === "Escape" && stop());
  box.append(rest, film);
  return figure("preview", box, `Preview · ${size(picture)} · ${bytes(picture.bytes)} · point at it`);
}

function figure(kind, content, caption) {
  const element = made("figure");
  element.className = kind;
  element.append(content, made("figcaption", caption));
  return element;
}

function image(source, name, { width, height }) {
  const element = new Image(width, height);
  if (source) element.src = source;
  element.alt = name;
  return element;
}

// --- storyboard: its cues are read by the browser itself, as a player's would be ----------------------------------------

function scrubber(place, row, file, sheets, url) {
  const element = $("#storyboard").content.cloneNode(true).firstElementChild;
  const total = sheets.reduce((sum, sheet) => sum + sheet.bytes, 0);
  const caption = $("figcaption", element);
  const strip = $(".strip", element);
  const film = $(".film", element);
  const tile = $(".tile", element);
  strip.setAttribute("aria-label", `Storyboard of ${row.key}`);
  caption.textContent = "Storyboard";
  place.append(element);

  let cues = [];
  const resized = new ResizeObserver(() => cues.length && strew());
  const last = () => cues.at(-1).end;

  const at = (seconds) => cues.findLast((cue) => cue.start <= seconds) ?? cues[0];

  function strew() {
    const { width, height } = strip.getBoundingClientRect();
    film.width = Math.round(width * devicePixelRatio);
    film.height = Math.round(height * devicePixelRatio);
    const count = Math.max(1, Math.round((width * cues[0].h) / cues[0].w / height));
    const each = film.width / count;
    for (let n = 0; n < count; n++)
      paint(film, at(((n + 0.5) / count) * last()), Math.round(n * each), Math.ceil(each));
  }

  function paint(canvas, cue, left, width) {
    canvas.getContext("2d").drawImage(cue.sheet, cue.x, cue.y, cue.w, cue.h, left, 0, width, canvas.height);
  }

  function reveal(seconds) {
    const cue = at(seconds);
    const { clientWidth } = strip;
    const canvas = $("canvas", tile);
    canvas.width = cue.w;
    canvas.height = cue.h;
    paint(canvas, cue, 0, cue.w);
    $("span", tile).textContent = clock(seconds);
    tile.hidden = $(".mark", element).hidden = false;
    const x = (seconds / last()) * clientWidth;
    $(".mark", element).style.left = `${x}px`;
    tile.style.left = `${Math.min(Math.max(0, x - tile.offsetWidth / 2), Math.max(0, clientWidth - tile.offsetWidth))}px`;
    strip.setAttribute("aria-valuenow", seconds.toFixed(3));
    strip.setAttribute("aria-valuetext", `${clock(seconds)} of ${clock(last())}`);
  }

  function hide() {
    tile.hidden = $(".mark", element).hidden = true;
  }

  function pointed(event) {
    const { left, width } = strip.getBoundingClientRect();
    reveal(Math.min(Math.max(0, (event.clientX - left) / width), 0.9999) * last());
  }

  function key(event) {
    const now = cues.indexOf(at(Number(strip.getAttribute("aria-valuenow"))));
    const page = Math.max(1, Math.round(cues.length / 10));
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -page, PageUp: page };
    if (event.key === "Escape") return hide();
    const next = { Home: 0, End: cues.length - 1 }[event.key] ?? (event.key in steps ? now + steps[event.key] : null);
    if (next === null || event.ctrlKey || event.altKey || event.metaKey) return undefined;
    event.preventDefault();
    return reveal(cues[Math.min(Math.max(0, next), cues.length - 1)].start);
  }

  async function load() {
    const folder = file.key.slice(0, file.key.lastIndexOf("/") + 1);
    const images = new Map();
    cues = (await parsed(url(file.key))).map(({ startTime, endTime, text }) => {
      const [, name, x, y, w, h] = text.match(/^([^#]+)#xywh=(\d+),(\d+),(\d+),(\d+)$/);
      // Relative to the file of cues, as its own name is: no key can lead elsewhere by what it is called.
      const source = url(folder + decodeURIComponent(name));
      if (!images.has(source)) images.set(source, image(source, "", {}));
      return { start: startTime, end: endTime, sheet: images.get(source), x: +x, y: +y, w: +w, h: +h };
    });
    await Promise.all([...images.values()].map((sheet) => sheet.decode()));
    const tiles = cues.length === 1 ? "1 tile" : `${cues.length} tiles`;
    const on = sheets.length === 1 ? "1 sheet" : `${sheets.length} sheets`;
    caption.textContent = `Storyboard · ${tiles} on ${on} · ${bytes(total)} · point at it, or use the arrow keys`;
    strip.setAttribute("aria-valuemax", last().toFixed(3));
    strip.setAttribute("aria-valuenow", "0");
    strip.setAttribute("aria-valuetext", `${clock(0)} of ${clock(last())}`);
    strew();
    resized.observe(strip);
    strip.addEventListener("pointermove", pointed);
    strip.addEventListener("pointerdown", pointed);
    strip.addEventListener("pointerleave", () => document.activeElement === strip || hide());
    strip.addEventListener("focus", () => reveal(Number(strip.getAttribute("aria-valuenow"))));
    strip.addEventListener("blur", hide);
    strip.addEventListener("keydown", key);
    strip.classList.add("ready");
  }

  load().catch((error) => {
    caption.textContent = `The storyboard cannot be shown: ${error.message}`;
  });
  return () => resized.disconnect();
}

function parsed(source) {
  return new Promise((done, failed) => {
    const player = made("video");
    const track = made("track");
    track.kind = "metadata";
    track.addEventListener("load", () => done([...track.track.cues]));
    track.addEventListener("error", () => failed(new Error("its cues cannot be read")));
    track.src = source;
    player.append(track);
    track.track.mode = "hidden";
  });
}

// --- words ----------------------------------------------------------------------------------------------------------

function made(name, text = "") {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}

function size({ width, height }) {
  return `${width} × ${height}`;
}

function bytes(count) {
  const [unit, divisor] = [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]].find(([, least]) => count >= least) ?? ["B", 1];
  const value = count / divisor;
  return `${value < 10 && divisor > 1 ? Math.round(value * 10) / 10 : Math.round(value)} ${unit}`;
}

function clock(seconds, fine = false) {
  const whole = Math.floor(seconds);
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = two(whole % 60) + (fine ? `.${Math.floor((seconds - whole) * 10)}` : "");
  return hours ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}
