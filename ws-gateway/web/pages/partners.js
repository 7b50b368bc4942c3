// Partner systems: their keys, what is told to them, and what could not be told.
import { all, call, post } from '../core/api.js';
import { dialog, sure, toast } from '../core/dialog.js';
import { h, put } from '../core/dom.js';
import { moment, number, t } from '../core/i18n.js';
import { badge, button, empty, facts, field, head, notice, trouble, working } from '../core/parts.js';

export default async function page(context) {
  const [found, lessons] = await Promise.all([all('partners'), all('lessons')]);
  const names = new Map(lessons.items.map((lesson) => [lesson.id, lesson.title]));
  const told = h('div', {});
  const add = async () => { if (await create(lessons.items)) await context.again(); };
  const end = async (partner) => {
    if (!(await sure({ title: t('partners.end'), text: t('partners.end_text', { name: partner.name }), yes: t('partners.end') }))) return;
    try {
      await call('DELETE', `partners/${partner.id}`);
      toast(t('partners.ended_now', { name: partner.name }));
      await context.again();
    } catch (problem) {
      put(told, trouble(problem));
    }
  };
  const tile = (partner) => h('article', { class: 'card tile' },
    h('div', { class: 'row' }, h('h2', {}, partner.name), partner.revoked_at ? badge(t('partners.ended'), 'bad') : badge(t('partners.valid'), 'good')),
    facts([
      [t('partners.since'), moment(partner.created_at)],
      partner.revoked_at && [t('partners.until'), moment(partner.revoked_at)],
      [t('partners.lessons'), partner.lessons ? partner.lessons.map((id) => names.get(id) || id).join(t('comma')) || '—' : t('partners.all_lessons')],
      [t('partners.webhook'), partner.webhook_url ? h('code', {}, partner.webhook_url) : t('partners.no_webhook')],
      [t('partners.waiting'), h('span', { class: partner.waiting ? 'stock bad' : null }, number(partner.waiting))],
      [t('partners.given_up'), h('span', { class: partner.given_up ? 'stock bad' : null }, number(partner.given_up))],
    ]),
    partner.given_up > 0 && notice('bad', t('partners.given_up_text')),
    !partner.revoked_at && h('div', { class: 'actions' }, button(t('partners.end'), () => end(partner), '', { 'aria-label': t('partners.end_one', { name: partner.name }) })));
  return {
    title: t('nav.partners'),
    node: h('div', {}, head(t('nav.partners'), { lead: t('partners.lead'), actions: button(t('partners.add'), add, 'primary') }), told,
      found.items.length ? h('ul', { class: 'grid wide-grid' }, found.items.map((partner) => h('li', {}, tile(partner)))) : empty(t('partners.none'), t('partners.none_text'), button(t('partners.add'), add, 'primary'))),
  };
}

function create(lessons) {
  return dialog({ title: t('partners.add'), locked: true, build: (close) => {
    const values = { name: '', webhook_url: '', lessons: [] };
    let limited = false;
    const told = h('div', {});
    const lines = {
      '/name': field(t('partners.name'), h('input', { autocomplete: 'off', autofocus: true, oninput: (event) => { values.name = event.target.value.trim(); } })),
      '/webhook_url': field(t('partners.webhook'), h('input', { type: 'url', inputmode: 'url', autocomplete: 'off', spellcheck: 'false', placeholder: 'https://', oninput: (event) => { values.webhook_url = event.target.value.trim(); } }), { hint: t('partners.webhook_hint') }),
    };
    const choice = h('fieldset', { hidden: true }, h('legend', {}, t('partners.lessons')), lessons.map((lesson) => h('label', { class: 'check' },
      h('input', { type: 'checkbox', onchange: (event) => { values.lessons = event.target.checked ? [...values.lessons, lesson.id] : values.lessons.filter((id) => id !== lesson.id); } }), h('span', {}, lesson.title))));
    const limit = h('label', { class: 'check' }, h('input', { type: 'checkbox', onchange: (event) => { limited = event.target.checked; choice.hidden = !limited; } }), h('span', {}, t('partners.limit')));
    const form = h('form', { class: 'form', onsubmit: (event) => { event.preventDefault(); send.click(); } });
    const send = working(t('partners.add'), async () => {
      put(told);
      Object.values(lines).forEach((line) => line.fault(''));
      try {
        const made = await post('partners', { name: values.name, ...(values.webhook_url ? { webhook_url: values.webhook_url } : {}), ...(limited ? { lessons: values.lessons } : {}) });
        put(form, notice('good', h('p', { class: 'notice-title' }, t('partners.made', { name: made.name })), h('p', {}, t('partners.once'))),
          secret(t('partners.key'), made.key), made.webhook_secret && secret(t('partners.secret'), made.webhook_secret),
          h('div', { class: 'actions' }, button(t('partners.kept'), () => close(true), 'primary')));
      } catch (problem) {
        const left = (problem.errors || []).filter((error) => {
          const line = lines[error.pointer];
          if (line) line.fault(error.detail);
          return !line;
        });
        if (left.length || !(problem.errors || []).length) put(told, trouble(problem));
      }
    });
    form.append(told, ...Object.values(lines), ...(lessons.length ? [limit, choice] : []), h('div', { class: 'actions' }, send, button(t('cancel'), () => close())));
    return form;
  } });
}

/** Shown once, with a button that copies it; selected where the browser lets no script copy. */
function secret(label, value) {
  const input = h('input', { readonly: true, spellcheck: 'false', value, onfocus: (event) => event.target.select() });
  const copy = button(t('copy'), async () => {
    try {
      await navigator.clipboard.writeText(value);
      toast(t('copied'));
    } catch {
      input.focus();
      input.select();
      if (document.execCommand('copy')) toast(t('copied'));
    }
  });
  return h('div', { class: 'secret' }, field(label, input), copy);
}
