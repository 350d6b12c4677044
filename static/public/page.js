// Comfort for readers: the page reads whole without this. It renews <main> when the page has changed,
// shows times in the reader's own zone on request, and names the day under the pointer in the bars.

const HIDDEN_S = 30;
const LONGEST_S = 60;
const LOCAL_TIMES = "status-local-times";

let etag = null;
let failures = 0;
let timer = 0;

const main = () => document.querySelector("main");

/* Renewal */

async function renew() {
  let response;
  try {
    const headers = etag ? { "If-None-Match": etag } : {};
    response = await fetch(location.pathname, { headers, cache: "no-store", credentials: "omit" });
    failures = response.ok || response.status === 304 ? 0 : failures + 1;
  } catch {
    failures += 1;
    return;
  }
  if (response.status !== 200) return;
  const next = new DOMParser().parseFromString(await response.text(), "text/html");
  const isFirst = etag === null;
  etag = response.headers.get("ETag");
  if (next.documentElement.dataset.assets !== document.documentElement.dataset.assets) {
    location.reload();
    return;
  }
  replaceNotice(next);
  const incoming = next.querySelector("main");
  if (!incoming || (isFirst && incoming.innerHTML === pristine)) return;
  pristine = incoming.innerHTML;
  replaceMain(incoming, next);
}

function replaceNotice(next) {
  const [present, incoming] = [document, next].map((page) => page.querySelector(".stale"));
  if (present && !incoming) present.remove();
  if (!present && incoming) main().before(incoming);
}

function replaceMain(incoming, next) {
  const present = main();
  // What the reader folded or unfolded stays, unless its status changed.
  for (const group of present.querySelectorAll("details[id]")) {
    const same = incoming.querySelector(`#${CSS.escape(group.id)}`);
    if (same && same.dataset.componentStatus === group.dataset.componentStatus) same.open = group.open;
  }
  const focused = placeOf(document.activeElement);
  const announcement = incoming.dataset.announcement;
  const changed = announcement !== present.dataset.announcement;
  present.replaceWith(incoming);
  document.title = next.title;
  const icon = next.querySelector("[data-favicon]");
  if (icon) document.querySelector("[data-favicon]").href = icon.getAttribute("href");
  prepare(incoming);
  if (focused) elementAt(focused)?.focus({ preventScroll: true });
  if (changed) document.getElementById("announcer").textContent = announcement;
}

// A focused element is found again by the nearest id around it and its place there.
function placeOf(element) {
  const around = element?.closest?.("main [id], main");
  if (!around || !main().contains(element)) return null;
  const id = around === element ? element.id : around.id;
  const all = [...around.querySelectorAll("a, summary, button, [tabindex]")];
  return { id, index: all.indexOf(element) };
}

function elementAt({ id, index }) {
  const around = id ? document.getElementById(id) : main();
  if (!around || index < 0) return around;
  return around.querySelectorAll("a, summary, button, [tabindex]")[index];
}

function schedule() {
  clearTimeout(timer);
  const every = Number(main().dataset.refreshS) || LONGEST_S;
  const wanted = document.hidden ? Math.max(every, HIDDEN_S) : every;
  const wait = Math.min(LONGEST_S, wanted * 2 ** Math.min(failures, 6));
  timer = setTimeout(turn, Math.max(wanted, wait) * 1000);
}

async function turn() {
  await renew();
  schedule();
}

/* Times */

// Kept for the next visit where the browser allows it.
let wantsLocal = false;
try {
  wantsLocal = localStorage.getItem(LOCAL_TIMES) === "yes";
} catch {}

function wantLocal(wanted) {
  wantsLocal = wanted;
  try {
    localStorage.setItem(LOCAL_TIMES, wanted ? "yes" : "no");
  } catch {}
}

function showTimes(within) {
  const format = new Intl.DateTimeFormat(document.documentElement.lang, {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short",
  });
  for (const time of within.querySelectorAll("time[datetime]")) {
    time.dataset.text ??= time.textContent;
    const own = format.format(new Date(time.dateTime));
    time.textContent = wantsLocal ? own : time.dataset.text;
    time.title = wantsLocal ? time.dataset.text : `${own} (your time)`;
  }
}

function prepareTimesButton() {
  const button = document.querySelector(".local-times");
  const name = () => {
    button.setAttribute("aria-pressed", String(wantsLocal));
    button.textContent = wantsLocal ? "Show the page's time" : "Show my local time";
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    wantLocal(!wantsLocal);
    name();
    showTimes(document);
  });
  name();
}

/* Uptime bars: one stop for the keyboard, arrows go from day to day */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

// Every bar has so many of the picture's units; days of which nothing is told are lines over many (bars.py).
const STEP = 4;

function dayText(until, daysBack, words) {
  const date = new Date(`${until}T00:00Z`);
  date.setUTCDate(date.getUTCDate() - daysBack);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}: ${words}`;
}

function readBars(picture) {
  const days = Array.from({ length: Math.ceil(picture.viewBox.baseVal.width / STEP) }, () => ({ text: "", level: "", bar: null }));
  for (const line of picture.querySelectorAll("path.n")) {
    const [x, , length] = line.getAttribute("d").match(/\d+/g).map(Number);
    for (let at = x; at < x + length; at += STEP) days[at / STEP].level = "n";
  }
  for (const bar of picture.querySelectorAll("rect")) Object.assign(days[Number(bar.getAttribute("x")) / STEP], { text: bar.textContent, bar });
  return days;
}

// Days inside of lines are named by a bar that moves over them.
function movingBar(picture) {
  const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  return (index, day) => {
    bar.remove();
    if (!day) return;
    bar.setAttribute("class", `is-named ${day.level}`);
    bar.setAttribute("x", String(index * STEP));
    picture.append(bar);
  };
}

function prepareBars(box) {
  const picture = box.querySelector("svg");
  const days = readBars(picture);
  if (!days.length) return;
  // The tip says it; the browser's own would cover it.
  for (const title of picture.querySelectorAll("title")) title.remove();
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true");
  box.append(tip);
  let current = days.length - 1;
  const nameInLine = movingBar(picture);
  const textOf = (index) => {
    const day = days[index];
    return day.text || dayText(picture.dataset.until, days.length - 1 - index, day.level ? "No data" : "No downtime");
  };

  const unname = () => {
    days[current].bar?.classList.remove("is-named");
    nameInLine(current, null);
  };
  const hide = () => {
    tip.hidden = true;
    unname();
  };
  const show = (index) => {
    unname();
    current = Math.max(0, Math.min(days.length - 1, index));
    if (days[current].bar) days[current].bar.classList.add("is-named");
    else nameInLine(current, days[current]);
    tip.textContent = textOf(current);
    tip.hidden = false;
    const middle = ((current + 0.5) / days.length) * box.clientWidth;
    const left = middle - tip.offsetWidth / 2;
    tip.style.left = `${Math.max(0, Math.min(box.clientWidth - tip.offsetWidth, left))}px`;
    picture.setAttribute("aria-valuenow", String(current + 1));
    picture.setAttribute("aria-valuetext", textOf(current));
  };
  const under = (event) => {
    const { left, width } = picture.getBoundingClientRect();
    return Math.floor(((event.clientX - left) / width) * days.length);
  };
  const moves = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -7, PageUp: 7, Home: -days.length, End: days.length };

  for (const [name, value] of Object.entries({
    role: "slider", tabindex: "0", "aria-readonly": "true", "aria-valuemin": "1", "aria-valuemax": String(days.length),
    "aria-valuenow": String(days.length), "aria-valuetext": textOf(current),
  })) picture.setAttribute(name, value);
  picture.addEventListener("pointermove", (event) => show(under(event)));
  picture.addEventListener("pointerdown", (event) => show(under(event)));
  picture.addEventListener("pointerleave", hide);
  picture.addEventListener("focus", () => { if (picture.matches(":focus-visible")) show(current); });
  picture.addEventListener("blur", hide);
  picture.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
    if (!(event.key in moves)) return;
    event.preventDefault();
    show(current + moves[event.key]);
  });
}

function prepare(within) {
  showTimes(within);
  within.querySelectorAll("[data-bars]").forEach(prepareBars);
}

let pristine = main().innerHTML;
prepareTimesButton();
prepare(document);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) turn();
  else schedule();
});
turn();
