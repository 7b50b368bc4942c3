// Runs before anything is painted: the theme and language of the last visit, so that nothing flashes.
// The one script that is no module; and where the modules do not run, it says why instead of waiting for ever.
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
  var OLD = '浏览器版本过低，请更新后再打开。 This browser is too old: please update it.';
  var AWAY = '没有打开，请检查网络后刷新本页。 This did not open: check the network and reload the page.';
  /** Only while nothing else has been shown. */
  function say(text) {
    var words = document.getElementById('boot-words');
    if (words) words.textContent = text;
  }
  window.addEventListener('error', function (event) {
    // What cannot be parsed is younger than the browser; what did not arrive has no message.
    if (event.message && /SyntaxError/.test(event.message)) say(OLD);
    else if (event.target && event.target.tagName === 'SCRIPT') say(AWAY);
  }, true);
  window.addEventListener('unhandledrejection', function () { say(AWAY); });
  if (!('noModule' in document.createElement('script'))) {
    document.addEventListener('DOMContentLoaded', function () { say(OLD); });
  }
})();
