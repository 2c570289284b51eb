/* Runs before the first paint, so that nobody sees the other theme flash: the reader's kept choices, or the browser's. */
(function () {
  var root = document.documentElement;
  function kept(name) {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  }
  root.lang = kept("lang") || (/^zh/i.test(navigator.language) ? "zh-CN" : "en");
  var theme = kept("theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
})();
