/* Says that the shop did not open, when its modules do not load or do not start: a blank page tells nothing. */
(function () {
  function tell() {
    var whole = document.getElementById("app");
    if (!whole || whole.firstChild) return;
    var notice = whole.appendChild(document.createElement("main"));
    notice.className = "notice bad unopened";
    notice.setAttribute("role", "alert");
    notice.appendChild(document.createElement("h1")).textContent = "书店没有打开 The shop did not open";
    notice.appendChild(document.createElement("p")).textContent =
      "请检查网络后重新加载；已付款的书不会丢失。 Check the connection and reload; books that you paid for are never lost.";
    var again = notice.appendChild(document.createElement("button"));
    again.className = "button main";
    again.textContent = "重新加载 Reload";
    again.addEventListener("click", function () {
      location.reload();
    });
  }
  addEventListener("error", tell, true);
  addEventListener("unhandledrejection", tell);
})();
