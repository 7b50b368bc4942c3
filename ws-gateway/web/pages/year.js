// My year: what is earned, what is missing, what to do next.
import { get, query } from '../core/api.js';
import { h } from '../core/dom.js';
import { day, moment, number, t, thisYear } from '../core/i18n.js';
import { badge, empty, head, link, notice, ring, section, select, subjectHours, table } from '../core/parts.js';
import { me } from '../core/session.js';

const BUCKETS = [['public', 'compulsory'], ['public', 'elective'], ['professional', 'compulsory'], ['professional', 'elective']];
/** A window that ends later than this is no deadline to remind anybody of. */
const FAR_MS = 400 * 86400000;

export default async function page(context) {
  const year = Number(context.query.get('year')) || thisYear();
  const [hours, exams, courses] = await Promise.all([
    get(query('me/hours', { year })),
    get(query('exams', { year, limit: 500 })),
    get(query('courses', { limit: 500 })),
  ]);
  const years = [...new Set([thisYear(), year, ...courses.items.map((course) => course.credit_year)])].sort((one, two) => two - one);
  const missing = BUCKETS.map(([subject, bucket]) => ({
    subject, bucket, hours: Math.max(0, hours.required[subject][bucket] - hours.earned[subject][bucket]),
  })).filter((one) => one.hours > 0);
  const own = courses.items.filter((course) => course.credit_year === year);
  const chooser = years.length > 1 && h('label', { class: 'actions' }, h('span', { class: 'quiet' }, t('year.choose')),
    select(years.map((one) => [String(one), String(one)]), String(year), { onchange: (event) => context.go(`/?year=${event.target.value}`) }));

  return {
    title: t('year.title', { year }),
    node: h('div', {},
      head(t('year.title', { year }), { lead: t('year.hello', { name: me().name }), actions: chooser }),
      nextStep(missing, exams.items, own, hours.qualified),
      h('div', { class: 'card section' }, h('div', { class: 'year-top' },
        ring(hours.required.total ? hours.earned.total / hours.required.total : 1,
          t('year.ring', { done: number(hours.earned.total), all: number(hours.required.total) }),
          { big: number(hours.earned.total), small: t('year.of', { n: number(hours.required.total) }), kind: hours.qualified ? 'good' : '' }),
        h('div', {},
          h('p', {}, hours.qualified ? badge(t('year.qualified'), 'good') : badge(t('year.not_qualified'), 'warn')),
          h('p', { class: 'lead' }, hours.qualified ? t('year.qualified_text') : t('year.missing', {
            list: missing.map((one) => t('year.missing_one', { bucket: t(`bucket.${one.subject}.${one.bucket}`), n: number(one.hours) })).join(t('comma')),
          })),
          !hours.qualified && year === thisYear() && h('p', { class: 'quiet' }, deadline(year)),
          hours.qualified && h('p', { class: 'section' }, link(`/certificates/${year}`, t('certificate.open'), 'button primary')))),
        h('div', { class: 'year-subjects section' }, ['public', 'professional'].map((subject) => subjectHours(subject, hours.earned[subject], hours.required[subject]))),
        h('p', { class: 'hint section' }, t('year.no_spill'))),
      section(t('year.entries'), hours.entries.length ? table(t('year.entries'),
        [t('course'), t('year.bucket'), t('hours'), t('year.at'), t('year.source')],
        hours.entries.map((entry) => [entry.course_title, t(`bucket.${entry.subject}.${entry.bucket}`), number(entry.hours), day(entry.at),
          entry.source.attempt ? link(`/attempts/${entry.source.attempt}/result`, entry.source.kind === 'review' ? t('source.review') : t('year.result')) : t(`source.${entry.source.kind}`)]))
        : empty(t('year.no_entries'), t('year.no_entries_text'), link('/exams', t('nav.exams'), 'button')))),
  };
}

/** A credit year is one of the calendar, in Shanghai. */
function deadline(year) {
  const end = Date.parse(`${year + 1}-01-01T00:00:00+08:00`);
  const left = Math.ceil((end - Date.now()) / 86400000) - 1;
  return left < 1 ? t('year.deadline_last') : t('year.deadline', { day: day(end - 1), n: number(left) });
}

/** The one thing to do now: an exam under way, else one whose bucket is still missing, the nearest deadline first. */
function nextStep(missing, exams, courses, qualified) {
  const running = exams.find((exam) => exam.open_attempt && exam.open_mode === 'exam');
  if (running) {
    return step(t('next.running'), running.title, t('next.running_text'), `/attempts/${running.open_attempt}`, t('exam.resume'));
  }
  if (qualified) return notice('good', t('next.nothing'));
  const wanted = (exam) => {
    const course = courses.find((one) => one.id === exam.course);
    return course && missing.some((one) => one.subject === course.subject && one.bucket === course.bucket);
  };
  const open = exams.filter((exam) => (exam.state === 'open' || exam.open_mode === 'practice') && wanted(exam));
  open.sort((one, two) => Date.parse(one.closes_at) - Date.parse(two.closes_at) || two.hours - one.hours);
  if (open.length) {
    const [exam] = open;
    const far = Date.parse(exam.closes_at) - Date.parse(exam.server_time) > FAR_MS;
    const practice = exam.practice === 'required' && !exam.practised;
    return step(t('next.title'), exam.title,
      [t('next.worth', { n: number(exam.hours) }), far ? t('next.always') : t('next.until', { time: moment(exam.closes_at) }), practice ? t('next.practice_first') : ''].filter(Boolean).join(t('stop')),
      `/exams/${exam.id}`, t('next.go'));
  }
  const coming = exams.filter((exam) => exam.state === 'upcoming' && wanted(exam)).sort((one, two) => one.opens_at.localeCompare(two.opens_at))[0];
  if (coming) return step(t('next.coming'), coming.title, t('next.opens', { time: moment(coming.opens_at) }), `/exams/${coming.id}`, t('exam.rules'));
  return notice('info', t('next.none'));
}

function step(kicker, title, text, href, label) {
  return h('section', { class: 'card next-step', 'aria-label': kicker },
    h('div', {}, h('p', { class: 'small quiet' }, kicker), h('h2', {}, title), h('p', { class: 'quiet' }, text)),
    link(href, label, 'button primary'));
}
