// The certificate of a fulfilled year: taken out with one press, on screen as it comes out of the printer.
import { get, post, query } from '../core/api.js';
import { h, put, s, uuid } from '../core/dom.js';
import { day, moment, number, t } from '../core/i18n.js';
import { button, empty, head, link, notice, stylesheet, trouble, working } from '../core/parts.js';

const BUCKETS = [['public', 'compulsory'], ['public', 'elective'], ['professional', 'compulsory'], ['professional', 'elective']];
/** Modules of light around the code, without which it does not scan. */
const QUIET_ZONE = 4;

export default async function page(context) {
  const year = Number(context.params.year);
  const [hours, certificates] = await Promise.all([
    get(query('me/hours', { year })), get('me/certificates'), stylesheet('certificate.css'),
  ]);
  const last = certificates.items.filter((one) => one.year === year).pop();
  const holder = h('div', { class: 'section' });
  put(holder, last && last.state === 'valid' ? sheet(last) : wanting(context, year, hours.qualified, last));
  return {
    title: t('certificate.title', { year }),
    node: h('div', { class: 'certificate' },
      head(t('certificate.title', { year }), {
        back: [`/?year=${year}`, t('nav.year')],
        actions: last && last.state === 'valid' && button(t('certificate.print'), () => window.print(), 'primary'),
      }),
      holder),
  };
}

/** There is none that holds: why, and what can be done. */
function wanting(context, year, qualified, last) {
  const told = h('div', {});
  const command = uuid();
  const forGood = last && last.revoked && !last.revoked.reissue;
  const altered = last && last.state === 'altered';
  const take = qualified && !forGood && !altered && working(t('certificate.take'), async () => {
    put(told);
    try {
      await post('me/certificates', { command_id: command, year });
      context.again();
    } catch (problem) {
      put(told, trouble(problem));
    }
  });
  if (!last && !qualified) return empty(t('certificate.not_yet'), t('certificate.not_yet_text'), link(`/?year=${year}`, t('nav.year'), 'button primary'));
  return h('div', { class: 'card stack' },
    last ? notice('bad', h('p', { class: 'notice-title' }, t(`certificate.state.${last.state}`)),
      last.revoked && h('p', {}, t('certificate.revoked', { time: moment(last.revoked.at), reason: last.revoked.reason })),
      h('p', {}, t(take ? 'certificate.again' : forGood ? 'certificate.for_good' : 'certificate.ask')))
      : h('p', { class: 'lead' }, t('certificate.ready')),
    told, take && h('div', { class: 'actions' }, take));
}

function sheet(one) {
  return h('article', { class: 'sheet', lang: document.documentElement.lang },
    h('p', { class: 'sheet-seal', 'aria-hidden': 'true' }, '科'),
    h('h2', {}, t('certificate.heading')),
    h('p', { class: 'sheet-number' }, t('certificate.number'), ' ', h('span', { class: 'figures' }, one.number)),
    h('p', { class: 'sheet-words' }, t('certificate.words', { name: one.holder, id: one.id_number ? t('certificate.id', { n: one.id_number }) : '', year: one.year })),
    h('table', {},
      h('caption', { class: 'unseen' }, t('hours')),
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, t('year.bucket')), h('th', { scope: 'col' }, t('hours')))),
      h('tbody', {}, BUCKETS.map(([subject, bucket]) => h('tr', {},
        h('td', {}, t(`bucket.${subject}.${bucket}`)), h('td', { class: 'figures' }, number(one.hours[subject][bucket]))))),
      h('tfoot', {}, h('tr', {}, h('th', { scope: 'row' }, t('certificate.sum')), h('td', { class: 'figures' }, number(one.hours.total))))),
    h('div', { class: 'sheet-foot' },
      h('div', {}, h('p', {}, t('certificate.issued', { day: day(one.issued_at) })),
        h('p', { class: 'sheet-small' }, t('certificate.check'), h('br', {}), h('span', { class: 'sheet-url' }, one.verify_url))),
      code(one)));
}

/** The code that leads to the page where anybody may check it. */
function code(one) {
  const side = one.qr.size + 2 * QUIET_ZONE;
  return s('svg', { class: 'sheet-code', viewBox: `${-QUIET_ZONE} ${-QUIET_ZONE} ${side} ${side}`, role: 'img', 'aria-label': t('certificate.code', { url: one.verify_url }), 'shape-rendering': 'crispEdges' },
    s('rect', { x: -QUIET_ZONE, y: -QUIET_ZONE, width: side, height: side, fill: '#fff' }),
    s('path', { d: one.qr.path, fill: '#000' }));
}
