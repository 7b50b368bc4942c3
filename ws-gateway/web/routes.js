// Every page: its path, who may see it, and the module that makes it. A module is loaded when its page is; `staff` says
// that it has words of the catalogue and looks of the style sheet for staff.
// The server serves the same document for all of them (`ws-gateway/src/http/pages.rs`).

const STAFF = ['author', 'admin'];
const OVERSEERS = ['unit_admin', 'district_admin', 'city_admin', 'admin'];

export const ROUTES = [
  { path: '/sign-in', open: true, bare: true, load: () => import('./pages/sign-in.js') },
  { path: '/password', bare: true, load: () => import('./pages/password.js') },
  { path: '/home', load: () => import('./pages/home.js') },
  { path: '/', roles: ['learner'], load: () => import('./pages/year.js') },
  { path: '/courses', roles: ['learner'], load: () => import('./pages/courses.js') },
  { path: '/exams', roles: ['learner'], load: () => import('./pages/exams.js') },
  { path: '/exams/:exam', roles: ['learner'], load: () => import('./pages/exam.js') },
  { path: '/attempts/:attempt', roles: ['learner'], bare: true, load: () => import('./pages/attempt.js') },
  { path: '/attempts/:attempt/result', roles: ['learner'], load: () => import('./pages/result.js') },
  { path: '/history', roles: ['learner'], load: () => import('./pages/history.js') },
  { path: '/mistakes', roles: ['learner'], load: () => import('./pages/mistakes.js') },
  { path: '/certificates/:year', roles: ['learner'], load: () => import('./pages/certificate.js') },
  { path: '/verify', open: true, bare: true, load: () => import('./pages/verify.js') },
  { path: '/verify/:number', open: true, bare: true, load: () => import('./pages/verify.js') },
  { path: '/proctor', roles: ['proctor', 'admin'], staff: true, load: () => import('./pages/proctor.js') },
  { path: '/proctor/:exam', roles: ['proctor', 'admin'], staff: true, load: () => import('./pages/console.js') },
  { path: '/proctor/:exam/:attempt', roles: ['proctor', 'admin'], staff: true, load: () => import('./pages/timeline.js') },
  { path: '/cases', roles: ['proctor', 'admin', 'city_admin'], staff: true, load: () => import('./pages/cases.js') },
  { path: '/cases/:case', roles: ['proctor', 'admin', 'city_admin'], staff: true, load: () => import('./pages/case.js') },
  { path: '/author/banks', roles: STAFF, staff: true, load: () => import('./pages/banks.js') },
  { path: '/author/banks/:bank', roles: STAFF, staff: true, load: () => import('./pages/bank.js') },
  { path: '/author/exams', roles: STAFF, staff: true, load: () => import('./pages/author-exams.js') },
  { path: '/author/exams/:exam', roles: STAFF, staff: true, load: () => import('./pages/author-exam.js') },
  { path: '/author/exams/:exam/analysis', roles: STAFF, staff: true, load: () => import('./pages/analysis.js') },
  { path: '/site/people', roles: OVERSEERS, staff: true, load: () => import('./pages/people.js') },
  { path: '/site/people/:person', roles: OVERSEERS, staff: true, load: () => import('./pages/person.js') },
  { path: '/site/results', roles: OVERSEERS, staff: true, load: () => import('./pages/results-list.js') },
  { path: '/site/results/:exam', roles: OVERSEERS, staff: true, load: () => import('./pages/results.js') },
  { path: '/site/units', roles: OVERSEERS, staff: true, load: () => import('./pages/units.js') },
  { path: '/site/partners', roles: ['admin'], staff: true, load: () => import('./pages/partners.js') },
  { path: '/site/audit', roles: ['admin', 'city_admin'], staff: true, load: () => import('./pages/audit.js') },
  { path: '/site/status', roles: ['operator', 'admin'], staff: true, load: () => import('./pages/status.js') },
];

/** The route of a path with what its parts are called, or `undefined`. */
export function match(path) {
  let parts;
  try {
    parts = path.replace(/\/+$/, '').split('/').map(decodeURIComponent);
  } catch {
    return undefined;
  }
  for (const route of ROUTES) {
    const wanted = route.path.replace(/\/+$/, '').split('/');
    if (wanted.length !== parts.length) continue;
    const params = {};
    const fits = wanted.every((word, index) => {
      if (!word.startsWith(':')) return word === parts[index];
      params[word.slice(1)] = parts[index];
      return parts[index] !== '';
    });
    if (fits) return { route, params };
  }
  return undefined;
}
