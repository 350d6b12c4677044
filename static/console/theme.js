// The console's switch for light and dark, followed on the account's pages too; else the system decides.
(() => {
  let chosen = null;
  try {
    chosen = JSON.parse(localStorage.getItem("_x_adminTheme"));
  } catch {
    // No storage, or another's value in it: the system decides.
  }
  if (chosen === "light" || chosen === "dark") {
    document.documentElement.dataset.theme = chosen;
  }
})();
