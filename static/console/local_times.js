"use strict";
/* Beside a time in UTC: the same on the reader's own clock. */
(() => {
  document.addEventListener("DOMContentLoaded", () => {
    for (const time of document.querySelectorAll("time[data-local-time]")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime()) || at.getTimezoneOffset() === 0) continue;
      const own = document.createElement("small");
      own.className = "console-quiet console-local-time";
      own.textContent = `${at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })} your time`;
      time.after(document.createTextNode(" "), own);
    }
  });
})();
