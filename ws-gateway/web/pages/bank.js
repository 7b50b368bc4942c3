// One bank: its items, an item as the learner sees it, import with a preview of every row, export.
import { all, call, putTo } from '../core/api.js';
import { dialog, toast } from '../core/dialog.js';
import { h, plain, put } from '../core/dom.js';
import { number, t } from '../core/i18n.js';
import { badge, button, empty, field, fileButton, head, kindName, notice, section, select, table, trouble, working } from '../core/parts.js';
import { STATES, itemView } from '../staff/item.js';
import { editItem } from '../staff/item-editor.js';
import { virtualList } from '../staff/virtual.js';

const MOST = 20000;
const UPLOAD_MS = 130000;
const FORMATS = ['auto', 'json', 'xlsx', 'csv', 'gift', 'moodle_xml', 'aiken'];
const EXPORTS = ['xlsx', 'json', 'csv', 'gift', 'moodle_xml', 'aiken'];

export default async function page(context) {
  const id = context.params.bank;
  const [banks, first] = await Promise.all([all('banks'), all(`banks/${id}/items`, {}, MOST)]);
  const bank = banks.items.find((one) => one.id === id);
  let { items, more } = first;
  const wanted = { kind: '', topic: '', state: '', text: '' };
  const told = h('p', { class: 'small quiet', role: 'status' });
  const body = h('div', {});
  const list = virtualList(t('bank.items'), (item) => h('a', { href: '#', class: 'item', onclick: (event) => { event.preventDefault(); open(item); } },
    h('div', {}, h('span', { class: 'name' }, plain(item.prompt.stem).slice(0, 80)), h('small', {}, `${item.code} · ${item.topic}`)),
    h('div', { class: 'wide-only' }, kindName(item.kind)),
    h('div', { class: 'wide-only' }, t('item.difficulty_n', { n: item.difficulty })),
    h('div', { class: 'wide-only' }, badge(t(`item.${item.state}`), STATES[item.state])),
    h('span', { 'aria-hidden': 'true' }, '›')));

  const reload = async () => {
    ({ items, more } = await all(`banks/${id}/items`, {}, MOST));
    draw();
  };
  const draw = () => {
    const shown = items.filter((item) => (!wanted.kind || item.kind === wanted.kind) && (!wanted.state || item.state === wanted.state)
      && (!wanted.topic || item.topic === wanted.topic || item.topic.startsWith(`${wanted.topic}/`))
      && (!wanted.text || item.code.includes(wanted.text) || item.prompt.stem.includes(wanted.text)));
    put(told, t('bank.shown', { n: number(shown.length), all: number(items.length) }), more ? ` ${t('bank.more')}` : '');
    if (!items.length) put(body, empty(t('bank.none'), t('bank.none_text')));
    else if (!shown.length) put(body, empty(t('console.none_fit'), t('console.none_fit_text')));
    else {
      if (!body.contains(list.element)) put(body, list.element);
      list.show(shown);
    }
  };
  const open = async (item) => {
    const state = select(['draft', 'ready', 'retired'].map((one) => [one, t(`item.${one}`)]), item.state);
    const problem = h('div', {});
    const changed = await dialog({ title: t('item.title'), wide: true, build: (close) => h('div', { class: 'stack' }, itemView(item),
      h('div', { class: 'form-grid' }, h('div', {}, button(t('editor.change'), () => close('edit'))), field(t('item.state'), state, { hint: t('item.state_hint') }),
        h('div', {}, working(t('item.set_state'), async () => {
          try {
            await putTo(`banks/${id}/items/state`, { codes: [item.code], state: state.value });
            close(true);
          } catch (error) {
            put(problem, trouble(error));
          }
        }, ''))), problem) });
    if (changed === 'edit') await edit(item);
    else if (changed) {
      toast(t('item.changed'));
      await reload();
    }
  };
  const edit = async (item) => {
    if (!(await editItem(id, item, topics))) return;
    toast(t('editor.kept'));
    await reload();
  };
  const topics = [...new Set(items.flatMap((item) => item.topic.split('/').map((_, index, names) => names.slice(0, index + 1).join('/'))))].filter(Boolean).sort();
  const filters = h('div', { class: 'filters' },
    field(t('item.topic'), select([['', t('all')], ...topics.map((topic) => [topic, topic])], '', { onchange: (event) => { wanted.topic = event.target.value; draw(); } })),
    field(t('exam.kind'), select([['', t('all')], ...['single_choice', 'multiple_choice', 'true_false', 'numeric', 'short_text', 'ordering', 'matching'].map((kind) => [kind, kindName(kind)])], '', { onchange: (event) => { wanted.kind = event.target.value; draw(); } })),
    field(t('item.state'), select([['', t('all')], ...Object.keys(STATES).map((state) => [state, t(`item.${state}`)])], '', { onchange: (event) => { wanted.state = event.target.value; draw(); } })),
    field(t('bank.search'), h('input', { type: 'search', oninput: (event) => { wanted.text = event.target.value.trim(); draw(); } })));
  draw();
  return {
    title: bank ? bank.title : t('nav.banks'),
    node: h('div', {},
      head(bank ? bank.title : id, { back: ['/author/banks', t('nav.banks')], lead: bank && `${bank.code} · ${t('banks.revision', { n: bank.revision })}`, actions: button(t('editor.add'), () => edit(null), 'primary') }),
      section(t('bank.import'), importPanel(id, reload)),
      section(t('bank.items'), filters, told, body),
      section(t('bank.export'), h('p', { class: 'hint' }, t('bank.export_hint')),
        h('div', { class: 'actions' }, EXPORTS.map((format) => h('a', { class: 'button', href: `/api/v1/banks/${id}/export?format=${format}`, download: '' }, t(`format.${format}`)))))),
  };
}

/** First what would happen, row by row; then, if the person wants it, it happens. */
function importPanel(bank, done) {
  const { input: file, element: chooser } = fileButton(t('import.file'), { accept: '.xlsx,.csv,.json,.xml,.gift,.txt' });
  const format = select(FORMATS.map((one) => [one, t(`format.${one}`)]), 'auto');
  const out = h('div', { class: 'stack', 'aria-live': 'polite' });
  const send = async (dry) => {
    put(out);
    if (!file.files.length) {
      put(out, notice('warn', t('import.choose')));
      return;
    }
    const form = new FormData();
    form.append('file', file.files[0]);
    form.append('format', format.value);
    form.append('dry_run', String(dry));
    try {
      const report = await call('POST', `banks/${bank}/imports`, form, { timeoutMs: UPLOAD_MS });
      put(out, reportView(report, dry, () => send(false)));
      if (!dry) {
        toast(t('import.done', { n: report.accepted + report.warned }));
        await done();
      }
    } catch (problem) {
      put(out, trouble(problem));
    }
  };
  file.addEventListener('change', () => { if (file.files.length) send(true); });
  const drop = h('div', { class: 'drop stack' }, h('p', {}, t('import.text')),
    h('div', { class: 'row row-start' }, chooser, field(t('import.format'), format), working(t('import.check'), () => send(true), '')));
  drop.addEventListener('dragover', (event) => { event.preventDefault(); drop.classList.add('over'); });
  drop.addEventListener('dragleave', () => drop.classList.remove('over'));
  drop.addEventListener('drop', (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    if (event.dataTransfer.files.length) {
      file.files = event.dataTransfer.files;
      send(true);
    }
  });
  return h('div', { class: 'card stack' }, drop, out);
}

/** Where in the file, in words: the server names rows, lines, `sheet!row`, the file, or an entry by its pointer. */
function place(told) {
  const [, kind, n] = /^(row|line) (\d+)$/.exec(told) || [];
  if (kind) return t(`import.at_${kind}`, { n });
  const [, sheet, row] = /^(.+)!(\d+)$/.exec(told) || [];
  if (sheet) return t('import.at_sheet', { sheet, n: row });
  return told === 'file' ? t('import.at_file') : told;
}

function reportView(report, dry, go) {
  const bad = report.items.filter((item) => item.status !== 'accepted');
  const good = report.accepted + report.warned;
  return h('div', { class: 'stack' },
    notice(report.refused ? 'warn' : 'good', h('p', { class: 'notice-title' }, t(dry ? 'import.would' : 'import.did', { n: number(good) })),
      h('p', {}, t('import.counts', { format: t(`format.${report.format}`), accepted: number(report.accepted), warned: number(report.warned), refused: number(report.refused), duplicates: number(report.duplicates) }))),
    bad.length > 0 && table(t('import.rows'), [t('import.place'), t('import.status'), t('import.message')], bad.slice(0, 500).map((item) => [
      place(item.place), badge(t(`import.${item.status}`), { refused: 'bad', warned: 'warn', duplicate: 'plain' }[item.status] || 'plain'), item.message])),
    bad.length > 500 && h('p', { class: 'quiet' }, t('import.first', { n: 500, all: number(bad.length) })),
    dry && good > 0 && h('p', {}, working(t('import.go', { n: number(good) }), go)));
}
