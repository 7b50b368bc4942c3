// Question banks.
import { all, post } from '../core/api.js';
import { dialog } from '../core/dialog.js';
import { h, put } from '../core/dom.js';
import { number, t } from '../core/i18n.js';
import { button, empty, field, head, link, trouble, working } from '../core/parts.js';

export default async function page(context) {
  const banks = (await all('banks')).items;
  const create = async () => {
    const made = await ask();
    if (made) context.go(`/author/banks/${made.id}`);
  };
  return {
    title: t('nav.banks'),
    node: h('div', {},
      head(t('nav.banks'), { lead: t('banks.lead'), actions: [
        h('a', { class: 'button', href: '/api/v1/templates/items.xlsx', download: '' }, t('banks.template')),
        button(t('banks.create'), create, 'primary'),
      ] }),
      banks.length ? h('ul', { class: 'grid' }, banks.map((bank) => h('li', {}, h('article', { class: 'card tile' },
        h('h2', {}, bank.title), h('p', { class: 'tile-meta' }, h('code', {}, bank.code), h('span', {}, t('banks.revision', { n: number(bank.revision) }))),
        h('div', { class: 'actions' }, link(`/author/banks/${bank.id}`, t('banks.open'), 'button'))))))
        : empty(t('banks.none'), t('banks.none_text'), button(t('banks.create'), create, 'primary'))),
  };
}

function ask() {
  return dialog({ title: t('banks.create'), build: (close) => {
    const code = h('input', { autocapitalize: 'none', spellcheck: 'false', autofocus: true });
    const title = h('input', {});
    const lines = { '/code': field(t('code'), code, { hint: t('code.hint') }), '/title': field(t('banks.title'), title) };
    const told = h('div', {});
    const send = working(t('create'), async () => {
      put(told);
      Object.values(lines).forEach((line) => line.fault(''));
      try {
        close(await post('banks', { code: code.value.trim(), title: title.value.trim() }));
      } catch (problem) {
        const left = (problem.errors || []).filter((error) => !lines[error.pointer]);
        (problem.errors || []).forEach((error) => lines[error.pointer] && lines[error.pointer].fault(error.detail));
        if (left.length || !(problem.errors || []).length) put(told, trouble(problem));
      }
    });
    return h('form', { class: 'form', onsubmit: (event) => { event.preventDefault(); send.click(); } }, told, Object.values(lines), h('div', { class: 'actions' }, send, button(t('cancel'), () => close())));
  } });
}
