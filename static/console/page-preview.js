"use strict";
/* The preview beside a page's form: what is typed is sent to be rendered by the public templates, and shown in a frame
   without scripts. Nothing is saved. */
(() => {
  const PAUSE_MS = 400;
  const WIDTHS = { phone: 390, desktop: 1100 };
  const KEPT = "console-preview";

  function start(panel) {
    const form = document.getElementById("page_form");
    const open = document.querySelector("[data-preview-open]");
    const says = panel.querySelector("[data-preview-says]");
    const frames = panel.querySelector(".preview-frames");
    const chosen = { width: "phone", scheme: document.documentElement.classList.contains("dark") ? "dark" : "light" };
    let timer = 0;
    let asking = null;
    let shown = null;

    open.parentElement.hidden = false;

    async function ask() {
      if (panel.hidden) return;
      if (asking) asking.abort();
      const mine = (asking = new AbortController());
      says.textContent = "";
      try {
        const answer = await fetch(panel.dataset.preview, {
          method: "POST",
          body: new FormData(form),
          headers: { Accept: "application/json" },
          signal: mine.signal,
        });
        if (!answer.ok) throw new Error(String(answer.status));
        const { html, problems } = await answer.json();
        show(html);
        says.textContent = problems.length ? `Shown without what needs correcting. ${problems.slice(0, 3).join(" ")}` : "";
      } catch (error) {
        if (error.name !== "AbortError") says.textContent = "The preview could not be made. What you typed is still here.";
      }
    }

    /* A new frame is filled behind the present one, so that nothing flickers and no step is added to the history. */
    function show(html) {
      const frame = document.createElement("iframe");
      frame.setAttribute("sandbox", "allow-same-origin");
      frame.title = "The page as readers will see it";
      frame.srcdoc = html;
      frame.className = "preview-waiting";
      frame.addEventListener("load", () => {
        const old = shown;
        paint(frame);
        if (old) keepPlace(old, frame);
        shown = frame;
        frame.className = "";
        if (old) old.remove();
        fit();
      }, { once: true });
      frames.querySelectorAll(".preview-waiting").forEach((one) => one.remove());
      frames.append(frame);
    }

    function keepPlace(from, to) {
      const before = from.contentDocument;
      const after = to.contentDocument;
      if (!before || !after) return;
      for (const group of before.querySelectorAll("details[id]")) {
        const same = after.getElementById(group.id);
        if (same) same.open = group.open;
      }
      to.contentWindow.scrollTo(0, from.contentWindow.scrollY);
    }

    /* The page's colours follow the reader's system: here they follow the choice. */
    function paint(frame) {
      const page = frame.contentDocument;
      if (!page) return;
      page.documentElement.style.colorScheme = chosen.scheme;
      for (const sheet of page.styleSheets) {
        for (const rule of sheet.cssRules) {
          if (!rule.media) continue;
          rule.originally = rule.originally || rule.media.mediaText;
          if (rule.originally.includes("prefers-color-scheme: dark")) {
            rule.media.mediaText = chosen.scheme === "dark" ? "all" : "not all";
          }
        }
      }
    }

    /* The frame has the width that was chosen, and is made smaller where there is less room. */
    function fit() {
      if (!shown) return;
      const width = WIDTHS[chosen.width];
      const scale = Math.min(1, frames.clientWidth / width);
      shown.style.width = `${width}px`;
      shown.style.height = `${frames.clientHeight / scale}px`;
      shown.style.transform = `scale(${scale})`;
    }

    function choose(kind, value) {
      chosen[kind] = value;
      panel.querySelectorAll(`[data-${kind}]`).forEach((button) => {
        button.setAttribute("aria-pressed", String(button.dataset[kind] === value));
      });
      panel.dataset.wide = String(chosen.width === "desktop");
      document.documentElement.classList.toggle("preview-wide", chosen.width === "desktop");
      if (shown) paint(shown);
      fit();
    }

    function toggle(on) {
      panel.hidden = !on;
      open.setAttribute("aria-expanded", String(on));
      document.documentElement.classList.toggle("preview-on", on);
      sessionStorage.setItem(KEPT, on ? "on" : "");
      if (on) ask();
    }

    open.addEventListener("click", () => {
      toggle(panel.hidden);
      if (!panel.hidden) panel.querySelector("[data-preview-close]").focus();
    });
    panel.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      if (button.dataset.width) choose("width", button.dataset.width);
      else if (button.dataset.scheme) choose("scheme", button.dataset.scheme);
      else {
        toggle(false);
        open.focus();
      }
    });
    panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      toggle(false);
      open.focus();
    });
    const later = () => {
      clearTimeout(timer);
      timer = setTimeout(ask, PAUSE_MS);
    };
    form.addEventListener("input", later);
    form.addEventListener("change", later);
    form.addEventListener("click", (event) => event.target.closest("button") && later());
    window.addEventListener("resize", fit);
    choose("width", "phone");
    choose("scheme", chosen.scheme);
    if (sessionStorage.getItem(KEPT) === "on" && window.innerWidth > 900) toggle(true);
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-preview]").forEach(start));
})();
