// Runs before the first paint, so that the page does not flash in the other theme. A file of its own, because the
// content security policy allows no script that is not known by its hash or its address.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem("theme");
  } catch {
    // no storage: the system decides
  }
  var dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.classList.toggle("dark", dark);
})();
