// Checking a certificate: for anybody, without signing in. Administrators may revoke it here.
import { get, post } from '../core/api.js';
import { dialog, toast } from '../core/dialog.js';
import { h, put } from '../core/dom.js';
import { day, number, t } from '../core/i18n.js';
import { button, facts, field, link, notice, trouble, working } from '../core/parts.js';
import { is, me } from '../core/session.js';
import { tools } from '../core/shell.js';

const BUCKETS = [['public', 'compulsory'], ['public', 'elective'], ['professional', 'compulsory'], ['professional', 'elective']];
const KINDS = { valid: 'good', revoked: 'bad', altered: 'bad', unknown: 'bad', superseded: 'warn', hours_short: 'bad' };

export default async function page(context) {
  const asked = context.params.number || '';
  const found = asked && await get(`certificates/${encodeURIComponent(asked)}`);
  const input = h('input', { type: 'text', name: 'number', autocomplete: 'off', autocapitalize: 'characters', spellcheck: 'false', value: asked, maxlength: 40 });
  const line = field(t('certificate.number'), input, { hint: t('verify.hint') });
  const go = () => {
    const wanted = input.value.trim();
    line.fault(wanted ? '' : t('required'));
    if (!wanted) return input.focus();
    const path = `/verify/${encodeURIComponent(wanted)}`;
    return path === context.path ? context.again() : context.go(path);
  };
  return {
    title: t('verify.title'),
    node: h('main', { class: 'door', id: 'main' },
      h('div', { class: 'card verify' },
        h('div', { class: 'door-brand' }, h('span', { class: 'seal', 'aria-hidden': 'true' }, '科'), h('h1', { tabindex: '-1' }, t('verify.title'))),
        found && result(context, found),
        h('form', { class: 'form section', novalidate: true, onsubmit: (event) => { event.preventDefault(); go(); } },
          line, h('button', { type: 'submit', class: `button wide${found ? '' : ' primary'}` }, t('verify.go')))),
      h('div', { class: 'actions' }, me() && link('/', t('brand'), 'tool'), tools())),
  };
}

function result(context, found) {
  return h('div', { class: 'stack' },
    h('div', { class: `notice ${KINDS[found.state]}`, role: 'status' },
      h('p', { class: 'notice-title' }, t(`certificate.state.${found.state}`)),
      h('p', {}, t(`verify.${found.state}`, found.revoked_at ? { day: day(found.revoked_at) } : {}))),
    found.number && facts([
      [t('certificate.number'), h('span', { class: 'figures' }, found.number)],
      [t('verify.holder'), found.holder],
      found.id_number && [t('verify.id_number'), h('span', { class: 'figures' }, found.id_number)],
      [t('year.choose'), String(found.year)],
      ...BUCKETS.map(([subject, bucket]) => [t(`bucket.${subject}.${bucket}`), `${number(found.hours[subject][bucket])} ${t('hours')}`]),
      [t('verify.issued'), day(found.issued_at)],
    ]),
    found.number && found.state !== 'revoked' && is('admin')
      && h('div', { class: 'actions' }, button(t('verify.revoke'), () => revoke(context, found), 'danger')));
}

async function revoke(context, found) {
  const done = await dialog({
    title: t('verify.revoke'),
    build: (close) => {
      const told = h('div', {});
      const reason = h('textarea', { maxlength: 500, rows: 3, oninput: () => line.fault('') });
      const line = field(t('act.reason'), reason, { hint: t('verify.reason_hint') });
      const reissue = h('input', { type: 'checkbox' });
      const send = working(t('verify.revoke'), async () => {
        line.fault(reason.value.trim() ? '' : t('required'));
        if (!reason.value.trim()) return;
        try {
          await post(`certificates/${encodeURIComponent(found.number)}/revocation`, { reason: reason.value.trim(), reissue: reissue.checked });
          close(true);
        } catch (problem) {
          put(told, trouble(problem));
        }
      }, 'danger');
      return h('div', { class: 'stack' }, notice('bad', t('verify.revoke_text')), line,
        h('label', { class: 'check' }, reissue, h('span', {}, t('verify.reissue'))), told,
        h('div', { class: 'actions' }, send, button(t('cancel'), () => close())));
    },
  });
  if (done !== true) return;
  toast(t('verify.revoked_done'));
  context.again();
}
