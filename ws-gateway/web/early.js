// Runs before anything is painted: the theme and language of the last visit, so that nothing flashes.
// The one script that is no module; and where modules are unknown, it says so.
(function () {
  'use strict';
  var root = document.documentElement;
  try {
    var theme = localStorage.getItem('keju:theme');
    if (theme === '"dark"' || theme === '"light"') root.setAttribute('data-theme', theme.slice(1, -1));
    if (localStorage.getItem('keju:language') === '"en"') root.lang = 'en';
  } catch (error) {
    // No storage in this browser: the defaults hold.
  }
  var knowsModules = 'noModule' in document.createElement('script');
  if (!knowsModules) {
    document.addEventListener('DOMContentLoaded', function () {
      var words = document.getElementById('boot-words');
      if (words) words.textContent = '浏览器版本过低，请更新后再打开。 This browser is too old: please update it.';
    });
  }
})();
