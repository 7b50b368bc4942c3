// Lets a page be opened while the network is away: an exam that is reloaded in the middle goes on. It keeps the
// application's own files and nothing else; what the server knows of people is never in here.
// The server writes its version in; another version is another worker with a store of its own.

const STORE = 'keju-{version}';
const SHELL = '/';
/** Longer than this a page does not wait for a network that says nothing. */
const PATIENCE_MS = 8000;
/** These have documents of their own. */
const OTHERS = /^\/(api|docs|lesson|sdk|metrics|healthz|readyz|openapi|asyncapi)/;

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(STORE).then((store) => store.add(SHELL)).then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    caches.keys()
      .then((names) => Promise.all(names.filter((name) => name.startsWith('keju-') && name !== STORE).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (event.request.mode === 'navigate' && !OTHERS.test(url.pathname)) event.respondWith(page(event.request));
  else if (url.pathname.startsWith('/assets/')) event.respondWith(file(event.request));
});

/** The network's page; without a network the shell as it was last. */
async function page(request) {
  const kept = () => caches.match(SHELL);
  try {
    const late = new Promise((resolve) => setTimeout(() => resolve(kept()), PATIENCE_MS));
    return (await Promise.race([fetch(request), late])) || fetch(request);
  } catch (error) {
    const shell = await kept();
    if (shell) return shell;
    throw error;
  }
}

/** A file under the address of its version never changes. */
async function file(request) {
  const known = await caches.match(request);
  if (known) return known;
  const response = await fetch(request);
  if (response.ok && request.url.includes(STORE.slice('keju-'.length))) {
    const copy = response.clone();
    caches.open(STORE).then((store) => store.put(request, copy));
  }
  return response;
}
